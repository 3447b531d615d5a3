/** How a report is got from a debug session. No VS Code here: the tests do the same without it. */

import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Adapter, Configuration, Debugger } from "../adapters";
import { NotAReport, parseReport, type Report } from "../report/model";

/** A session that can be asked. */
export interface Asked {
  adapter: Adapter;
  configuration: Configuration;
  /** DAP's `evaluate`; gives the result's text, and fails where the adapter does. */
  evaluate(expression: string, context: string): Promise<string>;
}

/**
 * The debugger's command that loads unhang, or why there is none, in a sentence.
 */
export type Loading = (debugger_: Debugger) => Promise<{ command: string } | { problem: string }>;

/** What came of it. */
export type Fetched =
  | { kind: "report"; report: Report; milliseconds: number }
  /** It cannot be loaded; the sentence says why and what to do. */
  | { kind: "missing"; text: string }
  /** It was asked, and says why it shows nothing. */
  | { kind: "nothing"; text: string };

/** Runs a command of the debugger's and gives what it printed; an error's text where it fails. */
export async function run(session: Asked, command: string): Promise<string> {
  const { adapter, configuration } = session;
  const { expression, context } = adapter.evaluation(command, configuration);
  try {
    return adapter.output(await session.evaluate(expression, context), command).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What is asked for beyond the tasks. */
export interface Wanted {
  locals: boolean;
}

/**
 * Gets the report of a stopped session, and loads unhang into its debugger where that is to be done.
 *
 * Adapters answer in their own ways, lldb-dap calls a command that failed a success, and CodeLLDB's
 * answers are empty; so the report goes into a file, and whether it is there tells.
 */
export async function fetchReport(session: Asked, loading: Loading, wanted: Wanted): Promise<Fetched> {
  const begun = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "unhang-"));
  try {
    const dump = async (): Promise<{ text: string | undefined; said: string }> => {
      const file = join(folder, `${randomUUID()}.json`);
      const locals = wanted.locals ? " --locals" : "";
      const said = await run(session, `async dump --json --brief${locals} ${file}`);
      const text = await readFile(file, "utf8").catch(() => undefined);
      return { text, said };
    };
    let { text, said } = await dump();
    if (text === undefined && isUnknownCommand(said)) {
      const load = await loading(session.adapter.debugger(session.configuration));
      if ("problem" in load) return { kind: "missing", text: load.problem };
      const loaded = await run(session, load.command);
      ({ text, said } = await dump());
      if (text === undefined && said !== "" && isUnknownCommand(said)) {
        return { kind: "missing", text: firstSentence(loaded) };
      }
    }
    if (text === undefined) return { kind: "nothing", text: firstSentence(said) };
    return read(text, performance.now() - begun);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function read(text: string, milliseconds: number): Fetched {
  let report: Report;
  try {
    report = parseReport(text);
  } catch (error) {
    if (error instanceof NotAReport) return { kind: "nothing", text: error.message };
    throw error;
  }
  if (report.tasks.length === 0 && report.runtimes.length === 0) {
    const text = report.problems[0]?.text ?? "No async task was found in this process.";
    return { kind: "nothing", text };
  }
  return { kind: "report", report, milliseconds };
}

/**
 * Tells whether a debugger does not know `async`: nothing said (CodeLLDB prints on its console), or
 * gdb's or lldb's own words for a command that there is not.
 */
function isUnknownCommand(said: string): boolean {
  return said === "" || /Undefined command|is not a valid command/i.test(said);
}

/** The first line that was said, without what marks an error. */
function firstSentence(said: string): string {
  const line = said.split("\n").find((it) => it.trim() !== "") ?? "";
  const sentence = line.trim().replace(/^(?:error: |Error: )+/, "");
  return sentence === "" ? "The debugger gave no answer: its console may say why." : sentence;
}
