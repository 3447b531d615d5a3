import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphOf } from '../page/graph.js';
import { around, chosen, folded, partsOf, READABLE } from '../page/parts.js';
import { crowd, recordedModel } from './reports.js';

/**
 * The marked edges by the titles of their ends, sorted.
 *
 * @param {import('../page/graph.js').Graph} graph
 */
function circle(graph) {
  const titles = new Map(graph.nodes.map((node) => [node.id, node.title]));
  return graph.edges
    .filter((edge) => edge.mark !== null)
    .map((edge) => `${titles.get(edge.from)} → ${titles.get(edge.to)}`)
    .sort();
}

test('a task that waits for its own lock is a circle of two', () => {
  const graph = graphOf(recordedModel('shop'), false);
  const [task] = recordedModel('shop').report.findings[0].tasks;
  assert.deepEqual(circle(graph), [`Mutex<Inventory> → Task ${task}`, `Task ${task} → Mutex<Inventory>`]);
  const behind = graph.edges.filter((edge) => edge.mark === null);
  assert.equal(behind.length, recordedModel('shop').report.findings[0].behind.length);
  assert.equal(graph.apart, 1, 'main waits for a socket');
});

test('what libraries wait for is there when it is asked for', () => {
  const [few, all] = [graphOf(recordedModel('shop'), false), graphOf(recordedModel('shop'), true)];
  assert.ok(!few.nodes.some((node) => node.badge === 'watch'));
  assert.ok(all.nodes.some((node) => node.badge === 'watch'));
  assert.equal(all.apart, 0);
});

test('two tasks with two locks are a circle of four', () => {
  const { findings } = recordedModel('two-locks').report;
  const [one, other] = findings[0].tasks;
  const expected = [
    `Mutex<Ledger> → Task ${other}`,
    `Mutex<Stock> → Task ${one}`,
    `Task ${one} → Mutex<Ledger>`,
    `Task ${other} → Mutex<Stock>`,
  ];
  assert.deepEqual(circle(graphOf(recordedModel('two-locks'), false)), expected);
});

test('a full pool closes the circle of those that are in it', () => {
  const graph = graphOf(recordedModel('full-pool'), false);
  const marked = circle(graph);
  assert.ok(marked.some((edge) => edge.endsWith('→ Blocking pool')), String(marked));
  assert.ok(marked.some((edge) => edge.startsWith('Blocking pool →')), String(marked));
});

test('every marked circle is one, and every task of a finding is in the graph', () => {
  for (const name of ['shop', 'two-locks', 'full-pool', 'block-on-circle', 'two-each', 'no-waker']) {
    const model = recordedModel(name);
    const graph = graphOf(model, false);
    for (const finding of model.report.findings) {
      for (const id of finding.tasks) {
        const node = graph.nodes.find((it) => it.tasks.includes(id));
        assert.equal(node?.mark, finding.certain ? 'certain' : 'probable', `${name}: task ${id}`);
      }
      if (finding.kind !== 'deadlock') continue;
      const marked = graph.edges.filter((edge) => edge.mark !== null);
      for (const edge of marked) assert.ok(marked.some((next) => next.from === edge.to), `${name}: ${edge.to}`);
    }
  }
});

test('what is probable is marked as that', () => {
  const graph = graphOf(recordedModel('two-each'), false);
  assert.ok(graph.nodes.filter((node) => node.mark === 'probable').length >= 4);
  assert.ok(graph.nodes.every((node) => node.mark !== 'certain'));
});

test('what stands alike is one node, and what is evidence is not', () => {
  const graph = graphOf(crowd(1000, 3), false);
  assert.equal(graph.nodes.length, 1000 + 3);
  const one = folded(graph);
  assert.ok(one.nodes.length <= 9, `${one.nodes.length}`);
  const counted = one.nodes.reduce((sum, node) => sum + node.count, 0);
  assert.equal(counted, 1003);
  const shop = graphOf(recordedModel('shop'), false);
  const marked = (/** @type {import('../page/graph.js').Graph} */ it) => it.nodes.filter((node) => node.mark !== null).length;
  assert.equal(marked(folded(shop)), marked(shop));
});

test('of many different parts those that read well are chosen', () => {
  const graph = graphOf(crowd(3000, 1000), false);
  const some = chosen(graph, new Set(['7']), false);
  assert.ok(some.nodes.length <= READABLE && some.nodes.length > READABLE - 10, `${some.nodes.length}`);
  assert.equal(some.nodes.length + some.left, graph.nodes.length);
  assert.ok(some.nodes.some((node) => node.tasks.includes('7')), 'what is of interest is among them');
  assert.ok(some.edges.every((edge) => some.nodes.some((node) => node.id === edge.from)));
  assert.equal(chosen(graph, new Set(), true).nodes.length, 2000);
});

test('of one part that is too large what is next to the evidence is chosen', () => {
  const graph = graphOf(crowd(3000, 1), false);
  const some = chosen(graph, new Set(['9']), false);
  assert.equal(some.nodes.length, READABLE);
  assert.equal(around(graph, '9', 10).nodes.length, 10);
  assert.ok(around(graph, '9', 10).nodes.some((node) => node.tasks.includes('9')));
});

test('parts with findings come first', () => {
  const [first] = partsOf(graphOf(recordedModel('two-locks'), false), new Set());
  assert.ok(first.some((node) => node.mark === 'certain'));
});

test('who starves behind a blocked worker is drawn', () => {
  const model = recordedModel('blocked-worker');
  const [finding] = model.report.findings;
  assert.ok(finding.behind.length > 0);
  const graph = graphOf(model, false);
  for (const id of finding.behind) {
    const edges = graph.edges.filter((edge) => edge.from === `task:${id}`);
    assert.ok(edges.length > 0, `task ${id}`);
  }
});
