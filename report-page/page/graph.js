// Who waits for whom: tasks, threads and pools, and what is between them.

import { counted, isOutside, shortName, shortPlace, titleOf } from './report.js';

/** @import { Finding, Holder, Model, ProcessThread, Task, Wait } from './report.js' */

/**
 * What a mark says: part of a certain fault, of a probable one, or of what may be meant so.
 *
 * @typedef {'certain' | 'probable' | 'worth'} Mark
 *
 * @typedef {object} GraphNode
 * @property {string} id
 * @property {'task' | 'tasks' | 'resource' | 'thread' | 'pool'} kind
 * @property {string} title
 * @property {string[]} lines
 * @property {string} badge the state of a task, the kind of a resource
 * @property {string[]} tasks those that it stands for
 * @property {number} count how many things it stands for
 * @property {Mark | null} mark
 * @property {number[]} findings the numbers of those that it is evidence of
 * @property {{ file: string, line: number } | null} place of a thread
 *
 * @typedef {object} GraphEdge
 * @property {string} from
 * @property {string} to
 * @property {'waits' | 'kept'} kind whether `from` waits for `to`, or is kept by it
 * @property {string} label
 * @property {boolean} weak not polled, or not certain
 * @property {Mark | null} mark
 *
 * @typedef {object} Graph
 * @property {GraphNode[]} nodes
 * @property {GraphEdge[]} edges
 * @property {number} apart tasks that are not in it: nothing inside the program ties them to others
 */

/** Edges that may lie between two links of a circle. */
const LONGEST_WAY = 3;

const RANK = { certain: 3, probable: 2, worth: 1 };

/** Collects nodes and edges, each once. */
class Builder {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, GraphNode>} */
    this.nodes = new Map();
    /** @type {Map<string, GraphEdge>} */
    this.edges = new Map();
  }

  /**
   * @param {string} id
   * @param {Pick<GraphNode, 'kind' | 'title' | 'lines' | 'badge'> & Partial<GraphNode>} node
   */
  node(id, node) {
    let known = this.nodes.get(id);
    if (known === undefined) {
      known = { id, tasks: [], count: 1, mark: null, findings: [], place: null, ...node };
      this.nodes.set(id, known);
    }
    return known;
  }

  /**
   * @param {string} from
   * @param {string} to
   * @param {Pick<GraphEdge, 'kind' | 'label' | 'weak'>} edge
   */
  edge(from, to, edge) {
    const key = `${from}\n${to}`;
    const known = this.edges.get(key);
    if (known === undefined) {
      this.edges.set(key, { from, to, mark: null, ...edge });
    } else {
      known.weak = known.weak && edge.weak;
    }
  }

  /** @param {string} id */
  task(id) {
    if (this.nodes.has(`task:${id}`)) return `task:${id}`;
    const task = this.model.tasks.get(id);
    return this.node(`task:${id}`, task === undefined ? unknownTask(id) : taskNode(task)).id;
  }

  /** @param {{ id: number, tid: number }} thread */
  thread(thread) {
    const known = this.model.report.threads.find((it) => it.id === thread.id);
    const at = known?.blocked_by?.at ?? null;
    const node = this.node(`thread:${thread.id}`, {
      kind: 'thread',
      title: `Thread ${thread.id}`,
      lines: known?.blocked_by ? [shortName(known.blocked_by.function)] : [`tid ${thread.tid}`],
      badge: known?.activity ?? '',
      place: at,
    });
    if (at !== null && node.lines.length === 1) node.lines.push(shortPlace(`${at.file}:${at.line}`));
    return node.id;
  }

  /**
   * @param {string | null} task
   * @param {{ id: number, tid: number } | null} thread
   */
  party(task, thread) {
    if (task !== null) return this.task(task);
    return thread === null ? null : this.thread(thread);
  }
}

/** @param {string} id */
function unknownTask(id) {
  return { kind: /** @type {const} */ ('task'), title: `Task ${id}`, lines: [], badge: '', tasks: [id] };
}

/** @param {Task} task */
function taskNode(task) {
  const { row } = task;
  const lines = [shortName(row.function || row.future)];
  if (row.at !== '') lines.push(shortPlace(row.at));
  return {
    kind: /** @type {const} */ ('task'),
    title: titleOf(task),
    lines,
    badge: task.state,
    tasks: [task.id],
  };
}

/**
 * The key of what is waited for. What has no address is the waiting task's own.
 *
 * @param {string} resource
 * @param {string} address
 * @param {string} task
 */
function resourceKey(resource, address, task) {
  return address === '0x0' ? `${resource}:of:${task}` : `${resource}:${address}`;
}

/**
 * The whole graph. `all` adds what libraries around the user's own code wait for.
 *
 * @param {Model} model
 * @param {boolean} all
 * @returns {Graph}
 */
export function graphOf(model, all) {
  const builder = new Builder(model);
  const { report } = model;
  const evidence = new Set(
    report.findings.flatMap((it) => it.evidence.map((link) => `${link.task}\n${link.resource}\n${link.address}`)),
  );
  for (const task of report.tasks) {
    for (const wait of task.waiting_on) {
      const isEvidence = evidence.has(`${task.id}\n${wait.resource}\n${wait.address}`);
      if (isEvidence || ((all || wait.told) && !wait.limit && isInside(wait))) addWait(builder, task, wait);
    }
  }
  addThreads(builder, report.threads);
  addPools(builder);
  report.findings.forEach((finding, number) => {
    mark(builder, finding, number);
    addBehind(builder, finding);
  });
  tellTheRest(builder);
  const nodes = [...builder.nodes.values()];
  const drawn = new Set(nodes.flatMap((node) => node.tasks));
  return { nodes, edges: [...builder.edges.values()], apart: report.tasks.length - drawn.size };
}

/** @param {Wait} wait */
function isInside(wait) {
  if (isOutside(wait.resource)) return false;
  return wait.resource !== 'other' || wait.tasks.length > 0 || wait.held_by.length > 0;
}

/**
 * @param {Builder} builder
 * @param {Task} task
 * @param {Wait} wait
 */
function addWait(builder, task, wait) {
  const from = builder.task(task.id);
  const weak = !wait.polled;
  const holders = wait.held_by.filter((holder) => holder.access !== 'handle');
  const [only, ...others] = wait.tasks;
  if (holders.length === 0 && only !== undefined && others.length === 0) {
    const labels = new Map([
      ['join', 'awaits its end'],
      ['blocking', 'blocks on it'],
    ]);
    const label = labels.get(wait.resource) ?? wait.name;
    builder.edge(from, builder.task(only), { kind: 'waits', label, weak });
    return;
  }
  const key = resourceKey(wait.resource, wait.address, task.id);
  const isNew = !builder.nodes.has(key);
  const lines = [wait.state ?? '', wait.address === '0x0' ? '' : wait.address].filter((line) => line !== '');
  const badge = wait.pool ? 'pool' : wait.resource;
  const node = builder.node(key, { kind: 'resource', title: resourceTitle(wait.name), lines, badge });
  builder.edge(from, node.id, { kind: 'waits', label: weak ? 'not polled' : accessWord(wait), weak });
  if (!isNew) return;
  if (wait.held_by_count > wait.held_by.length) {
    node.lines.push(`${counted(wait.held_by_count, 'holder')} in all`);
  }
  for (const holder of holders) addHolder(builder, node.id, holder);
  for (const other of wait.tasks) {
    if (holders.length === 0) builder.edge(node.id, builder.task(other), { kind: 'kept', label: '', weak: false });
  }
}

/**
 * A name that has room; of a long path its end.
 *
 * @param {string} name
 */
function resourceTitle(name) {
  return name.length > 24 ? shortName(name) : name;
}

/** @param {Wait} wait */
function accessWord(wait) {
  const words = new Map([
    ['shared', 'to read'],
    ['send', 'to send'],
    ['receive', 'to receive'],
  ]);
  return words.get(wait.access ?? '') ?? '';
}

/**
 * @param {Builder} builder
 * @param {string} resource
 * @param {Holder} holder
 */
function addHolder(builder, resource, holder) {
  const to = builder.party(holder.task, holder.thread);
  if (to === null) return;
  const words = new Map([
    ['send', 'sender'],
    ['receive', 'receiver'],
    ['place', 'reserved place'],
    ['peer', 'other end'],
  ]);
  const what = words.get(holder.access) ?? 'held';
  const variable = holder.variable !== null && !/^__\d+$/.test(holder.variable) ? ` in \`${holder.variable}\`` : '';
  builder.edge(resource, to, { kind: 'kept', label: `${what}${variable}`, weak: !holder.certain });
}

/**
 * Threads that are blocked and run no task.
 *
 * @param {Builder} builder
 * @param {ProcessThread[]} threads
 */
function addThreads(builder, threads) {
  for (const thread of threads) {
    const call = thread.blocked_by;
    if (call === null || thread.task !== null || call.resource !== 'thread_lock' || call.address === null) continue;
    const key = resourceKey(call.resource, call.address, '');
    if (!builder.nodes.has(key)) continue;
    builder.edge(builder.thread(thread), key, { kind: 'waits', label: '', weak: false });
  }
}

/**
 * Pools of threads that are full, with the closures that queue for them and those that run.
 *
 * @param {Builder} builder
 */
function addPools(builder) {
  for (const runtime of builder.model.report.runtimes) {
    const pool = runtime.blocking;
    if (pool === null || !pool.full) continue;
    const lines = [`${pool.threads} of ${pool.limit ?? pool.threads} threads`, `${pool.queued} queued`];
    const node = builder.node(`pool:${runtime.id}`, {
      kind: 'pool',
      title: 'Blocking pool',
      lines,
      badge: 'full',
    });
    for (const task of builder.model.report.tasks) {
      if (task.kind !== 'blocking' || task.runtime !== runtime.id) continue;
      if (task.state === 'scheduled') {
        builder.edge(builder.task(task.id), node.id, { kind: 'waits', label: 'queued', weak: false });
      } else if (task.state === 'running') {
        builder.edge(node.id, builder.task(task.id), { kind: 'kept', label: 'runs', weak: false });
      }
    }
  }
}

/**
 * Marks the evidence of a finding.
 *
 * @param {Builder} builder
 * @param {Finding} finding
 * @param {number} number
 */
function mark(builder, finding, number) {
  const kind = finding.fault ? (finding.certain ? 'certain' : 'probable') : 'worth';
  const markNode = (/** @type {string} */ id) => {
    const node = builder.nodes.get(id);
    if (node === undefined) return;
    node.mark = stronger(node.mark, kind);
    if (!node.findings.includes(number)) node.findings.push(number);
  };
  const markEdge = (/** @type {string} */ from, /** @type {string} */ to) => {
    const edge = builder.edges.get(`${from}\n${to}`);
    if (edge !== undefined) edge.mark = stronger(edge.mark, kind);
    return edge !== undefined;
  };
  finding.evidence.forEach((link, at) => {
    const from = `task:${link.task}`;
    const resource = resourceKey(link.resource, link.address, link.task);
    const next = finding.evidence[(at + 1) % finding.evidence.length];
    const held = link.held_by === null ? null : builder.party(link.held_by.task, link.held_by.thread);
    const to = held ?? (finding.evidence.length > 1 ? `task:${next.task}` : null);
    markNode(builder.task(link.task));
    if (markEdge(from, resource)) {
      markNode(resource);
      if (to !== null && markEdge(resource, to)) markNode(to);
    } else {
      const others = [...builder.edges.values()].filter((edge) => edge.from === from && edge.kind === 'waits');
      const direct = to !== null && markEdge(from, to) ? to : others.length === 1 ? others[0].to : null;
      if (direct !== null && markEdge(from, direct)) markNode(direct);
    }
  });
  if (finding.kind === 'deadlock') closeCircle(builder, finding, markNode, markEdge);
}

/**
 * Adds who is behind a finding and waits for nothing that is drawn: what starves, since no thread is left
 * to poll it.
 *
 * @param {Builder} builder
 * @param {Finding} finding
 */
function addBehind(builder, finding) {
  const [first] = finding.evidence;
  if (first === undefined) return;
  for (const id of finding.behind) {
    if (builder.nodes.has(`task:${id}`)) continue;
    const isWoken = builder.model.tasks.get(id)?.state === 'scheduled';
    const label = isWoken ? 'woken, starves' : 'behind it';
    builder.edge(builder.task(id), builder.task(first.task), { kind: 'waits', label, weak: false });
  }
}

/**
 * Marks what closes a circle and is no link of the evidence, such as the pool that all are in: from each
 * end of what is marked the shortest way back to one of its tasks.
 *
 * @param {Builder} builder
 * @param {Finding} finding
 * @param {(id: string) => void} markNode
 * @param {(from: string, to: string) => boolean} markEdge
 */
function closeCircle(builder, finding, markNode, markEdge) {
  const edges = [...builder.edges.values()];
  const goals = new Set(finding.evidence.map((link) => `task:${link.task}`));
  const isEnd = (/** @type {string} */ id) => !edges.some((edge) => edge.from === id && edge.mark !== null);
  const ends = edges.filter((edge) => edge.mark !== null && isEnd(edge.to)).map((edge) => edge.to);
  for (const end of new Set(ends)) {
    /** @type {string[][]} */
    const ways = [[end]];
    const seen = new Set([end]);
    for (let at = 0; at < ways.length; at += 1) {
      const way = ways[at];
      const last = way[way.length - 1];
      if (way.length > 1 && goals.has(last)) {
        way.forEach((id, step) => {
          markNode(id);
          if (step > 0) markEdge(way[step - 1], id);
        });
        break;
      }
      if (way.length > LONGEST_WAY) break;
      for (const edge of edges) {
        if (edge.from !== last || seen.has(edge.to)) continue;
        seen.add(edge.to);
        ways.push([...way, edge.to]);
      }
    }
  }
}

/**
 * @param {Mark | null} one
 * @param {Mark} other
 * @returns {Mark}
 */
function stronger(one, other) {
  return one !== null && RANK[one] >= RANK[other] ? one : other;
}

/**
 * A task that waits for nothing that is drawn says what it does.
 *
 * @param {Builder} builder
 */
function tellTheRest(builder) {
  const waiting = new Set([...builder.edges.values()].map((edge) => edge.from));
  for (const node of builder.nodes.values()) {
    const task = node.kind === 'task' ? builder.model.tasks.get(node.tasks[0]) : undefined;
    if (task === undefined || waiting.has(node.id)) continue;
    if (task.row.waiting_for !== '') node.lines.push(task.row.waiting_for);
  }
}
