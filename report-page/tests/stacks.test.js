import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backtraceText } from '../page/backtrace.js';
import { groupsOf, sorted } from '../page/groups.js';
import { shortName, shortPlace } from '../page/report.js';
import { mergedStacks } from '../page/stacks.js';
import { crowd, recorded, recordedModel } from './reports.js';

/**
 * @param {import('../page/stacks.js').Segment[]} segments
 * @returns {unknown[]}
 */
function told(segments) {
  return segments.map((it) => [it.tasks.size, it.frames.map((frame) => shortName(frame.name)).join(' '), ...told(it.children)]);
}

test('what stacks have in common is there once', () => {
  const { tasks, findings } = recorded('shop');
  const waiting = findings[0].behind.length;
  const tree = mergedStacks(tasks, true);
  assert.deepEqual(told(tree), [
    [waiting + 1, 'http::checkout checkout::buy', [waiting, 'stock::reserve'], [1, 'stock::reserve stock::restock']],
    [1, 'inventory_service::main (line 10)'],
  ]);
});

test('every task is in the tree, and all frames are', () => {
  const { tasks } = recorded('shop');
  const tree = mergedStacks(tasks, false);
  const seen = new Set(tree.flatMap((root) => [...root.tasks]));
  assert.equal(seen.size, tasks.length);
  const count = (/** @type {import('../page/stacks.js').Segment[]} */ all) => all.reduce((sum, it) => sum + it.frames.length + count(it.children), 0);
  assert.ok(count(tree) > 30);
});

test('many tasks that stand in one place are one stack', () => {
  const { tasks } = crowd(5000, 1).report;
  const [root, ...others] = mergedStacks(tasks, false);
  assert.equal(others.length, 0);
  assert.equal(root.tasks.size, 5000);
});

test('tasks are grouped and sorted', () => {
  const model = recordedModel('shop');
  const { tasks } = model.report;
  const groups = groupsOf(tasks, 'where', model);
  assert.deepEqual(groups.map((group) => group.title).sort(), [...new Set(tasks.map((task) => task.row.function))].sort());
  assert.ok(groups[0].tasks.length >= groups[groups.length - 1].tasks.length);
  assert.equal(groupsOf(tasks, 'none', model)[0].tasks.length, tasks.length);
  assert.match(groupsOf(tasks, 'runtime', model)[0].detail, /tokio/);
  const up = sorted(tasks, 'where', false).map((task) => task.row.function);
  assert.deepEqual(up, [...up].sort());
  assert.deepEqual(sorted(tasks, 'id', true).map((task) => task.id), tasks.map((task) => task.id).reverse());
});

test('names and places are short', () => {
  assert.equal(shortName('inventory::stock::reserve'), 'stock::reserve');
  assert.equal(shortName('async block in shop::main'), 'shop::main');
  assert.equal(shortName('block_on async block in a::shop::main'), 'block_on shop::main');
  assert.equal(shortName('shop::<a::B as c::D<e::F>>::call'), '<a::B as c::D<e::F>>::call');
  assert.equal(shortName('a::b::Map<fn(c::D) -> e::F>'), 'b::Map<fn(c::D) -> e::F>');
  assert.equal(shortPlace('crates/shop/src/stock.rs:31'), 'stock.rs:31');
});

test('a backtrace has every frame, innermost first, with its notes', () => {
  const task = recorded('shop').tasks.find((it) => it.id !== 'main');
  const lines = backtraceText(task).split('\n');
  const numbers = lines.filter((line) => line.startsWith('#')).map((line) => Number(line.slice(1).split(' ')[0]));
  assert.deepEqual(numbers, numbers.map((_, at) => at));
  assert.ok(lines.some((line) => line.includes('waits for Mutex<Inventory>')));
  assert.ok(lines.some((line) => line.includes('┌╴branch 1 of 2')));
});
