/** The rows of the Async Tasks view, made when they are opened. No VS Code here. */

import type { Evidence, Finding, Frame, Holder, Lead, Place, Report, Task, Wait } from "../report/model";
import { tellingFrame } from "../report/chain";
import { count, placeOf, shortPlace, taskName, taskNames } from "../report/names";
import { type Filter, EVERYTHING, filtered } from "../filter";
import { type Group, type Grouping, groups } from "../grouping";
import { Links } from "../report/links";

/** Rows of one parent that are shown at once; "show more" adds as many again. */
export const CAP = 200;

/** Runs of frames of libraries as long as this are one row. */
const FOLD_FROM = 3;

/** What a row is about: which commands its menu has. */
export type Kind =
  | "finding" | "lead" | "group" | "task" | "frame" | "fold" | "branch" | "wait" | "holder"
  | "evidence" | "note" | "more" | "action";

/** How a row looks beside its words. */
export type Look =
  | "fault" | "warning" | "lead" | "group" | "help" | "more" | "problem" | "path" | "again"
  | "idle" | "scheduled" | "running" | "complete" | "cancelled" | "unknown"
  | "stuck" | "behind"
  | "frame" | "library" | "branch" | "wait" | "holder" | "queue";

/** A row. */
export interface Node {
  /** The same in the next report, so that what is open stays open. */
  id: string;
  kind: Kind;
  label: string;
  description: string;
  look: Look;
  place?: Place | undefined;
  task?: Task | undefined;
  frame?: Frame | undefined;
  finding?: Finding | undefined;
  holder?: Holder | undefined;
  /** The command that a click runs, of an action. */
  command?: string;
  parent?: Node | undefined;
  /** `undefined` for a row without children. */
  open?: "closed" | "open" | undefined;
}

/** How the tree is made. */
export interface Options {
  grouping: Grouping;
  filter: Filter;
  /** Whether runs of frames of libraries are one row. */
  fold: boolean;
}

/** Options that show all. */
export const PLAIN: Options = { grouping: "place", filter: EVERYTHING, fold: true };

/** What can be done where unhang could not be loaded. */
export const REMEDIES: readonly Node[] = [
  { id: "how", kind: "action", label: "How to install unhang", description: "", look: "help", command: "unhang.openWalkthrough" },
  { id: "path", kind: "action", label: "Set the path of unhang…", description: "", look: "path", command: "unhang.setPath" },
  { id: "again", kind: "action", label: "Try again", description: "", look: "again", command: "unhang.refresh" },
];

/** The rows of a report. */
export class Tree {
  readonly tasks: readonly Task[];
  readonly links: Links;
  private readonly made = new Map<string, Node[]>();
  private readonly makers = new WeakMap<Node, () => Node[]>();
  private readonly caps = new Map<string, number>();

  constructor(readonly report: Report, readonly options: Options = PLAIN) {
    this.tasks = filtered(report, options.filter);
    this.links = new Links(report);
  }

  /** What stands at the top: findings, leads, then groups or tasks. */
  roots(): Node[] {
    return this.remembered("", () => [
      ...this.report.findings.map((finding, at) => this.findingNode(finding, at)),
      ...this.verdict(),
      ...this.report.leads.map((lead, at) => this.leadNode(lead, at)),
      ...this.groupNodes(),
    ]);
  }

  /** The rows below one. */
  children(node: Node): Node[] {
    return this.remembered(node.id, () => this.makers.get(node)?.() ?? []);
  }

  /** Shows as many more rows below a parent; `undefined` is the top. */
  showMore(more: Node): Node | undefined {
    const id = more.parent?.id ?? "";
    this.caps.set(id, (this.caps.get(id) ?? CAP) * 5);
    this.made.delete(id);
    return more.parent;
  }

  /** The row of a task among the groups, with those that it lies in; `undefined` where it is not shown. */
  find(id: string): Node | undefined {
    const inRows = (rows: Node[]): Node | undefined => {
      const direct = rows.find((node) => node.kind === "task" && node.task?.id === id);
      if (direct !== undefined) return direct;
      const group = rows.find((node) => node.kind === "group" && this.members.get(node)?.has(id));
      if (group === undefined) return undefined;
      let below = this.children(group);
      for (let more = below.at(-1); more?.kind === "more" && inRows(below) === undefined; more = below.at(-1)) {
        this.showMore(more);
        below = this.children(group);
      }
      return inRows(below);
    };
    return inRows(this.roots());
  }

  /** The row of a frame of a task. */
  findFrame(id: string, index: number): Node | undefined {
    const search = (node: Node): Node | undefined => {
      if (node.kind === "frame" && node.frame?.index === index) return node;
      for (const child of this.children(node)) {
        const found = ["frame", "fold", "branch"].includes(child.kind) ? search(child) : undefined;
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const task = this.find(id);
    return task === undefined ? undefined : (search(task) ?? task);
  }

  private readonly members = new WeakMap<Node, Set<string>>();

  private remembered(id: string, make: () => Node[]): Node[] {
    let rows = this.made.get(id);
    if (rows === undefined) {
      rows = make();
      this.made.set(id, rows);
    }
    return rows;
  }

  private node(node: Node, children?: () => Node[], open: "closed" | "open" = "closed"): Node {
    if (children !== undefined) {
      node.open = open;
      this.makers.set(node, children);
    }
    return node;
  }

  /** The first of many rows, and one that shows more of them. */
  private capped<T>(parent: Node | undefined, values: readonly T[], make: (value: T, at: number) => Node): Node[] {
    const cap = this.caps.get(parent?.id ?? "") ?? CAP;
    const rows = values.slice(0, cap).map(make);
    if (values.length > cap) {
      rows.push({
        id: `${parent?.id ?? ""}/more`,
        kind: "more",
        label: `Show more: ${(values.length - cap).toLocaleString("en-US")} are left`,
        description: "",
        look: "more",
        parent,
      });
    }
    return rows;
  }

  // Findings

  private findingNode(finding: Finding, at: number): Node {
    const node: Node = {
      id: `finding ${at} ${finding.text}`,
      kind: "finding",
      label: finding.text,
      description: finding.certain ? "" : "possible",
      look: finding.fault && finding.certain ? "fault" : "warning",
      finding,
    };
    return this.node(node, () => this.findingRows(node, finding), "open");
  }

  private findingRows(parent: Node, finding: Finding): Node[] {
    const rows = finding.evidence.flatMap((step, at) => this.evidenceRows(parent, step, at));
    if (finding.behind.length > 0) {
      const behind: Node = {
        id: `${parent.id}/behind`,
        kind: "note",
        label: `${count(finding.behind.length, "task")} behind`,
        description: taskNames(finding.behind),
        look: "queue",
        parent,
      };
      rows.push(this.node(behind, () => this.capped(behind, this.known(finding.behind), (it) => this.taskNode(it, behind))));
    }
    if (finding.help !== null) {
      rows.push({ id: `${parent.id}/help`, kind: "note", label: `help: ${finding.help}`, description: "", look: "help", parent });
    }
    return rows;
  }

  private evidenceRows(parent: Node, step: Evidence, at: number): Node[] {
    const rows: Node[] = [];
    if (step.held_by !== null) {
      rows.push({ ...this.holderNode(step.held_by, parent, `${at} held`), kind: "evidence" });
    }
    const task = this.links.task(step.task);
    const thing = this.links.thing(step.address);
    rows.push({
      id: `${parent.id}/${at} wanted`,
      kind: "evidence",
      label: `wanted by ${taskName(step.task)}`,
      description: [step.wanted_at === null ? "" : shortPlace(step.wanted_at), thing].filter(Boolean).join(" · "),
      look: "wait",
      place: step.wanted_at ?? undefined,
      task,
      parent,
    });
    return rows;
  }

  /** What stands between findings and leads: that there is none, and whose holders are not known. */
  private verdict(): Node[] {
    const { verdict, unknown_holders } = this.report;
    const note = (text: string, at: number, look: Look): Node => ({
      id: `verdict ${at} ${text}`, kind: "note", label: text, description: "", look,
    });
    return [
      ...(verdict === null ? [] : [note(verdict, 0, "problem")]),
      ...unknown_holders.map((text, at) => note(text, at + 1, "warning")),
    ];
  }

  private leadNode(lead: Lead, at: number): Node {
    const node: Node = { id: `lead ${at} ${lead.text}`, kind: "lead", label: lead.text, description: "", look: "lead" };
    if (lead.tasks.length === 0) return node;
    return this.node(node, () => this.capped(node, this.known(lead.tasks), (task) => this.taskNode(task, node)));
  }

  private known(ids: readonly string[]): Task[] {
    // A task that waits twice for one thing stands twice in its queue.
    return [...new Set(ids)].flatMap((id) => this.links.task(id) ?? []);
  }

  // Groups and tasks

  private groupNodes(): Node[] {
    const by = this.options.grouping;
    if (by === "none") return this.capped(undefined, this.tasks, (task) => this.taskNode(task));
    const made = groups(this.report, this.tasks, by);
    const flat = by === "place" || by === "wait";
    return this.capped(undefined, made, (group) => {
      const [only] = group.tasks;
      return flat && group.tasks.length === 1 && only !== undefined ? this.taskNode(only) : this.groupNode(group);
    });
  }

  private groupNode(group: Group): Node {
    const node: Node = {
      id: group.key,
      kind: "group",
      label: group.label,
      // Of a runtime its own text has the count.
      description: (this.options.grouping === "runtime"
        ? [group.description]
        : [group.description, count(group.tasks.length, "task")]
      ).filter(Boolean).join(" · "),
      look: "group",
      place: group.place,
    };
    this.members.set(node, new Set(group.tasks.map((task) => task.id)));
    return this.node(node, () => this.capped(node, group.tasks, (task) => this.taskNode(task, node)));
  }

  private taskNode(task: Task, parent?: Node): Node {
    const frame = tellingFrame(task);
    const { row } = task;
    const place = frame === undefined ? undefined : placeOf(frame);
    const inPlace = parent?.kind === "group" && this.options.grouping === "place";
    const where = row.at !== "" && place !== undefined ? shortPlace(place) : "";
    const stands = inPlace ? [] : [where];
    const node: Node = {
      id: `${parent?.id ?? ""}/task ${task.id} ${task.address}`,
      kind: "task",
      label: inPlace ? task.id : `${task.id}  ${row.function === "" ? row.future : row.function}`,
      description: [...stands, row.request, row.waiting_for].filter(Boolean).join(" · "),
      look: this.taskLook(task),
      place,
      task,
      parent,
    };
    return this.node(node, () => this.taskRows(node, task));
  }

  private taskLook(task: Task): Look {
    if (this.links.stuck.has(task.id)) return "stuck";
    return task.state === "idle" && this.links.behind.has(task.id) ? "behind" : task.state;
  }

  private taskRows(parent: Node, task: Task): Node[] {
    return [
      ...[...task.waiting_on]
        .sort((a, b) => Number(b.told) - Number(a.told))
        .map((wait, at) => this.waitNode(parent, wait, at)),
      ...this.likeRow(parent, task),
      ...task.problems.map(({ text }, at): Node => {
        return { id: `${parent.id}/problem ${at}`, kind: "note", label: text, description: "", look: "problem", parent };
      }),
      ...this.chainRows(parent, task, task.frames),
    ];
  }

  /** Of a task that was not read itself, whose frames these are. */
  private likeRow(parent: Node, task: Task): Node[] {
    if (task.like === undefined) return [];
    const label = `stands where task ${task.like} does`;
    const description = "`async bt` tells what is its own";
    return [{ id: `${parent.id}/like`, kind: "note", label, description, look: "problem", parent }];
  }

  // What it waits for

  private waitNode(parent: Node, wait: Wait, at: number): Node {
    const node: Node = {
      id: `${parent.id}/wait ${at}`,
      kind: "wait",
      label: `waits for ${wait.text}`,
      description: wait.polled ? "" : "not polled",
      look: "wait",
      parent,
    };
    const others = wait.queue.length > 1;
    if (wait.held_by.length === 0 && !others) return node;
    return this.node(node, () => {
      const rows = wait.held_by.map((holder, index) => this.holderNode(holder, node, String(index)));
      if (others) {
        const queue: Node = {
          id: `${node.id}/queue`,
          kind: "note",
          label: `queue of ${wait.queue_count.toLocaleString("en-US")}`,
          description: taskNames(wait.queue, wait.queue_count),
          look: "queue",
          parent: node,
        };
        rows.push(this.node(queue, () => this.capped(queue, this.known(wait.queue), (it) => this.taskNode(it, queue))));
      }
      return rows;
    });
  }

  private holderNode(holder: Holder, parent: Node, key: string): Node {
    const place = placeOf(holder);
    const who = holder.task === null ? `thread ${holder.thread?.id ?? "?"}` : taskName(holder.task);
    const variable = holder.variable === null ? "" : ` in \`${holder.variable}\``;
    return {
      id: `${parent.id}/holder ${key}`,
      kind: "holder",
      label: `held by ${who}${variable}`,
      description: [place === undefined ? "" : shortPlace(place), holder.guard, holder.certain ? "" : "perhaps moved"]
        .filter(Boolean)
        .join(" · "),
      look: "holder",
      place,
      task: holder.task === null ? undefined : this.links.task(holder.task),
      holder,
      parent,
    };
  }

  // Await frames

  private chainRows(parent: Node, task: Task, frames: readonly Frame[]): Node[] {
    const branches = frames[0]?.children ?? [];
    const rows = this.capped(parent, branches, (branch, at) => this.branchNode(parent, task, branch, at, branches.length));
    for (let at = 0; at < frames.length; ) {
      const run = libraryRun(frames, at);
      const first = frames[at];
      if (first === undefined) break;
      if (this.options.fold && run >= FOLD_FROM) {
        rows.push(this.foldNode(parent, task, frames.slice(at, at + run)));
        at += run;
      } else {
        rows.push(this.frameNode(parent, task, first));
        at += 1;
      }
    }
    return rows;
  }

  private branchNode(parent: Node, task: Task, branch: Frame[], at: number, of: number): Node {
    const polled = branch[0]?.polled ?? "yes";
    const node: Node = {
      id: `${parent.id}/branch ${at} of ${branch.at(-1)?.index ?? 0}`,
      kind: "branch",
      label: `branch ${at + 1} of ${of}`,
      description: { yes: "", no: "not polled", disabled: "switched off", ended: "has ended" }[polled],
      look: "branch",
      task,
      parent,
    };
    return this.node(node, () => this.chainRows(node, task, branch), polled === "yes" && at < 4 ? "open" : "closed");
  }

  private foldNode(parent: Node, task: Task, run: readonly Frame[]): Node {
    const node: Node = {
      id: `${parent.id}/fold ${run[0]?.index ?? 0}`,
      kind: "fold",
      label: `${run.length} frames of ${cratesOf(run).join(", ")}`,
      description: "",
      look: "library",
      task,
      parent,
    };
    return this.node(node, () => run.map((frame) => this.frameNode(node, task, frame)));
  }

  private frameNode(parent: Node, task: Task, frame: Frame): Node {
    const place = placeOf(frame);
    return {
      id: `${parent.id}/frame ${frame.index}`,
      kind: "frame",
      label: `#${frame.index}  ${frame.name}`,
      description: [place !== undefined && frame.user ? shortPlace(place) : frame.at, ...frame.notes, frame.problem]
        .filter(Boolean)
        .join(" · "),
      look: frame.problem !== null ? "problem" : frame.user ? "frame" : "library",
      place,
      task,
      frame,
      parent,
    };
  }
}

/** How many frames of libraries follow one another from `at` on. */
function libraryRun(frames: readonly Frame[], at: number): number {
  let end = at;
  while (frames[end] !== undefined && frames[end]?.user === false && frames[end]?.problem === null) end += 1;
  return end - at;
}

/** The crates of some frames, in their order. */
function cratesOf(run: readonly Frame[]): string[] {
  const crates = run.map((frame) => crateOf(frame.file) ?? /^\w+(?=::)/.exec(frame.function)?.[0] ?? "libraries");
  return [...new Set(crates.map((it) => (it === "core" || it === "alloc" ? "std" : it)))];
}

/** The crate that a file of cargo's registry or of the standard library is of. */
function crateOf(file: string | null): string | undefined {
  if (file?.startsWith("/rustc/") === true) return "std";
  return /\/registry\/src\/[^/]+\/([^/]+)-\d[^/]*\//.exec(file ?? "")?.[1];
}
