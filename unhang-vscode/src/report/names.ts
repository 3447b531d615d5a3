/** Names and places as people read them. */

import type { Place } from "./model";

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `stock.rs:52`. */
export function shortPlace(place: Place): string {
  return `${fileName(place.file)}:${place.line}`;
}

/** Where a frame stands; `undefined` where that is not known. */
export function placeOf(at: { file: string | null; line: number | null }): Place | undefined {
  return at.file !== null && at.line !== null ? { file: at.file, line: at.line } : undefined;
}

/** `1 task`, `3 tasks`. */
export function count(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}

/** `task 5`, but `main`'s and a thread's future by their own names. */
export function taskName(id: string): string {
  return /^\d/.test(id) ? `task ${id}` : id;
}

/** `tasks 6, 7 and 8`; of many the first ones. */
export function taskNames(ids: readonly string[], of = ids.length): string {
  const most = 4;
  const shown = ids.slice(0, of > most ? most - 1 : most);
  const rest = of - shown.length;
  const parts = rest > 0 ? [...shown, `${rest.toLocaleString("en-US")} more`] : shown;
  const last = parts.at(-1) ?? "";
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${last}` : last;
  return `${of === 1 ? "task" : "tasks"} ${list}`;
}
