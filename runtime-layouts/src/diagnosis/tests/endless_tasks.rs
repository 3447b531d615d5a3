//! Tasks that wait for what never comes, and those that wait for them.

use super::{mutex, said, sleeper};
use crate::fake::FakeReport;
use crate::report::{Access, ResourceKind};

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
