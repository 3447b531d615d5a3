// All await stacks as one tree: what they have in common from the outermost future on is one.

/** @import { Frame, Task } from './report.js' */

/**
 * A piece of the tree: frames that the same tasks have, outermost first.
 *
 * @typedef {object} Segment
 * @property {Frame[]} frames of the first of its tasks
 * @property {Set<string>} tasks
 * @property {string[]} ending the tasks that have nothing below it
 * @property {Segment[]} children
 * @property {boolean} polled whether anything polls what is in it
 */

/**
 * @typedef {object} Node
 * @property {Frame | null} frame
 * @property {Set<string>} tasks
 * @property {Set<string>} ending
 * @property {Map<string, Node>} children
 * @property {boolean} polled
 */

/**
 * The tree of the stacks of these tasks, roots with the most tasks first.
 *
 * @param {Task[]} tasks
 * @param {boolean} usersOnly whether to leave out the frames of libraries
 * @returns {Segment[]}
 */
export function mergedStacks(tasks, usersOnly) {
  const root = newNode(null, true);
  for (const task of tasks) addChain(root, task, task.frames, usersOnly);
  return segmentsOf(root);
}

/**
 * @param {Frame | null} frame
 * @param {boolean} polled
 * @returns {Node}
 */
function newNode(frame, polled) {
  return { frame, tasks: new Set(), ending: new Set(), children: new Map(), polled };
}

/**
 * Adds frames, which are innermost first, below a node.
 *
 * @param {Node} parent
 * @param {Task} task
 * @param {Frame[]} frames
 * @param {boolean} usersOnly
 */
function addChain(parent, task, frames, usersOnly) {
  let node = parent;
  for (let at = frames.length - 1; at >= 0; at -= 1) {
    const frame = frames[at];
    if (usersOnly && !frame.user) continue;
    node = childOf(node, frame);
    node.tasks.add(task.id);
  }
  const branches = frames.length > 0 ? frames[0].children : [];
  const seen = branches.filter((branch) => !usersOnly || hasUsers(branch));
  if (seen.length === 0 && node !== parent) node.ending.add(task.id);
  for (const branch of seen) addChain(node, task, branch, usersOnly);
}

/**
 * @param {Frame[]} frames
 * @returns {boolean}
 */
function hasUsers(frames) {
  return frames.some((frame) => frame.user || frame.children.some(hasUsers));
}

/**
 * @param {Node} parent
 * @param {Frame} frame
 */
function childOf(parent, frame) {
  const polled = frame.polled === 'yes';
  const key = `${frame.function}\n${frame.at}\n${polled}`;
  let child = parent.children.get(key);
  if (child === undefined) {
    child = newNode(frame, polled);
    parent.children.set(key, child);
  }
  return child;
}

/**
 * @param {Node} node
 * @returns {Segment[]}
 */
function segmentsOf(node) {
  const children = [...node.children.values()];
  children.sort((one, other) => other.tasks.size - one.tasks.size);
  return children.map(segmentOf);
}

/**
 * The frames from a node on for as long as all of its tasks go on to one and the same.
 *
 * @param {Node} from
 * @returns {Segment}
 */
function segmentOf(from) {
  let node = from;
  const frames = [];
  for (;;) {
    if (node.frame !== null) frames.push(node.frame);
    const [only, ...others] = node.children.values();
    const goesOn = only !== undefined && others.length === 0 && only.polled === node.polled;
    if (!goesOn || node.ending.size > 0) break;
    node = only;
  }
  return {
    frames,
    tasks: from.tasks,
    ending: [...node.ending],
    children: segmentsOf(node),
    polled: from.polled,
  };
}
