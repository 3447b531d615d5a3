//! The comparison finds what is wrong: each test breaks one thing.

use serde_json::{Value, json};

use super::{Step, difference, paths_of_task};
use crate::task_dump::{Symbol, Trace};

/// Two traces of a task that waits in a `select!` in `shop::buy` for a lock and for a `Sleep`.
fn traces() -> Vec<Trace> {
    let symbol = |name: &str, file: &str, line| Symbol {
        name: format!("{name}::h0123456789abcdef"),
        file: file.into(),
        line,
    };
    let above = [
        symbol("shop::buy::{{closure}}::{{closure}}", "/tokio/src/macros/select.rs", 710),
        symbol(
            "<core::future::poll_fn::PollFn<F> as core::future::future::Future>::poll",
            "/core",
            9,
        ),
        symbol("<core::pin::Pin<P> as core::future::future::Future>::poll", "/core/pin.rs", 3),
        symbol("shop::buy::{{closure}}", "/shop.rs", 20),
    ];
    let lock = [
        symbol("tokio::sync::Inner::poll_lock", "/mutex.rs", 5),
        symbol("<tokio::sync::Acquire as core::future::future::Future>::poll", "/mutex.rs", 7),
        symbol("tokio::sync::Mutex<T>::lock::{{closure}}", "/mutex.rs", 40),
    ];
    let sleep = [
        symbol("tokio::time::poll_delay::{{closure}}", "/time.rs", 1),
        symbol("tokio::time::poll_delay", "/time.rs", 2),
        symbol("<tokio::time::Sleep as core::future::future::Future>::poll", "/time.rs", 12),
    ];
    [lock, sleep].map(|leaf| leaf.into_iter().chain(above.clone()).collect()).to_vec()
}

/// The same task in a report.
fn frames() -> Value {
    let frame = |kind: &str, ty: &str, file: &str, line: u64, children: Vec<Vec<Value>>| json!({"kind": kind, "type": ty, "file": file, "line": line, "children": children});
    let leaf = |kind: &str, ty: &str, file: &str, line| frame(kind, ty, file, line, vec![]);
    let lock = vec![
        leaf("future", "tokio::sync::Acquire", "/mutex.rs", 6),
        leaf("async_fn", "tokio::sync::{impl#2}::lock::{async_fn_env#0}<u8>", "/mutex.rs", 40),
    ];
    let sleep = vec![leaf("future", "tokio::time::Sleep", "/time.rs", 12)];
    json!([
        frame(
            "future",
            "core::future::poll_fn::PollFn<shop::buy::{async_fn#0}::{closure_env#0}>",
            "/core",
            8,
            vec![lock, sleep]
        ),
        leaf("async_fn", "shop::buy::{async_fn_env#0}", "/shop.rs", 20),
        leaf("future", "tokio::runtime::task::trace::Root<shop::buy>", "/root.rs", 1),
    ])
}

fn paths(frames: &Value) -> Vec<Vec<Step>> {
    paths_of_task(frames).expect("a root")
}

fn differs(traces: &[Trace], frames: &Value) -> bool {
    difference(traces, &paths(frames)).is_some()
}

#[test]
fn the_same_is_the_same() {
    assert_eq!(difference(&traces(), &paths(&frames())), None);
    // In whatever order the branches were polled.
    let turned: Vec<Trace> = traces().into_iter().rev().collect();
    assert!(!differs(&turned, &frames()));
}

#[test]
fn a_frame_less_differs_on_either_side() {
    let mut less = traces();
    less[0].remove(2);
    assert!(differs(&less, &frames()));
    let mut less = frames();
    less[0]["children"][0].as_array_mut().expect("a branch").remove(1);
    assert!(differs(&traces(), &less));
}

#[test]
fn a_branch_less_differs_on_either_side() {
    assert!(differs(&traces()[..1], &frames()));
    let mut less = frames();
    less[0]["children"].as_array_mut().expect("branches").pop();
    assert!(differs(&traces(), &less));
    assert!(differs(&[], &frames()));
}

#[test]
fn another_order_differs() {
    let mut turned = traces();
    turned[0].swap(1, 2);
    assert!(differs(&turned, &frames()));
}

#[test]
fn another_name_differs() {
    for (broken, instead) in [("Acquire", "Release"), ("::lock::", "::read::"), ("shop::", "bar::")]
    {
        let mut traces = traces();
        for symbol in traces.iter_mut().flatten() {
            symbol.name = symbol.name.replace(broken, instead);
        }
        assert!(differs(&traces, &frames()), "{instead}");
    }
}

#[test]
fn another_line_or_file_differs() {
    let mut line = frames();
    line[1]["line"] = json!(21);
    assert!(differs(&traces(), &line));
    // A `poll` that would begin behind the call in it.
    let mut line = frames();
    line[0]["children"][0][0]["line"] = json!(8);
    assert!(differs(&traces(), &line));
    let mut file = frames();
    file[1]["file"] = json!("/bar.rs");
    assert!(differs(&traces(), &file));
    let mut unknown = frames();
    unknown[1]["line"] = Value::Null;
    assert!(differs(&traces(), &unknown));
}

#[test]
fn a_path_that_begins_elsewhere_is_an_error() {
    let mut frames = frames();
    frames.as_array_mut().expect("frames").pop();
    assert!(paths_of_task(&frames).is_err());
}
