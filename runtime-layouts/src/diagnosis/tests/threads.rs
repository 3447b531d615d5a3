//! Blocked and busy threads.

use std::time::Duration;

use super::{reader, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Access, Activity, Due, ResourceId, ResourceKind, TaskKind, WorkerState};
use crate::target::host::Ran;

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
fn a_worker_that_had_no_processor_is_not_busy() {
    let second = Duration::from_secs(1);
    let with = |total| {
        late(second, |story, _| {
            story.thread(7, Activity::Running).ran = Some(Ran { total, watched: None });
        })
    };
    assert_eq!(with(second), ["BlockedWorker, perhaps: 2 waits for timer, since 1 is busy"]);
    assert_eq!(with(second / 10), [""; 0], "it was stopped, or the machine had other things to do");
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

/// Two workers whose tasks, on threads 7 and 8, wait for one lock; a third thread does that.
fn two_want(
    other: Activity,
    hold: impl FnOnce(&mut FakeReport, ResourceId, FakeFrame),
) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(2);
    let (first, second) = (story.task(), story.task());
    let lock = story.resource(ResourceKind::ThreadLock, "lock");
    for (worker, task) in [first, second].into_iter().enumerate() {
        story.waits(task, lock);
        story.runs(task, worker, 7 + worker as u64);
        story.thread(7 + worker as u64, Activity::Blocked);
    }
    story.thread(1, other).refers_to.push(lock);
    hold(&mut story, lock, first);
    said(story)
}

#[test]
fn a_lock_that_only_those_who_wait_for_it_can_hold_is_held_by_one_of_them() {
    assert_eq!(
        two_want(Activity::Parked, |_, _, _| ()),
        [
            "Deadlock, perhaps: 1 waits for lock, held by one who waits; 2 waits for lock, held by one who waits"
        ]
    );
    for other in [Activity::Running, Activity::Blocked] {
        assert_eq!(two_want(other, |_, _, _| ()), [""; 0], "{other:?} may be who has it");
    }
    let elsewhere = two_want(Activity::Parked, |story, _, _| {
        story.thread(2, Activity::Running);
    });
    assert_eq!(elsewhere.len(), 1, "a thread without the lock's address has no guard of it");
    let around = two_want(Activity::Parked, |story, lock, first| {
        let sleeping = story.thread(2, Activity::Parked);
        sleeping.refers_to.push(lock);
        sleeping.task = Some(first.task);
    });
    assert_eq!(around, [""; 0], "what called `block_on` may have it");
}

#[test]
fn a_guard_on_a_stack_holds_while_no_other_thread_runs() {
    let on_own_stack = |story: &mut FakeReport, lock, first: FakeFrame| {
        let task = first.task;
        let holder = story.thread_holds(7, true, lock);
        (holder.task, holder.may_be_moved) = (Some(task), true);
    };
    assert_eq!(
        two_want(Activity::Parked, on_own_stack),
        ["Deadlock, perhaps: 1 waits for lock, held by 1; behind: 2"]
    );
    // The guard may be an old one, and the thread that runs may let the lock go in a moment.
    let running = two_want(Activity::Running, on_own_stack);
    assert!(running.iter().all(|line| line.starts_with("BlockedWorker, perhaps")), "{running:?}");
}

#[test]
fn who_runs_an_initializer_is_known_whatever_else_runs() {
    let initializes = |story: &mut FakeReport, lock, first: FakeFrame| {
        let holder = story.thread_holds(7, true, lock);
        (holder.task, holder.may_be_moved) = (Some(first.task), true);
        holder.access = Access::Initializer;
    };
    assert_eq!(
        two_want(Activity::Running, initializes),
        ["Deadlock, perhaps: 1 waits for lock, held by 1; behind: 2"]
    );
}

/// A runtime with so many workers, of which one is blocked by a task that wants a lock which a
/// suspended task has.
fn suspended_has_it(workers: usize) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(workers);
    let (blocked, holder) = (story.task(), reader(&mut story));
    let lock = story.resource(ResourceKind::ThreadLock, "lock");
    story.waits(blocked, lock);
    story.holds(holder, lock);
    story.runs(blocked, 0, 7);
    story.thread(7, Activity::Blocked);
    said(story)
}

#[test]
fn the_only_thread_waits_for_what_only_it_can_bring() {
    assert_eq!(
        suspended_has_it(1),
        ["Deadlock: 1 waits for lock, held by 2, which nobody can poll"]
    );
    assert_eq!(
        suspended_has_it(2),
        ["BlockedWorker: 1 waits for lock, held by 2"],
        "the other worker polls it"
    );
}

#[test]
fn a_circle_leads_through_a_blocked_thread() {
    let mut story = FakeReport::new();
    story.runtime(2);
    let (blocked, idle) = (story.task(), story.task());
    let (of_thread, of_tasks) = (
        story.resource(ResourceKind::ThreadLock, "thread lock"),
        story.resource(ResourceKind::Mutex, "task lock"),
    );
    story.waits(blocked, of_thread);
    story.holds(idle, of_thread);
    story.waits(idle, of_tasks);
    story.holds(blocked, of_tasks);
    story.runs(blocked, 0, 7);
    assert_eq!(
        said(story),
        ["Deadlock: 1 waits for thread lock, held by 2; 2 waits for task lock, held by 1"]
    );
}

/// A task blocks its thread for what a second task brings, which waits for a lock of tasks; a guard of
/// it is on the stack of that thread or, with `of_other`, of one that runs no task.
#[test]
fn a_lock_of_tasks_is_with_the_thread_that_a_task_blocks() {
    let with = |of_other: bool| {
        let mut story = FakeReport::new();
        let (blocked, idle) = (story.task(), story.task());
        let message = story.channel(ResourceKind::Mpsc, "message", 1);
        let lock = story.resource(ResourceKind::Mutex, "lock");
        let waits = story.waits(blocked, message);
        (waits.access, waits.blocks_thread) = (Some(Access::Receive), true);
        story.holds(idle, message).access = Access::Send;
        story.waits(idle, lock);
        story.thread(7, Activity::Blocked);
        let holder = story.thread_holds(7, true, lock);
        (holder.task, holder.may_be_moved) = ((!of_other).then_some(blocked.task), true);
        said(story)
    };
    let circle = "Deadlock, perhaps: 1 waits for message, held by 2; 2 waits for lock, held by 1";
    assert_eq!(with(false), [circle]);
    assert_eq!(with(true), [""; 0], "nobody knows what that thread does next");
}

#[test]
fn a_call_that_polls_a_future_waits_for_that() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (outer, inner) = (story.task(), story.task());
    let call = story.resource(ResourceKind::Blocking, "block_on");
    let never = story.resource(ResourceKind::Mutex, "lock");
    story.resource_mut(call).tasks = vec![inner.task];
    story.waits(outer, call);
    story.runs(outer, 0, 7);
    story.waits(inner, never);
    story.holds(outer, never);
    let thread = story.task_mut(outer).thread;
    let polled = story.task_mut(inner);
    (polled.kind, polled.thread) = (TaskKind::BlockOn, thread);
    assert_eq!(
        said(story),
        ["Deadlock: 1 waits for block_on, since 2 has not ended; 2 waits for lock, held by 1"]
    );
}
