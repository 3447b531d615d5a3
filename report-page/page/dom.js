// Elements. Text of the process only ever becomes text: nothing here takes markup, and characters that
// would change how others are read are shown by their numbers.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | ((event: any) => void)>} Attributes
 */

/** Controls but for the end of a line, and what turns the direction of text or is not seen. */
const HARMFUL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * The text with what would do harm in it as a Rust developer would write it.
 *
 * @param {string} text
 */
export function harmless(text) {
  return text.replace(HARMFUL, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}

/**
 * Sets attributes; functions are listeners, and null and false leave an attribute out.
 *
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? '' : harmless(String(value)));
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

/**
 * @param {Element} element
 * @param {Child[]} children
 */
function append(element, children) {
  for (const child of children) {
    if (typeof child === 'string') element.append(harmless(child));
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/**
 * A button with words on it.
 *
 * @param {string} text
 * @param {() => void} act
 * @param {Attributes} [attributes]
 */
export function button(text, act, attributes = {}) {
  return el('button', { type: 'button', click: () => act(), ...attributes }, text);
}

/**
 * A choice of one of several.
 *
 * @param {string} label
 * @param {[string, string][]} options each with its value and its words
 * @param {string} value
 * @param {(value: string) => void} act
 */
export function choice(label, options, value, act) {
  const select = el('select', { change: () => act(select.value) });
  for (const [option, words] of options) select.append(el('option', { value: option }, words));
  select.value = value;
  return el('label', { class: 'choice' }, el('span', {}, label), select);
}

/**
 * A box to tick.
 *
 * @param {string} label
 * @param {boolean} value
 * @param {(value: boolean) => void} act
 */
export function tick(label, value, act) {
  const input = el('input', { type: 'checkbox', change: () => act(input.checked) });
  input.checked = value;
  return el('label', { class: 'tick' }, input, el('span', {}, label));
}

/**
 * The text cut to so many characters.
 *
 * @param {string} text
 * @param {number} most
 */
export function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
