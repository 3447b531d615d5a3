// One task: its await frames, what it waits for and who keeps that, and who waits for what it has.

import { button, el } from './dom.js';
import { framesElement } from './frames-view.js';
import { placeElement, save } from './host.js';
import { backtraceText } from './backtrace.js';
import { titleOf, wordsOf } from './report.js';

/** @import { Holder, Model, Task, Wait } from './report.js' */
/** @import { Actions } from './findings-view.js' */

/** Kinds of what is waited for that those who wait get one after the other. */
const QUEUES = new Set(['mutex', 'rwlock', 'semaphore', 'once_cell', 'thread_lock', 'notify', 'mpsc']);

/** So many tasks are named in a line. */
const MOST_NAMED = 12;

/**
 * @param {Model} model
 * @param {Task} task
 * @param {Actions} actions
 * @returns {HTMLElement}
 */
export function taskElement(model, task, actions) {
  const runtime = model.report.runtimes.find((it) => it.id === task.runtime);
  const facts = [task.state];
  if (runtime !== undefined) facts.push(`${runtime.runtime} runtime ${runtime.id}`);
  if (task.thread !== null) facts.push(`on thread ${task.thread.id} (tid ${task.thread.tid})`);
  if (task.spawned_at !== null) facts.push(`spawned at ${task.spawned_at.file}:${task.spawned_at.line}`);
  const copy = button('Copy backtrace', () => {
    const text = backtraceText(task);
    const copied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
    copied.then(() => (copy.textContent = 'Copied')).catch(() => save(`task-${task.id}.txt`, 'text/plain', text));
  });
  const element = el(
    'div',
    {},
    el('header', { class: 'detail-head' }, el('h2', { tabindex: -1 }, titleOf(task)), button('Show in the graph', () => actions.showGraph([task.id])), copy),
    el('p', { class: 'facts' }, facts.join(' · ')),
    el('p', { class: 'function' }, task.row.future),
  );
  if (task.row.request !== '') element.append(el('p', {}, `Serves ${task.row.request}`));
  for (const problem of task.problems) element.append(el('p', { class: 'warning' }, problem.text));
  const polled = task.waiting_on.filter((wait) => wait.polled);
  if (polled.length > 0) element.append(el('h3', {}, 'Waits for'), waitsElement(polled, model, actions));
  const others = waitersOf(model, task);
  if (others.length > 0) {
    element.append(el('h3', {}, 'Keeps waiting'), el('p', {}, ...links(others.map((it) => it.id), model, actions)));
  }
  element.append(el('h3', {}, 'Await frames'));
  element.append(task.frames.length > 0 ? framesElement(task.frames) : el('p', { class: 'quiet' }, nothing(task)));
  return element;
}

/** @param {Task} task */
function nothing(task) {
  if (task.state === 'complete') return 'It has ended; nobody has taken its output yet.';
  return task.state === 'cancelled' ? 'It was aborted.' : 'Its future is not known.';
}

/**
 * @param {Wait[]} waits
 * @param {Model} model
 * @param {Actions} actions
 */
function waitsElement(waits, model, actions) {
  const list = el('ul', { class: 'waits' });
  for (const wait of waits) {
    const item = el('li', { class: wait.told ? '' : 'quiet' }, el('span', { class: 'thing' }, wait.text));
    if (wait.frame !== null) item.append(el('span', { class: 'quiet' }, ` in #${wait.frame}`));
    for (const holder of wait.held_by.filter((it) => it.access !== 'handle')) item.append(holderElement(holder, model, actions));
    if (wait.held_by_count > wait.held_by.length) {
      item.append(el('div', {}, `and ${wait.held_by_count - wait.held_by.length} more`));
    }
    if (wait.held_by.length === 0 && wait.tasks.length > 0) {
      item.append(el('div', { class: 'holder' }, 'ends with ', ...links(wait.tasks, model, actions)));
    }
    const queue = [...new Set(wait.queue)];
    if (queue.length > 1 && QUEUES.has(wait.resource)) {
      item.append(el('div', { class: 'holder' }, `queue of ${wait.queue_count}: `, ...links(queue, model, actions)));
    }
    list.append(item);
  }
  return list;
}

/**
 * @param {Holder} holder
 * @param {Model} model
 * @param {Actions} actions
 */
function holderElement(holder, model, actions) {
  const words = new Map([
    ['send', 'sender in '],
    ['receive', 'receiver in '],
    ['place', 'a place reserved by '],
    ['end', 'perhaps in '],
    ['peer', 'other end in '],
  ]);
  const element = el('div', { class: 'holder' }, words.get(holder.access) ?? 'held by ');
  if (holder.task !== null) element.append(...links([holder.task], model, actions));
  else if (holder.thread !== null) element.append(`thread ${holder.thread.id} (tid ${holder.thread.tid})`);
  if (holder.variable !== null) element.append(' in ', el('code', {}, holder.variable));
  if (holder.file !== null) {
    element.append(', ', placeElement(`${holder.file.slice(holder.file.lastIndexOf('/') + 1)}:${holder.line}`, holder));
  }
  if (!holder.certain) element.append(' (unless it was moved)');
  return element;
}

/**
 * @param {string[]} ids
 * @param {Model} model
 * @param {Actions} actions
 * @returns {Node[]}
 */
function links(ids, model, actions) {
  /** @type {Node[]} */
  const nodes = ids.slice(0, MOST_NAMED).flatMap((id) => {
    const task = model.tasks.get(id);
    const words = task === undefined ? `task ${id}` : wordsOf(task);
    return [button(words, () => actions.showTask(id), { class: 'link task' }), document.createTextNode(' ')];
  });
  if (ids.length > MOST_NAMED) nodes.push(document.createTextNode(`and ${ids.length - MOST_NAMED} more`));
  return nodes;
}

/**
 * The tasks that wait for what this one holds, or for its end.
 *
 * @param {Model} model
 * @param {Task} task
 */
function waitersOf(model, task) {
  const isForThis = (/** @type {Wait} */ wait) =>
    wait.polled &&
    !wait.limit &&
    (wait.tasks.includes(task.id) || wait.held_by.some((holder) => holder.task === task.id && holder.access !== 'handle'));
  return model.report.tasks.filter((other) => other !== task && other.waiting_on.some(isForThis));
}
