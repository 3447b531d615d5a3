// The process says what it likes: every text of a report is markup that would run, and stays text.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { unpacked } from '../../page/unpack.js';
import { open } from './open.js';

const EVIL = '</script><script>window.evil = 1</script><img src="x" onerror="window.evil = 1"><b>"\'&amp;\u202e';

/** Words that the schema has, and ids, by which things are found. */
const KEPT = new Set(['id', 'task', 'tasks', 'kind', 'state', 'polled', 'resource', 'address', 'role', 'activity', 'behind', 'queue', 'waited_for_by', 'access', 'phase']);

/**
 * @param {any} value
 * @param {string} name
 * @returns {any}
 */
function evil(value, name) {
  if (typeof value === 'string') return KEPT.has(name) ? value : `${EVIL}${value}`;
  if (Array.isArray(value)) return value.map((one) => evil(one, name));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, evil(one, key)]));
}

const place = /(<script type="application\/json" id="report">)([^<]*)(<\/script>)/;
const page = readFileSync(process.argv[2], 'utf8');
const report = evil(await unpacked(place.exec(page)?.[2] ?? ''), '');
const packed = JSON.stringify(gzipSync(JSON.stringify(report)).toString('base64'));
writeFileSync(process.argv[2], page.replace(place, (_, begin, __, end) => `${begin}${packed}${end}`));

await open({}, async (tab) => {
  for (const name of ['Graph', 'Stacks', 'Tasks', 'Runtimes', 'Connections']) await tab.getByRole('tab', { name }).click();
  await tab.locator('.finding .link.task').first().click();
  assert.ok((await tab.locator('.detail').innerText()).includes('<img src="x" onerror='));
  assert.ok((await tab.locator('.finding').first().innerText()).includes('</script><script>'));
  assert.ok((await tab.locator('.finding').first().innerText()).includes('\\u{202e}'));
  assert.ok(!(await tab.locator('body').innerText()).includes('\u202e'));
  assert.equal(await tab.locator('img').count(), 0);
  assert.equal(await tab.evaluate(() => /** @type {any} */ (window).evil), undefined);
  assert.ok((await tab.locator('.graph .node').count()) >= 3);
});
console.log('Text of the process stays text.');
