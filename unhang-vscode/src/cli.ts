/** The command line `unhang`, where it is installed. No VS Code here. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Debugger } from "./adapters";
import { parseReport, type Report } from "./report/model";

const execute = promisify(execFile);

/** What to do where it is not found. */
export const NOT_FOUND =
  "unhang was not found: install it with `pip install unhang`, or set `unhang.path` to its program.";

/** Exit codes of `unhang dump` with which it has written a report: whole, in part, without a runtime. */
const WROTE = [0, 3, 4];

/**
 * The program: what the setting names, else the one on the path; `undefined` where there is none.
 */
export async function findUnhang(setting: string, path = process.env.PATH ?? ""): Promise<string | undefined> {
  const home = process.env.HOME ?? "~";
  const places =
    setting === "" ? path.split(delimiter).filter(Boolean).map((folder) => join(folder, "unhang")) : [setting.replace(/^~(?=\/)/, home)];
  for (const place of places) {
    const there = await access(place, constants.X_OK).then(() => true, () => false);
    if (there) return place;
  }
  return undefined;
}

/** The debugger's command that loads unhang into it, or why there is none. */
export async function loadingCommand(
  setting: string,
  wanted: Debugger,
): Promise<{ command: string } | { problem: string }> {
  const program = await findUnhang(setting);
  if (program === undefined) return { problem: NOT_FOUND };
  try {
    const { stdout } = await execute(program, ["install", wanted, "--print"]);
    return { command: stdout.trim() };
  } catch (error) {
    return { problem: `unhang cannot be loaded into ${wanted}: ${whatItSaid(error)}` };
  }
}

/** What `unhang dump` looks at. */
export type Subject = { pid: number } | { core: string; executable?: string };

/**
 * The report of a process or a core file, without a debugger.
 *
 * @throws {Error} with the sentence that `unhang dump` says.
 */
export async function dump(setting: string, subject: Subject, signal?: AbortSignal): Promise<Report> {
  const program = await findUnhang(setting);
  if (program === undefined) throw new Error(NOT_FOUND);
  const folder = await mkdtemp(join(tmpdir(), "unhang-"));
  try {
    const file = join(folder, "report.json");
    const of = "pid" in subject ? ["--pid", String(subject.pid)] : ["--core", subject.core];
    if ("executable" in subject) of.push("--exe", subject.executable);
    const options = ["dump", ...of, "--json", "--brief", "--locals", "--output", file];
    await execute(program, options, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (!WROTE.includes(exitCode(error))) throw new Error(whatItSaid(error), { cause: error });
    });
    return parseReport(await readFile(file, "utf8"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function exitCode(error: unknown): number {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "number" ? error.code : -1;
}

/** The last line on standard error, without the program's name. */
function whatItSaid(error: unknown): string {
  const stderr = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
  const line = stderr.split("\n").at(-1) ?? "";
  const message = error instanceof Error ? error.message : String(error);
  return line === "" ? message : line.replace(/^(?:unhang|error): /, "");
}
