/** What is written beside lines of the source while the program is stopped. */

import type { Report } from "./report/model";
import { mainWait, standsAt } from "./report/chain";
import { count, placeOf, taskName, taskNames } from "./report/names";
import type { Place } from "./report/model";

/** Something on a line. */
export interface Mark {
  line: number;
  kind: "wait" | "hold" | "fault";
  /** What stands behind the line. */
  text: string;
  /** What a hover says, a line each. */
  details: string[];
  /** The tasks that it is about. */
  tasks: string[];
  /** The other end of a deadlock, with what to call it. */
  other: { label: string; place: Place } | undefined;
}

/** The marks of a report by file; the lines of each in order. */
export function marks(report: Report): Map<string, Mark[]> {
  const found = new Map<string, Mark[]>();
  const add = (file: string, mark: Mark) => {
    const others = found.get(file);
    if (others === undefined) found.set(file, [mark]);
    else others.push(mark);
  };
  faults(report, add);
  holders(report, add);
  waiters(report, add);
  for (const list of found.values()) list.sort((a, b) => a.line - b.line);
  return found;
}

type Add = (file: string, mark: Mark) => void;

/** The lines of certain faults, each with the other end. */
function faults(report: Report, add: Add): void {
  for (const finding of report.findings.filter((it) => it.fault && it.certain)) {
    finding.evidence.forEach(({ task, wanted_at: wanted, held_by: holder }) => {
      const held = holder === null ? undefined : placeOf(holder);
      const text = `⛔ ${finding.kind.replaceAll("_", " ")}`;
      const details = [finding.text, ...(finding.help === null ? [] : [`help: ${finding.help}`])];
      const tasks = [...new Set([task, ...(holder?.task == null ? [] : [holder.task])])];
      if (wanted !== null) {
        const other = held === undefined ? undefined : { label: "who holds it", place: held };
                add(wanted.file, { line: wanted.line, kind: "fault", text, details, tasks, other });
      }
      if (held !== undefined) {
        const other = wanted === null ? undefined : { label: "who waits for it", place: wanted };
        add(held.file, { line: held.line, kind: "fault", text, details, tasks, other });
      }
    });
  }
}

/** The lines of frames that keep what others wait for. */
function holders(report: Report, add: Add): void {
  interface Held {
    file: string;
    line: number;
    who: string;
    variable: string | null;
    guard: string;
    waiters: Set<string>;
    /** How many wait, of whom some may not be in the report. */
    queues: Map<string, number>;
  }
  const held = new Map<string, Held>();
  for (const task of report.tasks) {
    for (const wait of task.waiting_on.filter((it) => it.polled)) {
      for (const holder of wait.held_by) {
        const place = placeOf(holder);
        // Of a library's own frames nobody wants to hear.
        if (place === undefined || isLibrary(place.file)) continue;
        const who = holder.task === null ? `thread ${holder.thread?.id ?? "?"}` : taskName(holder.task);
        // Of a list of senders each may be waited for: that is one mark.
        const key = `${place.line} ${holder.variable ?? holder.guard} ${who} ${place.file}`;
        let known = held.get(key);
        if (known === undefined) {
          known = { ...place, who, variable: holder.variable, guard: holder.guard, waiters: new Set(), queues: new Map() };
          held.set(key, known);
        }
        known.waiters.add(task.id);
        known.queues.set(wait.address, wait.queue_count);
      }
    }
  }
  for (const { file, line, who, variable, guard, waiters, queues } of held.values()) {
    const tasks = [...waiters];
    const number = Math.max(waiters.size, [...queues.values()].reduce((sum, queue) => sum + queue, 0));
    const what = variable === null ? guard : `\`${variable}\``;
    const waits = `${number.toLocaleString("en-US")} wait${number === 1 ? "s" : ""}`;
    add(file, {
      line,
      kind: "hold",
      text: `${what} held by ${who}, ${waits}`,
      details: [`${who} keeps \`${guard}\`${variable === null ? "" : ` in \`${variable}\``}; ${taskNames(tasks, number)} wait${number === 1 ? "s" : ""} for it.`],
      tasks,
      other: undefined,
    });
  }
}

/** The lines of the user's own code at which tasks stand. */
function waiters(report: Report, add: Add): void {
  const standing = new Map<string, { file: string; line: number; tasks: string[]; why: Set<string> }>();
  for (const task of report.tasks) {
    if (task.kind === "blocking" || task.state === "complete" || task.state === "cancelled") continue;
    const lines = new Set<string>();
    for (const frame of standsAt(task.frames)) {
      const place = placeOf(frame);
      if (place === undefined) continue;
      const key = `${place.line} ${place.file}`;
      if (lines.has(key)) continue;
      lines.add(key);
      let known = standing.get(key);
      if (known === undefined) {
        known = { ...place, tasks: [], why: new Set() };
        standing.set(key, known);
      }
      known.tasks.push(task.id);
      const wait = mainWait(task);
      if (wait !== undefined && known.why.size < 5) known.why.add(wait.text);
    }
  }
  for (const { file, line, tasks, why } of standing.values()) {
    const wait = tasks.length === 1 ? "waits" : "wait";
    add(file, {
      line,
      kind: "wait",
      text: `⏸ ${count(tasks.length, "task")} ${wait} here`,
      details: [`${capital(taskNames(tasks))} ${wait} here, for`, ...[...why].map((it) => `- ${it}`)],
      tasks,
      other: undefined,
    });
  }
}

function isLibrary(file: string): boolean {
  return file.startsWith("/rustc/") || /\/(?:registry\/src|git\/checkouts)\//.test(file);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
