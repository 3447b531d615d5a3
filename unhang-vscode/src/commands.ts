/** The commands of the palette, the view and its rows. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { EVERYTHING, FilterError, parseFilter } from "./filter";
import { GROUPINGS } from "./grouping";
import { inspectProcess, openReport } from "./inspect";
import { Picture } from "./picture";
import { backtrace } from "./report/backtrace";
import type { Place, Task } from "./report/model";
import { shortPlace, taskName } from "./report/names";
import type { Sessions } from "./session/tracker";
import { setGrouping, settings } from "./settings";
import { mapped } from "./sources";
import type { Store } from "./store";
import type { Node } from "./tree/nodes";
import type { TasksView } from "./tree/provider";

/** What the commands work on. */
export interface Parts {
  store: Store;
  sessions: Sessions;
  view: TasksView;
  picture: Picture;
}

/** Registers all commands. */
export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { store, sessions, view, picture } = parts;
  const commands: Record<string, (...given: never[]) => unknown> = {
    refresh: () => sessions.active?.fetch(),
    group: () => chooseGroups(view),
    filter: () => askForFilter(view),
    clearFilter: () => { view.setFilter("", EVERYTHING); },
    showMore: (node: Node) => { view.showMore(node); },
    inspectProcess: () => inspectProcess(store),
    openReport: (uri?: vscode.Uri) => openReport(store, uri),
    closeReport: () => { store.close(); },
    showGraph: () => picture.show("graph"),
    showStacks: () => picture.show("stacks"),
    goTo: (place: Place, stay?: boolean) => goTo(store, place, stay),
    revealTask: (id: string) => view.reveal(id),
    revealHolder: (node: Node) => revealHolder(parts, node),
    copyBacktrace: (node: Node) => copyBacktrace(node),
    copyReport: () => copyReport(parts),
    selectTask: (node: Node) => selectTask(parts, node),
    setPath: () => vscode.commands.executeCommand("workbench.action.openSettings", "unhang.path"),
    openWalkthrough: () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", "unhang.unhang#unhang.start", false),
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`unhang.${name}`, run));
}

async function chooseGroups(view: TasksView): Promise<void> {
  const now = settings().grouping;
  const items = GROUPINGS.map((it) => ({ ...it, description: it.grouping === now ? "now" : "" }));
  const picked = await vscode.window.showQuickPick(items, { title: "Group the async tasks" });
  if (picked === undefined) return;
  await setGrouping(picked.grouping);
  view.remake();
}

async function askForFilter(view: TasksView): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: "Show only some tasks",
    value: view.words,
    placeHolder: "--state idle --waiting-on lock --with stock --without health",
    prompt: "The words of `info async-tasks`; a word alone is one of --with's",
    validateInput: (it) => problemOf(it),
  });
  if (text !== undefined) view.setFilter(text, parseFilter(text));
}

function problemOf(text: string): string | undefined {
  try {
    parseFilter(text);
    return undefined;
  } catch (error) {
    if (error instanceof FilterError) return error.message;
    throw error;
  }
}

/** Shows a line in an editor. With `stay` the keyboard stays where it is, as with a click in a list of files. */
export async function goTo(store: Store, place: Place, stay = false): Promise<void> {
  const path = mapped(place.file, store.current?.sources ?? []);
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
    const line = Math.min(place.line, document.lineCount) - 1;
    const start = new vscode.Position(line, document.lineAt(line).firstNonWhitespaceCharacterIndex);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, start), preview: true, preserveFocus: stay });
  } catch {
    const hint = "If the program was built elsewhere, set `unhang.sourceMap`.";
    await vscode.window.showWarningMessage(`${path} is not here. ${hint}`);
  }
}

async function revealHolder({ store, view }: Parts, node: Node): Promise<void> {
  const waits = node.task?.waiting_on ?? [];
  const wait = waits.find((it) => it.polled && it.held_by.length > 0) ?? waits.find((it) => it.held_by.length > 0);
  const holder = wait?.held_by[0];
  if (holder === undefined) return;
  if (holder.task === null) {
    await vscode.window.showInformationMessage(`It is held by thread ${holder.thread?.id ?? "?"}, which runs no task.`);
  } else if ((await view.reveal(holder.task, holder.frame)) === undefined) {
    await vscode.window.showInformationMessage(`It is held by ${taskName(holder.task)}, which the filter hides.`);
  }
  if (holder.file !== null && holder.line !== null) await goTo(store, { file: holder.file, line: holder.line }, true);
}

async function copyBacktrace(node: Node): Promise<void> {
  if (node.task === undefined) return;
  await vscode.env.clipboard.writeText(backtrace(node.task));
  said(`The backtrace of ${taskName(node.task.id)} was copied.`);
}

/** The text of `async dump` where there is a debugger, else the report as JSON. */
async function copyReport({ store, sessions }: Parts): Promise<void> {
  const shown = store.current;
  if (shown?.report === undefined) return;
  const active = shown.origin.kind === "session" ? sessions.active : undefined;
  const text = active === undefined ? undefined : await textOf((command) => active.run(command));
  await vscode.env.clipboard.writeText(text ?? JSON.stringify(shown.report));
  said(text === undefined ? "The report was copied as JSON." : "The report was copied.");
}

async function textOf(run: (command: string) => Promise<string>): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "unhang-"));
  try {
    const file = join(folder, "report.txt");
    await run(`async dump ${file}`);
    return await readFile(file, "utf8").catch(() => undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function selectTask({ sessions }: Parts, node: Node): Promise<void> {
  if (node.task === undefined || sessions.active === undefined) return;
  const output = await sessions.active.run(`async task ${node.task.id}`);
  vscode.debug.activeDebugConsole.appendLine(output);
  said(`${capital(taskName(node.task.id))} is selected: \`async bt\` and \`async locals\` are about it.`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function said(text: string): void {
  vscode.window.setStatusBarMessage(text, 4_000);
}

/** The task that a click in the picture means. */
export async function revealFromPicture({ view, store }: Pick<Parts, "view" | "store">, id: string): Promise<void> {
  const node = await view.reveal(id);
  const task: Task | undefined = node?.task;
  if (node?.place !== undefined && task !== undefined) {
    said(`${taskName(id)} stands at ${shortPlace(node.place)}`);
    await goTo(store, node.place);
  }
}
