import assert from "node:assert/strict";
import test from "node:test";
import { shortName, shortPath, taskNames } from "../src/report/names";

test("names lose what makes them long", () => {
  const names: [string, string][] = [
    ["inventory::stock::reserve", "inventory::stock::reserve"],
    ["tokio::sync::mutex::Mutex<inventory::stock::Inventory>::lock", "tokio::sync::mutex::Mutex<Inventory>::lock"],
    ["tokio::sync::mpsc::bounded::Receiver<u64>::recv::<a::b::C<d::E, f::G<h::I>, j::KLMNOP>>", "tokio::sync::mpsc::bounded::Receiver<u64>::recv<…>"],
    ["<axum::Serve<a::B, c::D> as core::future::IntoFuture>::into_future", "<axum::Serve<B, D> as std::future::IntoFuture>::into_future"],
    ["core::future::poll_fn::PollFn<{closure in a::b<c::Defghijklmnop, q::R>}>", "std::future::poll_fn::PollFn<…>"],
    ["a::Map<fn(b::C) -> d::E>", "a::Map<fn(C) -> E>"],
    ["broken<a", "broken<>"],
  ];
  for (const [whole, short] of names) assert.equal(shortName(whole), short);
});

test("paths begin with their package", () => {
  assert.equal(shortPath("/home/dev/inventory-service/src/stock.rs"), "inventory-service/src/stock.rs");
  assert.equal(shortPath("/home/dev/.cargo/registry/src/index/tokio-1.54.1/src/sync/mutex.rs"), "tokio-1.54.1/src/sync/mutex.rs");
  assert.equal(shortPath("/rustc/5980/library/core/src/future/poll_fn.rs"), "library/core/src/future/poll_fn.rs");
  assert.equal(shortPath("main.rs"), "main.rs");
});

test("tasks are named in a sentence", () => {
  assert.equal(taskNames(["6"]), "task 6");
  assert.equal(taskNames(["6", "7", "8"]), "tasks 6, 7 and 8");
  assert.equal(taskNames(["1", "2", "3", "4", "5"]), "tasks 1, 2, 3 and 2 more");
  assert.equal(taskNames(["1", "2", "3"], 100000), "tasks 1, 2, 3 and 99,997 more");
});
