//! Futures that nothing polls, in a queue and as holders.

use super::{mutex, reader, said};
use crate::fake::FakeReport;
use crate::report::ResourceKind;

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
