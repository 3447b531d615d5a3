/** What is shown now: the active debug session's report, or one that was opened. */

import * as vscode from "vscode";
import type { SourceMap } from "./sources";
import type { Report } from "./report/model";

/** Where a report is from. */
export type Origin =
  | { kind: "session"; session: vscode.DebugSession }
  | { kind: "opened"; title: string };

/** What a view has to show. */
export interface Shown {
  origin: Origin;
  report: Report | undefined;
  /** What to say above the rows; empty for nothing. */
  message: string;
  /** `missing`: unhang could not be loaded. `running`: the report is of the last stop. */
  state: "stopped" | "running" | "loading" | "missing" | "nothing" | "opened";
  sources: SourceMap;
}

/** What each session shows, and what was opened. */
export class Store implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Shown | undefined>();
  private readonly sessions = new Map<string, Shown>();
  private opened: Shown | undefined;

  /** When something else is to be shown. */
  readonly onDidChange = this.changed.event;

  /** What is shown now. */
  get current(): Shown | undefined {
    const active = vscode.debug.activeDebugSession;
    const shown = active === undefined ? undefined : this.sessions.get(active.id);
    return shown ?? this.opened ?? [...this.sessions.values()].at(-1);
  }

  /** Shows something of a session. */
  show(shown: Shown): void {
    if (shown.origin.kind === "session") this.sessions.set(shown.origin.session.id, shown);
    else this.opened = shown;
    this.refresh();
  }

  /** What a session shows. */
  of(session: vscode.DebugSession): Shown | undefined {
    return this.sessions.get(session.id);
  }

  /** Forgets a session. */
  forget(session: vscode.DebugSession): void {
    if (this.sessions.delete(session.id)) this.refresh();
  }

  /** Forgets the report that was opened. */
  close(): void {
    this.opened = undefined;
    this.refresh();
  }

  /** Another session may be the active one. */
  refresh(): void {
    this.changed.fire(this.current);
  }

  dispose(): void {
    this.changed.dispose();
  }
}
