//! The chain of reasons for one task.

use super::{embrace, mutex, reader, sleeper, why};
use crate::fake::FakeReport;
use crate::report::{ResourceKind, TaskState};

#[test]
fn reasons_go_once_round_a_circle() {
    let mut story = FakeReport::new();
    let [first, second] = embrace(&mut story);
    let report = story.report();
    let (one, two) = ("1 waits for orders, held by 2", "2 waits for stock, held by 1");
    assert_eq!(why(&report, first), [one, two]);
    assert_eq!(why(&report, second), [two, one]);
}

#[test]
fn reasons_follow_what_can_still_come() {
    let mut story = FakeReport::new();
    let (holder, waiting) = (reader(&mut story), story.task());
    let stock = mutex(&mut story);
    story.holds(holder, stock);
    story.waits(waiting, stock);
    let report = story.report();
    assert_eq!(why(&report, waiting), ["2 waits for stock, held by 1", "1 waits for socket"]);
    assert_eq!(why(&report, holder), ["1 waits for socket"]);
}

#[test]
fn reasons_end_at_a_holder_that_runs() {
    let mut story = FakeReport::new();
    let (holder, waiting) = (story.task(), story.task());
    let stock = mutex(&mut story);
    story.task_mut(holder).state = TaskState::Running;
    story.holds(holder, stock);
    story.waits(waiting, stock);
    let report = story.report();
    assert_eq!(why(&report, waiting), ["2 waits for stock, held by 1"]);
    assert_eq!(why(&report, holder), [""; 0]);
}

#[test]
fn reasons_begin_with_what_is_stuck() {
    let mut story = FakeReport::new();
    let task = story.task();
    let (socket, lock) = (story.branch(task), story.branch(task));
    let (io, stock) = (story.resource(ResourceKind::Io, "socket"), mutex(&mut story));
    story.waits(socket, io);
    story.waits(lock, stock);
    let (service, other) = (sleeper(&mut story), story.unpolled(task));
    story.holds(service, stock);
    story.waits(other, io);
    let report = story.report();
    assert_eq!(why(&report, task), ["1 waits for stock, held by 2", "2 waits for nothing"]);
}
