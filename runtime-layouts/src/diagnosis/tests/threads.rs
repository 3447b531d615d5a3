//! Blocked and busy threads.

use std::time::Duration;

use super::{reader, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Due, ResourceId, ResourceKind, TaskKind, WorkerState};

#[test]
fn a_blocked_worker_is_told_with_what_waits_for_it() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (blocked, woken, idle) = (story.task(), story.task(), reader(&mut story));
    let call = story.resource(ResourceKind::Blocking, "a blocking call");
    story.waits(blocked, call);
    story.runs(blocked, 0, 7);
    story.is_woken(woken);
    let _ = idle;
    let closure = story.task();
    story.is_woken(closure);
    story.task_mut(closure).kind = TaskKind::Blocking;
    story.runtime(1);
    let other = story.task();
    story.is_woken(other);
    assert_eq!(said(story), ["BlockedWorker: 1 waits for a blocking call; behind: 2"]);
}

#[test]
fn another_worker_polls_what_was_woken() {
    for state in [WorkerState::Parked, WorkerState::Running] {
        let mut story = FakeReport::new();
        story.runtime(2);
        let (blocked, running, woken) = (story.task(), story.task(), story.task());
        let call = story.resource(ResourceKind::Blocking, "a blocking call");
        story.waits(blocked, call);
        story.runs(blocked, 0, 7);
        if state == WorkerState::Running {
            story.runs(running, 1, 8);
        }
        story.is_woken(woken);
        assert_eq!(said(story), ["BlockedWorker: 1 waits for a blocking call"], "{state:?}");
    }
}

#[test]
fn two_blocked_workers_of_two_leave_nobody() {
    let mut story = FakeReport::new();
    story.runtime(2);
    let (first, second, woken) = (story.task(), story.task(), story.task());
    for (worker, task) in [first, second].into_iter().enumerate() {
        let call = story.resource(ResourceKind::Blocking, "a blocking call");
        story.waits(task, call);
        story.runs(task, worker, 7 + worker as u64);
    }
    story.is_woken(woken);
    assert_eq!(
        said(story),
        [
            "BlockedWorker: 1 waits for a blocking call; behind: 3",
            "BlockedWorker: 2 waits for a blocking call; behind: 3",
        ]
    );
}

#[test]
fn a_thread_for_blocking_work_may_block() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (worker, closure) = (story.task(), story.task());
    let call = story.resource(ResourceKind::Blocking, "a blocking call");
    story.runs(worker, 0, 7);
    story.runs(closure, 0, 8);
    story.runs(worker, 0, 7);
    story.waits(closure, call);
    assert_eq!(said(story), [""; 0]);
}

/// A worker whose task waits for a thread's lock that `hold` lets someone hold.
fn locked(hold: impl FnOnce(&mut FakeReport, ResourceId)) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(2);
    let task = story.task();
    let lock = story.resource(ResourceKind::ThreadLock, "lock");
    story.waits(task, lock);
    story.runs(task, 0, 7);
    hold(&mut story, lock);
    said(story)
}

#[test]
fn a_threads_lock_blocks_a_worker_when_its_holder_stays() {
    assert_eq!(locked(|_, _| ()), [""; 0], "nobody was found");
    let passing = locked(|story, lock| {
        story.thread_holds(8, false, lock);
    });
    assert_eq!(passing, [""; 0], "it only uses the lock");
    let blocked = locked(|story, lock| {
        story.thread_holds(8, false, lock);
        story.thread_holds(9, true, lock).may_be_moved = true;
    });
    assert_eq!(blocked, ["BlockedWorker, perhaps: 1 waits for lock, held by thread 9"]);
    let own = locked(|story, lock| {
        story.thread_holds(7, false, lock);
    });
    assert_eq!(own, ["BlockedWorker: 1 waits for lock, held by thread 7"]);
    let suspended = locked(|story, lock| {
        let holder = reader(story);
        story.holds(holder, lock);
    });
    assert_eq!(suspended, ["BlockedWorker: 1 waits for lock, held by 2"]);
    let running = locked(|story, lock| {
        let holder = story.task();
        story.runs(holder, 1, 8);
        story.holds(holder, lock);
    });
    assert_eq!(running, [""; 0], "it lets the lock go");
    let unknown = locked(|story, lock| {
        let holder = story.thread_holds(8, true, lock);
        holder.thread = None;
    });
    assert_eq!(unknown, [""; 0], "it is not known who it is");
}

/// A runtime whose only worker is busy, beside a timer that is late by so much.
fn late(overdue: Duration, change: impl FnOnce(&mut FakeReport, [FakeFrame; 2])) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (busy, waiting) = (story.task(), story.task());
    let timer = story.timer("timer", Due::Ago(overdue));
    story.waits(waiting, timer);
    story.runs(busy, 0, 7);
    change(&mut story, [busy, waiting]);
    said(story)
}

#[test]
fn a_timer_that_is_late_shows_a_busy_worker() {
    let second = Duration::from_secs(1);
    let wanted = ["BlockedWorker, perhaps: 2 waits for timer, since 1 is busy"];
    assert_eq!(late(second, |_, _| ()), wanted);
    assert_eq!(late(second - Duration::from_millis(1), |_, _| ()), [""; 0]);
    let woken = late(second, |story, _| {
        let woken = story.task();
        story.is_woken(woken);
    });
    assert_eq!(woken, ["BlockedWorker, perhaps: 2 waits for timer, since 1 is busy; behind: 3"]);
    let later = late(second, |story, _| {
        let (task, timer) = (story.task(), story.timer("later timer", Due::Ago(2 * second)));
        story.waits(task, timer);
    });
    assert_eq!(later, ["BlockedWorker, perhaps: 3 waits for later timer, since 1 is busy"]);
    let of_another = late(second, |story, [_, waiting]| {
        story.task_mut(waiting).runtime = None;
    });
    assert_eq!(of_another, [""; 0]);
    let parked = late(second, |story, _| {
        story.runtime(1);
        let (task, timer) = (story.task(), story.timer("other timer", Due::Ago(2 * second)));
        story.waits(task, timer);
    });
    assert_eq!(parked, wanted, "the other runtime's worker is parked");
}

#[test]
fn a_late_timer_that_nothing_polls_shows_nothing() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (busy, waiting) = (story.task(), story.task());
    let timer = story.timer("timer", Due::Ago(Duration::from_secs(9)));
    let forgotten = story.unpolled(waiting);
    story.waits(forgotten, timer);
    story.runs(busy, 0, 7);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_late_timer_beside_a_blocked_worker_shows_the_others_that_are_busy() {
    let mut story = FakeReport::new();
    story.runtime(2);
    let (blocked, busy, waiting) = (story.task(), story.task(), story.task());
    let call = story.resource(ResourceKind::Blocking, "a blocking call");
    let timer = story.timer("timer", Due::Ago(Duration::from_secs(9)));
    story.waits(blocked, call);
    story.waits(waiting, timer);
    story.runs(blocked, 0, 7);
    story.runs(busy, 1, 8);
    assert_eq!(
        said(story),
        [
            "BlockedWorker: 1 waits for a blocking call",
            "BlockedWorker, perhaps: 3 waits for timer, since 2 is busy",
        ]
    );
}

#[test]
fn a_blocked_worker_alone_says_why_a_timer_is_late() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (blocked, waiting) = (story.task(), story.task());
    let call = story.resource(ResourceKind::Blocking, "a blocking call");
    let timer = story.timer("timer", Due::Ago(Duration::from_secs(9)));
    story.waits(blocked, call);
    story.waits(waiting, timer);
    story.runs(blocked, 0, 7);
    assert_eq!(said(story), ["BlockedWorker: 1 waits for a blocking call"]);
}
