// Moving about in a picture: by dragging, by the wheel, by two fingers, by keys.

/** @import { Point } from './layout.js' */

const LEAST = 0.05;
const MOST = 4;

/**
 * @param {SVGSVGElement} canvas
 * @param {SVGGElement} layer
 */
export function attachPan(canvas, layer) {
  let [x, y, scale] = [0, 0, 0];
  let dragged = false;
  /** @type {Map<number, Point>} */
  const pointers = new Map();
  const apply = () => layer.setAttribute('transform', `translate(${x} ${y}) scale(${scale})`);
  const zoomAt = (/** @type {number} */ factor, /** @type {Point} */ at) => {
    const next = Math.min(MOST, Math.max(LEAST, scale * factor));
    x = at.x - ((at.x - x) * next) / scale;
    y = at.y - ((at.y - y) * next) / scale;
    scale = next;
    apply();
  };
  const size = () => canvas.getBoundingClientRect();
  const middle = () => ({ x: size().width / 2, y: size().height / 2 });
  const within = (/** @type {MouseEvent} */ event) => ({ x: event.clientX - size().left, y: event.clientY - size().top });

  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        zoomAt(Math.exp(-event.deltaY / 200), within(event));
      } else {
        x -= event.shiftKey ? event.deltaY : event.deltaX;
        y -= event.shiftKey ? 0 : event.deltaY;
        apply();
      }
    },
    { passive: false },
  );
  canvas.addEventListener('dblclick', (event) => zoomAt(1.6, within(event)));
  canvas.addEventListener('pointerdown', (event) => {
    if (pointers.size === 0) dragged = false;
    pointers.set(event.pointerId, within(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = within(event);
    if (!dragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    if (!dragged) canvas.setPointerCapture(event.pointerId);
    dragged = true;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) {
      x += now.x - before.x;
      y += now.y - before.y;
      apply();
    } else {
      const far = (/** @type {Point} */ at) => Math.max(Math.hypot(at.x - other.x, at.y - other.y), 1);
      zoomAt(far(now) / far(before), other);
    }
    pointers.set(event.pointerId, now);
  });
  const release = (/** @type {PointerEvent} */ event) => pointers.delete(event.pointerId);
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);

  return {
    /** Whether nothing was fitted yet: the picture was not visible. */
    isUnset: () => scale === 0,
    /** Whether what ends now is a drag and no click. */
    wasDragged: () => dragged,
    /** @param {number} factor */
    zoom: (factor) => zoomAt(factor, middle()),
    /**
     * Shows all of a picture, but not larger than it is; or its beginning, so large that it can be read.
     *
     * @param {number} width
     * @param {number} height
     * @param {number} least the scale that can be read
     */
    fit(width, height, least = LEAST) {
      const room = size();
      if (room.width === 0 || width === 0) return;
      const margin = 24;
      const fitting = Math.min((room.width - 2 * margin) / width, (room.height - 2 * margin) / height);
      scale = Math.min(1.15, Math.max(least, fitting));
      x = Math.max((room.width - width * scale) / 2, margin);
      // A small picture stands nearer to what is said above it.
      y = Math.max((room.height - height * scale) / 2.6, margin);
      apply();
    },
    /**
     * @param {number} toX
     * @param {number} toY
     */
    centre(toX, toY) {
      scale = Math.max(scale, 0.8);
      x = size().width / 2 - toX * scale;
      y = size().height / 2 - toY * scale;
      apply();
    },
    /**
     * Moves no further than needed to show a box.
     *
     * @param {Point} corner
     * @param {number} width
     * @param {number} height
     */
    reveal(corner, width, height) {
      const room = size();
      const [left, top] = [corner.x * scale + x, corner.y * scale + y];
      if (left < 0) x -= left - 12;
      if (top < 0) y -= top - 12;
      if (left + width * scale > room.width) x -= left + width * scale - room.width + 12;
      if (top + height * scale > room.height) y -= top + height * scale - room.height + 12;
      apply();
    },
  };
}
