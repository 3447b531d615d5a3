// The page: findings on top, below them the graph, the stacks, the list and the rest, one at a time.

import { choices } from './choices.js';
import { button, el } from './dom.js';
import { findingsElement } from './findings-view.js';
import { GraphView } from './graph-view.js';
import { onReport, opensFiles, save, tellTask } from './host.js';
import { ListView } from './list-view.js';
import { counted, modelOf } from './report.js';
import { connectionsElement, runtimesElement } from './runtimes-view.js';
import { StacksView } from './stacks-view.js';
import { unpacked } from './unpack.js';

/** @import { Actions } from './findings-view.js' */
/** @import { Report } from './report.js' */

/** @typedef {{ element: HTMLElement, show?: () => void }} View */

/** The view that is shown first may be asked for. */
const wanted = new URLSearchParams(location.search).get('view') ?? document.documentElement.dataset.view;

choices.view = wanted ?? choices.view;

/** @param {Report} report */
function show(report) {
  const model = modelOf(report);
  /** @type {Actions} */
  const actions = {
    showTask(id) {
      select('list');
      list.select(id);
      bring('list');
      tellTask(id);
    },
    showGraph(ids) {
      select('graph');
      graph.reveal(ids);
      bring('graph');
    },
  };
  const graph = new GraphView(model, actions);
  const list = new ListView(model, actions);
  const stacks = new StacksView(model, (ids) => {
    select('list');
    list.setFilter(`--id ${ids.join(',')}`);
  });
  /** @type {[string, string, View][]} */
  const views = [
    ['graph', 'Graph', graph],
    ['stacks', 'Stacks', stacks],
    ['list', `Tasks (${report.tasks.length})`, list],
    ['runtimes', 'Runtimes', { element: runtimesElement(model, actions) }],
  ];
  if (report.connections.length > 0) {
    views.push(['connections', `Connections (${report.connections.length})`, { element: connectionsElement(model, actions) }]);
  }
  const { bar, select } = tabs(views);
  const panels = views.map(([name, , view]) => {
    const attributes = { id: `panel-${name}`, role: 'tabpanel', class: 'panel', 'aria-labelledby': `tab-${name}`, hidden: true };
    return el('div', attributes, view.element);
  });
  const main = el('main', {}, findingsElement(model, actions), bar, ...panels);
  for (const text of report.caveats) main.append(el('p', { class: 'caveat' }, text));
  document.title = `${nameOf(report)} · unhang`;
  document.body.replaceChildren(headElement(report), main);
  document.documentElement.toggleAttribute('data-shown', true);
  select(views.some(([name]) => name === choices.view) ? choices.view : 'graph');
  performance.mark('shown');
}

/**
 * Scrolls no further than needed to show a view.
 *
 * @param {string} name
 */
function bring(name) {
  document.getElementById(`panel-${name}`)?.scrollIntoView({ block: 'nearest' });
}

/**
 * @param {[string, string, View][]} views
 */
function tabs(views) {
  const select = (/** @type {string} */ name) => {
    choices.view = name;
    for (const [other, , view] of views) {
      const isIt = other === name;
      const tab = document.getElementById(`tab-${other}`) ?? buttons.get(other);
      tab?.setAttribute('aria-selected', String(isIt));
      tab?.setAttribute('tabindex', isIt ? '0' : '-1');
      const panel = document.getElementById(`panel-${other}`);
      if (panel !== null) panel.hidden = !isIt;
      if (isIt) view.show?.();
    }
  };
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  for (const [name, words] of views) {
    buttons.set(name, button(words, () => select(name), { id: `tab-${name}`, role: 'tab', 'aria-controls': `panel-${name}` }));
  }
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const names = [...buttons.keys()];
    const name = names[(names.indexOf(choices.view) + step + names.length) % names.length];
    select(name);
    buttons.get(name)?.focus();
    event.preventDefault();
  };
  const bar = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views', keydown: onKey }, ...buttons.values());
  return { bar, select };
}

/** @param {Report} report */
function nameOf(report) {
  const { executable } = report.target;
  return executable.slice(executable.lastIndexOf('/') + 1) || 'report';
}

/** @param {Report} report */
function headElement(report) {
  const { target } = report;
  const from = target.kind === 'core' ? 'core file' : 'process';
  const facts = [
    target.pid === null ? from : `${from} ${target.pid}`,
    ...report.runtimes.map((runtime) => runtime.text),
    ...(report.runtimes.length === 0 ? [counted(report.tasks.length, 'task')] : []),
    report.complete ? 'complete' : 'incomplete',
  ];
  // VS Code has its own.
  const theme = opensFiles ? null : button('Light / dark', switchTheme, { title: 'Switch between light and dark' });
  const json = button('Save JSON', () => save(`${nameOf(report)}.json`, 'application/json', JSON.stringify(report)));
  const name = el('h1', { title: target.executable }, nameOf(report));
  return el('header', { class: 'top' }, name, el('p', { class: 'facts' }, facts.join(' · ')), el('span', { class: 'buttons' }, json, theme));
}

function switchTheme() {
  const root = document.documentElement;
  const now = root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  root.dataset.theme = now === 'dark' ? 'light' : 'dark';
}

/** VS Code says by a class which sort of theme it has. */
function followPanelTheme() {
  const root = document.documentElement;
  const follow = () => {
    const { classList } = document.body;
    if (classList.contains('vscode-dark') || classList.contains('vscode-high-contrast')) root.dataset.theme = 'dark';
    if (classList.contains('vscode-light') || classList.contains('vscode-high-contrast-light')) root.dataset.theme = 'light';
  };
  follow();
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ['class'] });
}

/** `/` goes to the box that finds things in the view that is shown. */
function listenForSlash() {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    const isTyping = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
    const input = document.querySelector('.panel:not([hidden]) input[type=search]');
    if (!(input instanceof HTMLInputElement)) return;
    input.focus();
    event.preventDefault();
  });
}

/** @param {string} text */
function say(text) {
  document.body.replaceChildren(el('p', { class: 'loading', role: 'status' }, text));
}

async function start() {
  followPanelTheme();
  listenForSlash();
  onReport(show);
  try {
    const report = await unpacked(document.getElementById('report')?.textContent ?? '');
    if (report === null) say('There is no report yet.');
    else show(report);
  } catch (error) {
    say(`The report cannot be shown: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await start();
