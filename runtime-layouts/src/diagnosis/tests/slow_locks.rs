//! Locks kept across a wait for something from outside.

use super::{mutex, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Due, ResourceId, ResourceKind};

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
