import assert from "node:assert/strict";
import test from "node:test";
import { FilterError, filtered, isEverything, parseFilter, WAITING_ON } from "../src/filter";
import { recorded } from "./recorded";

const ids = (name: string, filter: string) => filtered(recorded(name), parseFilter(filter)).map((it) => it.id);

test("a filter has the words of `info async-tasks`", () => {
  assert.deepEqual(parseFilter("--state idle,running --with 'a b' --without=c --waiting-on lock x"), {
    states: ["idle", "running"], with: ["a b", "x"], without: ["c"], waitingOn: ["mutex", "rwlock", "thread_lock"],
  });
  assert.ok(isEverything(parseFilter("  ")));
});

test("what is no filter is said", () => {
  for (const [text, why] of [
    ["--state sleepy", "sleepy"], ["--waiting-on stock", "stock"], ["--group", "--group"], ["--with", "needs a value"],
  ] as const) {
    assert.throws(() => parseFilter(text), (error) => error instanceof FilterError && error.message.includes(why));
  }
});

test("tasks are chosen by frames, files and what they wait for", () => {
  assert.deepEqual(ids("hung-service", ""), ["main", "5", "6", "7", "8"]);
  assert.deepEqual(ids("hung-service", "restock"), ["5"]);
  assert.deepEqual(ids("hung-service", "--with stock.rs --without restock"), ["6", "7", "8"]);
  assert.deepEqual(ids("hung-service", "--waiting-on io"), ["main"]);
  assert.deepEqual(ids("hung-service", "--waiting-on lock"), ["5", "6", "7", "8"]);
  assert.deepEqual(ids("hung-service", "--waiting-on channel --state idle").length, 4);
  assert.deepEqual(ids("blocked", "--state scheduled"), ["3", "4"]);
  assert.deepEqual(ids("hung-service", "nothing-like-it"), []);
});

test("the kinds are those of the report's schema", () => {
  for (const name of ["hung-service", "two-locks", "combinators", "many-tasks", "blocked"]) {
    for (const wait of recorded(name).tasks.flatMap((task) => task.waiting_on)) {
      assert.ok(WAITING_ON.includes(wait.resource), wait.resource);
    }
  }
});
