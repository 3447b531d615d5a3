// Takes the pictures of docs/report-page.md: `node picture.js PAGE`, with a page of the hung service. Look
// at them before they are committed.

import { fileURLToPath } from 'node:url';
import { open } from './open.js';

for (const dark of [false, true]) {
  await open({ dark }, async (page) => {
    await page.setViewportSize({ width: 1180, height: 640 });
    await page.getByText('Fit').click();
    const name = `../../../docs/report-page-${dark ? 'dark' : 'light'}.png`;
    await page.mouse.move(0, 0);
    await page.screenshot({ path: fileURLToPath(new URL(name, import.meta.url)) });
  });
}
