// A real browser with a page in it.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';


/**
 * Opens the page that the script was given, and closes the browser when `look` is done. No message of the
 * browser and no request to anywhere is borne.
 *
 * @param {{ width?: number, dark?: boolean, query?: string, before?: () => void, ready?: string }} how
 * @param {(page: any) => Promise<void>} look
 */
export async function open(how, look) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage({
      viewport: { width: how.width ?? 1280, height: 900 },
      colorScheme: how.dark === true ? 'dark' : 'light',
    });
    /** @type {string[]} */
    const complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(file|data|blob):/.test(request.url())) complaints.push(request.url());
    });
    if (how.before !== undefined) await page.addInitScript(how.before);
    await page.goto(`${pathToFileURL(process.argv[2]).href}${how.query ?? ''}`);
    await page.waitForSelector(how.ready ?? '[role=tab]');
    await look(page);
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
}
