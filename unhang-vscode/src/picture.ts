/** The picture: the report page of `unhang dump --html`, in a panel. */

import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { pageOf } from "./page";
import type { Place } from "./report/model";
import type { Shown, Store } from "./store";

/** What is shown first. */
export type View = "graph" | "stacks" | "list";

/** What the page says. */
type Message = { type: "open"; file: string; line: number } | { type: "task"; id: string };

/** What to do where the page is clicked. */
export interface Clicks {
  open(place: Place): unknown;
  task(id: string): unknown;
}

/** One panel, which follows what is shown. */
export class Picture implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private of: unknown;
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly store: Store,
    private readonly clicks: Clicks,
  ) {
    this.subscription = store.onDidChange((shown) => { this.follow(shown); });
  }

  /** Opens the panel, or shows another view in it. */
  show(view: View): void {
    if (this.panel === undefined) {
      this.panel = vscode.window.createWebviewPanel("unhang.picture", "Async Tasks", vscode.ViewColumn.Beside, {
        enableScripts: true,
        localResourceRoots: [],
        retainContextWhenHidden: true,
      });
      this.panel.iconPath = vscode.Uri.joinPath(this.extension, "media", "icon.png");
      this.panel.onDidDispose(() => { this.panel = undefined; });
      this.panel.webview.onDidReceiveMessage((message: Message) => {
        if (message.type === "open") this.clicks.open({ file: message.file, line: message.line });
        else this.clicks.task(message.id);
      });
    }
    this.panel.reveal();
    void this.write(view);
  }

  dispose(): void {
    this.subscription.dispose();
    this.panel?.dispose();
  }

  private async write(view: View): Promise<void> {
    const report = this.store.current?.report;
    const template = vscode.Uri.joinPath(this.extension, "media", "report-page.html");
    const page = await readFile(template.fsPath, "utf8");
    this.of = report;
    if (this.panel !== undefined) this.panel.webview.html = pageOf(page, report, view);
  }

  private follow(shown: Shown | undefined): void {
    if (this.panel === undefined || shown?.report === undefined || shown.report === this.of) return;
    this.of = shown.report;
    void this.panel.webview.postMessage({ type: "report", report: shown.report });
  }
}
