//! Programs that nobody here wrote, unmodified.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::coverage::Coverage;
use end_to_end_tests::file_servers::FileServer;
use end_to_end_tests::front::{Front, GDBS, Mode};
use end_to_end_tests::third_party::Tunnel;
use serde_json::Value;
use xtask::fixture::Running;

#[test]
fn bore_with_open_connections() -> Result<()> {
    let tunnel = Tunnel::open(2)?;
    let commands = &["info async-tasks", "async bt all"];
    // The list of a live process is as wide as its ports are long.
    let case = |name| Case { name, commands, fronts: GDBS, modes: &[Mode::Core] };
    case("third-party-server").check(&tunnel.server)?;
    case("third-party-client").check(&tunnel.client)?;
    whole("bore server", Front::CommandLine, &tunnel.server)?;
    whole("bore local", Front::CommandLine, &tunnel.client)?;
    Ok(())
}

/// Every live task ends in a named leaf, and no list is incomplete. Returns the report.
fn whole(name: &str, front: Front, running: &Running) -> Result<Value> {
    let (coverage, report) = Coverage::ask(front, running.pid())?;
    println!("{name} ({front:?}): {coverage}");
    ensure!(coverage.live > 0 && coverage.misses.is_empty(), "{name}, {front:?}: {coverage}");
    let runtimes = report["runtimes"].as_array().context("runtimes")?;
    let complete = |runtime: &Value| runtime["incomplete"] == Value::Array(Vec::new());
    ensure!(!runtimes.is_empty() && runtimes.iter().all(complete), "{name}: {runtimes:#?}");
    ensure!(report["problems"] == Value::Array(Vec::new()), "{name}: {}", report["problems"]);
    Ok(report)
}

/// Of each connection, the tasks whose outermost future is named so.
fn connections<'r>(report: &'r Value, future: &str) -> Vec<&'r Value> {
    let tasks = report["tasks"].as_array().into_iter().flatten();
    tasks.filter(|task| task["name"].as_str().is_some_and(|name| name.contains(future))).collect()
}

/// Whether a frame of the task has a name that begins so, and how its `user` is.
fn has_frame(frames: &Value, name: &str, user: bool) -> bool {
    frames.as_array().into_iter().flatten().any(|frame| {
        let this = frame["function"].as_str().is_some_and(|function| function.starts_with(name));
        let mut branches = frame["children"].as_array().into_iter().flatten();
        this && frame["user"] == user || branches.any(|branch| has_frame(branch, name, user))
    })
}

/// Looks at the server through each front, each time with fresh connections: it closes those that
/// stand still for a few seconds.
fn check(server: FileServer, judge: impl Fn(&Value, usize) -> Result<()>) -> Result<()> {
    let (mut running, address) = server.start()?;
    for front in [Front::CommandLine, Front::NewestGdb, Front::NewestLldb] {
        let open = server.stand_still(&mut running, address)?;
        let report = whole(server.package(), front, &running)?;
        judge(&report, open.count()).with_context(|| format!("{front:?}: {report:#}"))?;
        drop(open);
        running.come_to_rest()?;
    }
    Ok(())
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn miniserve_with_connections_that_stand_still() -> Result<()> {
    check(FileServer::Miniserve, |report, open| {
        let tasks = connections(report, "actix_server::service::StreamService");
        ensure!(tasks.len() == open, "{} of {open} connections", tasks.len());
        let has = |name: &str, user| {
            tasks.iter().filter(|task| has_frame(&task["frames"], name, user)).count()
        };
        ensure!(has("miniserve::file_op::save_file", true) == 1, "the upload");
        ensure!(has("tokio::time::sleep::Sleep", false) == 2, "idle, and half a head");
        ensure!(has("tokio::", true) == 0, "the runtime is not the user's code");
        // One `LocalSet` each, that is never in a scheduler's list: all of their tasks are local.
        let all = report["tasks"].as_array().context("tasks")?;
        let runtimes = report["runtimes"].as_array().context("runtimes")?;
        let blocked = all.iter().filter(|task| task["kind"] == "block_on").count();
        ensure!(blocked == runtimes.len(), "a `block_on` for each runtime");
        let workers = connections(report, "actix_server::worker::ServerWorker").len();
        ensure!(workers + 1 == runtimes.len(), "a worker for each runtime but `main`'s");
        Ok(())
    })
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn static_web_server_with_connections_that_stand_still() -> Result<()> {
    check(FileServer::StaticWebServer, |report, open| {
        let tasks = connections(report, "hyper::server::server::new_svc::NewSvcTask");
        ensure!(tasks.len() == open, "{} of {open} connections", tasks.len());
        let reading = "static_web_server::fs::stream::FileStream";
        let unread = tasks.iter().filter(|task| has_frame(&task["frames"], reading, true)).count();
        ensure!(unread == 1, "the answer that nobody reads");
        Ok(())
    })
}
