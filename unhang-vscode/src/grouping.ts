/** Tasks in groups. */

import type { Report, Task } from "./report/model";
import { mainWait, tellingFrame, userFrame } from "./report/chain";
import { placeOf, shortPlace } from "./report/names";
import type { Place } from "./report/model";

/** By what tasks are grouped. */
export type Grouping = "place" | "wait" | "state" | "runtime" | "none";

/** All of them, with what a menu says. */
export const GROUPINGS: { grouping: Grouping; label: string; detail: string }[] = [
  { grouping: "place", label: "By place", detail: "Tasks whose own code stands at the same await" },
  { grouping: "wait", label: "By what they wait for", detail: "The same lock or channel, or the same kind of thing" },
  { grouping: "state", label: "By state", detail: "Idle, scheduled, running, …" },
  { grouping: "runtime", label: "By runtime", detail: "Where there are several" },
  { grouping: "none", label: "No groups", detail: "Every task on its own line" },
];

/** Tasks that have something in common. */
export interface Group {
  key: string;
  label: string;
  /** What stands beside the label, in front of how many there are. */
  description: string;
  place: Place | undefined;
  tasks: Task[];
}

/** The groups of some tasks, the largest first; equal ones in the order of their first tasks. */
export function groups(report: Report, tasks: readonly Task[], by: Grouping): Group[] {
  const known = new Map<string, Group>();
  const shared = by === "wait" ? sharedThings(tasks) : new Map<string, Task[]>();
  for (const task of tasks) {
    const made = groupOf(report, task, by, shared);
    const group = known.get(made.key);
    if (group === undefined) known.set(made.key, made);
    else group.tasks.push(task);
  }
  return [...known.values()].sort((a, b) => b.tasks.length - a.tasks.length);
}

function groupOf(report: Report, task: Task, by: Grouping, shared: Map<string, Task[]>): Group {
  switch (by) {
    case "place":
      return byPlace(task);
    case "wait":
      return byWait(task, shared);
    case "state":
      return { ...group(`state ${task.state}`, capital(task.state), ""), tasks: [task] };
    case "runtime":
      return { ...byRuntime(report, task), tasks: [task] };
    case "none":
      return { ...group("all", "All tasks", ""), tasks: [task] };
  }
}

function group(key: string, label: string, description: string, place?: Place): Group {
  return { key, label, description, place, tasks: [] };
}

function byPlace(task: Task): Group {
  const frame = tellingFrame(task);
  if (frame === undefined) return { ...group("nowhere", task.row.future, ""), tasks: [task] };
  const place = placeOf(frame);
  const own = userFrame(task.frames) !== undefined;
  const key = `place ${frame.function} ${place?.file ?? ""} ${place?.line ?? 0}`;
  const where = own && place !== undefined ? shortPlace(place) : "";
  return { ...group(key, frame.name, where, place), tasks: [task] };
}

/** The things that more than one task waits for, by address. */
function sharedThings(tasks: readonly Task[]): Map<string, Task[]> {
  const waiters = new Map<string, Task[]>();
  for (const task of tasks) {
    const wait = mainWait(task);
    if (wait === undefined || wait.address === "0x0") continue;
    const key = `${wait.resource} ${wait.address}`;
    const others = waiters.get(key);
    if (others === undefined) waiters.set(key, [task]);
    else others.push(task);
  }
  return waiters;
}

function byWait(task: Task, shared: Map<string, Task[]>): Group {
  const wait = mainWait(task);
  if (wait === undefined) return { ...group("wait", "Not known", ""), tasks: [task] };
  const key = `${wait.resource} ${wait.address}`;
  const waiters = shared.get(key) ?? [];
  if (waiters.length < 2) {
    return { ...group(`kind ${wait.resource}`, KIND_NAMES[wait.resource] ?? wait.resource, ""), tasks: [task] };
  }
  // Who holds it itself says so of itself: the others' words name the holder.
  const other = waiters.find((it) => mainWait(it)?.held_by.every((holder) => holder.task !== it.id));
  const holder = wait.held_by[0];
  const place = holder === undefined ? undefined : placeOf(holder);
  return { ...group(key, mainWait(other ?? task)?.text ?? "", "", place), tasks: [task] };
}

const KIND_NAMES: Record<string, string> = {
  mutex: "Mutexes", rwlock: "RwLocks", semaphore: "Semaphores", once_cell: "Once cells",
  notify: "Notifications", barrier: "Barriers", mpsc: "mpsc channels", oneshot: "oneshot channels",
  watch: "watch channels", broadcast: "broadcast channels", pipe: "Pipes in memory",
  join: "Other tasks' ends", join_set: "Sets of tasks", sleep: "Timers",
  io: "Sockets and other I/O", signal: "Signals",
  child: "Child processes", cancellation: "Cancellation", shared: "Shared futures", yield: "A turn",
  never: "Nothing: never ready", thread_lock: "Locks of threads", blocking: "Blocking calls",
  other: "Other futures",
};

function byRuntime(report: Report, task: Task): Group {
  const runtime = report.runtimes.find((it) => it.id === task.runtime);
  if (runtime === undefined) return group("no runtime", "Without a runtime", "");
  return group(`runtime ${runtime.id}`, `Runtime ${runtime.id}`, runtime.text);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
