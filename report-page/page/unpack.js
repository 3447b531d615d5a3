// The report that is in the page: JSON, either the report itself or a string, in which it is packed.
//
// `unhang` packs it. What is the same of many frames and waits is there once, and all of it is compressed:
// of ten thousand tasks of a web service two hundred megabytes of JSON become one or two, and what the
// browser must read as markup is what takes its time. Base64 has no character that ends a script.

/** @import { Frame, Report, Wait } from './report.js' */

/**
 * @param {string} text
 * @returns {Promise<Report | null>} null where there is none
 */
export async function unpacked(text) {
  const found = text.trim() === '' ? null : JSON.parse(text);
  if (typeof found !== 'string') return found;
  const packed = Uint8Array.from(atob(found), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return whole(JSON.parse(await new Response(stream).text()));
}

/**
 * The report in the form of the schema, of that in which frames have the number of their `site`, waits
 * that of what they wait `of`, and what is empty is left out.
 *
 * @param {any} report
 * @returns {Report}
 */
export function whole(report) {
  const { sites, resources, ...rest } = report;
  if (sites === undefined || resources === undefined) return report;
  const tasks = rest.tasks.map((/** @type {any} */ task) => ({
    ...task,
    frames: wholeFrames(task.frames, sites),
    waiting_on: task.waiting_on.map((/** @type {any} */ wait) => wholeWait(wait, resources)),
  }));
  return { ...rest, tasks };
}

/**
 * @param {any[]} frames
 * @param {any[]} sites
 * @returns {Frame[]}
 */
function wholeFrames(frames, sites) {
  return frames.map((frame) => {
    const { site, notes = [], locals = [], children = [], problem = null, ...own } = frame;
    const branches = children.map((/** @type {any[]} */ branch) => wholeFrames(branch, sites));
    return { ...sites[site], ...own, notes, locals, children: branches, problem };
  });
}

/**
 * @param {any} wait
 * @param {any[]} resources
 * @returns {Wait}
 */
function wholeWait(wait, resources) {
  const { of, ...own } = wait;
  return { ...resources[of], ...own };
}
