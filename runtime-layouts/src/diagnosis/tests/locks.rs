//! Locks, in circles and alone.

use super::{EMBRACE, embrace, mutex, reader, said};
use crate::fake::FakeReport;
use crate::report::{Access, ResourceKind, TaskState, TaskWakers, WaitId};

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
fn a_cell_whose_initializer_asks_for_it_is_a_deadlock() {
    let mut story = FakeReport::new();
    let (task, other) = (story.task(), story.task());
    let cell = story.resource(ResourceKind::OnceCell, "settings");
    story.holds(task, cell);
    let inner = story.awaits(task);
    story.waits(inner, cell);
    story.waits(other, cell);
    assert_eq!(said(story), ["Deadlock: 1 waits for settings, held by 1; behind: 2"]);
}

#[test]
fn a_cell_that_nobody_known_initializes_may_be_set() {
    let mut story = FakeReport::new();
    let task = story.task();
    let cell = story.resource(ResourceKind::OnceCell, "settings");
    story.waits(task, cell);
    assert_eq!(said(story), [""; 0]);
}

/// Two reads of one lock by one task, and a writer that came in between.
fn reads_twice(story: &mut FakeReport, is_in_order: bool) -> String {
    let (reads, writes) = (story.task(), story.task());
    let catalogue = story.resource(ResourceKind::RwLock, "catalogue");
    story.holds(reads, catalogue).access = Access::Shared;
    story.waits(writes, catalogue).access = Some(Access::Exclusive);
    let again = story.awaits(reads);
    story.waits(again, catalogue).access = Some(Access::Shared);
    story.resource_mut(catalogue).is_in_order = is_in_order;
    let mut report = std::mem::take(story).report();
    let mut queue = report.resources[0].queue.clone();
    queue.sort_by_key(|id| report.wait(*id).access == Some(Access::Shared));
    report.resources[0].queue = queue;
    let lock = &report.resources[0];
    let before = |place: usize| lock.writer_before(lock.queue[place], &report.waits);
    assert_eq!(before(0), None, "the writer waits for the read");
    match before(1) {
        Some(WaitId(writer)) => report.waits[writer as usize].task.0.to_string(),
        None => "nobody".to_string(),
    }
}

#[test]
fn a_read_waits_behind_a_writer_where_the_lock_keeps_the_order() {
    assert_eq!(reads_twice(&mut FakeReport::new(), true), "1");
    assert_eq!(reads_twice(&mut FakeReport::new(), false), "nobody");
}

#[test]
fn an_abort_may_end_a_deadlock_while_more_refers_to_a_task_than_its_waits() {
    let (sure, perhaps) = ("Deadlock", "Deadlock, perhaps");
    for (has_handles, count, expected) in [(true, 1, sure), (true, 2, perhaps), (false, 2, sure)] {
        let mut story = FakeReport::new();
        story.has_abort_handles(has_handles);
        let [first, second] = embrace(&mut story);
        story.task_mut(first).wakers = TaskWakers::at_most(count);
        story.task_mut(second).wakers = TaskWakers::at_most(1);
        assert_eq!(said(story), [EMBRACE.replace("Deadlock", expected)]);
    }
}
