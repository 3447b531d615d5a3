//! What can always come, and the order of findings.

use super::{mutex, reader, said, sleeper};
use crate::fake::FakeReport;
use crate::report::ResourceKind;

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

/// A frame may wait for something itself while it polls a future: a stream of messages, and the work
/// on the one before.
#[test]
fn a_frame_goes_on_by_what_it_waits_for_beside_what_it_polls() {
    for has_socket in [false, true] {
        let mut story = FakeReport::new();
        let task = story.task();
        let inner = story.awaits(task);
        let stock = mutex(&mut story);
        story.holds(task, stock);
        story.waits(inner, stock);
        if has_socket {
            let io = story.resource(ResourceKind::Io, "socket");
            story.waits(task, io);
        }
        let expected = match has_socket {
            true => "LockAcrossAwait: 1 waits for stock, held by 1; 1 waits for socket",
            false => "Deadlock: 1 waits for stock, held by 1",
        };
        assert_eq!(said(story), [expected]);
    }
}
