//! Servers as people write them, with connections that stand still in every way.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::connections;
use end_to_end_tests::coverage::Coverage;
use end_to_end_tests::front::{ALL, DUMP, Front, Mode};
use serde_json::Value;
use xtask::fixture::Profile;

/// Layers of tower's, HTTP/1.1 and HTTP/2.
#[test]
fn axum() -> Result<()> {
    let server = connections::axum(Profile::Debug)?;
    let with_list = format!("{DUMP} --connections");
    let commands = &[with_list.as_str()];
    Case { name: "axum-connections", commands, fronts: ALL, modes: &[Mode::Live] }
        .check(&server.running)
}

/// A runtime and a `LocalSet` for `main` and for each of two workers. Which of these gets which
/// connection is chance, so there is no golden text.
#[test]
fn actix() -> Result<()> {
    let server = connections::actix(Profile::Debug)?;
    for front in [Front::CommandLine, Front::NewestGdb, Front::SystemLldb] {
        let (coverage, report) = Coverage::ask(front, server.running.pid())?;
        ensure!(coverage.misses.is_empty(), "{front:?}: {coverage}");
        check_actix(&report).with_context(|| format!("{front:?}"))?;
    }
    Ok(())
}

fn check_actix(report: &Value) -> Result<()> {
    let runtimes = report["runtimes"].as_array().context("runtimes")?;
    ensure!(runtimes.len() == 3, "runtimes");
    for runtime in runtimes {
        ensure!(runtime["flavor"] == "current_thread", "flavor");
        ensure!(runtime["incomplete"] == Value::Array(Vec::new()), "incomplete");
    }
    ensure!(report["problems"] == Value::Array(Vec::new()), "problems");

    let tasks = report["tasks"].as_array().context("tasks")?;
    let of_kind = |kind: &str| tasks.iter().filter(|task| task["kind"] == kind).collect::<Vec<_>>();
    ensure!(of_kind("block_on").len() == 3, "each runtime has a thread that blocks on a future");
    ensure!(of_kind("task").is_empty(), "all tasks are local");
    let local = of_kind("local");
    let named = |text: &str| {
        let has_it = |task: &&&Value| task["name"].as_str().is_some_and(|name| name.contains(text));
        local.iter().filter(has_it).copied().collect::<Vec<_>>()
    };
    for (name, count) in [
        ("actix_rt::arbiter::ArbiterRunner", 1),
        ("actix_rt::system::SystemController", 1),
        ("actix_http::date::DateService::new", 2),
        ("actix_server::worker::ServerWorker", 2),
        ("actix_server::service::StreamService", 5),
    ] {
        ensure!(named(name).len() == count, "{count} of {name}");
    }
    ensure!(local.len() == 11, "no other local task");
    for runtime in [1, 2] {
        let on_it = |task: &&Value| task["runtime"] == runtime;
        let workers = named("ServerWorker").into_iter().filter(on_it).count();
        ensure!(workers == 1, "one worker on runtime {runtime}");
    }

    // What each connection does, with the request on it.
    let connections = report["connections"].as_array().context("connections")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut does: Vec<[String; 3]> = connections
        .iter()
        .map(|connection| {
            ensure!(connection["driven"] == "yes", "each is polled");
            let request = &connection["requests"][0];
            Ok([&connection["phase"], &request["method"], &request["path"]].map(text))
        })
        .collect::<Result<_>>()?;
    does.sort_unstable();
    let expected = [
        ["answering", "", ""],
        ["handling", "GET", "/wait"],
        ["handling_body", "POST", "/length"],
        ["idle", "", ""],
        ["reading_head", "", ""],
    ];
    ensure!(does == expected, "{does:?}");

    // What each connection waits for, besides the shutdown of the server.
    let mut waits: Vec<String> = Vec::new();
    for task in named("StreamService") {
        let mut frames = Vec::new();
        functions(&task["frames"], &mut frames);
        ensure!(
            frames.iter().any(|name| name.contains("GracefulShutdownSignal::notified"))
                && frames.iter().any(|name| name.contains("h1::dispatcher::Dispatcher")),
            "the server's own frames"
        );
        let first = frames.first().context("a frame")?;
        let of_user = frames.iter().find(|name| name.starts_with("actix_connections::"));
        waits.push(of_user.unwrap_or(first).clone());
    }
    waits.sort_unstable();
    let expected = [
        // In a handler.
        "actix_connections::wait",
        // Half a body: `Bytes` is not extracted yet.
        "actix_http::h1::payload::Payload",
        // Half an answer: the body is a stream that the dispatcher asks.
        "futures_util::stream::pending::Pending<&str>",
        // Idle, and half a head: how long the client may take.
        "tokio::time::sleep::Sleep",
        "tokio::time::sleep::Sleep",
    ];
    ensure!(waits == expected, "{waits:?}");
    Ok(())
}

/// Every frame of a task, innermost first, branch by branch.
fn functions(frames: &Value, found: &mut Vec<String>) {
    for frame in frames.as_array().into_iter().flatten() {
        for branch in frame["children"].as_array().into_iter().flatten() {
            functions(branch, found);
        }
        found.extend(frame["function"].as_str().map(str::to_owned));
    }
}
