import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passes, readFilter } from '../page/filter.js';
import { recorded } from './reports.js';

/**
 * @param {string} name
 * @param {string} line
 */
function ids(name, line) {
  const filter = readFilter(line);
  assert.equal(filter.problem, null);
  return recorded(name).tasks.filter((task) => passes(task, filter)).map((task) => task.id);
}

test('the words of the list choose tasks', () => {
  const [all, reserving] = [ids('shop', ''), ids('shop', 'stock::reserve')];
  assert.ok(all.length > reserving.length && reserving.length > 1);
  assert.deepEqual(ids('shop', '--with stock::reserve'), reserving);
  assert.deepEqual(ids('shop', '--waiting-on mutex'), reserving);
  assert.deepEqual(ids('shop', '--waiting-on lock,timer'), reserving);
  assert.deepEqual(ids('shop', '--without stock.rs'), ['main']);
  assert.deepEqual(ids('shop', '--waiting-on io --state idle'), ['main']);
  assert.deepEqual(ids('shop', '--state=running'), []);
  assert.deepEqual(ids('shop', '--with "Mutex<Inventory>"'), reserving);
  assert.deepEqual(ids('shop', `--id ${reserving.join(',')}`), reserving);
});

test('a pool is asked for as one, and as a semaphore', () => {
  const holders = ids('two-each', '--waiting-on pool');
  assert.equal(holders.length, 3);
  assert.deepEqual(ids('two-each', '--waiting-on semaphore'), holders);
});

test('what is not known is said', () => {
  assert.match(readFilter('--stat idle').problem ?? '', /no option --stat:/);
  assert.match(readFilter('--state asleep').problem ?? '', /no state asleep/);
  assert.match(readFilter('--waiting-on stock').problem ?? '', /no kind stock/);
  assert.match(readFilter('--with').problem ?? '', /needs a word/);
  assert.equal(readFilter('"two words" x').problem, null);
  assert.deepEqual(readFilter('"two words" x').having, ['two words', 'x']);
});
