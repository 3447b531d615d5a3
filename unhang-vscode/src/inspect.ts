/** Reports without a debug session: of a process, of a core file, or of a file with JSON. */

import { open, readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { dump, type Subject } from "./cli";
import { type Process, processes } from "./processes";
import { parseReport, type Report } from "./report/model";
import { fileName } from "./report/names";
import { settings } from "./settings";
import type { Store } from "./store";

/** What an ELF file begins with. */
const ELF = "\x7fELF";

/** *unhang: Inspect Process…* */
export async function inspectProcess(store: Store): Promise<void> {
  const picked = await vscode.window.showQuickPick<Item>(processes().then(items), {
    title: "Inspect the async tasks of a process",
    placeHolder: "It is stopped for some milliseconds and goes on",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked?.process === undefined) return;
  const { pid, name } = picked.process;
  await show(store, `${name} (process ${pid})`, (signal) => dump(settings().path, { pid }, signal));
}

interface Item extends vscode.QuickPickItem {
  process?: Process;
}

function items(found: Process[]): Item[] {
  const item = (process: Process): Item => ({
    label: process.name,
    description: String(process.pid),
    detail: process.command,
    iconPath: new vscode.ThemeIcon(process.workers > 0 ? "layers" : "circle-outline"),
    process,
  });
  const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const tokio = found.filter((it) => it.workers > 0);
  return [
    separator("with tokio's worker threads"),
    ...tokio.map(item),
    separator("others"),
    ...found.filter((it) => it.workers === 0).map(item),
  ];
}

/** *unhang: Open Report…*: JSON, or a core file. */
export async function openReport(store: Store, given?: vscode.Uri): Promise<void> {
  const picked = given ?? (await vscode.window.showOpenDialog({
    title: "Open a report of unhang (JSON) or a core file",
    openLabel: "Open",
  }))?.[0];
  if (picked === undefined) return;
  const path = picked.fsPath;
  await show(store, fileName(path), async (signal) => {
    if (await beginsWith(path, ELF)) return dump(settings().path, await core(path), signal);
    return parseReport(await readFile(path, "utf8"));
  });
}

/** The core file, and its executable where the file does not lead to it. */
async function core(path: string): Promise<Subject> {
  const here = "Use the one that the core file names";
  const choose = "Choose the executable…";
  const choice = await vscode.window.showQuickPick([here, choose], { title: `The executable of ${fileName(path)}` });
  if (choice === undefined) throw new vscode.CancellationError();
  if (choice === here) return { core: path };
  const picked = (await vscode.window.showOpenDialog({ title: "The executable", openLabel: "Use" }))?.[0];
  if (picked === undefined) throw new vscode.CancellationError();
  return { core: path, executable: picked.fsPath };
}

async function beginsWith(path: string, magic: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    return bytesRead === magic.length && buffer.toString("latin1") === magic;
  } finally {
    await file.close();
  }
}

async function show(store: Store, title: string, get: (signal: AbortSignal) => Promise<Report>): Promise<void> {
  const options = { location: vscode.ProgressLocation.Notification, title: `Reading ${title}`, cancellable: true };
  try {
    const report = await vscode.window.withProgress(options, (_, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => { abort.abort(); });
      return get(abort.signal);
    });
    const nothing = report.tasks.length === 0 && report.runtimes.length === 0;
    const message = nothing
      ? (report.problems[0]?.text ?? "No async task was found.")
      : report.complete ? "" : `Incomplete: ${report.missing[0] ?? "some tasks are not shown whole."}`;
    store.show({
      origin: { kind: "opened", title },
      report: nothing ? undefined : report,
      message,
      state: nothing ? "nothing" : "opened",
      sources: settings().sourceMap,
    });
    await vscode.commands.executeCommand("unhang.tasks.focus");
  } catch (error) {
    if (error instanceof vscode.CancellationError || (error instanceof Error && error.name === "AbortError")) return;
    const why = error instanceof Error ? error.message : String(error);
    await vscode.window.showErrorMessage(`${title}: ${why}`);
  }
}
