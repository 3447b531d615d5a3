//! Diagnosis of small hand-made reports: a few tasks and their waits.

use std::time::Duration;

use super::{findings, reasons};
use crate::fake::{FakeFrame, FakeReport, finding_lines, link_line};
use crate::report::{
    Access, Due, Report, ResourceId, ResourceKind, TaskKind, TaskState, WorkerState,
};

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

#[test]
fn two_tasks_that_hold_what_the_other_wants_are_deadlocked() {
    let mut story = FakeReport::new();
    embrace(&mut story);
    assert_eq!(said(story), [EMBRACE]);
}

#[test]
fn a_lock_that_its_own_holder_waits_for_is_a_deadlock() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    story.holds(task, stock);
    let inner = story.awaits(task);
    story.waits(inner, stock);
    assert_eq!(said(story), ["Deadlock: 1 waits for stock, held by 1"]);
}

#[test]
fn what_waits_behind_a_circle_is_named_with_it() {
    let mut story = FakeReport::new();
    let [first, _] = embrace(&mut story);
    let (third, fourth) = (story.task(), story.task());
    let end = story.end_of(&[first]);
    story.waits(third, end);
    let end = story.end_of(&[third]);
    story.waits(fourth, end);
    assert_eq!(said(story), [format!("{EMBRACE}; behind: 3, 4")]);
}

#[test]
fn a_task_that_waits_twice_behind_a_circle_is_named_once() {
    let mut story = FakeReport::new();
    let [first, second] = embrace(&mut story);
    let third = story.task();
    for of in [first, second] {
        let branch = story.branch(third);
        let end = story.end_of(&[of]);
        story.waits(branch, end);
    }
    assert_eq!(said(story), [format!("{EMBRACE}; behind: 3")]);
}

#[test]
fn a_circle_is_told_from_its_first_wait_wherever_it_is_entered() {
    let mut story = FakeReport::new();
    let outside = story.task();
    let (first, second) = (story.task(), story.task());
    let end = story.end_of(&[second]);
    story.waits(outside, end);
    let end = story.end_of(&[second]);
    story.waits(first, end);
    let end = story.end_of(&[first]);
    story.waits(second, end);
    assert_eq!(
        said(story),
        ["Deadlock: 2 waits for the end of a task, since 3 has not ended; \
             3 waits for the end of a task, since 2 has not ended; behind: 1"]
    );
}

#[test]
fn two_circles_are_two_findings() {
    let mut story = FakeReport::new();
    embrace(&mut story);
    embrace(&mut story);
    let second = "Deadlock: 3 waits for orders, held by 4; 4 waits for stock, held by 3";
    assert_eq!(said(story), [EMBRACE, second]);
}

#[test]
fn a_guard_that_may_have_been_moved_makes_a_deadlock_likely() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let (stock, orders) = (mutex(&mut story), story.resource(ResourceKind::Mutex, "orders"));
    story.holds(first, stock).may_be_moved = true;
    story.waits(first, orders);
    story.holds(second, orders);
    story.waits(second, stock);
    assert_eq!(said(story), [EMBRACE.replace("Deadlock", "Deadlock, perhaps")]);
}

#[test]
fn permits_may_be_held_where_none_was_found() {
    let mut story = FakeReport::new();
    let task = story.task();
    let permits = story.resource(ResourceKind::Semaphore, "permits");
    story.holds(task, permits);
    story.waits(task, permits);
    assert_eq!(said(story), ["Deadlock, perhaps: 1 waits for permits, held by 1"]);
}

#[test]
fn whoever_is_woken_or_runs_goes_on() {
    for state in [TaskState::Scheduled, TaskState::Running] {
        let mut story = FakeReport::new();
        let [first, _] = embrace(&mut story);
        story.task_mut(first).state = state;
        assert_eq!(said(story), [""; 0], "{state:?}");
    }
}

#[test]
fn what_goes_on_lets_others_go_on_one_after_the_other() {
    let mut story = FakeReport::new();
    let last = reader(&mut story);
    let (second, holder, waiting) = (story.task(), story.task(), story.task());
    let stock = mutex(&mut story);
    let end = story.end_of(&[last]);
    story.waits(second, end);
    let end = story.end_of(&[second]);
    story.waits(holder, end);
    story.holds(holder, stock);
    story.waits(waiting, stock);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_lock_that_was_given_is_no_fault() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let (stock, orders) = (mutex(&mut story), story.resource(ResourceKind::Mutex, "orders"));
    story.holds(first, stock);
    story.is_given(first, orders);
    story.holds(second, orders);
    story.waits(second, stock);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn of_several_branches_one_that_can_go_on_is_enough() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let stock = mutex(&mut story);
    story.holds(first, stock);
    let (lock, other) = (story.branch(first), story.branch(first));
    let thing = story.resource(ResourceKind::Other, "other");
    story.waits(other, thing);
    let end = story.end_of(&[second]);
    story.waits(lock, end);
    story.waits(second, stock);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_guard_in_one_branch_needs_that_branch() {
    let mut story = FakeReport::new();
    let task = story.task();
    let (left, right) = (story.branch(task), story.branch(task));
    let stock = mutex(&mut story);
    let io = story.resource(ResourceKind::Io, "socket");
    let orders = story.resource(ResourceKind::Mutex, "orders");
    story.holds(left, stock);
    story.waits(left, orders);
    let second = story.task();
    story.holds(second, orders);
    story.waits(second, stock);
    story.waits(right, io);
    assert_eq!(said(story), [EMBRACE]);
}

#[test]
fn a_lock_promised_to_a_future_that_nothing_polls_is_a_futurelock() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.is_given(forgotten, stock);
    story.waits(awaited, stock);
    assert_eq!(
        said(story),
        ["Futurelock: 1 waits for stock, promised to a future that 1 does not poll"]
    );
}

#[test]
fn a_future_ahead_in_the_queue_that_nothing_polls_is_a_futurelock() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.waits(forgotten, stock);
    story.waits(awaited, stock);
    assert_eq!(
        said(story),
        ["Futurelock: 1 waits for stock, promised to a future that 1 does not poll"]
    );
}

#[test]
fn a_future_behind_in_the_queue_keeps_nothing() {
    let mut story = FakeReport::new();
    let (task, holder) = (story.task(), reader(&mut story));
    let stock = mutex(&mut story);
    story.holds(holder, stock);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.waits(awaited, stock);
    story.waits(forgotten, stock);
    assert_eq!(said(story), ["LockAcrossAwait: 1 waits for stock, held by 2; 2 waits for socket"]);
}

#[test]
fn what_was_given_away_is_not_held_any_more() {
    // The guard of the second task is old: the lock was given to a future that goes on.
    let mut story = FakeReport::new();
    let (first, second, third) = (story.task(), story.task(), story.task());
    let (stock, end) = (mutex(&mut story), story.end_of(&[first]));
    story.waits(first, stock);
    story.holds(second, stock);
    story.waits(second, end);
    let (forgotten, awaited) = (story.unpolled(third), story.branch(third));
    story.is_given(forgotten, stock);
    let io = story.resource(ResourceKind::Io, "socket");
    story.waits(awaited, io);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn waiting_for_nothing_is_no_fault() {
    let mut story = FakeReport::new();
    sleeper(&mut story);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn nor_is_waiting_for_a_task_that_runs_for_ever() {
    let mut story = FakeReport::new();
    let (service, waiting) = (sleeper(&mut story), story.task());
    let end = story.end_of(&[service]);
    story.waits(waiting, end);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn nor_is_waiting_for_a_message_of_such_a_task() {
    let mut story = FakeReport::new();
    let (service, waiting) = (sleeper(&mut story), story.task());
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(service, channel);
    story.waits(waiting, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_lock_that_such_a_task_holds_is_a_fault() {
    for kind in [ResourceKind::Mutex, ResourceKind::RwLock, ResourceKind::Semaphore] {
        let mut story = FakeReport::new();
        let (service, waiting) = (sleeper(&mut story), story.task());
        let lock = story.resource(kind, "lock");
        story.holds(service, lock);
        story.waits(waiting, lock);
        let perhaps = if kind == ResourceKind::Semaphore { ", perhaps" } else { "" };
        let said = said(story);
        let wanted = "2 waits for lock, held by 1; 1 waits for nothing";
        assert_eq!(said, [format!("NeverWoken{perhaps}: {wanted}")], "{kind:?}");
    }
}

#[test]
fn so_is_a_lock_that_is_promised_to_a_future_of_such_a_task() {
    let mut story = FakeReport::new();
    let (service, waiting) = (story.task(), story.task());
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(service), story.branch(service));
    story.is_given(forgotten, stock);
    let never = story.resource(ResourceKind::Never, "nothing");
    story.waits(awaited, never);
    story.waits(waiting, stock);
    assert_eq!(
        said(story),
        ["Futurelock: 2 waits for stock, promised to a future that 1 does not poll; \
          1 waits for nothing"]
    );
}

#[test]
fn so_is_a_full_channel_of_which_such_a_task_has_the_receiver() {
    let mut story = FakeReport::new();
    let (service, waiting) = (sleeper(&mut story), story.task());
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(service, channel).access = Access::Receive;
    story.waits(waiting, channel).access = Some(Access::Send);
    assert_eq!(said(story), ["NeverWoken: 2 waits for mpsc, held by 1; 1 waits for nothing"]);
}

#[test]
fn several_who_wait_in_vain_for_the_same_are_one_finding() {
    let mut story = FakeReport::new();
    let service = sleeper(&mut story);
    let (second, third, fourth) = (story.task(), story.task(), story.task());
    let (stock, end) = (mutex(&mut story), story.end_of(&[third]));
    story.holds(service, stock);
    story.waits(second, stock);
    story.waits(third, stock);
    story.waits(fourth, end);
    assert_eq!(
        said(story),
        ["NeverWoken: 2 waits for stock, held by 1; 1 waits for nothing; behind: 3, 4"]
    );
}

#[test]
fn a_held_lock_is_a_fault_wherever_its_holder_stands_in_the_list() {
    // The first task waits for the second one, which runs for ever: that alone is no fault. But
    // the third one wants a lock that the first one holds.
    let mut story = FakeReport::new();
    let (first, service, third) = (story.task(), sleeper(&mut story), story.task());
    let (stock, end) = (mutex(&mut story), story.end_of(&[service]));
    story.holds(first, stock);
    story.waits(first, end);
    story.waits(third, stock);
    assert_eq!(
        said(story),
        ["NeverWoken: 3 waits for stock, held by 1; \
          1 waits for the end of a task, since 2 has not ended; 2 waits for nothing"]
    );
}

#[test]
fn a_fault_is_as_certain_as_the_lock_that_it_rests_on() {
    let mut story = FakeReport::new();
    let (waiting, holder, service) = (story.task(), story.task(), sleeper(&mut story));
    let (stock, end) = (mutex(&mut story), story.end_of(&[service]));
    story.waits(waiting, stock);
    story.holds(holder, stock).may_be_moved = true;
    story.waits(holder, end);
    assert_eq!(
        said(story),
        ["NeverWoken, perhaps: 1 waits for stock, held by 2; \
          2 waits for the end of a task, since 3 has not ended; 3 waits for nothing"]
    );
}

#[test]
fn a_receiver_that_has_the_only_sender_waits_for_itself() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(task, channel);
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), ["Deadlock: 1 waits for mpsc, held by 1"]);
}

#[test]
fn a_sender_that_was_not_found_may_send() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 2);
    story.holds(task, channel);
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn so_may_one_that_others_share() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(task, channel).is_shared = true;
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn so_may_whoever_gets_at_it_without_holding_it() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(task, channel);
    story.resource_mut(channel).is_reachable = true;
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn of_a_channel_without_senders_nothing_is_said() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 0);
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn every_channel_can_be_waited_for_in_a_circle() {
    let channels =
        [ResourceKind::Mpsc, ResourceKind::Oneshot, ResourceKind::Watch, ResourceKind::Broadcast];
    for kind in channels {
        let mut story = FakeReport::new();
        let (first, second) = (story.task(), story.task());
        let channel = story.channel(kind, "channel", 1);
        story.holds(first, channel);
        let end = story.end_of(&[second]);
        story.waits(first, end);
        story.waits(second, channel);
        assert_eq!(
            said(story),
            ["Deadlock: 1 waits for the end of a task, since 2 has not ended; \
              2 waits for channel, held by 1"],
            "{kind:?}"
        );
    }
}

#[test]
fn a_notification_that_only_those_who_wait_could_send_is_lost() {
    let mut story = FakeReport::new();
    let task = story.task();
    let notify = story.channel(ResourceKind::Notify, "Notify", 1);
    story.holds(task, notify);
    story.waits(task, notify);
    assert_eq!(said(story), ["NeverWoken: 1 waits for Notify, held by 1"]);
}

#[test]
fn of_several_owners_the_other_one_is_named() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 2);
    story.holds(first, channel);
    story.holds(second, channel);
    story.waits(first, channel).access = Some(Access::Receive);
    let end = story.end_of(&[first]);
    story.waits(second, end);
    assert_eq!(
        said(story),
        ["Deadlock: 1 waits for mpsc, held by 2; \
          2 waits for the end of a task, since 1 has not ended"]
    );
}

#[test]
fn the_next_of_several_tasks_needs_but_one() {
    let mut story = FakeReport::new();
    let [first, _] = embrace(&mut story);
    let (other, waiting) = (reader(&mut story), story.task());
    let end = story.end_of(&[first, other]);
    story.waits(waiting, end);
    assert_eq!(said(story), [EMBRACE]);
}

#[test]
fn the_end_of_all_needs_all() {
    let mut story = FakeReport::new();
    let [first, _] = embrace(&mut story);
    let (other, waiting) = (reader(&mut story), story.task());
    let end = story.end_of(&[other, first]);
    story.resource_mut(end).needs_all = true;
    story.waits(waiting, end);
    assert_eq!(said(story), [format!("{EMBRACE}; behind: 4")]);
}

#[test]
fn a_task_that_is_not_listed_may_end() {
    for parties in [None, Some(2)] {
        let mut story = FakeReport::new();
        let task = story.task();
        let end = story.end_of(&[task]);
        story.resource_mut(end).parties = parties;
        story.waits(task, end);
        let wanted = "Deadlock: 1 waits for the end of a task, since 1 has not ended";
        let wanted = if parties.is_none() { vec![wanted] } else { Vec::new() };
        assert_eq!(said(story), wanted, "{parties:?}");
    }
    let mut story = FakeReport::new();
    let (holder, waiting) = (story.task(), story.task());
    let (end, stock) = (story.end_of(&[]), mutex(&mut story));
    story.waits(holder, end);
    story.holds(holder, stock);
    story.waits(waiting, stock);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn what_is_not_known_can_always_come() {
    for kind in [ResourceKind::Other, ResourceKind::Barrier, ResourceKind::Shared] {
        let mut story = FakeReport::new();
        let task = story.task();
        let other = story.resource(kind, "other");
        story.holds(task, other);
        story.waits(task, other);
        assert_eq!(said(story), [""; 0], "{kind:?}");
    }
}

#[test]
fn a_thread_may_let_a_lock_go() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let lock = story.resource(ResourceKind::ThreadLock, "lock");
    story.thread_holds(9, false, lock);
    let end = story.end_of(&[second]);
    story.waits(first, lock);
    story.waits(second, end);
    assert_eq!(said(story), ["Deadlock: 2 waits for the end of a task, since 2 has not ended"]);
}

#[test]
fn findings_come_worst_first() {
    let mut story = FakeReport::new();
    let holder = reader(&mut story);
    let stock = mutex(&mut story);
    story.holds(holder, stock);
    let waiting = story.task();
    story.waits(waiting, stock);
    let service = sleeper(&mut story);
    let orders = story.resource(ResourceKind::Mutex, "orders");
    story.holds(service, orders);
    let waiting = story.task();
    story.waits(waiting, orders);
    let own = story.task();
    let bill = story.resource(ResourceKind::Mutex, "bill");
    story.holds(own, bill);
    story.waits(own, bill);
    assert_eq!(
        said(story),
        [
            "Deadlock: 5 waits for bill, held by 5",
            "NeverWoken: 4 waits for orders, held by 3; 3 waits for nothing",
            "LockAcrossAwait: 2 waits for stock, held by 1; 1 waits for socket",
        ]
    );
}

#[test]
fn a_lock_is_kept_across_what_comes_from_outside() {
    let outside =
        [ResourceKind::Sleep, ResourceKind::Io, ResourceKind::Signal, ResourceKind::Child];
    for kind in outside {
        for lock in [ResourceKind::Mutex, ResourceKind::RwLock] {
            let mut story = FakeReport::new();
            let (holder, second, third) = (story.task(), story.task(), story.task());
            let lock = story.resource(lock, "stock");
            let outside = story.resource(kind, "outside");
            story.holds(holder, lock);
            story.waits(holder, outside);
            story.waits(second, lock);
            story.waits(third, lock);
            assert_eq!(
                said(story),
                ["LockAcrossAwait: 2 waits for stock, held by 1; 1 waits for outside; behind: 3"],
                "{kind:?}"
            );
        }
    }
}

/// A task that waits for a timer with the lock, and one that waits for the lock.
fn slow(change: impl FnOnce(&mut FakeReport, [FakeFrame; 2], ResourceId)) -> Vec<String> {
    let mut story = FakeReport::new();
    let (holder, waiting) = (story.task(), story.task());
    let stock = mutex(&mut story);
    change(&mut story, [holder, waiting], stock);
    said(story)
}

#[test]
fn a_lock_across_an_await_must_be_certain_and_last() {
    let timer = |story: &mut FakeReport| story.resource(ResourceKind::Sleep, "timer");
    let plain = slow(|story, [holder, waiting], stock| {
        let timer = timer(story);
        story.holds(holder, stock);
        story.waits(holder, timer);
        story.waits(waiting, stock);
    });
    assert_eq!(plain, ["LockAcrossAwait: 2 waits for stock, held by 1; 1 waits for timer"]);
    let moved = slow(|story, [holder, waiting], stock| {
        let timer = timer(story);
        story.holds(holder, stock).may_be_moved = true;
        story.waits(holder, timer);
        story.waits(waiting, stock);
    });
    assert_eq!(moved, [""; 0]);
    let due = slow(|story, [holder, waiting], stock| {
        let timer = story.timer("timer", Due::Now);
        story.holds(holder, stock);
        story.waits(holder, timer);
        story.waits(waiting, stock);
    });
    assert_eq!(due, [""; 0]);
    let has_come = slow(|story, [holder, waiting], stock| {
        let socket = story.resource(ResourceKind::Io, "socket");
        story.holds(holder, stock);
        story.is_given(holder, socket);
        story.waits(waiting, stock);
    });
    assert_eq!(has_come, [""; 0]);
    let given = slow(|story, [holder, waiting], stock| {
        let timer = timer(story);
        story.holds(holder, stock);
        story.waits(holder, timer);
        story.is_given(waiting, stock);
    });
    assert_eq!(given, [""; 0]);
    let forgotten = slow(|story, [holder, waiting], stock| {
        let timer = timer(story);
        story.holds(holder, stock);
        story.waits(holder, timer);
        let forgotten = story.unpolled(waiting);
        story.waits(forgotten, stock);
    });
    assert_eq!(forgotten, [""; 0]);
    let inside = slow(|story, [holder, waiting], stock| {
        let message = story.channel(ResourceKind::Mpsc, "mpsc", 1);
        story.holds(holder, stock);
        story.waits(holder, message);
        story.waits(waiting, stock);
    });
    assert_eq!(inside, [""; 0]);
}

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
