/**
 * `node round-trip.js ADAPTER PROGRAM UNHANG (--pid PID | --core CORE EXECUTABLE)`: starts a debug
 * adapter, attaches, and gets the report by the code of the extension. Prints one line of JSON with what
 * the view would show and how long each part took. `tests/tests/end_to_end/vscode.rs` calls it.
 */

import { ADAPTERS, type Configuration } from "../src/adapters";
import { loadingCommand } from "../src/cli";
import { marks } from "../src/marks";
import { type Asked, fetchReport, run } from "../src/session/fetch";
import { Tree } from "../src/tree/nodes";
import { DapClient } from "./dap-client";

/** How each adapter is started. */
const ARGUMENTS: Record<string, string[]> = { "gdb": ["-nx", "-q", "-iex", "set debuginfod enabled off", "-i=dap"], "lldb-dap": [] };

async function main([name = "", program = "", unhang = "", ...subject]: string[]): Promise<void> {
  const adapter = ADAPTERS.find((it) => it.name === name);
  if (adapter === undefined) throw new Error(`no adapter ${name}`);
  const configuration = attaching(subject);
  const client = new DapClient(program, ARGUMENTS[name] ?? []);
  try {
    await client.request("initialize", { adapterID: name, linesStartAt1: true, columnsStartAt1: true, pathFormat: "path" });
    const attached = client.send("attach", { ...configuration });
    await client.event("initialized");
    await client.request("configurationDone");
    const answer = await attached;
    if (!answer.success) throw new Error(answer.message ?? "attach failed");
    const { body } = await client.event("stopped");
    const stack = await timed(() => client.request("stackTrace", { threadId: body?.threadId ?? 1, startFrame: 0, levels: 20 }));
    const asked: Asked = {
      adapter,
      configuration,
      evaluate: async (expression, context) => {
        const body = await client.request("evaluate", { expression, context });
        return (body as { result: string }).result;
      },
    };
    console.log(JSON.stringify(await shown(asked, unhang, stack)));
  } finally {
    await client.end();
  }
}

function attaching([mode, first = "", second = ""]: string[]): Configuration {
  return mode === "--pid" ? { pid: Number(first), stopOnEntry: true } : { coreFile: first, program: second };
}

async function shown(asked: Asked, unhang: string, stackTrace: number): Promise<unknown> {
  const loading = (it: "gdb" | "lldb") => loadingCommand(unhang, it);
  const first = await fetchReport(asked, loading, { locals: false });
  if (first.kind !== "report") return { ...first, stackTrace };
  let report = first.report;
  const list = await timed(() => run(asked, "info async-tasks"));
  const again = await timed(async () => {
    const fetched = await fetchReport(asked, loading, { locals: false });
    if (fetched.kind !== "report") throw new Error(fetched.text);
    report = fetched.report;
    return new Tree(report).roots();
  });
  const tree = new Tree(report);
  const lines = [...marks(report)].flatMap(([file, list]) => list.map((it) => `${file.replace(/^.*\//, "")}:${it.line} ${it.text}`));
  return {
    kind: "report",
    tasks: report.tasks.length,
    milliseconds: { stackTrace, list, first: Math.round(first.milliseconds), tree: again },
    rows: tree.roots().map((it) => `${it.label} | ${it.description}`),
    evidence: tree.roots().filter((it) => it.kind === "finding").flatMap((it) => tree.children(it)).map((it) => `${it.label} | ${it.description}`),
    marks: lines,
    selected: await run(asked, `async task ${report.tasks.at(-1)?.id ?? ""}`),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return Math.round(performance.now() - begun);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
