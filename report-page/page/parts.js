// Of a large graph: what stands alike becomes one node, and the parts that matter come first.

import { counted } from './report.js';

/** @import { Graph, GraphEdge, GraphNode } from './graph.js' */

/** So many nodes read well. */
export const READABLE = 200;

/** Of more than this what stands alike is folded, however different its neighbours are. */
const MANY = 80;

/** More are not drawn, whatever the user asks for. */
const MOST_NODES = 2000;

const RANK_OF_MARK = { certain: 3, probable: 2, worth: 1 };

/**
 * Each node's edges, out of it and into it.
 *
 * @param {GraphEdge[]} edges
 */
function neighbours(edges) {
  /** @type {Map<string, { out: GraphEdge[], in: GraphEdge[] }>} */
  const all = new Map();
  const of = (/** @type {string} */ id) => {
    let known = all.get(id);
    if (known === undefined) {
      known = { out: [], in: [] };
      all.set(id, known);
    }
    return known;
  };
  for (const edge of edges) {
    of(edge.from).out.push(edge);
    of(edge.to).in.push(edge);
  }
  return of;
}

/**
 * The graph with nodes that stand alike as one: those with the same neighbours, and where that is still
 * too much to read, those whose neighbours stand alike. What is evidence stays as it is.
 *
 * @param {Graph} graph
 * @returns {Graph}
 */
export function folded(graph) {
  const same = merged(graph, sameNeighbours(graph), graph.nodes.length > 60 ? 2 : 4);
  return same.nodes.length <= MANY ? same : merged(graph, alike(graph), 2);
}

/** @param {GraphNode} node */
function looks(node) {
  return node.mark === null ? `${node.kind}\n${node.badge}\n${node.lines.join('\n')}` : node.id;
}

/**
 * @param {Graph} graph
 * @returns {Map<string, string>} the class of each node
 */
function sameNeighbours(graph) {
  const of = neighbours(graph.edges);
  return new Map(
    graph.nodes.map((node) => {
      const { out, in: into } = of(node.id);
      const outs = out.map((edge) => `>${edge.to} ${edge.label} ${edge.weak}`).sort();
      const ins = into.map((edge) => `<${edge.from} ${edge.label} ${edge.weak}`).sort();
      return [node.id, [looks(node), ...outs, ...ins].join('\n')];
    }),
  );
}

/**
 * @param {Graph} graph
 * @returns {Map<string, string>} the class of each node
 */
function alike(graph) {
  const of = neighbours(graph.edges);
  // Of resources the address tells nothing here.
  const first = (/** @type {GraphNode} */ node) =>
    node.kind === 'resource' && node.mark === null ? `${node.badge}\n${node.title}` : looks(node);
  let classes = numbered(graph.nodes.map((node) => [node.id, first(node)]));
  for (let round = 0; round < 12; round += 1) {
    const before = classes;
    const next = numbered(
      graph.nodes.map((node) => {
        const { out, in: into } = of(node.id);
        const outs = new Set(out.map((edge) => `>${before.get(edge.to)} ${edge.kind}`));
        const ins = new Set(into.map((edge) => `<${before.get(edge.from)} ${edge.kind}`));
        return [node.id, [before.get(node.id), ...[...outs].sort(), ...[...ins].sort()].join('\n')];
      }),
    );
    const isDone = new Set(next.values()).size === new Set(before.values()).size;
    classes = next;
    if (isDone) break;
  }
  return classes;
}

/**
 * The same classes with short names.
 *
 * @param {[string, string][]} named
 * @returns {Map<string, string>}
 */
function numbered(named) {
  /** @type {Map<string, string>} */
  const numbers = new Map();
  const number = (/** @type {string} */ name) => {
    const known = numbers.get(name) ?? `c${numbers.size}`;
    numbers.set(name, known);
    return known;
  };
  return new Map(named.map(([id, name]) => [id, number(name)]));
}

/**
 * One node for each class of so many or more.
 *
 * @param {Graph} graph
 * @param {Map<string, string>} classes
 * @param {number} atLeast
 * @returns {Graph}
 */
function merged(graph, classes, atLeast) {
  /** @type {Map<string, GraphNode[]>} */
  const members = new Map();
  for (const node of graph.nodes) {
    const key = classes.get(node.id) ?? node.id;
    const known = members.get(key);
    if (known === undefined) members.set(key, [node]);
    else known.push(node);
  }
  /** @type {Map<string, string>} */
  const standsFor = new Map();
  const nodes = [...members.values()].flatMap((group) => {
    if (group.length < atLeast) return group;
    const one = mergedNode(group);
    for (const node of group) standsFor.set(node.id, one.id);
    return [one];
  });
  /** @type {Map<string, GraphEdge>} */
  const edges = new Map();
  for (const edge of graph.edges) {
    const from = standsFor.get(edge.from) ?? edge.from;
    const to = standsFor.get(edge.to) ?? edge.to;
    const known = edges.get(`${from}\n${to}`);
    if (known === undefined) edges.set(`${from}\n${to}`, { ...edge, from, to });
    else if (known.label !== edge.label) known.label = '';
  }
  return { ...graph, nodes, edges: [...edges.values()] };
}

/**
 * @param {GraphNode[]} group
 * @returns {GraphNode}
 */
function mergedNode(group) {
  const [first] = group;
  const count = group.length;
  const tasks = group.flatMap((node) => node.tasks);
  if (first.kind === 'resource') {
    return { ...first, id: `many:${first.id}`, title: `${count} × ${first.title}`, lines: [], count };
  }
  const ids = tasks.length > 0 ? [listed(tasks)] : [];
  const title = first.kind === 'task' ? counted(count, 'task') : `${count} × ${first.title}`;
  const kind = first.kind === 'task' ? 'tasks' : first.kind;
  return { ...first, id: `many:${first.id}`, kind, title, lines: [...first.lines, ...ids], tasks, count };
}

/** @param {string[]} ids */
function listed(ids) {
  return ids.length <= 6 ? ids.join(', ') : `${ids.slice(0, 5).join(', ')}, …`;
}

/**
 * The connected parts of a graph: those with findings first, then those of these tasks, then the
 * largest.
 *
 * @param {Graph} graph
 * @param {Set<string>} first tasks
 * @returns {GraphNode[][]}
 */
export function partsOf(graph, first) {
  const of = neighbours(graph.edges);
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const seen = new Set();
  const parts = [];
  for (const start of graph.nodes) {
    if (seen.has(start.id)) continue;
    seen.add(start.id);
    const part = [start];
    for (let at = 0; at < part.length; at += 1) {
      const { out, in: into } = of(part[at].id);
      for (const id of [...out.map((edge) => edge.to), ...into.map((edge) => edge.from)]) {
        const node = byId.get(id);
        if (node === undefined || seen.has(id)) continue;
        seen.add(id);
        part.push(node);
      }
    }
    parts.push(part);
  }
  const weight = (/** @type {GraphNode[]} */ part) => {
    const marks = part.map((node) => (node.mark === null ? 0 : RANK_OF_MARK[node.mark]));
    const isFirst = part.some((node) => node.tasks.some((task) => first.has(task)));
    return Math.max(...marks) * 2 + (isFirst ? 1 : 0);
  };
  const weighed = parts.map((part) => ({ part, weight: weight(part) }));
  weighed.sort((one, other) => other.weight - one.weight || other.part.length - one.part.length);
  return weighed.map(({ part }) => part);
}

/**
 * So much of a graph as reads well, or as there may be: whole parts, and of a part that is too large
 * what is next to its evidence.
 *
 * @param {Graph} graph
 * @param {Set<string>} first tasks of interest besides the evidence
 * @param {boolean} everything
 * @returns {Graph & { left: number }} `left`: nodes that are left out
 */
export function chosen(graph, first, everything) {
  const most = everything ? MOST_NODES : READABLE;
  /** @type {Set<string>} */
  const taken = new Set();
  for (const part of partsOf(graph, first)) {
    const room = most - taken.size;
    if (part.length <= room) part.forEach((node) => taken.add(node.id));
    else if (taken.size === 0) nearest(graph, part, first, room).forEach((id) => taken.add(id));
  }
  return { ...within(graph, taken), left: graph.nodes.length - taken.size };
}

/**
 * What stands around a task, so many nodes at most.
 *
 * @param {Graph} graph
 * @param {string} task
 * @param {number} most
 * @returns {Graph & { left: number }}
 */
export function around(graph, task, most) {
  const centre = graph.nodes.filter((node) => node.tasks.includes(task));
  const taken = spread(graph, centre, most);
  return { ...within(graph, taken), left: graph.nodes.length - taken.size };
}

/**
 * @param {Graph} graph
 * @param {Set<string>} ids
 * @returns {Graph}
 */
function within(graph, ids) {
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => ids.has(node.id)),
    edges: graph.edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to)),
  };
}

/**
 * @param {Graph} graph
 * @param {GraphNode[]} part
 * @param {Set<string>} first
 * @param {number} most
 */
function nearest(graph, part, first, most) {
  const of = neighbours(graph.edges);
  const degree = (/** @type {GraphNode} */ node) => of(node.id).in.length + of(node.id).out.length;
  const marked = part.filter((node) => node.mark !== null);
  const named = part.filter((node) => node.tasks.some((task) => first.has(task)));
  const busiest = [...part].sort((one, other) => degree(other) - degree(one)).slice(0, 1);
  const centre = marked.length > 0 ? marked : named.length > 0 ? named : busiest;
  return spread(graph, centre, most);
}

/**
 * Nodes in the order of their distance.
 *
 * @param {Graph} graph
 * @param {GraphNode[]} centre
 * @param {number} most
 */
function spread(graph, centre, most) {
  const of = neighbours(graph.edges);
  const queue = centre.map((node) => node.id).slice(0, most);
  const taken = new Set(queue);
  for (let at = 0; at < queue.length && taken.size < most; at += 1) {
    const { out, in: into } = of(queue[at]);
    for (const id of [...out.map((edge) => edge.to), ...into.map((edge) => edge.from)]) {
      if (taken.size >= most || taken.has(id)) continue;
      taken.add(id);
      queue.push(id);
    }
  }
  return taken;
}
