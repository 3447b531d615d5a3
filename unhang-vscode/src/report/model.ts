/**
 * The report as `unhang dump --json` writes it: `docs/report.schema.json` describes every field.
 * Here stands what the extension reads. Fields may be added to the schema, so nothing else is
 * required of a file.
 */

/** A line of a source file. */
export interface Place {
  file: string;
  line: number;
}

/** A thread: the debugger's number and the kernel's. */
export interface Thread {
  id: number;
  tid: number;
}

/** A variable of a frame. */
export interface Local {
  name: string;
  type: string;
  value: string;
  certain: boolean;
}

/** What becomes of a branch when its task is polled. */
export type Polled = "yes" | "no" | "disabled" | "ended";

/** One future of an await chain. */
export interface Frame {
  index: number;
  function: string;
  /** The same as texts show it. */
  name: string;
  kind: string;
  state: string;
  polled: Polled;
  file: string | null;
  line: number | null;
  /** Both as texts show them; empty where they are not known. */
  at: string;
  /** That line, of the user's own code, where the debugger found the file. */
  source: string | null;
  expanded_at: Place | null;
  defined_at: Place | null;
  user: boolean;
  /** What is known of the frame: what it waits for, what it holds, its connection. */
  notes: string[];
  locals: Local[];
  /** Branches that it awaits, each innermost first. */
  children: Frame[][];
  problem: string | null;
}

/** Who keeps something that others wait for. */
export interface Holder {
  task: string | null;
  thread: Thread | null;
  frame: number | null;
  file: string | null;
  line: number | null;
  variable: string | null;
  guard: string;
  certain: boolean;
}

/** What a task waits for. */
export interface Wait {
  resource: string;
  /** Whether it is a pool of objects, which is a semaphore to those who ask for one. */
  pool: boolean;
  address: string;
  /** The name of what is waited for, mostly its type. */
  name: string;
  text: string;
  /** Whether the list tells it: not what libraries around the user's own code wait for. */
  told: boolean;
  polled: boolean;
  state: string | null;
  task: string | null;
  tasks: string[];
  held_by: Holder[];
  held_by_count: number;
  queue: string[];
  queue_count: number;
}

/** The words of a task's line in `info async-tasks`; empty where the line says nothing. */
export interface Row {
  function: string;
  at: string;
  waiting_for: string;
  future: string;
  request: string;
}

/** A task, or a future that a thread blocks on. */
export interface Task {
  id: string;
  runtime: number | null;
  kind: "task" | "block_on" | "local" | "blocking";
  state: "idle" | "scheduled" | "running" | "complete" | "cancelled" | "unknown";
  name: string | null;
  address: string;
  spawned_at: Place | null;
  thread: Thread | null;
  row: Row;
  /** Innermost first. */
  frames: Frame[];
  waiting_on: Wait[];
  problems: { text: string }[];
  /** The task that stands where this one does, and of which the rest is; absent where it is its own. */
  like?: string;
}

/** One step of a finding: a task, what it wants, and who keeps that. */
export interface Evidence {
  task: string;
  resource: string;
  address: string;
  wanted_at: Place | null;
  held_by: Holder | null;
}

/** Something that was diagnosed. */
export interface Finding {
  kind: string;
  certain: boolean;
  fault: boolean;
  tasks: string[];
  text: string;
  help: string | null;
  evidence: Evidence[];
  behind: string[];
}

/** Where to look while no fault is certain. */
export interface Lead {
  reason: string;
  tasks: string[];
  tasks_count: number;
  behind_count: number;
  text: string;
}

/** A worker of a runtime. */
export interface Worker {
  index: number;
  thread: number | null;
  state: string;
  task: string | null;
}

/** A runtime. */
export interface Runtime {
  id: number;
  runtime: string;
  version: string | null;
  flavor: string;
  /** What texts say of it in one line. */
  text: string;
  workers: Worker[];
  alive_tasks: number;
}

/** All that was found. */
export interface Report {
  schema: number;
  target: { kind: "live" | "core"; pid: number | null; executable: string };
  runtimes: Runtime[];
  tasks: Task[];
  /** Tasks that are not written, since many stand at the same place; they are added to `tasks`. */
  alike?: { task: string; tasks: string[] }[];
  findings: Finding[];
  leads: Lead[];
  /** What stands above the leads, or where there is nothing else to say. */
  verdict: string | null;
  /** A sentence for each lock that is waited for and whose holder was not found. */
  unknown_holders: string[];
  problems: { text: string }[];
  complete: boolean;
  missing: string[];
}

/** The version of the schema that is understood. */
const SCHEMA = 1;

/** Why a text is no report, in a sentence. */
export class NotAReport extends Error {}

/**
 * Reads a report.
 *
 * @throws {NotAReport} when the text is something else.
 */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "no JSON";
    throw new NotAReport(`It is no JSON: ${why}`);
  }
  const report = checked(value);
  addAlike(report);
  return report;
}

/**
 * Adds the tasks of which only the ids are written. Their frames have the same lines as the one's that
 * is; what they wait for is of the same type, and nothing else is known of it.
 */
function addAlike(report: Report): void {
  const written = new Map(report.tasks.map((task) => [task.id, task]));
  for (const { task: id, tasks } of report.alike ?? []) {
    const like = written.get(id);
    if (like === undefined) continue;
    const waits = like.waiting_on.map((wait) => ({
      ...wait, address: "0x0", text: wait.name, task: null, tasks: [], held_by: [], held_by_count: 0, queue: [], queue_count: 0,
    }));
    const told = waits.filter((wait) => wait.told).map((wait) => wait.name);
    const row = { ...like.row, waiting_for: told.join(" | "), request: "" };
    const rest = { ...like, address: "", row, waiting_on: waits, problems: [], thread: null, like: id };
    for (const other of tasks) report.tasks.push({ ...rest, id: other });
  }
  delete report.alike;
}

/** Tells whether a value has the lists that everything here goes through. */
function checked(value: unknown): Report {
  const lists: (keyof Report)[] = ["runtimes", "tasks", "findings", "leads", "unknown_holders", "problems", "missing"];
  if (typeof value !== "object" || value === null || !("schema" in value)) {
    throw new NotAReport("It is no report of unhang: `unhang dump --json` writes one.");
  }
  if (value.schema !== SCHEMA) {
    throw new NotAReport(`Its schema is ${String(value.schema)}, and this extension reads ${SCHEMA}.`);
  }
  const report = value as Report;
  const missing = lists.find((name) => !Array.isArray(report[name]));
  if (missing !== undefined) {
    throw new NotAReport(`It has no \`${missing}\`: it is of an older unhang than this extension needs.`);
  }
  return report;
}
