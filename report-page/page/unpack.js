// The report that is in the page: JSON, either the report itself or a string, in which it is compressed.
//
// `unhang` writes the string: a report of ten thousand tasks is twenty megabytes of JSON and a few hundred
// kilobytes of this, and what the browser must parse as markup is what takes its time. Base64 has no
// character that ends a script.

/** @import { Report } from './report.js' */

/**
 * @param {string} text
 * @returns {Promise<Report | null>} null where there is none
 */
export async function unpacked(text) {
  const found = text.trim() === '' ? null : JSON.parse(text);
  if (typeof found !== 'string') return found;
  const packed = Uint8Array.from(atob(found), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}
