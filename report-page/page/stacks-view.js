// All await stacks as one tree, from left to right: what tasks have in common is there once.

import { choices } from './choices.js';
import { button, el, tick } from './dom.js';
import { placeElement } from './host.js';
import { counted } from './report.js';
import { mergedStacks } from './stacks.js';

/** @import { Frame, Model } from './report.js' */
/** @import { Segment } from './stacks.js' */

/** Frames of a box that are shown at once. */
const MOST_FRAMES = 14;

/** Children of a box that are shown at once. */
const MOST_CHILDREN = 12;

/** Boxes that are made at once: deeper ones when they are asked for. */
const MOST_BOXES = 400;

export class StacksView {
  /**
   * @param {Model} model
   * @param {(ids: string[]) => void} listTasks
   */
  constructor(model, listTasks) {
    this.model = model;
    this.listTasks = listTasks;
    this.boxes = 0;
    this.tree = el('div', { class: 'stacks', role: 'tree', 'aria-label': 'Merged await stacks', tabindex: 0 });
    const users = tick('only your own code', choices.usersOnly, (value) => {
      choices.usersOnly = value;
      this.draw();
    });
    this.note = el('span', { class: 'quiet' });
    this.element = el('div', { class: 'view stacks-view' }, el('div', { class: 'bar' }, users, this.note), this.tree);
  }

  show() {
    if (this.tree.childElementCount === 0) this.draw();
  }

  draw() {
    const { tasks } = this.model.report;
    const roots = mergedStacks(tasks, choices.usersOnly);
    const shown = new Set(roots.flatMap((root) => [...root.tasks]));
    const left = tasks.length - shown.size;
    const have = left === 1 ? 'has' : 'have';
    const what = choices.usersOnly ? 'no frame of your own code' : 'no frames';
    const rest = left > 0 ? ` ${counted(left, 'task')} ${have} ${what}.` : '';
    this.note.textContent = `Outermost future on the left, in a box from top to bottom.${rest}`;
    this.boxes = 0;
    this.tree.replaceChildren(...this.some(roots, 1));
  }

  /**
   * @param {Segment[]} segments
   * @param {number} level
   * @returns {HTMLElement[]}
   */
  some(segments, level) {
    const shown = segments.slice(0, MOST_CHILDREN).map((segment) => this.box(segment, level));
    const rest = segments.slice(MOST_CHILDREN);
    if (rest.length > 0) {
      const tasks = new Set(rest.flatMap((segment) => [...segment.tasks])).size;
      const words = `${counted(rest.length, 'more stack')} of ${counted(tasks, 'task')}`;
      const more = button(words, () => more.replaceWith(...this.some(rest, level)), { class: 'link more' });
      shown.push(more);
    }
    return shown;
  }

  /**
   * @param {Segment} segment
   * @param {number} level
   * @returns {HTMLElement}
   */
  box(segment, level) {
    this.boxes += 1;
    const count = segment.tasks.size;
    const ids = [...segment.tasks];
    const head = button(counted(count, 'task'), () => this.listTasks(ids), {
      class: 'link count',
      title: `Show in the list: ${ids.slice(0, 12).join(', ')}${count > 12 ? ', …' : ''}`,
    });
    const part = count / Math.max(this.model.report.tasks.length, 1);
    const box = el(
      'div',
      { class: segment.polled ? 'stack-box' : 'stack-box unpolled', style: `--part: ${part.toFixed(3)}` },
      el('div', { class: 'stack-head' }, head, segment.polled ? null : el('span', { class: 'quiet' }, 'not polled')),
      ...this.lines(segment.frames),
    );
    const item = el('div', { class: 'stack', role: 'treeitem', 'aria-level': level, 'aria-label': labelOf(segment) }, box);
    if (segment.children.length === 0) return item;
    const children = el('div', { class: 'stack-children', role: 'group' });
    item.append(children);
    if (this.boxes < MOST_BOXES) {
      children.append(...this.some(segment.children, level + 1));
    } else {
      const more = button('go on', () => more.replaceWith(...this.some(segment.children, level + 1)), { class: 'link more' });
      children.append(more);
    }
    return item;
  }

  /** @param {Frame[]} frames */
  lines(frames) {
    if (frames.length <= MOST_FRAMES) return frames.map(lineElement);
    const half = MOST_FRAMES / 2;
    const hidden = frames.slice(half, -half);
    const more = button(`${counted(hidden.length, 'more frame')}`, () => more.replaceWith(...hidden.map(lineElement)), {
      class: 'link fold',
    });
    return [...frames.slice(0, half).map(lineElement), more, ...frames.slice(-half).map(lineElement)];
  }
}

/** @param {Frame} frame */
function lineElement(frame) {
  const place = frame.at.slice(frame.at.lastIndexOf('/') + 1);
  return el(
    'div',
    { class: frame.user ? 'stack-line user' : 'stack-line', title: `${frame.function}\n${frame.at}` },
    el('span', { class: 'function' }, frame.name),
    placeElement(place, frame),
  );
}

/** @param {Segment} segment */
function labelOf(segment) {
  const last = segment.frames[segment.frames.length - 1];
  return `${counted(segment.tasks.size, 'task')} in ${last?.name ?? 'no frame'} ${last?.at ?? ''}`;
}
