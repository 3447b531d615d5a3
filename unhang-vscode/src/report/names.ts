/** Names and places as people read them. */

import type { Frame, Place } from "./model";

/** Generic arguments longer than this are left out. */
const SHORT_ARGUMENTS = 14;

/**
 * A function's name without the arguments of generic types that make it long, and without paths in
 * those that stay: `Mutex<inventory::stock::Inventory>::lock` is `Mutex<Inventory>::lock`.
 */
export function shortName(name: string): string {
  let out = "";
  let at = 0;
  while (at < name.length) {
    const character = name[at] ?? "";
    // Not of `->`, and not `<T as Trait>` with which a name begins.
    if (character === "<" && at > 0 && /[\w:]/.test(name[at - 1] ?? "")) {
      const end = closing(name, at);
      const inner = name.slice(at + 1, end).replace(/\b(?:\w+::)+/g, "");
      out += inner.length <= SHORT_ARGUMENTS ? `<${inner}>` : "<…>";
      at = end + 1;
    } else {
      out += character;
      at += 1;
    }
  }
  // What a program calls `std` lies in three crates.
  return out.replaceAll("::<", "<").replace(/(^|[ <&])(?:core|alloc)::/g, "$1std::");
}

/** Where the bracket ends that opens at `open`; the end of the text where it does not. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "<") depth += 1;
    if (text[at] === ">" && text[at - 1] !== "-") depth -= 1;
    if (depth === 0) return at;
  }
  return text.length - 1;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * A path without what stands before a package: `inventory-service/src/stock.rs`,
 * `tokio-1.54.1/src/sync/mutex.rs`, `library/core/src/future/poll_fn.rs`.
 */
export function shortPath(path: string): string {
  const library = path.indexOf("/library/");
  if (path.startsWith("/rustc/") && library >= 0) return path.slice(library + 1);
  const src = path.lastIndexOf("/src/");
  if (src < 0) return path;
  const before = path.lastIndexOf("/", src - 1);
  return path.slice(before + 1);
}

/** `stock.rs:52`. */
export function shortPlace(place: Place): string {
  return `${fileName(place.file)}:${place.line}`;
}

/** Where a frame stands; `undefined` where that is not known. */
export function placeOf(at: { file: string | null; line: number | null }): Place | undefined {
  return at.file !== null && at.line !== null ? { file: at.file, line: at.line } : undefined;
}

/** A frame's name, with the line where an async block begins, as texts tell blocks apart. */
export function frameName(frame: Frame): string {
  const name = shortName(frame.function);
  const isBlock = frame.kind === "async_block" || frame.kind === "async_closure";
  return isBlock && frame.defined_at !== null ? `${name} (line ${frame.defined_at.line})` : name;
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
