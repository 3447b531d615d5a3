// Somebody opens the page of the hung inventory service, with the mouse and with the keyboard.

import assert from 'node:assert/strict';
import { open } from './open.js';

await open({}, async (page) => {
  const finding = page.locator('.finding.certain');
  assert.equal(await finding.count(), 1);
  assert.match(await finding.innerText(), /Deadlock: task \d+ waits for a lock that it holds itself\./);
  assert.match(await finding.innerText(), /held +by task \d+ in `stock`/);
  assert.match(await finding.innerText(), /help: drop `stock`/);

  // The circle, and who queues behind it.
  const marked = page.locator('.graph .node.marked.certain');
  assert.deepEqual((await marked.locator('.title').allTextContents()).map((it) => it.replace(/\d+/, 'N')).sort(), ['Mutex<Inventory>', 'Task N']);
  assert.equal(await page.locator('.graph .edge.marked.certain').count(), 2);
  assert.ok((await page.locator('.graph .node').count()) >= 3);
  await page.getByLabel('fold what is alike').uncheck();
  assert.equal(await page.locator('.graph .node').count(), 5);
  await page.getByLabel('waits of libraries').check();
  assert.ok((await page.locator('.graph .node').count()) > 5);

  // It is found, and saved.
  await page.getByLabel('Find in the graph').fill('mutex');
  assert.equal(await page.locator('.graph .node.found').count(), 1);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Save SVG').click()]);
  assert.equal(download.suggestedFilename(), 'who-waits-for-whom.svg');
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  const picture = Buffer.concat(chunks).toString('utf8');
  assert.match(picture, /^<\?xml/);
  assert.ok(picture.includes('Mutex&lt;Inventory&gt;') && picture.includes('.graph .node'));

  // A click on a task shows its frames.
  await page.getByLabel('Find in the graph').fill('');
  await page.locator('.graph .node.task.marked').click();
  assert.match(await page.locator('.detail').innerText(), /inventory::stock::restock/);
  assert.match(await page.locator('.detail').innerText(), /branch 1 of 2/);
  assert.match(await page.locator('.detail').innerText(), /let mut stock = inventory\.lock\(\)\.await;/);

  // The filter.
  const rows = page.locator('.rows .row');
  const all = await rows.count();
  await page.getByLabel('Filter tasks').fill('--waiting-on lock stock::restock');
  assert.equal(await rows.count(), 1);
  await page.getByLabel('Filter tasks').fill('--state nonsense');
  assert.match(await page.locator('.list-view [role=status]').innerText(), /no state nonsense/);
  await page.getByLabel('Filter tasks').fill('');
  assert.equal(await rows.count(), all);

  // The stacks.
  await page.getByRole('tab', { name: 'Stacks' }).click();
  const first = page.locator('.stack-box').first();
  assert.match(await first.innerText(), /4 tasks[\s\S]*http::checkout/);
  assert.equal(await page.locator('.stack-box').count(), 4);
  await first.getByText('4 tasks').click();
  assert.equal(await rows.count(), 4);

  await page.getByRole('tab', { name: 'Runtimes' }).click();
  assert.match(await page.locator('#panel-runtimes').innerText(), /multi_thread[\s\S]*parked/);
  await page.getByRole('tab', { name: 'Connections' }).click();
  assert.match(await page.locator('#panel-connections').innerText(), /http1[\s\S]*POST/);
});

// With nothing but the keyboard, in the dark, on a narrow screen.
await open({ width: 500, dark: true }, async (page) => {
  await page.getByRole('tab', { name: 'Graph' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('[role=tab][aria-selected=true]').innerText(), 'Tasks (5)');
  await page.keyboard.press('/');
  await page.keyboard.type('restock');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  assert.match(await page.locator('.detail').innerText(), /inventory::stock::restock/);
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('.detail').isHidden());
  await page.getByRole('tab', { name: 'Tasks' }).focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.locator('.graph .node[tabindex="0"]').focus();
  const before = await page.evaluate(() => document.activeElement?.getAttribute('data-id'));
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  assert.match(label ?? '', /Task|Mutex/);
  assert.ok(before);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, 'rgb(21, 23, 28)');
  await page.getByText('Light / dark').click();
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
  // Nothing is wider than the screen.
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
});

console.log('The hung service is explained.');
