// Where the page is shown: in a browser, or in a panel of VS Code, which opens files and saves them.

import { el } from './dom.js';

/** @import { Report } from './report.js' */

/** @typedef {{ postMessage(message: unknown): void }} Panel */

/** @type {Panel | null} */
const panel = typeof acquireVsCodeApi === 'function' ? acquireVsCodeApi() : null;

/** Whether files can be opened from here. */
export const opensFiles = panel !== null;

/**
 * Opens a line of a source file, where that can be done.
 *
 * @param {string} file
 * @param {number} line
 */
export function openFile(file, line) {
  panel?.postMessage({ type: 'open', file, line });
}

/**
 * Tells that the user went to a task.
 *
 * @param {string} id
 */
export function tellTask(id) {
  panel?.postMessage({ type: 'task', id });
}

/**
 * Gives the user a file.
 *
 * @param {string} name
 * @param {string} mime
 * @param {string} text
 */
export function save(name, mime, text) {
  if (panel !== null) {
    panel.postMessage({ type: 'save', name, mime, text });
    return;
  }
  const address = URL.createObjectURL(new Blob([text], { type: mime }));
  el('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * Calls for each report that VS Code sends.
 *
 * @param {(report: Report) => void} show
 */
export function onReport(show) {
  window.addEventListener('message', (event) => {
    if (event.data?.type === 'report') show(event.data.report);
  });
}

/**
 * A place in a source file: a link where files can be opened.
 *
 * @param {string} text
 * @param {{ file: string | null, line: number | null } | null} place
 */
export function placeElement(text, place) {
  const { file, line } = place ?? { file: null, line: null };
  if (file === null || line === null) return el('span', { class: 'place' }, text);
  const title = `${file}:${line}`;
  if (panel === null) return el('span', { class: 'place', title }, text);
  const open = (/** @type {Event} */ event) => {
    event.stopPropagation();
    openFile(file, line);
  };
  return el('button', { type: 'button', class: 'link place', title, click: open }, text);
}
