import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import test from "node:test";
import { ADAPTERS, adapterOf } from "../src/adapters";
import { type Asked, fetchReport } from "../src/session/fetch";
import { NotAReport, parseReport } from "../src/report/model";
import { mapped, sourceMap } from "../src/sources";
import { recordedText } from "./recorded";

/** A debugger that knows `async` once it is loaded, and then writes a report; it says what it was told. */
function session(adapter: string, report: string, answers: { unknown: string; loads: boolean }) {
  const found = ADAPTERS.find((it) => it.name === adapter);
  assert.ok(found);
  const told: string[] = [];
  let loaded = false;
  const asked: Asked = {
    adapter: found,
    configuration: {},
    evaluate: async (expression, context) => {
      told.push(`${context}: ${expression.replace(/\/.*\//, "")}`);
      const file = /async dump --json --brief (?:--locals )?(\S+)/.exec(expression)?.[1];
      if (expression.includes("load it")) {
        loaded = answers.loads;
        return loaded ? "" : "No module named unhang";
      }
      if (!loaded || file === undefined) return answers.unknown;
      await writeFile(file, report);
      return "Wrote 5 tasks";
    },
  };
  return { asked, told };
}

const loading = () => Promise.resolve({ command: "load it" });
const LLDB_SAYS = "error: 'async' is not a valid command.";

test("commands are spoken as each adapter takes them, and unhang is loaded where it is not", async () => {
  const said: Record<string, string> = { "lldb-dap": "repl: `", gdb: "repl: ", codelldb: "_command: ", cpptools: "repl: -exec " };
  for (const { name } of ADAPTERS) {
    const { asked, told } = session(name, recordedText("hung-service"), { unknown: name === "codelldb" ? "" : LLDB_SAYS, loads: true });
    const fetched = await fetchReport(asked, loading, { locals: false });
    assert.equal(fetched.kind, "report", name);
    assert.equal(told.length, 3, told.join("\n"));
    assert.ok(told.every((line) => line.startsWith(said[name] ?? "?")), told.join("\n"));
  }
});

test("what cannot be loaded is said, and so is what there is not", async () => {
  const failing = session("lldb-dap", "", { unknown: LLDB_SAYS, loads: false });
  assert.deepEqual(await fetchReport(failing.asked, loading, { locals: false }), { kind: "missing", text: "No module named unhang" });
  const nowhere = session("gdb", "", { unknown: 'Undefined command: "async".  Try "help".', loads: false });
  const missing = await fetchReport(nowhere.asked, () => Promise.resolve({ problem: "It is nowhere." }), { locals: false });
  assert.deepEqual(missing, { kind: "missing", text: "It is nowhere." });
  const plain = session("gdb", recordedText("no-tokio"), { unknown: "Undefined command", loads: true });
  const nothing = await fetchReport(plain.asked, loading, { locals: false });
  assert.equal(nothing.kind, "nothing");
  assert.match("text" in nothing ? nothing.text : "", /tokio|runtime|async/);
});

test("sessions that debug something else are left alone", () => {
  assert.equal(adapterOf("python"), undefined);
  assert.equal(adapterOf("lldb")?.name, "codelldb");
  assert.equal(adapterOf("mine", { mine: "gdb" })?.name, "gdb");
  assert.equal(adapterOf("mine", { mine: "nonsense" }), undefined);
  assert.equal(adapterOf("constructor"), undefined);
});

test("what is no report is refused in a sentence", () => {
  for (const text of ["", "{", "[]", "{}", '{"schema":2}', '{"schema":1}', "null"]) {
    assert.throws(() => parseReport(text), NotAReport, text);
  }
});

test("sources of another machine are found by the session's own map", () => {
  assert.deepEqual(sourceMap({ sourceMap: [["/build", "/here"]] }), [["/build", "/here"]]);
  assert.deepEqual(sourceMap({ sourceMap: { "/build": "/here", "/odd": 1 } }), [["/build", "/here"]]);
  assert.deepEqual(sourceMap({ sourceMap: "nonsense" }), []);
  assert.equal(mapped("/build/src/a.rs", [["/build", "/here/"]]), "/here/src/a.rs");
  assert.equal(mapped("/builder/src/a.rs", [["/build", "/here"]]), "/builder/src/a.rs");
});
