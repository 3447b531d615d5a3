/** Follows every debug session and gets its report when it stops. */

import * as vscode from "vscode";
import { type Adapter, adapterOf } from "../adapters";
import { loadingCommand } from "../cli";
import { settings } from "../settings";
import { sourceMap } from "../sources";
import type { Report } from "../report/model";
import type { Shown, Store } from "../store";
import { type Asked, type Fetched, fetchReport, run } from "./fetch";

/** A stop of many threads comes as many events: this long none may follow. */
const QUIET_MILLISECONDS = 25;

/** The program runs for so long before what is shown says so. */
const STEP_MILLISECONDS = 250;

/** A step that is slower than this by the report does not bring a new one by itself. */
const SLOW_MILLISECONDS = 1_000;

/** With more tasks than this their variables are not fetched. */
const MOST_WITH_LOCALS = 2_000;

/** The requests that let the program run. */
const RUNNING = new Set(["continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue", "goto", "restartFrame"]);

/** A message of DAP's, as far as it is read. */
interface Message {
  type?: string;
  event?: string;
  command?: string;
  body?: { reason?: string };
}

/** One session. */
class Followed {
  private timer: NodeJS.Timeout | undefined;
  /** Counts stops and continuations: an answer of an earlier one is not shown. */
  private era = 0;
  private lastTook = 0;
  private locals: Promise<Fetched> | undefined;

  constructor(
    private readonly session: vscode.DebugSession,
    readonly adapter: Adapter,
    private readonly store: Store,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get asked(): Asked {
    const { session, adapter } = this;
    return {
      adapter,
      configuration: session.configuration,
      evaluate: async (expression, context) => {
        const answer: unknown = await session.customRequest("evaluate", { expression, context });
        const result = (answer as { result?: unknown } | undefined)?.result;
        return typeof result === "string" ? result : "";
      },
    };
  }

  stopped(reason: string): void {
    this.era += 1;
    clearTimeout(this.timer);
    const stepped = reason === "step" && this.lastTook > SLOW_MILLISECONDS;
    if (!settings().automatic || stepped) {
      this.show({ state: "stopped", message: "These tasks are of an earlier stop: refresh to read them again." });
      return;
    }
    this.timer = setTimeout(() => void this.fetch(), QUIET_MILLISECONDS);
  }

  continued(): void {
    this.era += 1;
    clearTimeout(this.timer);
    this.locals = undefined;
    const before = this.store.of(this.session);
    if (before?.report === undefined) return;
    // A step is over before anybody sees that it began.
    this.timer = setTimeout(() => {
      this.show({ state: "running", message: "Running. These tasks are of the last stop." });
    }, STEP_MILLISECONDS);
  }

  ended(): void {
    this.era += 1;
    clearTimeout(this.timer);
    this.store.forget(this.session);
  }

  /** Gets the report and shows it. */
  async fetch(): Promise<void> {
    const era = ++this.era;
    const begun = performance.now();
    const before = this.store.of(this.session);
    if (before?.report === undefined) this.show({ state: "loading", message: "Reading async tasks…" });
    const fetched = await fetchReport(this.asked, (it) => loadingCommand(settings().path, it), { locals: false });
    if (era !== this.era) return;
    this.lastTook = performance.now() - begun;
    this.locals = undefined;
    this.show(said(fetched));
    const what = fetched.kind === "report" ? `${fetched.report.tasks.length} tasks` : fetched.text;
    this.log.info(`${this.adapter.name}: ${what}, ${this.lastTook.toFixed(0)} ms`);
  }

  /** The report with variables, fetched once a stop where that is not too much. */
  async withLocals(): Promise<Report | undefined> {
    const shown = this.store.of(this.session);
    if (shown?.state !== "stopped" || (shown.report?.tasks.length ?? 0) > MOST_WITH_LOCALS) return undefined;
    this.locals ??= fetchReport(this.asked, (it) => loadingCommand(settings().path, it), { locals: true });
    const fetched = await this.locals;
    return fetched.kind === "report" ? fetched.report : undefined;
  }

  /** Runs a command in the debugger and gives its output. */
  run(command: string): Promise<string> {
    return run(this.asked, command);
  }

  private show(what: Partial<Shown> & Pick<Shown, "state" | "message">): void {
    const report = this.store.of(this.session)?.report;
    const sources = [...settings().sourceMap, ...sourceMap(this.session.configuration)];
    this.store.show({ origin: { kind: "session", session: this.session }, report, sources, ...what });
  }
}

/** What to show of an answer. */
function said(fetched: Fetched): Partial<Shown> & Pick<Shown, "state" | "message"> {
  if (fetched.kind !== "report") {
    return { report: undefined, state: fetched.kind, message: fetched.text };
  }
  const { complete, missing } = fetched.report;
  const message = complete ? "" : `Incomplete: ${missing[0] ?? "some tasks are not shown whole."}`;
  return { report: fetched.report, state: "stopped", message };
}

/** All sessions whose adapter is known. */
export class Sessions implements vscode.Disposable {
  private readonly followed = new Map<string, Followed>();
  private readonly registrations: vscode.Disposable[];

  constructor(
    private readonly store: Store,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.registrations = [
      vscode.debug.registerDebugAdapterTrackerFactory("*", { createDebugAdapterTracker: (it) => this.follow(it) }),
      vscode.debug.onDidTerminateDebugSession((session) => { this.end(session); }),
      vscode.debug.onDidChangeActiveDebugSession(() => { this.store.refresh(); this.mark(); }),
    ];
  }

  /** The active session, where it is one of these. */
  get active(): Followed | undefined {
    const active = vscode.debug.activeDebugSession;
    return active === undefined ? undefined : this.followed.get(active.id);
  }

  dispose(): void {
    this.registrations.forEach((it) => { it.dispose(); });
  }

  private follow(session: vscode.DebugSession): vscode.DebugAdapterTracker | undefined {
    const adapter = adapterOf(session.type, settings().sessionTypes);
    if (adapter === undefined) return undefined;
    const followed = new Followed(session, adapter, this.store, this.log);
    this.followed.set(session.id, followed);
    this.mark();
    return {
      onWillReceiveMessage: (message: Message) => {
        if (message.type === "request" && RUNNING.has(message.command ?? "")) followed.continued();
      },
      onDidSendMessage: (message: Message) => {
        if (message.type !== "event") return;
        if (message.event === "stopped") followed.stopped(message.body?.reason ?? "");
        if (message.event === "continued") followed.continued();
        if (message.event === "terminated" || message.event === "exited") followed.ended();
      },
      onExit: () => { this.end(session); },
    };
  }

  private end(session: vscode.DebugSession): void {
    this.followed.get(session.id)?.ended();
    this.followed.delete(session.id);
    this.mark();
  }

  /** The view is there while a session is one of these. */
  private mark(): void {
    void vscode.commands.executeCommand("setContext", "unhang.inSession", this.followed.size > 0);
  }
}
