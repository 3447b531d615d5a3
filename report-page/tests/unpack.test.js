import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { unpacked, whole } from '../page/unpack.js';
import { recorded } from './reports.js';

/** What the shared form of frames has of a site. */
const OF_SITE = ['function', 'name', 'kind', 'state', 'file', 'line', 'at', 'source', 'expanded_at', 'defined_at', 'user', 'type'];
const OF_WAIT = ['address', 'text', 'told', 'frame', 'access', 'permits', 'polled', 'limit', 'blocks_thread', 'granted', 'keeps_waker', 'waker', 'note'];

/**
 * The report as `unhang` packs it.
 *
 * @param {any} report
 */
function shared(report) {
  /** @type {any[]} */
  const sites = [];
  /** @type {any[]} */
  const resources = [];
  const numberIn = (/** @type {any[]} */ all, /** @type {any} */ one) => {
    const text = JSON.stringify(one);
    const at = all.findIndex((other) => JSON.stringify(other) === text);
    return at >= 0 ? at : all.push(one) - 1;
  };
  const frameOf = (/** @type {any} */ frame) => {
    const own = Object.entries(frame).filter(([name, value]) => !OF_SITE.includes(name) && value !== null && (!Array.isArray(value) || value.length > 0));
    const site = Object.fromEntries(OF_SITE.map((name) => [name, frame[name]]));
    const one = Object.fromEntries(own);
    if (one.children) one.children = frame.children.map((/** @type {any[]} */ branch) => branch.map(frameOf));
    return { ...one, site: numberIn(sites, site) };
  };
  const waitOf = (/** @type {any} */ wait) => {
    const entries = Object.entries(wait);
    const own = entries.filter(([name]) => OF_WAIT.includes(name));
    const resource = entries.filter(([name]) => !OF_WAIT.includes(name));
    return { ...Object.fromEntries(own), of: numberIn(resources, Object.fromEntries(resource)) };
  };
  const tasks = report.tasks.map((/** @type {any} */ task) => ({ ...task, frames: task.frames.map(frameOf), waiting_on: task.waiting_on.map(waitOf) }));
  return { ...report, tasks, sites, resources };
}

test('what is shared comes back to where it belongs', () => {
  for (const name of ['shop', 'two-locks', 'two-each']) {
    const report = recorded(name);
    const small = shared(report);
    assert.ok(JSON.stringify(small).length < JSON.stringify(report).length);
    assert.deepEqual(whole(small), report);
  }
});

test('the page holds it packed, whole, or not at all', async () => {
  const report = recorded('shop');
  const packed = gzipSync(JSON.stringify(shared(report))).toString('base64');
  assert.deepEqual(await unpacked(JSON.stringify(packed)), report);
  assert.deepEqual(await unpacked(JSON.stringify(report)), report);
  assert.equal(await unpacked('null'), null);
  assert.equal(await unpacked('\n'), null);
});
