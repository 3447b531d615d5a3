//! Diagnosis of small hand-made reports: a few tasks and their waits.

mod channels_and_joins;
mod children;
mod crowds;
mod endless_tasks;
mod leads;
mod locks;
mod places;
mod pools;
mod properties;
mod runtimes;
mod services;
mod slow_locks;
mod threads;
mod unpolled_futures;
mod unwakeable;
mod wait_reasons;
mod what_goes_on;

use crate::diagnosis::{findings, reasons};
use crate::fake::{FakeFrame, FakeReport, finding_lines, link_line};
use crate::report::{Report, ResourceId, ResourceKind};

/// What is said of a story.
fn said(story: FakeReport) -> Vec<String> {
    let report = story.report();
    finding_lines(&report, &findings(&report))
}

/// Why the task with that index waits.
fn why(report: &Report, task: FakeFrame) -> Vec<String> {
    reasons(report, task.task).iter().map(|link| link_line(report, link)).collect()
}

/// Two tasks that each hold the lock that the other one wants.
fn embrace(story: &mut FakeReport) -> [FakeFrame; 2] {
    let (first, second) = (story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "stock");
    let orders = story.resource(ResourceKind::Mutex, "orders");
    story.holds(first, stock);
    story.waits(first, orders);
    story.holds(second, orders);
    story.waits(second, stock);
    [first, second]
}

const EMBRACE: &str = "Deadlock: 1 waits for orders, held by 2; 2 waits for stock, held by 1";

/// A task that waits for a socket, which can always come.
fn reader(story: &mut FakeReport) -> FakeFrame {
    let task = story.task();
    let socket = story.resource(ResourceKind::Io, "socket");
    story.waits(task, socket);
    task
}

/// A task that waits for what never comes.
fn sleeper(story: &mut FakeReport) -> FakeFrame {
    let task = story.task();
    let never = story.resource(ResourceKind::Never, "nothing");
    story.waits(task, never);
    task
}

fn mutex(story: &mut FakeReport) -> ResourceId {
    story.resource(ResourceKind::Mutex, "stock")
}
