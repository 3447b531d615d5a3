import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphOf } from '../page/graph.js';
import { placed } from '../page/layout.js';
import { partsOf } from '../page/parts.js';
import { crowd, recordedModel } from './reports.js';

/** @param {import('../page/graph.js').Graph} graph */
function picture(graph) {
  const boxes = partsOf(graph, new Set()).map((part) => part.map(({ id }) => ({ id, width: 200, height: 60 })));
  return placed(boxes, graph.edges, 1.6);
}

/** @param {import('../page/graph.js').Graph} graph */
function check(graph) {
  const { corners, paths, width, height } = picture(graph);
  assert.equal(corners.size, graph.nodes.length);
  const all = [...corners.values()];
  all.forEach((one, at) => {
    assert.ok(one.x >= 0 && one.y > -0.1 && one.x + 200 <= width + 0.1 && one.y + 60 <= height + 0.1, JSON.stringify(one));
    for (const other of all.slice(at + 1)) {
      const isApart = Math.abs(one.x - other.x) >= 200 || Math.abs(one.y - other.y) >= 59.8;
      assert.ok(isApart, `${JSON.stringify(one)} and ${JSON.stringify(other)} overlap`);
    }
  });
  graph.edges.forEach((edge, number) => {
    const path = paths[number];
    const [start, end] = [path[0], path[path.length - 1]];
    const [from, to] = [corners.get(edge.from), corners.get(edge.to)];
    assert.ok(from !== undefined && to !== undefined);
    assert.ok(start.y >= from.y && start.y <= from.y + 60, 'it leaves its box');
    assert.ok(end.y >= to.y && end.y <= to.y + 60, 'it arrives at its box');
    assert.ok(start.x === from.x || start.x === from.x + 200);
    assert.ok(end.x === to.x || end.x === to.x + 200);
  });
  return { corners, paths, width, height };
}

test('boxes stand apart, and edges go from box to box', () => {
  for (const name of ['shop', 'two-locks', 'full-pool', 'block-on-circle', 'two-each', 'many-tasks']) {
    check(graphOf(recordedModel(name), true));
  }
  check(graphOf(crowd(200, 7), false));
});

test('who waits stands left of what it waits for, but for a closed circle', () => {
  const graph = graphOf(recordedModel('two-locks'), false);
  const { corners } = check(graph);
  const x = (/** @type {string} */ id) => corners.get(id)?.x ?? 0;
  const back = graph.edges.filter((edge) => x(edge.from) >= x(edge.to));
  assert.equal(back.length, 1);
  assert.notEqual(back[0].mark, null);
});

test('the same graph gives the same picture', () => {
  const graph = () => graphOf(crowd(120, 11), false);
  assert.deepEqual([...picture(graph()).corners], [...picture(graph()).corners]);
});

test('a large graph takes no second', () => {
  const graph = graphOf(crowd(1500, 300), false);
  const begun = performance.now();
  picture(graph);
  const took = performance.now() - begun;
  assert.ok(took < 5000, `${took} ms`);
});

test('a task that waits for itself, and an empty graph', () => {
  const one = placed([[{ id: 'a', width: 10, height: 10 }]], [{ from: 'a', to: 'a' }], 1);
  assert.deepEqual(one.corners.get('a'), { x: 0, y: 0 });
  assert.deepEqual(placed([], [], 1).corners.size, 0);
});
