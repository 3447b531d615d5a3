/** The picture: the report page of `unhang dump --html`, in a panel. */

import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { fromPage, pageWith, type ToPage, type View } from "./page";
import type { Place, Report } from "./report/model";
import { fileName } from "./report/names";
import type { Shown, Store } from "./store";

/** What to do where the page is clicked. */
export interface Clicks {
  open(place: Place): unknown;
  task(id: string): unknown;
}

/** One panel, which follows what is shown. */
export class Picture implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  /** The report that the panel has. */
  private has: Report | undefined;
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly store: Store,
    private readonly clicks: Clicks,
  ) {
    this.subscription = store.onDidChange((shown) => { this.follow(shown); });
  }

  /** Opens the panel with a view of the page, or shows that one. */
  async show(view: View): Promise<void> {
    const template = vscode.Uri.joinPath(this.extension, "media", "report-page.html");
    const page = await readFile(template.fsPath, "utf8");
    this.panel ??= this.open();
    this.panel.reveal();
    // Without a byte of its own the same page would not be loaded again.
    this.panel.webview.html = `${pageWith(page, view)}<!-- ${Date.now()} -->`;
    this.has = undefined;
    this.follow(this.store.current);
  }

  dispose(): void {
    this.subscription.dispose();
    this.panel?.dispose();
  }

  private open(): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel("unhang.picture", "Async Tasks", vscode.ViewColumn.Beside, {
      enableScripts: true,
      localResourceRoots: [],
      retainContextWhenHidden: true,
    });
    panel.iconPath = vscode.Uri.joinPath(this.extension, "media", "icon.png");
    panel.onDidDispose(() => { this.panel = undefined; });
    panel.webview.onDidReceiveMessage((message: unknown) => this.hear(message));
    return panel;
  }

  private hear(message: unknown): unknown {
    const heard = fromPage(message);
    switch (heard?.type) {
      case "open":
        return this.clicks.open(heard);
      case "task":
        return this.clicks.task(heard.id);
      case "save":
        return save(heard.name, heard.text);
      case undefined:
        return undefined;
    }
  }

  private follow(shown: Shown | undefined): void {
    if (this.panel === undefined || shown?.report === undefined || shown.report === this.has) return;
    this.has = shown.report;
    const message: ToPage = { type: "report", report: shown.report };
    void this.panel.webview.postMessage(message);
  }
}

async function save(name: string, text: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const proposed = folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, fileName(name)) };
  const place = await vscode.window.showSaveDialog(proposed);
  if (place !== undefined) await vscode.workspace.fs.writeFile(place, new TextEncoder().encode(text));
}
