// The report that is in the page: JSON, either the report itself or a string, in which it is packed.
//
// `unhang` packs it. What is the same of many frames and waits is there once, and all of it is compressed:
// of ten thousand tasks of a web service two hundred megabytes of JSON become one or two, and what the
// browser must read as markup is what takes its time. Base64 has no character that ends a script.

/**
 * What is empty is the same for all: nobody changes a report.
 *
 * @type {never[]}
 */
const NONE = [];

/** @import { Frame, Report, Wait } from './report.js' */

/**
 * @param {string} text
 * @returns {Promise<Report | null>} null where there is none
 */
export async function unpacked(text) {
  const found = text.trim() === '' ? null : JSON.parse(text);
  if (typeof found !== 'string') return found;
  const letters = atob(found);
  const packed = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) packed[at] = letters.charCodeAt(at);
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
  for (const task of rest.tasks) {
    task.frames = wholeFrames(task.frames, sites);
    task.waiting_on = task.waiting_on.map((/** @type {any} */ wait) => wholeWait(wait, resources));
  }
  return rest;
}

/**
 * Field by field: of two hundred thousand frames that takes a tenth of what copying objects does.
 *
 * @param {any[]} frames
 * @param {any[]} sites
 * @returns {Frame[]}
 */
function wholeFrames(frames, sites) {
  return frames.map((frame) => {
    const site = sites[frame.site];
    return {
      index: frame.index,
      function: site.function,
      name: site.name,
      kind: site.kind,
      state: site.state,
      file: site.file,
      line: site.line,
      at: site.at,
      source: site.source,
      expanded_at: site.expanded_at,
      defined_at: site.defined_at,
      user: site.user,
      type: site.type,
      polled: frame.polled,
      address: frame.address,
      notes: frame.notes ?? NONE,
      locals: frame.locals ?? NONE,
      children: frame.children?.map((/** @type {any[]} */ branch) => wholeFrames(branch, sites)) ?? NONE,
      problem: frame.problem ?? null,
    };
  });
}

/**
 * @param {any} wait
 * @param {any[]} resources
 * @returns {Wait}
 */
function wholeWait(wait, resources) {
  const resource = resources[wait.of];
  /** @type {Wait} */
  const all = {
    resource: resource.resource,
    pool: resource.pool,
    name: resource.name,
    state: resource.state,
    timer: resource.timer,
    parties: resource.parties,
    task: resource.task,
    tasks: resource.tasks,
    tasks_count: resource.tasks_count,
    held_by: resource.held_by,
    held_by_count: resource.held_by_count,
    queue: resource.queue,
    queue_count: resource.queue_count,
    address: wait.address,
    text: wait.text,
    told: wait.told,
    frame: wait.frame,
    access: wait.access,
    permits: wait.permits,
    polled: wait.polled,
    limit: wait.limit,
    blocks_thread: wait.blocks_thread,
    granted: wait.granted,
    keeps_waker: wait.keeps_waker,
    waker: wait.waker,
    note: wait.note,
  };
  if (resource.thread !== undefined) all.thread = resource.thread;
  if (resource.declared_in !== undefined) all.declared_in = resource.declared_in;
  if (resource.child !== undefined) all.child = resource.child;
  return all;
}
