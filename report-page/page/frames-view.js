// The await frames of a task, as `async bt` shows them: innermost first, branches above who awaits them.

import { button, el } from './dom.js';
import { placeElement } from './host.js';
import { counted, heldHeading } from './report.js';

/** @import { Frame } from './report.js' */

/** So many frames of libraries in a row are folded, if they have nothing to tell. */
const FOLD_FROM = 3;

/** What is said of a future that is not suspended. */
const FUTURE_STATES = new Map([
  ['unresumed', 'not polled yet'],
  ['returned', 'has returned'],
  ['panicked', 'has panicked'],
]);

/**
 * @param {Frame[]} frames of a chain, innermost first
 * @returns {HTMLElement}
 */
export function framesElement(frames) {
  const list = el('div', { class: 'frames' });
  if (frames.length === 0) return list;
  addBranches(list, frames[0]);
  /** @type {Frame[]} */
  let quiet = [];
  const flush = () => {
    if (quiet.length >= FOLD_FROM) list.append(foldedElement(quiet));
    else list.append(...quiet.map(frameElement));
    quiet = [];
  };
  frames.forEach((frame, at) => {
    const isQuiet = !frame.user && frame.notes.length === 0 && frame.problem === null && frame.locals.length === 0;
    if (isQuiet && at > 0) {
      quiet.push(frame);
      return;
    }
    flush();
    list.append(frameElement(frame));
  });
  flush();
  return list;
}

/**
 * @param {HTMLElement} list
 * @param {Frame} holder
 */
function addBranches(list, holder) {
  const awaited = holder.children.filter((branch) => heldHeading(branch[0]?.polled) === undefined);
  holder.children.forEach((branch, at) => {
    if (branch.length === 0) return;
    const { polled } = branch[0];
    if (polled === 'yes' && awaited.length === 1) {
      list.append(...framesElement(branch).childNodes);
      return;
    }
    const heading = heldHeading(polled) ?? branchHeading(at, awaited.length, polled);
    const title = el('div', { class: 'branch-title' }, heading);
    list.append(el('div', { class: `branch ${polled}`, role: 'group', 'aria-label': heading }, title, framesElement(branch)));
  });
}

/**
 * @param {number} at
 * @param {number} count
 * @param {string} polled
 */
function branchHeading(at, count, polled) {
  const notes = new Map([
    ['disabled', ', disabled'],
    ['ended', ', done'],
  ]);
  return `branch ${at + 1} of ${count}${notes.get(polled) ?? ''}`;
}

/** @param {Frame[]} frames */
function foldedElement(frames) {
  const fold = button(`${counted(frames.length, 'library frame')}: #${frames[0].index} to #${frames[frames.length - 1].index}`, () => {
    fold.replaceWith(...frames.map(frameElement));
  }, { class: 'link fold' });
  return fold;
}

/** @param {Frame} frame */
function frameElement(frame) {
  const head = el(
    'div',
    { class: 'frame-head' },
    el('span', { class: 'number' }, `#${frame.index}`),
    el('span', { class: 'function', title: frame.function }, frame.name),
    placeElement(frame.at, frame),
  );
  const element = el('div', { class: frame.user ? 'frame user' : 'frame' }, head);
  if (frame.source !== null) {
    element.append(el('pre', { class: 'source' }, el('span', {}, `${frame.line}`), frame.source.trim()));
  }
  const state = FUTURE_STATES.get(frame.state);
  if (state !== undefined) element.append(el('div', { class: 'note' }, state));
  for (const note of frame.notes) element.append(el('div', { class: 'note telling' }, note));
  for (const local of frame.locals) {
    const doubt = local.certain ? '' : ' (may have been moved)';
    element.append(el('div', { class: 'local', title: local.type }, `${local.name} = ${local.value}${doubt}`));
  }
  if (frame.problem !== null) element.append(el('div', { class: 'note problem' }, frame.problem));
  return element;
}
