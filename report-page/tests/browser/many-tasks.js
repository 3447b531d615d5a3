// A page of ten thousand tasks opens in a second.

import assert from 'node:assert/strict';
import { open } from './open.js';

/** Milliseconds. A machine that does other things meanwhile is given three times as long. */
const LIMIT = 3000;

await open({ query: '?view=list' }, async (page) => {
  const shown = await page.evaluate(() => performance.getEntriesByName('shown')[0]?.startTime);
  console.log(`opened after ${Math.round(shown)} ms`);
  assert.ok(shown < LIMIT, `${shown} ms`);
  assert.equal(await page.locator('.row.group').count(), 5);
  await page.getByLabel('Group by').selectOption('none');
  assert.ok((await page.locator('.row').count()) < 100, 'only the rows that are seen exist');
  await page.locator('.rows').focus();
  await page.keyboard.press('End');
  assert.equal(await page.locator('.row.current').getAttribute('aria-rowindex'), '10001');
  await page.getByLabel('Filter tasks').fill('--waiting-on mpsc');
  assert.match(await page.locator('.list-view [role=status]').innerText(), /2500 of 10001 tasks/);
  await page.getByRole('tab', { name: 'Graph' }).click();
  const nodes = await page.locator('.graph .node').count();
  assert.ok(nodes > 2 && nodes < 20, `${nodes} nodes`);
  await page.getByRole('tab', { name: 'Stacks' }).click();
  assert.ok((await page.locator('.stack-box').count()) >= 4);
});
