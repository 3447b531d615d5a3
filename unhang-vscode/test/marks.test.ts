import assert from "node:assert/strict";
import test from "node:test";
import { marks } from "../src/marks";
import { backtrace } from "../src/report/backtrace";
import { recorded } from "./recorded";

const lines = (name: string) =>
  [...marks(recorded(name))].flatMap(([file, list]) =>
    list.map((mark) => `${file.replace(/^.*\//, "")}:${mark.line} ${mark.text}${mark.other === undefined ? "" : ` → ${mark.other.label} ${mark.other.place.line}`}`),
  );

test("where tasks wait, who holds what, and both ends of a deadlock", () => {
  assert.deepEqual(lines("hung-service"), [
    "stock.rs:47 ⏸ 3 tasks wait here",
    "stock.rs:52 ⛔ deadlock → who waits for it 59",
    "stock.rs:52 `stock` held by task 5, 4 wait",
    "stock.rs:59 ⛔ deadlock → who holds it 52",
    "stock.rs:59 ⏸ 1 task waits here",
    "main.rs:20 ⏸ 1 task waits here",
  ]);
});

test("two tasks that wait for each other: four ends, each with its other one", () => {
  const faults = lines("two-locks").filter((line) => line.includes("deadlock"));
  assert.equal(faults.length, 4, faults.join("\n"));
  assert.ok(faults.every((line) => line.includes("→")));
});

test("no mark is in a library, and none is there twice", () => {
  for (const name of ["hung-service", "two-locks", "combinators", "many-tasks", "blocked"]) {
    for (const [file, list] of marks(recorded(name))) {
      assert.ok(!file.includes("/registry/"), file);
      for (const { line, kind, text } of list.filter((it) => it.kind !== "fault")) {
        assert.equal(list.filter((it) => it.line === line && it.text === text).length, 1, `${kind} ${line} ${text}`);
      }
    }
  }
});

test("a backtrace as text", () => {
  const task = recorded("hung-service").tasks.find((it) => it.id === "5");
  assert.ok(task);
  const text = backtrace(task);
  assert.ok(text.startsWith("Task 5 (idle): waits for Mutex<Inventory> held by this task\n  branch 1 of 2\n"), text);
  assert.ok(text.includes("\n  #5  inventory::stock::reserve  inventory-service/src/stock.rs:52\n"), text);
});
