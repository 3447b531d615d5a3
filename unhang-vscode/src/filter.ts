/** Which tasks are shown, in the words of `info async-tasks`. */

import type { Frame, Report, Task } from "./report/model";
import { eachFrame } from "./report/chain";

/** Which tasks are shown. */
export interface Filter {
  /** Only these states; empty for all. */
  states: string[];
  /** Only tasks with each of these texts in their await stack or in what they wait for. */
  with: string[];
  /** Only tasks with none of them there. */
  without: string[];
  /** Only tasks that wait for something of one of these kinds; empty for all. */
  waitingOn: string[];
}

/** The states that a task can be in. */
export const STATES = ["idle", "scheduled", "running", "complete", "cancelled", "unknown"] as const;

/** What can be waited for, as the report calls it. */
const KINDS = [
  "mutex", "rwlock", "semaphore", "pool", "once_cell", "notify", "barrier", "mpsc", "oneshot",
  "watch", "broadcast", "pipe", "join", "join_set", "sleep", "io", "signal", "child",
  "cancellation", "shared", "yield", "never", "thread_lock", "blocking", "other_end", "other",
];

/** Words that stand for several kinds, or for one by another name. */
const ALIASES: Record<string, string[]> = {
  channel: ["mpsc", "oneshot", "watch", "broadcast", "pipe"],
  lock: ["mutex", "rwlock", "thread_lock"],
  timer: ["sleep"],
};

/** The words that `--waiting-on` takes. */
export const WAITING_ON = [...KINDS, ...Object.keys(ALIASES)];

/** A filter that shows all. */
export const EVERYTHING: Filter = { states: [], with: [], without: [], waitingOn: [] };

/** Why a filter was not understood, in a sentence. */
export class FilterError extends Error {}

/**
 * Reads a filter: `--state idle --with stock`. A word without an option is one of `--with`'s.
 *
 * @throws {FilterError} with what is wrong.
 */
export function parseFilter(text: string): Filter {
  const filter: Filter = { states: [], with: [], without: [], waitingOn: [] };
  const words = split(text);
  while (words.length > 0) {
    const word = words.shift() ?? "";
    if (!word.startsWith("--")) {
      filter.with.push(word);
      continue;
    }
    const [option, given] = splitOnce(word, "=");
    const value = given ?? words.shift();
    if (value === undefined || value === "") throw new FilterError(`${option} needs a value.`);
    add(filter, option, value);
  }
  return filter;
}

function add(filter: Filter, option: string, value: string): void {
  switch (option) {
    case "--state":
      for (const state of value.split(",")) {
        oneOf(state, STATES, "state");
        filter.states.push(state);
      }
      return;
    case "--waiting-on":
      for (const kind of value.split(",")) {
        oneOf(kind, WAITING_ON, "kind of thing to wait for");
        filter.waitingOn.push(...(ALIASES[kind] ?? [kind]));
      }
      return;
    case "--with":
      filter.with.push(value);
      return;
    case "--without":
      filter.without.push(value);
      return;
    default:
      throw new FilterError(
        `There is no ${option}: use --state, --with, --without and --waiting-on.`,
      );
  }
}

function oneOf(word: string, words: readonly string[], what: string): void {
  if (!words.includes(word)) {
    throw new FilterError(`“${word}” is no ${what}: use ${words.join(", ")}.`);
  }
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const place = text.indexOf(at);
  return place < 0 ? [text, undefined] : [text.slice(0, place), text.slice(place + 1)];
}

/** Words, of which those in quotation marks may have spaces. */
function split(text: string): string[] {
  const words = text.matchAll(/(?:[^\s"']|"[^"]*"?|'[^']*'?)+/g);
  return [...words].map(([word]) => word.replace(/"([^"]*)"?|'([^']*)'?/g, "$1$2"));
}

/** Tells whether a filter shows all. */
export function isEverything(filter: Filter): boolean {
  return [filter.states, filter.with, filter.without, filter.waitingOn].every((it) => it.length === 0);
}

/** The tasks that a filter shows. */
export function filtered(report: Report, filter: Filter): Task[] {
  return isEverything(filter) ? report.tasks : report.tasks.filter((task) => matches(task, filter));
}

/** Tells whether a filter shows a task. */
export function matches(task: Task, filter: Filter): boolean {
  const waits = task.waiting_on.filter((wait) => wait.polled);
  const kind = (word: string) =>
    waits.some((wait) => wait.resource === word || (word === "pool" && wait.pool));
  return (
    (filter.states.length === 0 || filter.states.includes(task.state)) &&
    filter.with.every((text) => has(task, text)) &&
    !filter.without.some((text) => has(task, text)) &&
    (filter.waitingOn.length === 0 || filter.waitingOn.some(kind))
  );
}

function has(task: Task, text: string): boolean {
  const inWaits = task.waiting_on.some((wait) => wait.polled && wait.name.includes(text));
  return inWaits || some(eachFrame(task.frames), (frame) => inFrame(frame, text));
}

function inFrame(frame: Frame, text: string): boolean {
  return (
    frame.function.includes(text) ||
    (frame.file ?? "").includes(text) ||
    (frame.defined_at?.file ?? "").includes(text) ||
    frame.name.includes(text)
  );
}

function some<T>(values: Iterable<T>, test: (value: T) => boolean): boolean {
  for (const value of values) if (test(value)) return true;
  return false;
}
