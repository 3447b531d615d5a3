// The page in a panel of VS Code: reports come as messages, and what is clicked goes out as messages.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { unpacked } from '../../page/unpack.js';
import { open } from './open.js';

const place = /(<script type="application\/json" id="report">)([^<]*)(<\/script>)/;
const page = readFileSync(process.argv[2], 'utf8');
const report = await unpacked(place.exec(page)?.[2] ?? '');
writeFileSync(process.argv[2], page.replace(place, (_, begin, __, end) => `${begin}null${end}`));

/** What VS Code puts into the page before anything else. */
function panel() {
  const said = [];
  Object.assign(window, { said, acquireVsCodeApi: () => ({ postMessage: (message) => said.push(message) }) });
  document.addEventListener('DOMContentLoaded', () => {
    document.body.classList.add('vscode-dark');
    document.documentElement.style.setProperty('--vscode-editor-background', 'rgb(1, 2, 3)');
  });
}

await open({ before: panel, ready: '.loading', query: '?view=list' }, async (tab) => {
  const send = () => tab.evaluate((it) => window.postMessage({ type: 'report', report: it }), report);
  assert.equal(await tab.locator('.loading').innerText(), 'There is no report yet.');
  await send();
  await tab.getByLabel('Filter tasks').fill('stock::restock');
  assert.equal(await tab.locator('[role=tab][aria-selected=true]').innerText(), 'Tasks (5)');
  await tab.locator('.finding .place').first().click();
  await tab.locator('.row.task').click();
  await tab.locator('.detail .frame.user .place').first().click();
  const said = await tab.evaluate(() => /** @type {any} */ (window).said);
  assert.deepEqual(said.map((it) => it.type), ['open', 'task', 'open']);
  assert.match(said[0].file, /\/stock\.rs$/);
  assert.ok(said[0].line > 1);
  assert.equal(said[1].id, report?.findings[0].tasks[0]);
  assert.equal(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(1, 2, 3)');
  assert.equal(await tab.getByText('Light / dark').count(), 0);
  // What the user chose is still there when the program has gone on.
  await send();
  assert.equal(await tab.getByLabel('Filter tasks').inputValue(), 'stock::restock');
  assert.equal(await tab.locator('.row.task').count(), 1);
  await tab.getByText('Save JSON').click();
  assert.equal((await tab.evaluate(() => /** @type {any} */ (window).said)).at(-1).type, 'save');
});
console.log('The panel opens what is clicked.');
