// Runtimes with their workers, the threads of the process, and connections.

import { button, el } from './dom.js';
import { placeElement } from './host.js';
import { counted } from './report.js';

/** @import { Child } from './dom.js' */
/** @import { Connection, Model, Pool, ProcessThread, Runtime } from './report.js' */
/** @import { Actions } from './findings-view.js' */

/** Rows of a table that are shown at once. */
const MOST_ROWS = 200;

/**
 * @param {Model} model
 * @param {Actions} actions
 */
export function runtimesElement(model, actions) {
  const { report } = model;
  const view = el('div', { class: 'view plain-view' });
  for (const runtime of report.runtimes) view.append(...runtimeElements(runtime, actions));
  if (report.runtimes.length === 0) view.append(el('p', {}, 'No async runtime was found.'));
  const threads = report.threads.map((thread) => threadRow(thread, actions));
  view.append(el('h2', {}, 'Threads'), table('Threads', ['Thread', 'Role', 'Does', 'Runs', 'Blocked by'], threads));
  return view;
}

/**
 * @param {Model} model
 * @param {Actions} actions
 */
export function connectionsElement(model, actions) {
  const view = el('div', { class: 'view plain-view' });
  const rows = model.report.connections.map((connection) => connectionRow(connection, actions));
  const heads = ['Protocol', 'Role', 'State', 'Request', 'Peer', 'Task', 'Waited for by'];
  view.append(el('h2', {}, counted(rows.length, 'connection')), table('Connections', heads, rows));
  return view;
}

/**
 * @param {Runtime} runtime
 * @param {Actions} actions
 */
function runtimeElements(runtime, actions) {
  const rows = runtime.workers.map((worker) => [
    String(worker.index),
    worker.thread === null ? '(none found)' : `${worker.thread} (tid ${worker.tid})`,
    worker.state,
    taskLink(worker.task, actions),
    worker.queued === null ? '' : String(worker.queued),
  ]);
  const title = `Workers of runtime ${runtime.id}`;
  const elements = [
    el('h2', {}, `Runtime ${runtime.id}: ${runtime.text}`),
    rows.length > 0 ? table(title, ['Worker', 'Thread', 'State', 'Runs', 'Queued'], rows) : el('p', {}, 'No thread runs it now.'),
  ];
  for (const queue of runtime.queues) {
    const places = { lifo: `In the LIFO slot of worker ${queue.worker}`, worker: `In the queue of worker ${queue.worker}` };
    const place = queue.place in places ? places[/** @type {'lifo' | 'worker'} */ (queue.place)] : 'Queued for any worker';
    const tasks = queue.tasks.slice(0, 12).flatMap((id) => [taskLink(id, actions), ' ']);
    elements.push(el('p', {}, `${place}: ${counted(queue.tasks_count, 'task')}: `, ...tasks));
  }
  if (runtime.blocking !== null) elements.push(el('p', {}, poolText(runtime.blocking)));
  for (const text of runtime.incomplete) elements.push(el('p', { class: 'warning' }, text));
  return elements;
}

/** @param {Pool} pool */
function poolText(pool) {
  const limit = pool.limit === null ? '' : ` of at most ${pool.limit}`;
  const full = pool.full ? ': it is full' : '';
  return `Blocking pool: ${counted(pool.threads, 'thread')}${limit}, ${pool.idle} idle; ${counted(pool.queued, 'closure')} queued${full}.`;
}

/**
 * @param {ProcessThread} thread
 * @param {Actions} actions
 * @returns {Child[]}
 */
function threadRow(thread, actions) {
  const roles = new Map([
    ['worker', `worker ${thread.worker} of runtime ${thread.runtime}`],
    ['blocking_pool', 'blocking pool'],
  ]);
  const call = thread.blocked_by;
  const blocked = el('span', {});
  if (call !== null) {
    blocked.append(call.name === '' ? call.function : call.name);
    if (call.at !== null) {
      const file = call.at.file.slice(call.at.file.lastIndexOf('/') + 1);
      blocked.append(', ', placeElement(`${file}:${call.at.line}`, call.at));
    }
  }
  return [
    `${thread.id} (tid ${thread.tid})${thread.main ? ' main' : ''}`,
    roles.get(thread.role) ?? thread.role,
    thread.activity,
    taskLink(thread.task, actions),
    blocked,
  ];
}

/**
 * @param {Connection} connection
 * @param {Actions} actions
 * @returns {Child[]}
 */
function connectionRow(connection, actions) {
  const requests = connection.requests.map((it) => `${it.method ?? '?'} ${it.path ?? ''}`.trim());
  const waiting = connection.waited_for_by.slice(0, 8).flatMap((id) => [taskLink(id, actions), ' ']);
  return [
    connection.protocol,
    connection.role ?? '',
    connection.phase.replace('_', ' ') + (connection.driven === 'no' ? ' (nothing polls it)' : ''),
    requests.join(', '),
    connection.peer ?? '',
    taskLink(connection.task, actions),
    el('span', {}, ...waiting),
  ];
}

/**
 * @param {string | null} id
 * @param {Actions} actions
 */
function taskLink(id, actions) {
  return id === null ? '' : button(`task ${id}`, () => actions.showTask(id), { class: 'link task' });
}

/**
 * @param {string} label
 * @param {string[]} heads
 * @param {Child[][]} rows
 */
function table(label, heads, rows) {
  const row = (/** @type {Child[]} */ cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell)));
  const body = el('tbody', {}, ...rows.slice(0, MOST_ROWS).map(row));
  const head = el('thead', {}, el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text))));
  const element = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, el('table', {}, head, body));
  if (rows.length > MOST_ROWS) {
    const more = button(`Show ${rows.length - MOST_ROWS} more`, () => {
      body.append(...rows.slice(MOST_ROWS).map(row));
      more.remove();
    });
    element.append(more);
  }
  return element;
}
