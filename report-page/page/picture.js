// The graph as a file of its own.

/** What the styles of the picture rest on. */
const VARIABLES = ['bg', 'panel', 'border', 'text', 'muted', 'accent', 'certain', 'certain-bg', 'probable', 'probable-bg', 'worth', 'worth-bg', 'resource', 'resource-bg', 'mono', 'sans'];

/**
 * The text of an SVG file that looks as the picture does now, whole and at its size.
 *
 * @param {SVGSVGElement} canvas
 * @param {{ width: number, height: number }} size
 */
export function standaloneSvg(canvas, size) {
  const copy = /** @type {SVGSVGElement} */ (canvas.cloneNode(true));
  const margin = 20;
  const [width, height] = [Math.ceil(size.width + 2 * margin), Math.ceil(size.height + 2 * margin)];
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('viewBox', `${-margin} ${-margin} ${width} ${height}`);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.querySelector(':scope > g')?.removeAttribute('transform');
  copy.classList.remove('hovering', 'finding');
  for (const element of copy.querySelectorAll('.selected, .near, .found')) element.classList.remove('selected', 'near', 'found');
  const style = copy.querySelector('style');
  if (style !== null) style.textContent = `${values()}\n${graphRules()}`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

/** The colours that are in use now. */
function values() {
  const probe = document.createElement('span');
  document.body.append(probe);
  const lines = VARIABLES.map((name) => {
    const isFont = name === 'mono' || name === 'sans';
    probe.style.cssText = isFont ? `font-family: var(--${name})` : `color: var(--${name})`;
    const computed = getComputedStyle(probe);
    return `--${name}: ${isFont ? computed.fontFamily : computed.color};`;
  });
  probe.remove();
  return `svg { ${lines.join(' ')} background: var(--bg); }`;
}

/** The rules of the page's style sheet that are about the picture. */
function graphRules() {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  return rules.map((rule) => rule.cssText).filter((text) => text.startsWith('.graph ')).join('\n');
}
