// Where the nodes of a graph stand: in columns, so that who waits stands left of what it waits for, or in
// rows, so that it stands above that.
//
// The method is Sugiyama's: edges that close a circle are turned, nodes get columns, the order in each
// column is the one with the fewest crossings that a few sweeps find, and heights are a least-squares
// fit to those of the neighbours. The same graph always gives the same picture.

/**
 * @typedef {{ id: string, width: number, height: number }} Box
 * @typedef {{ from: string, to: string }} Link
 * @typedef {{ x: number, y: number }} Point
 *
 * @typedef {object} Placed
 * @property {Map<string, Point>} corners the upper left corner of each box
 * @property {Point[][]} paths of each edge: where it leaves, what it passes, where it arrives
 * @property {number} width
 * @property {number} height
 */

/** Between two columns, two boxes, two parts, and two edges at one box. */
const GAP = { column: 100, row: 18, part: 48, port: 24 };

/** The same where columns are rows: a label stands beside its edge. */
const GAP_OF_ROWS = { column: 52, row: 22, part: 40, port: 84 };

/** The height that a passing edge takes. */
const PASSING = 4;

/** More boxes of one kind stand in several columns. */
const CROWD = 12;

const SWEEPS = 14;

/**
 * A box, or what stands in a column for an edge that passes it.
 *
 * @typedef {object} Vertex
 * @property {number} layer
 * @property {number} width
 * @property {number} height
 * @property {number} y of its middle
 * @property {number} order
 * @property {Vertex[]} left neighbours one column to the left
 * @property {Vertex[]} right
 * @property {boolean} isBox
 */

/**
 * Places the boxes. `parts` are the connected parts, in the order in which they are to stand.
 *
 * @param {Box[][]} parts
 * @param {Link[]} links
 * @param {number} aspect width by height that suits the screen
 * @param {boolean} [downwards] in rows instead of columns
 * @returns {Placed}
 */
export function placed(parts, links, aspect, downwards = false) {
  /** @type {Map<string, number>} */
  const partOf = new Map();
  parts.forEach((part, number) => part.forEach((box) => partOf.set(box.id, number)));
  /** @type {number[][]} */
  const linksOf = parts.map(() => []);
  links.forEach((link, number) => linksOf[partOf.get(link.from) ?? 0].push(number));
  const pictures = parts.map((part, number) => {
    const own = linksOf[number].map((at) => links[at]);
    if (!downwards) return pictureOf(part, own, GAP);
    // Rows are columns of boxes that lie on their sides.
    const lying = part.map((box) => ({ ...box, width: box.height, height: box.width }));
    return turnedPicture(pictureOf(lying, own, GAP_OF_ROWS));
  });
  const corners = new Map();
  /** @type {Point[][]} */
  const paths = links.map(() => []);
  const area = pictures.reduce((sum, it) => sum + (it.width + GAP.part) * (it.height + GAP.part), 0);
  const row = Math.max(Math.sqrt(area * aspect), ...pictures.map((it) => it.width));
  let [x, y, height, width] = [0, 0, 0, 0];
  pictures.forEach((picture, number) => {
    if (x > 0 && x + picture.width > row) {
      y += height + GAP.part;
      x = 0;
      height = 0;
    }
    const by = (/** @type {Point} */ at) => ({ x: at.x + x, y: at.y + y });
    for (const [id, at] of picture.corners) corners.set(id, by(at));
    picture.paths.forEach((path, at) => (paths[linksOf[number][at]] = path.map(by)));
    x += picture.width + GAP.part;
    width = Math.max(width, x - GAP.part);
    height = Math.max(height, picture.height);
  });
  return { corners, paths, width, height: y + height };
}

/**
 * A picture with its columns as rows.
 *
 * @param {Placed} picture
 * @returns {Placed}
 */
function turnedPicture({ corners, paths, width, height }) {
  const turn = (/** @type {Point} */ { x, y }) => ({ x: y, y: x });
  const turned = new Map([...corners].map(([id, corner]) => [id, turn(corner)]));
  return { corners: turned, paths: paths.map((path) => path.map(turn)), width: height, height: width };
}

/**
 * One connected part.
 *
 * @param {Box[]} boxes
 * @param {Link[]} links
 * @param {typeof GAP} gap
 * @returns {Placed}
 */
function pictureOf(boxes, links, gap) {
  const turned = turnedLinks(boxes, links);
  const layers = spreadLayers(layersOf(boxes, links, turned), boxes, links, turned);
  const { vertices, columns, chains } = verticesOf(boxes, links, turned, layers);
  orderColumns(columns);
  setHeights(columns, gap.row);
  const xs = columnStarts(columns, gap.column);
  const top = Math.min(...columns.flat().map((vertex) => vertex.y - vertex.height / 2));
  for (const vertex of columns.flat()) vertex.y = Math.round((vertex.y - top) * 10) / 10;
  const corners = new Map();
  for (const box of boxes) {
    const vertex = vertices.get(box.id);
    if (vertex !== undefined) corners.set(box.id, { x: xs[vertex.layer], y: vertex.y - vertex.height / 2 });
  }
  const widths = columns.map((column) => Math.max(...column.map((vertex) => vertex.width)));
  const paths = pathsOf(chains, turned, xs, widths, gap.port);
  const last = columns.length - 1;
  const width = xs[last] + widths[last];
  const height = Math.max(...columns.flat().map((vertex) => vertex.y + vertex.height / 2));
  return { corners, paths, width, height };
}

/**
 * The links that close a circle, found depth first from the boxes that nothing waits for.
 *
 * @param {Box[]} boxes
 * @param {Link[]} links
 * @returns {Set<number>}
 */
function turnedLinks(boxes, links) {
  /** @type {Map<string, number[]>} */
  const out = new Map(boxes.map((box) => [box.id, []]));
  const hasIn = new Set(links.map((link) => link.to));
  links.forEach((link, number) => out.get(link.from)?.push(number));
  const turned = new Set();
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  const roots = [...boxes.filter((box) => !hasIn.has(box.id)), ...boxes];
  for (const root of roots) {
    if (state.has(root.id)) continue;
    state.set(root.id, 'open');
    const stack = [{ id: root.id, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const number = out.get(top.id)?.[top.next];
      top.next += 1;
      if (number === undefined) {
        state.set(top.id, 'done');
        stack.pop();
        continue;
      }
      const to = links[number].to;
      if (state.get(to) === 'open') turned.add(number);
      if (state.has(to)) continue;
      state.set(to, 'open');
      stack.push({ id: to, next: 0 });
    }
  }
  return turned;
}

/**
 * The column of each box: as near to what it waits for as may be.
 *
 * @param {Box[]} boxes
 * @param {Link[]} links
 * @param {Set<number>} turned
 * @returns {Map<string, number>}
 */
function layersOf(boxes, links, turned) {
  /** @type {Map<string, string[]>} */
  const before = new Map(boxes.map((box) => [box.id, []]));
  /** @type {Map<string, number>} */
  const left = new Map(boxes.map((box) => [box.id, 0]));
  links.forEach((link, number) => {
    if (link.from === link.to) return;
    const [from, to] = turned.has(number) ? [link.to, link.from] : [link.from, link.to];
    before.get(to)?.push(from);
    left.set(from, (left.get(from) ?? 0) + 1);
  });
  /** @type {Map<string, number>} */
  const distance = new Map(boxes.map((box) => [box.id, 0]));
  const ready = boxes.filter((box) => left.get(box.id) === 0).map((box) => box.id);
  for (let at = 0; at < ready.length; at += 1) {
    for (const from of before.get(ready[at]) ?? []) {
      distance.set(from, Math.max(distance.get(from) ?? 0, (distance.get(ready[at]) ?? 0) + 1));
      const rest = (left.get(from) ?? 0) - 1;
      left.set(from, rest);
      if (rest === 0) ready.push(from);
    }
  }
  const most = Math.max(...distance.values());
  return new Map([...distance].map(([id, far]) => [id, most - far]));
}

/**
 * The same where crowds take several columns: many boxes that only wait for others further to the left,
 * many that are only waited for further to the right.
 *
 * @param {Map<string, number>} layers
 * @param {Box[]} boxes
 * @param {Link[]} links
 * @param {Set<number>} turned
 */
function spreadLayers(layers, boxes, links, turned) {
  const way = links.map((link, number) => (turned.has(number) ? { from: link.to, to: link.from } : link));
  const hasIn = new Set(way.map((link) => link.to));
  const hasOut = new Set(way.map((link) => link.from));
  /** @type {Map<string, string[]>} */
  const crowds = new Map();
  for (const { id } of boxes) {
    const side = hasIn.has(id) ? (hasOut.has(id) ? '' : 'last') : hasOut.has(id) ? 'first' : '';
    const key = `${side} ${layers.get(id)}`;
    if (side !== '') crowds.set(key, [...(crowds.get(key) ?? []), id]);
  }
  const spread = new Map(layers);
  for (const [key, ids] of crowds) {
    if (ids.length <= CROWD) continue;
    const columns = Math.ceil(Math.sqrt(ids.length / 5));
    const step = key.startsWith('first') ? -1 : 1;
    ids.forEach((id, at) => spread.set(id, (layers.get(id) ?? 0) + step * (at % columns)));
  }
  const least = Math.min(...spread.values());
  return new Map([...spread].map(([id, layer]) => [id, layer - least]));
}

/**
 * The vertices in their columns, and those that each link goes through, from left to right.
 *
 * @param {Box[]} boxes
 * @param {Link[]} links
 * @param {Set<number>} turned
 * @param {Map<string, number>} layers
 */
function verticesOf(boxes, links, turned, layers) {
  /** @type {Vertex[][]} */
  const columns = [];
  const add = (/** @type {number} */ layer, /** @type {Box | null} */ box) => {
    const [width, height] = box === null ? [0, PASSING] : [box.width, box.height];
    /** @type {Vertex} */
    const vertex = { layer, width, height, y: 0, order: 0, left: [], right: [], isBox: box !== null };
    while (columns.length <= layer) columns.push([]);
    columns[layer].push(vertex);
    return vertex;
  };
  const vertices = new Map(boxes.map((box) => [box.id, add(layers.get(box.id) ?? 0, box)]));
  /** @type {Vertex[][]} */
  const chains = links.map((link, number) => {
    const [from, to] = turned.has(number) ? [link.to, link.from] : [link.from, link.to];
    const [start, end] = [vertices.get(from), vertices.get(to)];
    if (start === undefined || end === undefined || start === end) return [];
    const chain = [start];
    for (let layer = start.layer + 1; layer < end.layer; layer += 1) chain.push(add(layer, null));
    chain.push(end);
    chain.forEach((vertex, at) => {
      if (at > 0) vertex.left.push(chain[at - 1]);
      if (at + 1 < chain.length) vertex.right.push(chain[at + 1]);
    });
    return chain;
  });
  return { vertices, columns, chains };
}

/**
 * Sweeps to and fro; keeps the order with the fewest crossings.
 *
 * @param {Vertex[][]} columns
 */
function orderColumns(columns) {
  const number = (/** @type {Vertex[]} */ column) => column.forEach((vertex, at) => (vertex.order = at));
  columns.forEach(number);
  let best = columns.map((column) => [...column]);
  let fewest = crossings(columns);
  const sweeps = columns.flat().length > 1500 ? 4 : SWEEPS;
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    const isForth = sweep % 2 === 0;
    const way = isForth ? columns : [...columns].reverse();
    for (const column of way) {
      const means = new Map(column.map((vertex) => [vertex, meanOrder(vertex, isForth)]));
      column.sort((one, other) => (means.get(one) ?? 0) - (means.get(other) ?? 0) || one.order - other.order);
      number(column);
    }
    const now = crossings(columns);
    if (now < fewest) {
      fewest = now;
      best = columns.map((column) => [...column]);
    }
  }
  best.forEach((column, at) => {
    columns[at] = column;
    number(column);
  });
}

/**
 * @param {Vertex} vertex
 * @param {boolean} ofLeft
 */
function meanOrder(vertex, ofLeft) {
  const others = ofLeft ? vertex.left : vertex.right;
  if (others.length === 0) return vertex.order;
  return others.reduce((sum, other) => sum + other.order, 0) / others.length;
}

/** @param {Vertex[][]} columns */
function crossings(columns) {
  let count = 0;
  for (const column of columns) {
    const ends = column.flatMap((vertex) => vertex.right.map((other) => other.order).sort((a, b) => a - b));
    count += inversions(ends);
  }
  return count;
}

/**
 * Pairs that stand in the wrong order, by merging.
 *
 * @param {number[]} values
 * @returns {number}
 */
function inversions(values) {
  if (values.length < 2) return 0;
  const middle = values.length >> 1;
  const [low, high] = [values.slice(0, middle), values.slice(middle)];
  let count = inversions(low) + inversions(high);
  low.sort((a, b) => a - b);
  high.sort((a, b) => a - b);
  let at = 0;
  for (const value of low) {
    while (at < high.length && high[at] < value) at += 1;
    count += at;
  }
  return count;
}

/**
 * Heights: each vertex as near as may be to the middle of its neighbours, in the order of its column.
 *
 * @param {Vertex[][]} columns
 * @param {number} gap
 */
function setHeights(columns, gap) {
  for (const column of columns) {
    let y = 0;
    column.forEach((vertex, at) => {
      if (at > 0) y += apart(column[at - 1], vertex, gap);
      vertex.y = y;
    });
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForth = sweep % 2 === 0;
    const isLast = sweep >= SWEEPS - 4;
    for (const column of isForth ? columns : [...columns].reverse()) {
      const wanted = column.map((vertex) => {
        const others = isLast ? [...vertex.left, ...vertex.right] : isForth ? vertex.left : vertex.right;
        if (others.length === 0) return vertex.y;
        return others.reduce((sum, other) => sum + other.y, 0) / others.length;
      });
      fit(column, wanted, gap);
    }
  }
}

/**
 * How far the middles of two neighbours are from each other at least. Edges that pass side by side stand
 * close together.
 *
 * @param {Vertex} one
 * @param {Vertex} other
 * @param {number} gap
 */
function apart(one, other, gap) {
  const between = one.isBox && other.isBox ? gap : one.isBox || other.isBox ? gap * 0.6 : 1;
  return (one.height + other.height) / 2 + between;
}

/**
 * The heights nearest to those that are wanted, of which none overlap: neighbours that would are moved
 * as one block (pool adjacent violators).
 *
 * @param {Vertex[]} column
 * @param {number[]} wanted
 * @param {number} gap
 */
function fit(column, wanted, gap) {
  const offsets = [0];
  for (let at = 1; at < column.length; at += 1) {
    offsets.push(offsets[at - 1] + apart(column[at - 1], column[at], gap));
  }
  /** @type {{ sum: number, weight: number, count: number }[]} */
  const blocks = [];
  column.forEach((vertex, at) => {
    const weight = vertex.isBox ? 1 : 2;
    let block = { sum: (wanted[at] - offsets[at]) * weight, weight, count: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.sum / last.weight > block.sum / block.weight; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  let at = 0;
  for (const block of blocks) {
    for (let left = block.count; left > 0; left -= 1, at += 1) column[at].y = block.sum / block.weight + offsets[at];
  }
}

/**
 * @param {Vertex[][]} columns
 * @param {number} gap
 */
function columnStarts(columns, gap) {
  const xs = [0];
  columns.forEach((column, at) => {
    const width = Math.max(...column.map((vertex) => vertex.width));
    // Many edges between two columns need room to bend.
    const edges = column.reduce((sum, vertex) => sum + vertex.right.length, 0);
    xs.push(xs[at] + width + gap + Math.min(edges * 2, 80));
  });
  return xs;
}

/**
 * Where the edges go: each leaves and arrives at a place of its own.
 *
 * @param {Vertex[][]} chains
 * @param {Set<number>} turned
 * @param {number[]} xs
 * @param {number[]} widths
 * @param {number} gap
 * @returns {Point[][]}
 */
function pathsOf(chains, turned, xs, widths, gap) {
  const ends = portsOf(chains, gap);
  return chains.map((chain, number) => {
    if (chain.length === 0) return [];
    const points = chain.flatMap((vertex, at) => {
      const x = xs[vertex.layer];
      if (at === 0) return [{ x: x + vertex.width, y: ends.start[number] }];
      if (at === chain.length - 1) return [{ x, y: ends.end[number] }];
      return [
        { x, y: vertex.y },
        { x: x + widths[vertex.layer], y: vertex.y },
      ];
    });
    return turned.has(number) ? points.reverse() : points;
  });
}

/**
 * @param {Vertex[][]} chains
 * @param {number} gap
 */
function portsOf(chains, gap) {
  /** @type {number[]} */
  const start = [];
  /** @type {number[]} */
  const end = [];
  /** @type {Map<Vertex, { number: number, toward: number, ends: number[] }[]>} */
  const rights = new Map();
  /** @type {Map<Vertex, { number: number, toward: number, ends: number[] }[]>} */
  const lefts = new Map();
  chains.forEach((chain, number) => {
    if (chain.length === 0) return;
    const [first, second] = chain;
    const [before, last] = chain.slice(-2);
    rights.set(first, [...(rights.get(first) ?? []), { number, toward: second.y, ends: start }]);
    lefts.set(last, [...(lefts.get(last) ?? []), { number, toward: before.y, ends: end }]);
  });
  for (const [vertex, ports] of [...rights, ...lefts]) {
    ports.sort((one, other) => one.toward - other.toward || one.number - other.number);
    const step = Math.min(ports.length < 3 ? gap : 16, (vertex.height - 12) / Math.max(ports.length, 1));
    ports.forEach((port, at) => {
      port.ends[port.number] = vertex.y + (at - (ports.length - 1) / 2) * step;
    });
  }
  return { start, end };
}
