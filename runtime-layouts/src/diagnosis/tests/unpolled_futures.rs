//! Futures that nothing polls, in a queue and as holders.

use super::{mutex, reader, said};
use crate::fake::FakeReport;
use crate::report::{Access, ResourceKind};

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
fn a_future_that_may_have_been_moved_to_where_it_is_polled_is_perhaps_one() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.perhaps_unpolled(task), story.branch(task));
    story.is_given(forgotten, stock);
    story.waits(awaited, stock);
    let expected =
        "Futurelock, perhaps: 1 waits for stock, promised to a future that 1 does not poll";
    assert_eq!(said(story), [expected]);
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
fn a_lock_that_a_future_keeps_which_nothing_polls_is_a_futurelock() {
    let mut story = FakeReport::new();
    let (task, other) = (story.task(), story.task());
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.holds(forgotten, stock);
    story.waits(awaited, stock);
    story.waits(other, stock);
    assert_eq!(said(story), ["Futurelock: 1 waits for stock, held by 1; behind: 2"]);
}

#[test]
fn what_nothing_polls_keeps_a_lock_however_deep_it_is() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    let (inner, beside) = (story.branch(forgotten), story.branch(forgotten));
    let io = story.resource(ResourceKind::Io, "socket");
    story.holds(inner, stock);
    // Its data may come, but nothing polls it.
    story.waits(inner, io);
    story.waits(beside, io);
    story.waits(awaited, stock);
    assert_eq!(said(story), ["Futurelock: 1 waits for stock, held by 1"]);
}

#[test]
fn whoever_goes_on_can_poll_what_it_keeps() {
    let mut story = FakeReport::new();
    let (task, other) = (story.task(), story.task());
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    let io = story.resource(ResourceKind::Io, "socket");
    story.holds(forgotten, stock);
    story.waits(awaited, io);
    story.waits(other, stock);
    assert_eq!(said(story), ["LockAcrossAwait: 2 waits for stock, held by 1; 1 waits for socket"]);
}

#[test]
fn a_branch_beside_what_is_not_polled_goes_on_without_it() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    let beside = story.branch(task);
    let io = story.resource(ResourceKind::Io, "socket");
    story.holds(forgotten, stock);
    story.waits(awaited, stock);
    story.waits(beside, io);
    assert_eq!(said(story), ["LockAcrossAwait: 1 waits for stock, held by 1; 1 waits for socket"]);
}

#[test]
fn who_is_not_in_order_may_come_first() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = mutex(&mut story);
    story.resource_mut(stock).is_in_order = false;
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.waits(forgotten, stock);
    story.waits(awaited, stock);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn readers_are_let_in_beside_each_other() {
    let (read, write) = (Some(Access::Shared), Some(Access::Exclusive));
    for (first, second) in [(read, read), (read, write), (write, read), (write, write)] {
        let mut story = FakeReport::new();
        let (task, holder) = (story.task(), reader(&mut story));
        let cache = story.resource(ResourceKind::RwLock, "cache");
        story.holds(holder, cache);
        let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
        story.waits(forgotten, cache).access = first;
        story.waits(awaited, cache).access = second;
        let said = said(story).concat();
        let is_stuck = said.starts_with("Futurelock: 1 waits for cache, promised to a future");
        assert_eq!(is_stuck, (first, second) != (read, read), "{said}");
    }
}

#[test]
fn of_several_permits_one_that_comes_back_is_enough() {
    let mut story = FakeReport::new();
    let (task, holder) = (story.task(), reader(&mut story));
    let permits = story.resource(ResourceKind::Semaphore, "permits");
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.is_given(forgotten, permits);
    story.holds(holder, permits);
    story.waits(awaited, permits);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_permit_that_comes_back_goes_to_who_was_first() {
    for held in [1, 2] {
        let mut story = FakeReport::new();
        let (task, holder) = (story.task(), reader(&mut story));
        let permits = story.resource(ResourceKind::Semaphore, "permits");
        let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
        story.holds(holder, permits).access = Access::Permits(held);
        story.waits(forgotten, permits);
        story.waits(awaited, permits);
        let expected = "Futurelock, perhaps: 1 waits for permits, \
                        promised to a future that 1 does not poll";
        assert_eq!(said(story), if held == 1 { vec![expected] } else { Vec::new() });
    }
}

#[test]
fn a_cell_that_is_set_wakes_all_who_wait_for_it() {
    let mut story = FakeReport::new();
    let (task, holder) = (story.task(), reader(&mut story));
    let cell = story.resource(ResourceKind::OnceCell, "settings");
    let (forgotten, awaited) = (story.unpolled(task), story.branch(task));
    story.holds(holder, cell);
    story.waits(forgotten, cell);
    story.waits(awaited, cell);
    assert_eq!(said(story), [""; 0]);
}
