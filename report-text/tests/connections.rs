//! The list of connections, drawn from a report that is made by hand.

use report_text::text::{Look, connections, tasks};
use runtime_layouts::fake::{FakeTarget, tokio};
use runtime_layouts::libraries::REGISTRY;
use runtime_layouts::report::{
    Connection, Driven, FrameRef, Phase, Protocol, Report, Request, Role, TaskIndex,
};
use runtime_layouts::walk::inspect;

/// So many tasks, each with one connection.
fn report(count: u64) -> Report {
    let target = FakeTarget::new(tokio::layouts(), tokio::memory(count), tokio::THREAD_POINTER);
    let mut report = inspect(&target, REGISTRY);
    assert!(report.connections.is_empty());
    for task in &report.tasks {
        let request = Request {
            task: task.index,
            phase: Phase::Handling,
            method: Some("GET".into()),
            path: Some("/lamp\u{1b}[2J".into()),
        };
        report.connections.push(Connection {
            protocol: Protocol::Http1,
            role: Some(Role::Server),
            phase: Phase::Handling,
            is_last: false,
            is_secure: true,
            address: 0x1000 + u64::from(task.index.0),
            task: task.index,
            frame: FrameRef::of(&task.chain.frames[0]),
            variable: None,
            driven: Driven::Yes,
            descriptor: Some(7),
            local: Some("10.0.0.1:443".into()),
            peer: Some(format!("10.0.0.7:{}", 50_000 + task.index.0).into()),
            streams: None,
            stalled: None,
            unsent: Some(1),
            owed: None,
            requests: vec![request],
        });
    }
    report.serving = report.tasks.iter().map(|task| (task.index, task.index.0, 0)).collect();
    report
}

fn look() -> Look {
    Look { width: Some(120), styled: false, full_names: false, user_only: false, current: None }
}

fn list(report: &Report, all: bool) -> String {
    let mut text = Vec::new();
    connections::write(report, all, &look(), &mut text).expect("a vector takes everything");
    String::from_utf8(text).expect("text")
}

#[test]
fn a_few_have_a_line_each() {
    let text = list(&report(2), false);
    let peers = ["10.0.0.7:50000", "10.0.0.7:50001"];
    for peer in peers {
        let line = text.lines().find(|line| line.contains(peer)).expect(peer);
        for part in ["HTTP/1 in TLS", "server", "in a handler, 1 byte unsent", "GET /lamp"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(text.contains("2 connections are known."), "{text}");
    assert!(!text.contains('\u{1b}'), "what a path has in it does no harm");
}

#[test]
fn very_many_that_are_alike_have_one_line() {
    let report = report(3_000);
    let text = list(&report, false);
    let lines = text.lines().filter(|line| line.contains("HTTP/1")).count();
    assert_eq!(lines, 1, "{text}");
    assert!(text.contains("3000") && text.contains("10.0.0.7 "), "{text}");
    let text = list(&report, true);
    assert_eq!(text.lines().filter(|line| line.contains("HTTP/1")).count(), 3_000);
}

#[test]
fn what_nobody_drives_says_so() {
    let mut report = report(1);
    report.connections[0].driven = Driven::No;
    report.connections[0].variable = Some("conn".into());
    let text = list(&report, false);
    assert!(text.contains("nobody drives it"), "{text}");
    assert!(
        text.contains("Nobody drives the HTTP/1 in TLS server connection in `conn` of"),
        "{text}"
    );
}

#[test]
fn tasks_are_named_by_what_they_serve() {
    let mut report = report(2);
    assert!(report.served_by(TaskIndex(1)).is_some());
    let list = |report: &Report| {
        let mut text = Vec::new();
        tasks::write(report, &tasks::TaskFilter::default(), &look(), &mut text).expect("room");
        String::from_utf8(text).expect("text")
    };
    let text = list(&report);
    assert!(text.contains("Request") && text.contains("GET /lamp"), "{text}");
    report.serving.clear();
    assert!(!list(&report).contains("Request"), "no column without a request");
}
