/** The Async Tasks view: rows of `nodes.ts` as VS Code has them. */

import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { EVERYTHING, type Filter, isEverything } from "../filter";
import type { Frame, Report } from "../report/model";
import { eachFrame } from "../report/chain";
import { count } from "../report/names";
import { settings } from "../settings";
import { mapped } from "../sources";
import type { Shown, Store } from "../store";
import { type Look, type Node, REMEDIES, Tree } from "./nodes";

/** Codicons and colours. */
const ICONS: Record<Look, [string, string?]> = {
  fault: ["error", "testing.iconFailed"],
  warning: ["warning", "problemsWarningIcon.foreground"],
  lead: ["lightbulb", "editorLightBulb.foreground"],
  group: ["layers"],
  help: ["lightbulb-autofix", "editorLightBulbAutoFix.foreground"],
  more: ["ellipsis"],
  path: ["gear"],
  again: ["refresh"],
  problem: ["info", "problemsInfoIcon.foreground"],
  idle: ["circle-outline", "descriptionForeground"],
  scheduled: ["clock", "charts.blue"],
  running: ["play", "charts.green"],
  complete: ["pass", "charts.green"],
  cancelled: ["circle-slash", "descriptionForeground"],
  unknown: ["question", "descriptionForeground"],
  stuck: ["circle-filled", "testing.iconFailed"],
  behind: ["circle-outline", "problemsWarningIcon.foreground"],
  frame: ["symbol-method", "symbolIcon.methodForeground"],
  library: ["library", "disabledForeground"],
  branch: ["git-branch"],
  wait: ["watch", "problemsWarningIcon.foreground"],
  holder: ["lock", "charts.red"],
  queue: ["list-ordered"],
};

/** Gives a report with variables; `undefined` where there is none. */
export type WithLocals = () => Promise<Report | undefined>;

/** The rows, what is above them, and how they are made. */
export class TasksView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;
  private tree: Tree | undefined;
  private filter: Filter = EVERYTHING;
  private filterText = "";
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly store: Store,
    private readonly withLocals: WithLocals,
  ) {
    this.view = vscode.window.createTreeView("unhang.tasks", { treeDataProvider: this, showCollapseAll: true });
    this.subscription = store.onDidChange((shown) => { this.update(shown); });
  }

  /** The words of the filter. */
  get words(): string {
    return this.filterText;
  }

  /** Shows only some tasks. */
  setFilter(text: string, filter: Filter): void {
    this.filterText = text.trim();
    this.filter = filter;
    void vscode.commands.executeCommand("setContext", "unhang.filtered", !isEverything(filter));
    this.update(this.store.current, true);
  }

  /** Makes the rows anew: the groups or the settings have changed. */
  remake(): void {
    this.update(this.store.current, true);
  }

  showMore(node: Node): void {
    const parent = this.tree?.showMore(node);
    this.changed.fire(parent);
  }

  /** Opens and selects a task's row, or that of one of its frames. */
  async reveal(task: string, frame?: number | null): Promise<Node | undefined> {
    const node = frame == null ? this.tree?.find(task) : this.tree?.findFrame(task, frame);
    if (node === undefined) return undefined;
    await this.view.reveal(node, { select: true, focus: true, expand: node.kind === "task" });
    return node;
  }

  getChildren(node?: Node): Node[] {
    if (node !== undefined) return this.tree?.children(node) ?? [];
    return this.store.current?.state === "missing" ? [...REMEDIES] : (this.tree?.roots() ?? []);
  }

  getParent(node: Node): Node | undefined {
    return node.parent;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const states = { closed: vscode.TreeItemCollapsibleState.Collapsed, open: vscode.TreeItemCollapsibleState.Expanded };
    const item = new vscode.TreeItem(
      node.label,
      node.open === undefined ? vscode.TreeItemCollapsibleState.None : states[node.open],
    );
    const [icon, color] = ICONS[node.look];
    item.id = node.id;
    item.description = node.description;
    item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
    item.contextValue = contextOf(node);
    if (node.command !== undefined) {
      item.command = { command: node.command, title: node.label };
    } else if (node.kind === "more") {
      item.command = { command: "unhang.showMore", title: "Show More", arguments: [node] };
    } else if (node.place !== undefined) {
      item.command = { command: "unhang.goTo", title: "Go to the Line", arguments: [node.place, true] };
    }
    return item;
  }

  async resolveTreeItem(item: vscode.TreeItem, node: Node, token: vscode.CancellationToken): Promise<vscode.TreeItem> {
    const text = new vscode.MarkdownString();
    text.appendText(node.description === "" ? node.label : `${node.label} — ${node.description}`);
    const { place } = node;
    if (place !== undefined) {
      const path = mapped(place.file, this.store.current?.sources ?? []);
      const line = node.frame?.source ?? (await sourceLine(path, place.line));
      if (line !== undefined) text.appendCodeblock(line.trim(), "rust");
    }
    if (node.frame !== undefined && !token.isCancellationRequested) {
      const locals = (await this.locals(node)) ?? [];
      const shown = locals.slice(0, 12).map((it) => `let ${it.name} = ${clipped(it.value)};${it.certain ? "" : " // perhaps moved"}`);
      if (shown.length > 0) text.appendCodeblock(shown.join("\n"), "rust");
    }
    item.tooltip = text;
    return item;
  }

  private async locals(node: Node): Promise<Frame["locals"] | undefined> {
    const { frame, task } = node;
    if (frame === undefined || task === undefined || frame.locals.length > 0) return frame?.locals;
    const report = await this.withLocals();
    const same = report?.tasks.find((it) => it.id === task.id);
    for (const other of same === undefined ? [] : eachFrame(same.frames)) {
      if (other.index === frame.index) return other.locals;
    }
    return undefined;
  }

  private update(shown: Shown | undefined, anew = false): void {
    const report = shown?.report;
    const options = { grouping: settings().grouping, filter: this.filter, fold: settings().fold };
    if (report === undefined) this.tree = undefined;
    else if (anew || this.tree?.report !== report) this.tree = new Tree(report, options);
    this.view.message = this.message(shown);
    this.view.description = report === undefined ? "" : description(report, this.tree?.tasks.length ?? 0);
    const faults = report?.findings.filter((it) => it.fault && it.certain).length ?? 0;
    this.view.badge = faults > 0 ? { value: faults, tooltip: count(faults, "fault") } : undefined;
    void vscode.commands.executeCommand("setContext", "unhang.state", shown?.state ?? "none");
    void vscode.commands.executeCommand("setContext", "unhang.hasReport", report !== undefined);
    this.changed.fire(undefined);
  }

  private message(shown: Shown | undefined): string {
    const lines: string[] = [];
    if (shown?.origin.kind === "opened") lines.push(shown.origin.title);
    if (shown !== undefined && shown.message !== "") lines.push(shown.message);
    if (this.tree !== undefined && this.filterText !== "") {
      lines.push(`Filter: ${this.filterText}`);
      if (this.tree.tasks.length === 0) lines.push("No task is like that.");
    }
    // A message is no Markdown.
    return lines.join("\n").replaceAll("`", "");
  }

  dispose(): void {
    this.subscription.dispose();
    this.view.dispose();
    this.changed.dispose();
  }
}

/** `5 tasks`, or `3 of 5 tasks`. */
function description(report: Report, shown: number): string {
  const all = count(report.tasks.length, "task");
  return shown === report.tasks.length ? all : `${shown.toLocaleString("en-US")} of ${all}`;
}

/** What menus ask for: the kind of row, and what it has. */
function contextOf(node: Node): string {
  const parts: string[] = [node.kind];
  if (node.task !== undefined) parts.push("hasTask");
  if (node.task?.waiting_on.some((wait) => wait.held_by.length > 0) === true) parts.push("hasHolder");
  return parts.join(" ");
}

function clipped(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/** A line of a source file that is here. */
async function sourceLine(path: string, line: number): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text?.split("\n")[line - 1]?.trim();
}
