// What is wrong, on top of everything: the words of `async why`.

import { button, el } from './dom.js';
import { placeElement } from './host.js';
import { counted } from './report.js';

/** @import { Finding, Model } from './report.js' */

/**
 * @typedef {object} Actions what the rest of the page does when the user asks for it here
 * @property {(id: string) => void} showTask
 * @property {(ids: string[]) => void} showGraph
 */

/** So many are shown at first. */
const FIRST = 6;

/** So many are open at first. */
const OPEN = 2;

/** So many tasks have a button each. */
const MOST_TASKS = 12;

/**
 * @param {Model} model
 * @param {Actions} actions
 * @returns {HTMLElement}
 */
export function findingsElement(model, actions) {
  const { report } = model;
  const section = el('section', { class: 'findings', 'aria-label': 'Findings' });
  const faults = report.findings.filter((finding) => finding.fault);
  const others = report.findings.filter((finding) => !finding.fault);
  const cards = [...faults, ...others].map((finding, at) => {
    const card = findingElement(finding, faults.indexOf(finding) + 1, actions);
    card.open = at < OPEN;
    return card;
  });
  section.append(...cards.slice(0, FIRST));
  const rest = cards.slice(FIRST);
  if (rest.length > 0) {
    const more = button(`Show ${counted(rest.length, 'more finding')}`, () => {
      more.replaceWith(...rest);
      rest[0].querySelector('summary')?.focus();
    }, { class: 'more' });
    section.append(more);
  }
  addLeads(section, model, actions);
  const warnings = [...report.unknown_holders, ...report.missing, ...report.problems.map((problem) => problem.text)];
  for (const text of new Set(warnings)) section.append(el('p', { class: 'warning' }, text));
  return section;
}

/**
 * @param {HTMLElement} section
 * @param {Model} model
 * @param {Actions} actions
 */
function addLeads(section, model, actions) {
  const { verdict, leads, findings } = model.report;
  if (verdict === null && leads.length === 0) return;
  const isCalm = findings.length === 0 && leads.length === 0;
  // What is not seen may be at fault.
  const isSeen = model.report.complete && model.report.tasks.length > 0;
  const card = el('div', { class: isCalm ? (isSeen ? 'card calm' : 'card') : 'card leads' });
  if (verdict !== null) card.append(el('h2', {}, verdict));
  const list = el('ul', {});
  for (const lead of leads) {
    list.append(el('li', {}, lead.text, ' ', taskButtons(lead.tasks, actions)));
  }
  if (leads.length > 0) card.append(list);
  section.append(card);
}

/**
 * @param {Finding} finding
 * @param {number} number 0 of what is no fault
 * @param {Actions} actions
 */
function findingElement(finding, number, actions) {
  const kind = finding.fault ? (finding.certain ? 'certain' : 'probable') : 'worth';
  const words = { certain: 'Certain', probable: 'Probable', worth: 'Worth a look' };
  const card = el('details', { class: `card finding ${kind}` });
  const title = el('h2', {}, el('span', { class: 'chip' }, words[kind]), number > 0 ? `${number}. ` : '', finding.text);
  card.append(el('summary', {}, title));
  if (finding.evidence_text.length > 0) {
    card.append(el('pre', { class: 'evidence', tabindex: 0, 'aria-label': 'Evidence' }, finding.evidence_text.join('\n')));
  }
  if (finding.behind_text !== null) card.append(el('p', {}, finding.behind_text));
  if (finding.help !== null) card.append(el('p', { class: 'help' }, el('b', {}, 'help: '), finding.help));
  const foot = el('div', { class: 'foot' }, taskButtons(finding.tasks, actions));
  for (const link of finding.evidence) {
    const place = link.wanted_at;
    if (place !== null) foot.append(placeElement(shortFile(place), place));
  }
  if (finding.tasks.length > 0) foot.append(button('Show in the graph', () => actions.showGraph(finding.tasks), { class: 'link' }));
  card.append(foot);
  return card;
}

/** @param {{ file: string, line: number }} place */
function shortFile(place) {
  return `${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line}`;
}

/**
 * @param {string[]} ids
 * @param {Actions} actions
 */
function taskButtons(ids, actions) {
  const all = el('span', { class: 'tasks' });
  for (const id of ids.slice(0, MOST_TASKS)) {
    all.append(button(`task ${id}`, () => actions.showTask(id), { class: 'link task' }), ' ');
  }
  if (ids.length > MOST_TASKS) all.append(`and ${ids.length - MOST_TASKS} more`);
  return all;
}
