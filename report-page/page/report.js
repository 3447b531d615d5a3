// The report, as docs/report.schema.json describes it, and what is looked up in it.

/**
 * @typedef {{ file: string, line: number }} Place
 * @typedef {{ id: number, tid: number }} Thread
 * @typedef {{ text: string }} Problem
 *
 * @typedef {object} Local
 * @property {string} name
 * @property {string} type
 * @property {string} value
 * @property {boolean} certain
 *
 * @typedef {object} Frame
 * @property {number} index
 * @property {string} function
 * @property {string} name
 * @property {string} kind
 * @property {string} state
 * @property {'yes' | 'no' | 'perhaps' | 'disabled' | 'ended'} polled
 * @property {string | null} file
 * @property {number | null} line
 * @property {string} at
 * @property {string | null} source
 * @property {Place | null} expanded_at
 * @property {Place | null} defined_at
 * @property {boolean} user
 * @property {string} type
 * @property {string} address
 * @property {string[]} notes
 * @property {Local[]} locals
 * @property {Frame[][]} children
 * @property {string | null} problem
 *
 * @typedef {object} Holder
 * @property {string | null} task
 * @property {Thread | null} thread
 * @property {number | null} frame
 * @property {string | null} file
 * @property {number | null} line
 * @property {string | null} variable
 * @property {string} access
 * @property {string} guard
 * @property {boolean} certain
 *
 * @typedef {object} Wait
 * @property {string} resource
 * @property {boolean} pool
 * @property {string} address
 * @property {string} name
 * @property {string} text
 * @property {string | null} state
 * @property {boolean} told
 * @property {number | null} frame
 * @property {string | null} access
 * @property {boolean} polled
 * @property {boolean} limit
 * @property {boolean} blocks_thread
 * @property {boolean} granted
 * @property {number | null} permits
 * @property {boolean} keeps_waker
 * @property {unknown} waker
 * @property {string | null} note
 * @property {unknown} timer
 * @property {number | null} parties
 * @property {string | null} task
 * @property {string[]} tasks
 * @property {number} tasks_count
 * @property {Holder[]} held_by
 * @property {number} held_by_count
 * @property {string[]} queue
 * @property {number} queue_count
 * @property {number} [thread]
 * @property {string} [declared_in]
 * @property {{ pid: number, name: string, reads: boolean, fd: number, task: string | null, variable: string | null }} [child]
 *
 * @typedef {object} Row
 * @property {string} function
 * @property {string} at
 * @property {string} waiting_for
 * @property {string} future
 * @property {string} request
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {number | null} runtime
 * @property {'task' | 'block_on' | 'local' | 'blocking'} kind
 * @property {string} state
 * @property {string | null} name
 * @property {Place | null} spawned_at
 * @property {Thread | null} thread
 * @property {Row} row
 * @property {Frame[]} frames
 * @property {Wait[]} waiting_on
 * @property {Problem[]} problems
 *
 * @typedef {object} Evidence
 * @property {string} task
 * @property {string} resource
 * @property {string} address
 * @property {Place | null} wanted_at
 * @property {Holder | null} held_by
 *
 * @typedef {object} Finding
 * @property {string} kind
 * @property {boolean} certain
 * @property {boolean} fault
 * @property {string[]} tasks
 * @property {string} text
 * @property {string | null} help
 * @property {Evidence[]} evidence
 * @property {string[]} evidence_text
 * @property {string[]} behind
 * @property {string | null} behind_text
 *
 * @typedef {object} Lead
 * @property {string} reason
 * @property {string[]} tasks
 * @property {string} text
 *
 * @typedef {object} Worker
 * @property {number} index
 * @property {number | null} thread
 * @property {number | null} tid
 * @property {string} state
 * @property {string | null} task
 * @property {number | null} queued
 *
 * @typedef {object} Pool
 * @property {number} threads
 * @property {number | null} limit
 * @property {number} idle
 * @property {number} queued
 * @property {boolean} full
 *
 * @typedef {object} Runtime
 * @property {number} id
 * @property {string} runtime
 * @property {string} text
 * @property {Worker[]} workers
 * @property {number | null} injected
 * @property {{ place: string, worker: number | null, tasks: string[], tasks_count: number }[]} queues
 * @property {Pool | null} blocking
 * @property {string[]} incomplete
 *
 * @typedef {object} BlockedCall
 * @property {string} resource
 * @property {string} name
 * @property {string | null} address
 * @property {string} function
 * @property {Place | null} at
 *
 * @typedef {object} ProcessThread
 * @property {number} id
 * @property {number} tid
 * @property {boolean} main
 * @property {string} role
 * @property {number | null} runtime
 * @property {number | null} worker
 * @property {string | null} task
 * @property {string} activity
 * @property {BlockedCall | null} blocked_by
 *
 * @typedef {object} Connection
 * @property {string} protocol
 * @property {string | null} role
 * @property {string} phase
 * @property {string} task
 * @property {string | null} peer
 * @property {string | null} local
 * @property {string} driven
 * @property {{ task: string, phase: string, method: string | null, path: string | null }[]} requests
 * @property {string[]} waited_for_by
 *
 * @typedef {object} Report
 * @property {number} schema
 * @property {{ kind: string, pid: number | null, executable: string, build_id: string | null }} target
 * @property {Runtime[]} runtimes
 * @property {ProcessThread[]} threads
 * @property {Connection[]} connections
 * @property {Task[]} tasks
 * @property {Finding[]} findings
 * @property {Lead[]} leads
 * @property {string | null} verdict
 * @property {string[]} unknown_holders
 * @property {Problem[]} problems
 * @property {string[]} caveats
 * @property {boolean} complete
 * @property {string[]} missing
 */

/**
 * A report with what is asked of it again and again.
 *
 * @typedef {object} Model
 * @property {Report} report
 * @property {Map<string, Task>} tasks by id
 */

/**
 * Kinds of resources that nothing inside the program ends.
 */
const OUTSIDE = new Set(['sleep', 'io', 'signal', 'child', 'yield', 'never']);

/**
 * @param {Report} report
 * @returns {Model}
 */
export function modelOf(report) {
  return { report, tasks: new Map(report.tasks.map((task) => [task.id, task])) };
}

/**
 * Whether something of this kind comes from outside of the program's tasks and threads.
 *
 * @param {string} resource
 */
export function isOutside(resource) {
  return OUTSIDE.has(resource);
}

/**
 * Every frame of a chain and its branches.
 *
 * @param {Frame[]} frames
 * @param {(frame: Frame) => void} visit
 */
export function eachFrame(frames, visit) {
  for (const frame of frames) {
    visit(frame);
    for (const branch of frame.children) eachFrame(branch, visit);
  }
}

/**
 * `5 tasks`, `1 task`.
 *
 * @param {number} count
 * @param {string} what
 */
export function counted(count, what) {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/**
 * A task as a title: `Task 5`, `block_on future main`.
 *
 * @param {Task} task
 */
export function titleOf(task) {
  const kinds = { task: 'Task', block_on: 'block_on future', local: 'Local task', blocking: 'Blocking task' };
  return `${kinds[task.kind]} ${task.id}`;
}

/**
 * The same in the middle of a sentence: `task 5`.
 *
 * @param {Task} task
 */
export function wordsOf(task) {
  const kinds = { task: 'task', block_on: 'future', local: 'local task', blocking: 'closure' };
  return `${kinds[task.kind]} ${task.id}`;
}

/**
 * The last two parts of a path of names: `stock::reserve` of `inventory::stock::reserve`.
 *
 * @param {string} name
 */
export function shortName(name) {
  const kept = name.startsWith('block_on ') ? 'block_on ' : '';
  const rest = name.slice(kept.length).replace(/^async (block|closure) in /, '');
  let depth = 0;
  const starts = [];
  for (let at = 0; at < rest.length; at += 1) {
    const character = rest[at];
    if (character === '<' || character === '(' || character === '{') depth += 1;
    else if ((character === '>' && rest[at - 1] !== '-') || character === ')' || character === '}') depth -= 1;
    else if (character === ':' && rest[at - 1] === ':' && depth === 0) starts.push(at + 1);
  }
  return kept + (starts.length > 1 ? rest.slice(starts[starts.length - 2]) : rest);
}

/**
 * `stock.rs:52` of `inventory/src/stock.rs:52`.
 *
 * @param {string} at
 */
export function shortPlace(at) {
  return at.slice(at.lastIndexOf('/') + 1);
}

/**
 * What is said of a branch that its holder does not await; `undefined` for one that it does.
 *
 * @param {Frame['polled'] | undefined} polled
 * @returns {string | undefined}
 */
export function heldHeading(polled) {
  if (polled === 'no') return 'held, not polled';
  return polled === 'perhaps' ? 'held, not polled (unless it was moved)' : undefined;
}
