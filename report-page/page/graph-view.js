// The graph of who waits for whom: drawn, searched, zoomed, saved.

import { choices } from './choices.js';
import { button, choice, cut, el, svg, tick } from './dom.js';
import { graphOf } from './graph.js';
import { openFile, opensFiles, save } from './host.js';
import { placed } from './layout.js';
import { around, chosen, folded, partsOf } from './parts.js';
import { counted } from './report.js';
import { attachPan } from './pan.js';
import { standaloneSvg } from './picture.js';

/** @import { Graph, GraphEdge, GraphNode } from './graph.js' */
/** @import { Point } from './layout.js' */
/** @import { Model } from './report.js' */
/** @import { Actions } from './findings-view.js' */

/** Of a node, in pixels of the picture. */
const SIZE = { task: 208, resource: 196, line: 15, head: 26, pad: 9 };

/** Characters that a line has room for. */
const ROOM = { title: 21, line: 29 };

/** Of more nodes one picture is made and no second one to choose from. */
const MANY_NODES = 400;

/** The room that is expected where it is not known yet. */
const USUAL_ROOM = { width: 1200, height: 520 };

/** Text that is smaller is not read. */
const READABLE_SCALE = 0.58;

/** So many nodes stand around one task. */
const AROUND = 60;

export class GraphView {
  /**
   * @param {Model} model
   * @param {Actions} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    /** @type {'first' | 'everything' | 'around'} */
    this.scope = choices.everything ? 'everything' : 'first';
    this.task = '';
    /** @type {Graph & { left: number }} */
    this.graph = { nodes: [], edges: [], apart: 0, left: 0 };
    /** @type {Map<string, SVGGElement>} */
    this.elements = new Map();
    /** @type {Map<string, Point>} */
    this.corners = new Map();
    /** @type {string | null} */
    this.current = null;
    this.size = { width: 0, height: 0 };
    this.layer = svg('g', {});
    this.canvas = svg(
      'svg',
      { class: 'graph', role: 'group', 'aria-label': 'Who waits for whom', keydown: (event) => this.onKey(event) },
      svg('style', {}),
      arrowHeads(),
      this.layer,
    );
    this.pan = attachPan(this.canvas, this.layer);
    this.note = el('p', { class: 'graph-note', role: 'status' });
    this.bar = el('div', { class: 'bar' });
    this.element = el('div', { class: 'view graph-view' }, this.bar, el('div', { class: 'canvas' }, this.canvas), el('div', { class: 'graph-foot' }, this.note, legend()));
    this.drawBar();
  }

  /** Draws what the page has not drawn yet. */
  show() {
    if (this.elements.size === 0) this.draw();
    else if (this.pan.isUnset()) this.pan.fit(this.size.width, this.size.height, READABLE_SCALE);
  }

  /**
   * Shows these tasks: marks them where they are drawn, or draws what is around the first of them.
   *
   * @param {string[]} ids
   */
  reveal(ids) {
    this.show();
    if (ids.length === 0) return;
    const isDrawn = (/** @type {GraphNode} */ node) => node.tasks.some((task) => ids.includes(task));
    if (!this.graph.nodes.some(isDrawn)) {
      this.scope = 'around';
      this.task = ids[0] ?? '';
      this.drawBar();
      this.draw();
    }
    const found = this.graph.nodes.filter(isDrawn);
    this.emphasize(found.map((node) => node.id));
    if (found.length > 0) this.centre(found[0].id);
  }

  drawBar() {
    const search = el('input', {
      type: 'search',
      placeholder: 'Find a task, lock, function…',
      'aria-label': 'Find in the graph',
      input: () => this.find(search.value, false),
      keydown: (event) => {
        if (event.key === 'Enter') this.find(search.value, true);
        if (event.key === 'Escape') this.find((search.value = ''), false);
      },
    });
    const redraw = () => this.draw();
    /** @type {[string, string][]} */
    const scopes = [
      ['first', 'findings first'],
      ['everything', 'everything'],
    ];
    if (this.scope === 'around') scopes.push(['around', `around task ${this.task}`]);
    const scope = choice('Show', scopes, this.scope, (value) => {
      this.scope = value === 'everything' ? 'everything' : value === 'around' ? 'around' : 'first';
      choices.everything = this.scope === 'everything';
      redraw();
    });
    const alike = tick('fold what is alike', choices.alike, (value) => {
      choices.alike = value;
      redraw();
    });
    const libraries = tick('waits of libraries', choices.libraries, (value) => {
      choices.libraries = value;
      redraw();
    });
    const zoom = el(
      'span',
      { class: 'buttons' },
      button('−', () => this.pan.zoom(1 / 1.25), { 'aria-label': 'Zoom out', title: 'Zoom out (-)' }),
      button('+', () => this.pan.zoom(1.25), { 'aria-label': 'Zoom in', title: 'Zoom in (+)' }),
      button('Fit', () => this.fit(), { title: 'Show all of it (0)' }),
      button('Save SVG', () => save('who-waits-for-whom.svg', 'image/svg+xml', standaloneSvg(this.canvas, this.size))),
    );
    this.bar.replaceChildren(search, scope, alike, libraries, zoom);
  }

  /** Makes the picture anew. */
  draw() {
    const whole = graphOf(this.model, choices.libraries);
    const leads = new Set(this.model.report.leads.flatMap((lead) => lead.tasks));
    const shown = choices.alike ? folded(whole) : whole;
    this.graph = this.scope === 'around' ? around(shown, this.task, AROUND) : chosen(shown, leads, this.scope === 'everything');
    const parts = partsOf(this.graph, leads).map((part) => part.map(boxOf));
    const { picture, downwards } = bestPicture(parts, this.graph.edges, this.canvas.getBoundingClientRect());
    this.corners = picture.corners;
    this.size = { width: picture.width, height: picture.height };
    this.elements.clear();
    const edges = this.graph.edges.map((edge, number) => edgeElement(edge, picture.paths[number], downwards));
    const nodes = this.graph.nodes.map((node) => this.nodeElement(node));
    // What is marked lies above what is not.
    const isMarked = (/** @type {Element} */ it) => Number(it.classList.contains('marked'));
    edges.sort((one, other) => isMarked(one) - isMarked(other));
    this.layer.replaceChildren(...edges, ...nodes);
    this.current = this.graph.nodes[0]?.id ?? null;
    this.setRoving();
    this.note.textContent = this.describe(whole);
    this.pan.fit(this.size.width, this.size.height, READABLE_SCALE);
  }

  fit() {
    this.pan.fit(this.size.width, this.size.height);
  }

  /** @param {Graph} whole */
  describe(whole) {
    const sentences = [];
    if (this.graph.nodes.length === 0 && this.scope === 'around') {
      return `Task ${this.task} is not in the graph: nothing that is known ties it to others.`;
    }
    if (this.graph.nodes.length === 0) sentences.push('No task is known to wait for another one, nor for a lock, a channel or a thread.');
    if (this.graph.left > 0) sentences.push(`${counted(this.graph.left, 'more node')} not drawn.`);
    const apart = whole.apart;
    if (apart > 0) {
      const are = apart === 1 ? 'is' : 'are';
      sentences.push(`${counted(apart, 'task')} ${are} not in the graph: nothing that is known ties ${apart === 1 ? 'it' : 'them'} to others.`);
    }
    return sentences.join(' ');
  }

  /** @param {GraphNode} node */
  nodeElement(node) {
    const corner = this.corners.get(node.id) ?? { x: 0, y: 0 };
    const { width, height } = boxOf(node);
    const act = () => this.open(node);
    const group = svg('g', {
      class: `node ${node.kind} ${node.mark === null ? '' : `marked ${node.mark}`}`,
      transform: `translate(${corner.x} ${corner.y})`,
      role: 'button',
      tabindex: -1,
      'aria-label': this.labelOf(node),
      'data-id': node.id,
      click: act,
      focus: () => this.hover(node.id),
      blur: () => this.hover(null),
      pointerenter: () => this.hover(node.id),
      pointerleave: () => this.hover(null),
    });
    const radius = node.kind === 'resource' ? 12 : 5;
    if (node.count > 1) {
      group.append(svg('rect', { class: 'behind', x: 4, y: 4, width, height, rx: radius }));
    }
    group.append(svg('title', {}, [node.title, ...node.lines].join('\n')), svg('rect', { width, height, rx: radius }));
    group.append(svg('text', { class: 'title', x: SIZE.pad, y: 17 }, cut(node.title, titleRoom(node))));
    if (node.badge !== '') {
      group.append(svg('text', { class: 'badge', x: width - SIZE.pad, y: 17, 'text-anchor': 'end' }, node.badge.replace('_', ' ')));
    }
    node.lines.forEach((line, at) => {
      const y = SIZE.head + SIZE.line * at + 11;
      group.append(svg('text', { class: at === 0 ? 'line first' : 'line', x: SIZE.pad, y }, cut(line, ROOM.line)));
    });
    this.elements.set(node.id, group);
    return group;
  }

  /** @param {GraphNode} node */
  labelOf(node) {
    const titles = new Map(this.graph.nodes.map((it) => [it.id, it.title]));
    const waits = this.graph.edges.filter((edge) => edge.from === node.id);
    const said = waits.map((edge) => {
      const to = titles.get(edge.to) ?? '';
      return edge.kind === 'waits' ? `waits for ${to}` : `${edge.label || 'kept'} by ${to}`;
    });
    const part = node.mark === null ? [] : ['part of a finding'];
    return [node.title, node.badge, ...node.lines, ...said, ...part].filter((text) => text !== '').join(', ');
  }

  /** @param {GraphNode} node */
  open(node) {
    if (this.pan.wasDragged()) return;
    const [task] = node.tasks;
    if (task !== undefined) this.actions.showTask(task);
    else if (node.place !== null && opensFiles) openFile(node.place.file, node.place.line);
    this.emphasize([node.id]);
  }

  /**
   * Finds nodes by their words; `next` goes to the one after the current one.
   *
   * @param {string} text
   * @param {boolean} next
   */
  find(text, next) {
    const wanted = text.trim().toLowerCase();
    const has = (/** @type {GraphNode} */ node) =>
      [node.title, node.badge, ...node.lines, ...node.tasks.map((id) => `task ${id}`)].some((it) => it.toLowerCase().includes(wanted));
    const found = wanted === '' ? [] : this.graph.nodes.filter(has).map((node) => node.id);
    for (const [id, element] of this.elements) element.classList.toggle('found', found.includes(id));
    this.canvas.classList.toggle('finding', wanted !== '');
    if (found.length === 0) return;
    const at = next ? (found.indexOf(this.current ?? '') + 1) % found.length : 0;
    this.current = found[at];
    this.centre(found[at]);
    this.setRoving();
  }

  /** @param {string[]} ids */
  emphasize(ids) {
    for (const [id, element] of this.elements) element.classList.toggle('selected', ids.includes(id));
    if (ids.length > 0) this.current = ids[0];
    this.setRoving();
  }

  /**
   * Shows with what a node is connected.
   *
   * @param {string | null} id
   */
  hover(id) {
    this.canvas.classList.toggle('hovering', id !== null);
    const near = new Set(id === null ? [] : [id]);
    for (const edge of this.layer.querySelectorAll('.edge')) {
      const [from, to] = [edge.getAttribute('data-from') ?? '', edge.getAttribute('data-to') ?? ''];
      const isNear = from === id || to === id;
      edge.classList.toggle('near', isNear);
      if (isNear) near.add(from).add(to);
    }
    for (const [other, element] of this.elements) element.classList.toggle('near', near.has(other));
  }

  /** @param {string} id */
  centre(id) {
    const corner = this.corners.get(id);
    const node = this.graph.nodes.find((it) => it.id === id);
    if (corner === undefined || node === undefined) return;
    const { width, height } = boxOf(node);
    this.pan.centre(corner.x + width / 2, corner.y + height / 2);
  }

  /** One node at a time is reached by the tabulator key. */
  setRoving() {
    for (const [id, element] of this.elements) element.setAttribute('tabindex', id === this.current ? '0' : '-1');
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    const node = this.graph.nodes.find((it) => it.id === this.current);
    if (way !== undefined) this.move(way);
    else if ((event.key === 'Enter' || event.key === ' ') && node !== undefined) this.open(node);
    else if (event.key === '+' || event.key === '=') this.pan.zoom(1.25);
    else if (event.key === '-') this.pan.zoom(1 / 1.25);
    else if (event.key === '0') this.fit();
    else return;
    event.preventDefault();
  }

  /** @param {[number, number]} way */
  move([dx, dy]) {
    const from = this.corners.get(this.current ?? '');
    if (from === undefined) return;
    let best = null;
    let least = Infinity;
    for (const [id, at] of this.corners) {
      const along = (at.x - from.x) * dx + (at.y - from.y) * dy;
      const across = Math.abs((at.x - from.x) * dy) + Math.abs((at.y - from.y) * dx);
      const far = along + across * 3;
      if (along > 1 && far < least) [best, least] = [id, far];
    }
    if (best === null) return;
    this.current = best;
    this.setRoving();
    this.elements.get(best)?.focus();
    this.pan.reveal(this.corners.get(best) ?? { x: 0, y: 0 }, SIZE.task, 80);
  }
}

/**
 * The picture that is larger in the room that there is: who waits left of what it waits for, or above it.
 *
 * @param {import('./layout.js').Box[][]} parts
 * @param {GraphEdge[]} edges
 * @param {{ width: number, height: number }} room
 */
function bestPicture(parts, edges, room) {
  const { width, height } = room.width > 0 ? room : USUAL_ROOM;
  const make = (/** @type {boolean} */ downwards) => {
    const picture = placed(parts, edges, Math.max(width / height, 0.5), downwards);
    const scale = Math.min(width / picture.width, height / picture.height, 1.15);
    return { picture, downwards, scale };
  };
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  const across = make(false);
  if (count > MANY_NODES || across.scale >= 1) return across;
  const down = make(true);
  // It reads better from left to right.
  return down.scale > across.scale * 1.1 ? down : across;
}

/** @param {GraphNode} node */
function boxOf(node) {
  const width = node.kind === 'resource' || node.kind === 'pool' ? SIZE.resource : SIZE.task;
  return { id: node.id, width, height: SIZE.head + SIZE.line * node.lines.length + (node.lines.length > 0 ? 6 : 2) };
}

/** @param {GraphNode} node */
function titleRoom(node) {
  return Math.max(ROOM.title + 6 - node.badge.length, 10);
}

/**
 * @param {GraphEdge} edge
 * @param {Point[]} path
 * @param {boolean} downwards
 */
function edgeElement(edge, path, downwards) {
  const marked = edge.mark === null ? '' : `marked ${edge.mark}`;
  const group = svg('g', {
    class: `edge ${edge.kind} ${edge.weak ? 'weak' : ''} ${marked}`,
    'data-from': edge.from,
    'data-to': edge.to,
    'aria-hidden': 'true',
  });
  const head = edge.mark === null ? 'plain' : edge.mark;
  group.append(svg('path', { d: lineThrough(path, downwards), 'marker-end': `url(#head-${head})` }));
  if (edge.label !== '' && path.length > 1) {
    const at = downwards ? labelBeside(path) : labelPoint(path);
    group.append(svg('text', { x: at.x, y: at.y, 'text-anchor': at.anchor }, cut(edge.label, 20)));
  }
  return group;
}

/**
 * A label stands where its edge begins, on the side that the edge does not bend to.
 *
 * @param {Point[]} path
 */
function labelPoint(path) {
  const [one, other] = path;
  const isForth = other.x > one.x;
  return { x: one.x + (isForth ? 5 : -5), y: one.y + (other.y < one.y ? 12 : -5), anchor: isForth ? 'start' : 'end' };
}

/**
 * The same of an edge that leads up or down.
 *
 * @param {Point[]} path
 */
function labelBeside(path) {
  const [one, other] = path;
  const isLeft = other.x < one.x;
  return { x: one.x + (isLeft ? 6 : -6), y: one.y + (other.y > one.y ? 16 : -9), anchor: isLeft ? 'start' : 'end' };
}

/**
 * @param {Point[]} path
 * @param {boolean} downwards
 */
function lineThrough(path, downwards) {
  if (path.length === 0) return '';
  const parts = [`M${path[0].x} ${path[0].y}`];
  for (let at = 1; at < path.length; at += 1) {
    const [from, to] = [path[at - 1], path[at]];
    const middle = downwards ? (from.y + to.y) / 2 : (from.x + to.x) / 2;
    if (from.y === to.y || from.x === to.x) parts.push(`L${to.x} ${to.y}`);
    else if (downwards) parts.push(`C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`);
    else parts.push(`C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`);
  }
  return parts.join('');
}

/** What the colours and lines say. */
function legend() {
  /** @type {[string, string][]} */
  const words = [
    ['plain', 'waits for'],
    ['kept', 'kept by'],
    ['weak', 'not polled, or not certain'],
    ['certain', 'certain fault'],
    ['probable', 'probable fault'],
  ];
  const items = words.map(([name, text]) => el('span', {}, el('i', { class: name, 'aria-hidden': 'true' }), text));
  return el('span', { class: 'legend' }, ...items);
}

function arrowHeads() {
  const heads = ['plain', 'certain', 'probable', 'worth'].map((name) =>
    svg(
      'marker',
      { id: `head-${name}`, class: `head ${name}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: 'auto', markerUnits: 'userSpaceOnUse' },
      svg('path', { d: 'M0 0.5L7.5 4L0 7.5z' }),
    ),
  );
  return svg('defs', {}, ...heads);
}
