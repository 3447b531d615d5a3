/** What `marks.ts` says, beside the lines of the editors; and a way to the other end of a deadlock. */

import * as vscode from "vscode";
import { type Mark, marks } from "./marks";
import { shortPlace } from "./report/names";
import { settings } from "./settings";
import { mapped } from "./sources";
import type { Shown, Store } from "./store";

/** Writes marks into editors, and lenses above the lines of faults. */
export class EditorMarks implements vscode.CodeLensProvider, vscode.Disposable {
  private byPath = new Map<string, Mark[]>();
  private of: unknown;
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly types: Record<Mark["kind"], vscode.TextEditorDecorationType>;
  private readonly registrations: vscode.Disposable[];

  constructor(store: Store) {
    // On one line they stand in this order.
    this.types = {
      fault: decoration("editorError.foreground", "editorOverviewRuler.errorForeground", "diffEditor.removedLineBackground"),
      hold: decoration("editorWarning.foreground", "editorOverviewRuler.warningForeground"),
      wait: decoration("editorCodeLens.foreground", "editorOverviewRuler.infoForeground"),
    };
    this.registrations = [
      ...Object.values(this.types),
      store.onDidChange((shown) => { this.update(shown); }),
      vscode.window.onDidChangeVisibleTextEditors(() => { this.draw(); }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("unhang")) this.update(store.current, true);
      }),
      vscode.languages.registerCodeLensProvider({ scheme: "file", language: "rust" }, this),
    ];
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const here = (this.byPath.get(document.uri.fsPath) ?? []).filter((mark) => mark.kind === "fault");
    const seen = new Set<string>();
    return here.flatMap((mark) => {
      const range = lineOf(document, mark.line);
      if (range === undefined || seen.has(`${mark.line} ${mark.details[0]}`)) return [];
      seen.add(`${mark.line} ${mark.details[0]}`);
      const lenses = [new vscode.CodeLens(range, {
        title: `$(error) ${mark.details[0] ?? ""}`,
        command: "unhang.revealTask",
        arguments: [mark.tasks[0]],
      })];
      if (mark.other !== undefined) {
        lenses.push(new vscode.CodeLens(range, {
          title: `$(arrow-right) ${mark.other.label}: ${shortPlace(mark.other.place)}`,
          command: "unhang.goTo",
          arguments: [mark.other.place],
        }));
      }
      return lenses;
    });
  }

  dispose(): void {
    this.registrations.forEach((it) => { it.dispose(); });
    this.lensesChanged.dispose();
  }

  private update(shown: Shown | undefined, anew = false): void {
    // While the program runs the lines say nothing any more.
    const report = shown?.state === "stopped" || shown?.state === "opened" ? shown.report : undefined;
    if (report === this.of && !anew) return;
    this.of = report;
    this.byPath = new Map();
    if (report !== undefined && settings().marks) {
      for (const [file, list] of marks(report)) {
        this.byPath.set(mapped(file, shown?.sources ?? []), list);
      }
    }
    this.lensesChanged.fire();
    this.draw();
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const here = this.byPath.get(editor.document.uri.fsPath) ?? [];
      for (const kind of ["fault", "hold", "wait"] as const) {
        const options = here
          .filter((mark) => mark.kind === kind)
          .flatMap((mark) => this.option(editor.document, mark) ?? []);
        editor.setDecorations(this.types[kind], options);
      }
    }
  }

  private option(document: vscode.TextDocument, mark: Mark): vscode.DecorationOptions | undefined {
    const range = lineOf(document, mark.line);
    if (range === undefined) return undefined;
    return {
      range: new vscode.Range(range.end, range.end).union(range),
      hoverMessage: hover(mark),
      renderOptions: { after: { contentText: `  ${mark.text}` } },
    };
  }
}

function decoration(color: string, ruler: string, background?: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    overviewRulerColor: new vscode.ThemeColor(ruler),
    overviewRulerLane: vscode.OverviewRulerLane.Right,
    ...(background === undefined ? {} : { isWholeLine: true, backgroundColor: new vscode.ThemeColor(background) }),
    after: { color: new vscode.ThemeColor(color), fontStyle: "italic", margin: "0 0 0 1.5em" },
  });
}

/** A line of a document; `undefined` where it has none so far down: the file is another version. */
function lineOf(document: vscode.TextDocument, line: number): vscode.Range | undefined {
  return line <= document.lineCount ? document.lineAt(line - 1).range : undefined;
}

function hover(mark: Mark): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.isTrusted = { enabledCommands: ["unhang.goTo", "unhang.revealTask"] };
  text.appendMarkdown(mark.details.map((line) => (line.startsWith("- ") ? `- ${escaped(line.slice(2))}` : escaped(line))).join("\n\n"));
  const links = mark.tasks.slice(0, 8).map((id) => link(`task ${id}`, "unhang.revealTask", id));
  if (mark.other !== undefined) links.unshift(link(mark.other.label, "unhang.goTo", mark.other.place));
  text.appendMarkdown(`\n\n${links.join(" · ")}`);
  return text;
}

function link(label: string, command: string, argument: unknown): string {
  return `[${escaped(label)}](command:${command}?${encodeURIComponent(JSON.stringify([argument]))})`;
}

/** Text of the process as it is: nothing in it is markup. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!<>|~]/g, "\\$&");
}
