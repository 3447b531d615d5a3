import assert from "node:assert/strict";
import test from "node:test";
import { taskName, taskNames } from "../src/report/names";

test("threads' own futures keep their names", () => {
  assert.deepEqual(["5", "main", "b2", "2.7"].map(taskName), ["task 5", "main", "b2", "task 2.7"]);
});

test("tasks are named in a sentence", () => {
  assert.equal(taskNames(["6"]), "task 6");
  assert.equal(taskNames(["6", "7", "8"]), "tasks 6, 7 and 8");
  assert.equal(taskNames(["1", "2", "3", "4", "5"]), "tasks 1, 2, 3 and 2 more");
  assert.equal(taskNames(["1", "2", "3"], 100000), "tasks 1, 2, 3 and 99,997 more");
});
