// Which tasks are shown: the words of `info async-tasks`.

import { eachFrame } from './report.js';

/** @import { Task } from './report.js' */

/** Words for several kinds of what is waited for. */
const KINDS_OF_WORD = new Map([
  ['channel', ['mpsc', 'oneshot', 'watch', 'broadcast', 'pipe']],
  ['lock', ['mutex', 'rwlock', 'thread_lock']],
  ['timer', ['sleep']],
]);

/** Words for kinds of what is waited for, as the report has them; a pool is a semaphore, too. */
const KINDS = (
  'mutex rwlock semaphore pool once_cell notify barrier mpsc oneshot watch broadcast pipe join join_set sleep ' +
  'io signal child cancellation shared yield never thread_lock blocking other'
).split(' ');

const STATES = ['idle', 'scheduled', 'running', 'complete', 'cancelled', 'unknown'];

/**
 * @typedef {object} Filter
 * @property {string[]} states only tasks in one of these; empty for all
 * @property {string[]} having only tasks with each of these texts in a frame or in what they wait for
 * @property {string[]} without only tasks with none of these
 * @property {string[]} waitingOn only tasks that wait for something of one of these kinds
 * @property {string[]} ids only these tasks; empty for all
 * @property {string | null} problem what is wrong with the words, if anything is
 */

/**
 * Reads a line such as `--state idle --waiting-on lock reserve`. What has no option before it is what
 * `--with` takes.
 *
 * @param {string} line
 * @returns {Filter}
 */
export function readFilter(line) {
  /** @type {Filter} */
  const filter = { states: [], having: [], without: [], waitingOn: [], ids: [], problem: null };
  const words = wordsOfLine(line);
  for (let at = 0; at < words.length; at += 1) {
    let word = words[at];
    /** @type {string | undefined} */
    let value;
    if (!word.startsWith('--')) {
      filter.having.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    if (equals > 0) {
      value = word.slice(equals + 1);
      word = word.slice(0, equals);
    } else {
      at += 1;
      value = words[at];
    }
    const problem = takeOption(filter, word, value);
    filter.problem = filter.problem ?? problem;
  }
  return filter;
}

/**
 * @param {Filter} filter
 * @param {string} option
 * @param {string | undefined} value
 * @returns {string | null} what is wrong with it
 */
function takeOption(filter, option, value) {
  if (!['--state', '--with', '--without', '--waiting-on', '--id'].includes(option)) {
    return `There is no option ${option}: --state, --with, --without, --waiting-on and --id are known.`;
  }
  if (value === undefined || value === '') return `${option} needs a word behind it.`;
  const values = value.split(',').filter((part) => part !== '');
  if (option === '--with') filter.having.push(value);
  if (option === '--without') filter.without.push(value);
  if (option === '--id') filter.ids.push(...values);
  if (option === '--state') {
    const wrong = values.find((state) => !STATES.includes(state));
    if (wrong !== undefined) return `There is no state ${wrong}: ${STATES.join(', ')} are known.`;
    filter.states.push(...values);
  }
  if (option === '--waiting-on') {
    const kinds = values.flatMap((kind) => KINDS_OF_WORD.get(kind) ?? [kind]);
    const wrong = kinds.find((kind) => !KINDS.includes(kind));
    if (wrong !== undefined) return `There is no kind ${wrong}: ${[...KINDS_OF_WORD.keys(), ...KINDS].join(', ')} are known.`;
    filter.waitingOn.push(...kinds);
  }
  return null;
}

/**
 * The words of a line; what stands in quotes is one.
 *
 * @param {string} line
 */
function wordsOfLine(line) {
  const words = [];
  for (const [, quoted, single, plain] of line.matchAll(/"([^"]*)"?|'([^']*)'?|(\S+)/g)) {
    words.push(quoted ?? single ?? plain);
  }
  return words;
}

/**
 * All that a task can be found by.
 *
 * @param {Task} task
 */
function textsOf(task) {
  const texts = task.waiting_on.filter((wait) => wait.polled).map((wait) => wait.name);
  eachFrame(task.frames, (frame) => texts.push(frame.function, frame.name, frame.file ?? '', frame.at));
  return texts;
}

/**
 * Whether a task passes.
 *
 * @param {Task} task
 * @param {Filter} filter
 */
export function passes(task, filter) {
  if (filter.states.length > 0 && !filter.states.includes(task.state)) return false;
  if (filter.ids.length > 0 && !filter.ids.includes(task.id)) return false;
  const waits = task.waiting_on.filter((wait) => wait.polled);
  const isOf = (/** @type {string} */ kind) => waits.some((wait) => wait.resource === kind || (wait.pool && kind === 'pool'));
  if (filter.waitingOn.length > 0 && !filter.waitingOn.some(isOf)) return false;
  if (filter.having.length === 0 && filter.without.length === 0) return true;
  const texts = textsOf(task);
  const has = (/** @type {string} */ text) => texts.some((other) => other.includes(text));
  return filter.having.every(has) && !filter.without.some(has);
}
