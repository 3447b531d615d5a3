//! Local sets that nobody polls, runtimes that nobody drives, full pools, ends of runtimes.

use std::time::Duration;

use super::{reader, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{
    BlockingPool, Driver, Due, Flavor, LocalSet, QueuePlace, ResourceKind, RunQueue, Shutdown,
    TaskKind, TaskState, ThreadRef, WorkerState,
};

/// A task that waits for the end of one of a set that it keeps itself.
fn waits_for_own_set(change: impl FnOnce(&mut LocalSet)) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (main, local) = (story.task(), story.task());
    let end = story.end_of(&[local]);
    story.waits(main, end);
    story.is_woken(local);
    change(story.keeps_set(main, &[local]));
    said(story)
}

#[test]
fn the_end_of_a_task_of_a_set_that_nobody_polls_never_comes() {
    const SAID: &str = "1 waits for the end of a task, since nobody polls the set of 2";
    assert_eq!(waits_for_own_set(|_| ()), [format!("NeverWoken: {SAID}")]);
    assert_eq!(waits_for_own_set(|set| set.is_polled = Some(true)), [""; 0]);
    let perhaps = [format!("NeverWoken, perhaps: {SAID}")];
    assert_eq!(waits_for_own_set(|set| set.is_polled = None), perhaps, "it was polled before");
    let kept = |change: fn(&mut crate::report::SetPlace)| {
        waits_for_own_set(|set| change(set.kept.as_mut().expect("a place")))
    };
    assert_eq!(kept(|kept| kept.may_be_moved = true), perhaps);
    assert_eq!(kept(|kept| kept.is_shared = true), perhaps, "another owner may poll it");
    assert_eq!(kept(|kept| kept.task = None), [""; 0], "a thread that runs may poll it");
}

#[test]
fn a_set_that_is_polled_later_stops_nobody() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (keeper, local, other) = (reader(&mut story), story.task(), story.task());
    let end = story.end_of(&[local]);
    story.waits(other, end);
    story.keeps_set(keeper, &[local]);
    assert_eq!(said(story), [""; 0], "its keeper goes on when a message comes");
}

/// Two workers, of which the first is blocked by a task and the second sleeps, and a task that waits
/// for a timer: this one.
fn undriven(due: Due, call: ResourceKind) -> (FakeReport, FakeFrame) {
    let mut story = FakeReport::new();
    let runtime = story.runtime(2);
    story.runtime_mut(runtime).driver = Driver::Nobody;
    let (blocked, late) = (story.task(), story.task());
    let call = story.resource(call, "a call");
    story.waits(blocked, call);
    story.runs(blocked, 0, 7);
    story.runtime_mut(runtime).workers[0].state = WorkerState::Blocked;
    let timer = story.timer("a timer", due);
    story.waits(late, timer);
    (story, late)
}

#[test]
fn timers_that_nobody_waits_for_are_told() {
    let late = Due::Ago(Duration::from_secs(2));
    let (story, _) = undriven(late, ResourceKind::Blocking);
    assert_eq!(
        said(story),
        [
            "BlockedWorker: 1 waits for a call",
            "Undriven: 2 waits for a timer, which no thread waits for",
        ]
    );
    let (story, _) = undriven(late, ResourceKind::ThreadLock);
    let lock = ["Undriven: 2 waits for a timer, which no thread waits for"];
    assert_eq!(said(story), lock, "that timer shows that it takes long");
    let (story, _) = undriven(Due::Unknown, ResourceKind::Blocking);
    let perhaps = "Undriven, perhaps: 2 waits for a timer, which no thread waits for";
    assert_eq!(said(story), ["BlockedWorker: 1 waits for a call", perhaps]);
    let (story, _) = undriven(Due::Unknown, ResourceKind::ThreadLock);
    assert_eq!(said(story), [""; 0], "the lock may be free in a moment");
}

#[test]
fn what_a_task_of_no_runtime_waits_for_needs_no_driver() {
    let (mut story, late) = undriven(Due::Unknown, ResourceKind::Blocking);
    story.task_mut(late).runtime = None;
    assert_eq!(said(story), ["BlockedWorker: 1 waits for a call"]);
}

#[test]
fn a_worker_that_runs_or_has_the_driver_is_enough() {
    let late = Due::Ago(Duration::from_secs(2));
    let (mut story, _) = undriven(late, ResourceKind::ThreadLock);
    story.runtime_mut(0).driver = Driver::Worker(1);
    assert_eq!(said(story), [""; 0]);
    let (mut story, _) = undriven(late, ResourceKind::ThreadLock);
    story.runtime_mut(0).workers[1].state = WorkerState::Running;
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn what_a_thread_waits_for_in_a_runtime_that_nobody_runs_does_not_come() {
    let alone = |driver, kind| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(0);
        story.runtime_mut(runtime).flavor = Flavor::CURRENT_THREAD;
        story.runtime_mut(runtime).driver = driver;
        let outside = story.task();
        story.task_mut(outside).kind = kind;
        let timer = story.timer("a timer", Due::Unknown);
        story.waits(outside, timer);
        said(story)
    };
    let told = ["Undriven, perhaps: 1 waits for a timer, which no thread waits for"];
    assert_eq!(alone(Driver::Nobody, TaskKind::BlockOn), told);
    assert_eq!(alone(Driver::Worker(0), TaskKind::BlockOn), [""; 0]);
    assert_eq!(alone(Driver::Nobody, TaskKind::Task), [""; 0], "a thread may come back for it");
}

#[test]
fn the_end_of_a_task_of_a_runtime_that_nobody_runs_does_not_come() {
    let alone = |kind: Option<TaskKind>| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(0);
        story.runtime_mut(runtime).flavor = Flavor::CURRENT_THREAD;
        story.runtime_mut(runtime).driver = Driver::Nobody;
        let (outside, ending) = (story.task(), story.task());
        story.task_mut(outside).kind = TaskKind::BlockOn;
        story.is_woken(ending);
        let end = match kind {
            Some(kind) => {
                story.task_mut(ending).kind = kind;
                story.end_of(&[ending])
            }
            None => story.end_of(&[]),
        };
        story.waits(outside, end);
        said(story)
    };
    let told = ["Undriven, perhaps: 1 waits for the end of a task, which no thread waits for"];
    assert_eq!(alone(Some(TaskKind::Task)), told);
    assert_eq!(alone(Some(TaskKind::Blocking)), [""; 0], "a closure has a thread of its own");
    assert_eq!(alone(None), [""; 0], "nothing is known of the tasks");
}

/// A closure that has the only thread of its pool and waits for one that queues for it.
fn queue_for_own_thread(pool: BlockingPool) -> Vec<String> {
    let mut story = FakeReport::new();
    let runtime = story.runtime(1);
    story.runtime_mut(runtime).blocking = Some(pool);
    let (unpack, future, checksum) = (story.task(), story.task(), story.task());
    let end = story.end_of(&[checksum]);
    story.waits(future, end);
    story.task_mut(future).kind = TaskKind::BlockOn;
    let call = story.resource(ResourceKind::Blocking, "block_on");
    story.resource_mut(call).tasks.push(future.task);
    story.waits(unpack, call);
    for task in [unpack, checksum] {
        story.task_mut(task).kind = TaskKind::Blocking;
    }
    let thread = Some(ThreadRef { number: 7, tid: 7 });
    story.task_mut(unpack).state = TaskState::Running;
    story.task_mut(unpack).thread = thread;
    story.task_mut(future).thread = thread;
    story.is_woken(checksum);
    said(story)
}

#[test]
fn a_full_pool_whose_closures_wait_for_their_queue_is_a_deadlock() {
    let full = BlockingPool { threads: 1, limit: Some(1), idle: 0, queued: 1 };
    let [told] = &*queue_for_own_thread(full) else { panic!("one fault") };
    assert!(told.starts_with("Deadlock: "), "{told}");
    assert!(told.contains("2 waits for the end of a task, since 3 has no thread"), "{told}");
    for pool in [
        BlockingPool { limit: Some(2), ..full },
        BlockingPool { limit: None, ..full },
        BlockingPool { idle: 1, ..full },
        BlockingPool { threads: 2, limit: Some(2), ..full },
    ] {
        assert_eq!(queue_for_own_thread(pool), [""; 0], "{pool:?}");
    }
}

#[test]
fn the_end_of_a_runtime_is_told_where_a_thread_waits_for_it() {
    let ending = |waiting| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(1);
        let shutdown = Shutdown { waiting, at: None, has_timeout: false };
        story.runtime_mut(runtime).shutdown = Some(shutdown);
        said(story)
    };
    assert_eq!(ending(Some(ThreadRef { number: 1, tid: 1 })), ["Shutdown: "]);
    assert_eq!(ending(None), [""; 0]);
}

#[test]
fn a_task_in_the_slot_of_a_blocked_worker_is_behind_it() {
    let in_queue = |place| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(2);
        let (blocked, woken) = (story.task(), story.task());
        let call = story.resource(ResourceKind::Blocking, "a call");
        story.waits(blocked, call);
        story.runs(blocked, 0, 7);
        story.is_woken(woken);
        let queue = RunQueue { place, tasks: vec![woken.task] };
        story.runtime_mut(runtime).queues.push(queue);
        said(story)
    };
    let told = "BlockedWorker: 1 waits for a call";
    assert_eq!(in_queue(QueuePlace::Lifo(0)), [format!("{told}; behind: 2")]);
    for place in [QueuePlace::Lifo(1), QueuePlace::Worker(0), QueuePlace::Shared] {
        assert_eq!(in_queue(place), [told], "another worker takes it: {place:?}");
    }
}

#[test]
fn a_local_task_has_the_one_thread_of_a_current_thread_runtime() {
    let keeps_lock = |flavor| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(1);
        story.runtime_mut(runtime).flavor = flavor;
        let (blocked, local) = (story.task(), reader(&mut story));
        story.task_mut(local).kind = TaskKind::Local;
        let lock = story.resource(ResourceKind::ThreadLock, "lock");
        story.waits(blocked, lock);
        story.holds(local, lock);
        story.runs(blocked, 0, 7);
        said(story)
    };
    let alone = ["Deadlock: 1 waits for lock, held by 2, which nobody can poll"];
    assert_eq!(keeps_lock(Flavor::CURRENT_THREAD), alone);
    let elsewhere = ["BlockedWorker: 1 waits for lock, held by 2"];
    assert_eq!(keeps_lock(Flavor::MULTI_THREAD), elsewhere, "its set is on some other thread");
}

/// A task of a set blocks a thread that is no worker, for a lock that another task of the set has,
/// which was woken. Whether the thread is known to be in the set's poll.
fn blocks_own_set(is_known: bool) -> Vec<String> {
    let mut story = FakeReport::new();
    story.runtime(1);
    let (main, holder, blocked) = (story.task(), story.task(), story.task());
    story.keeps_set(main, &[holder, blocked]).kept = None;
    let lock = story.resource(ResourceKind::ThreadLock, "lock");
    story.holds(holder, lock);
    story.is_woken(holder);
    story.waits(blocked, lock).blocks_thread = true;
    let task = story.task_mut(blocked);
    task.state = TaskState::Running;
    task.thread = is_known.then_some(ThreadRef { number: 9, tid: 9 });
    said(story)
}

#[test]
fn a_thread_that_is_blocked_polls_no_other_task_of_its_set() {
    let [deadlock] = &*blocks_own_set(true) else { panic!("one fault") };
    assert!(deadlock.starts_with("Deadlock: 3 waits for lock"), "{deadlock}");
    assert_eq!(blocks_own_set(false), [""; 0]);
}
