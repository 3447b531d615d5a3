import assert from "node:assert/strict";
import test from "node:test";
import { filtered, parseFilter } from "../src/filter";
import { GROUPINGS } from "../src/grouping";
import { parseReport, type Report } from "../src/report/model";
import { CAP, type Node, PLAIN, Tree } from "../src/tree/nodes";
import { recorded, recordedText } from "./recorded";

/** Rows as one reads them, with those below that are open or of which `open` says so. */
function text(tree: Tree, open: (node: Node) => boolean = () => false, rows = tree.roots(), indent = ""): string[] {
  return rows.flatMap((node) => {
    const description = node.description === "" ? "" : `  [${node.description.replace(/0x[0-9a-f]+/g, "0x…")}]`;
    const below = node.open === "open" || open(node) ? text(tree, open, tree.children(node), `${indent}  `) : [];
    return [`${indent}${node.label}${description}`, ...below];
  });
}

test("the hung service: its deadlock, and its tasks by where they stand", () => {
  assert.deepEqual(text(new Tree(recorded("hung-service"))), [
    "Deadlock: task 5 waits for a lock that it holds itself.",
    "  held by task 5 in `stock`  [stock.rs:52 · MutexGuard<Inventory>]",
    "  wanted by task 5  [stock.rs:59 · Mutex<Inventory>]",
    "  3 tasks behind  [tasks 6, 7 and 8]",
    "  help: drop `stock` before stock.rs:52",
    "inventory::stock::reserve  [stock.rs:47 · 3 tasks]",
    ...text(new Tree(recorded("hung-service"))).filter((line) => line.startsWith("main  async block in inventory_service::main  [main.rs:20 · ")),
    "5  inventory::stock::restock  [stock.rs:59 · Mutex<Inventory> held by this task]",
  ]);
});

test("a task opens to what it waits for and to its await frames, with their branches", () => {
  const tree = new Tree(recorded("hung-service"));
  const task = tree.find("5");
  assert.ok(task);
  assert.deepEqual(text(tree, undefined, tree.children(task)), [
    "waits for Mutex<Inventory> held by this task",
    "waits for the end of the receiver of watch<()>, receiver in task main (mod.rs:190)",
    "branch 1 of 2",
    "  4 frames of tokio",
    "  #4  inventory::stock::restock  [stock.rs:59]",
    "  #5  inventory::stock::reserve  [stock.rs:52 · holds MutexGuard<Inventory> in `stock`, of Mutex<Inventory> 0x…]",
    "  #6  inventory::checkout::buy  [checkout.rs:17]",
    "  #7  inventory::http::checkout  [http.rs:35]",
    "  12 frames of axum, futures-util, tower, hyper-util, hyper",
    "branch 2 of 2",
    "  5 frames of tokio, futures-util",
    "#25  std::future::PollFn<…>  [library/core/src/future/poll_fn.rs:149]",
    "#26  async block in axum::serve::handle_connection<…> (line 389)  [axum-0.8.9/src/serve/mod.rs:400]",
  ]);
  const whole = new Tree(recorded("hung-service"), { ...PLAIN, fold: false });
  const unfolded = whole.find("5");
  assert.ok(unfolded);
  assert.equal(text(whole, (it) => it.kind === "branch", whole.children(unfolded)).filter((line) => /^ *#/.test(line)).length, 27);
});

test("a holder is found, in whatever row it lies", () => {
  const tree = new Tree(recorded("hung-service"));
  assert.equal(tree.findFrame("5", 5)?.label, "#5  inventory::stock::reserve");
  assert.equal(tree.findFrame("5", 1)?.parent?.kind, "fold");
  assert.equal(tree.find("7")?.parent?.kind, "group");
  assert.equal(tree.find("99"), undefined);
});

test("every row knows its parent and has an id of its own, however tasks are grouped", () => {
  for (const name of ["hung-service", "two-locks", "combinators", "many-tasks", "blocked"]) {
    for (const { grouping } of GROUPINGS) {
      const tree = new Tree(recorded(name), { ...PLAIN, grouping });
      const ids = new Set<string>();
      const shown = new Set<string>();
      const visit = (node: Node, parent: Node | undefined, depth: number) => {
        assert.equal(node.parent, parent, `${name}: ${node.id}`);
        assert.ok(!ids.has(node.id), `${name}: ${node.id} is there twice`);
        ids.add(node.id);
        if (node.kind === "task" && (parent === undefined || parent.kind === "group")) shown.add(node.task?.id ?? "");
        // Queues lead from task to task for ever.
        if (depth < 6) tree.children(node).forEach((child) => { visit(child, node, depth + 1); });
      };
      tree.roots().forEach((node) => { visit(node, undefined, 0); });
      assert.equal(shown.size, recorded(name).tasks.length, `${name} by ${grouping}`);
    }
  }
});

test("groups by what is waited for, by state and by runtime", () => {
  const rows = (grouping: "wait" | "state" | "runtime", name = "hung-service") =>
    text(new Tree(recorded(name), { ...PLAIN, grouping })).filter((line) => !line.startsWith(" "));
  assert.ok(rows("wait").some((row) => row === "Mutex<Inventory> held by task 5 (stock.rs:52)  [4 tasks]"), rows("wait").join("\n"));
  assert.ok(rows("state").includes("Idle  [5 tasks]"));
  assert.ok(rows("state", "blocked").includes("Scheduled  [2 tasks]"));
  assert.ok(rows("runtime").includes("Runtime 0  [tokio 1.54.1 · multi_thread · 2 workers, both parked · 4 tasks]"), rows("runtime").join("\n"));
});

test("a filter leaves what was found", () => {
  const tree = new Tree(recorded("hung-service"), { ...PLAIN, filter: parseFilter("--with http.rs --without restock") });
  assert.equal(tree.tasks.length, 3);
  assert.equal(tree.roots().filter((node) => node.kind === "finding").length, 1);
});

/** The same task over and over. */
function many(tasks: number): Report {
  const report = recorded("many-tasks");
  const [, task] = report.tasks;
  assert.ok(task);
  report.tasks = Array.from({ length: tasks }, (_, at) => ({ ...task, id: String(at) }));
  return report;
}

test("of many rows the first are shown, and more when asked", () => {
  const tree = new Tree(many(1000));
  const group = tree.roots().find((node) => node.kind === "group");
  assert.ok(group);
  const rows = tree.children(group);
  assert.equal(rows.length, CAP + 1);
  const more = rows.at(-1);
  assert.equal(more?.label, "Show more: 800 are left");
  assert.equal(tree.showMore(more), group);
  assert.equal(tree.children(group).length, 1000);
  const fresh = new Tree(many(1000));
  assert.equal(fresh.find("990")?.task?.id, "990", "what is beyond the cap is shown to be revealed");
});

test("tasks of which only the ids are written stand where another one does", () => {
  const written = JSON.parse(recordedText("many-tasks")) as Report;
  const like = written.tasks.find((task) => task.row.waiting_for.startsWith("Notify"));
  assert.ok(like);
  written.alike = [{ task: like.id, tasks: ["1001", "1002"] }];
  const report = parseReport(JSON.stringify(written));
  const tree = new Tree(report);
  assert.equal(report.tasks.length, 41 + 2);
  const task = tree.find("1002");
  assert.ok(task);
  assert.deepEqual([task.label, task.description], ["1002", "Notify"]);
  assert.equal(task.parent?.description, "main.rs:84 · 12 tasks");
  assert.equal(tree.children(task)[1]?.label, `stands where task ${like.id} does`);
  const waiting = (of: Report) => filtered(of, parseFilter("--waiting-on notify")).length;
  assert.equal(waiting(report), waiting(recorded("many-tasks")) + 2);
});

test("the rows of a hundred thousand tasks are made at once", () => {
  const report = many(100_000);
  const begun = performance.now();
  const tree = new Tree(report);
  const group = tree.roots().find((node) => node.kind === "group");
  assert.ok(group);
  assert.ok(group.description.includes("100,000 tasks"));
  assert.equal(tree.children(group).length, CAP + 1);
  const took = performance.now() - begun;
  assert.ok(took < 2_000, `${took} ms`);
});
