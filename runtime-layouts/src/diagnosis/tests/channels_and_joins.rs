//! Channels, notifications, and the ends of tasks.

use super::{EMBRACE, embrace, mutex, reader, said};
use crate::diagnosis::findings;
use crate::fake::FakeReport;
use crate::report::{
    Access, FindingKind, ResourceId, ResourceKind, TaskKind, TaskState, TaskWakers,
};

#[test]
fn a_receiver_that_has_the_only_sender_waits_for_itself() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(task, channel);
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), ["NeverWoken: 1 waits for mpsc, held by 1"]);
}

/// Two tasks that wait with ends of a library that is not known, each of which has the other's one.
fn strangers() -> (FakeReport, ResourceId) {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let one = story.channel(ResourceKind::OtherEnd, "Receiver", 1);
    let other = story.channel(ResourceKind::OtherEnd, "Receiver", 1);
    story.holds(second, one).access = Access::End;
    story.holds(first, other).access = Access::End;
    story.waits(first, one);
    story.waits(second, other);
    (story, other)
}

#[test]
fn ends_of_a_library_that_is_not_known_are_waited_for_in_a_circle_probably() {
    let report = strangers().0.report();
    let [finding] = &*findings(&report) else { panic!("one fault") };
    assert_eq!((finding.kind, finding.is_sure), (FindingKind::Deadlock, false));
}

#[test]
fn an_end_that_was_not_found_may_be_used() {
    let (mut story, other) = strangers();
    story.resource_mut(other).parties = Some(2);
    assert_eq!(said(story), [""; 0]);
    let (mut story, other) = strangers();
    story.resource_mut(other).is_reachable = true;
    assert_eq!(said(story), [""; 0]);
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
fn one_that_several_share_is_not_all_of_them() {
    let mut story = FakeReport::new();
    let task = story.task();
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 2);
    // Two share one sender; the other one was not found.
    let other = story.task();
    for owner in [task, other] {
        story.holds(owner, channel).shared_end = Some(0x900);
    }
    story.waits(task, channel).access = Some(Access::Receive);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_sender_that_several_share_is_one() {
    let mut story = FakeReport::new();
    let (task, other) = (story.task(), story.task());
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    for owner in [task, other] {
        story.holds(owner, channel).shared_end = Some(0x900);
    }
    story.waits(task, channel).access = Some(Access::Receive);
    let end = story.end_of(&[task]);
    story.waits(other, end);
    assert_eq!(
        said(story),
        ["Deadlock: 1 waits for mpsc, held by 2; \
          2 waits for the end of a task, since 1 has not ended"]
    );
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
fn two_that_would_notify_each_other_later_are_a_deadlock() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let bell = story.channel(ResourceKind::Notify, "bell", 1);
    let horn = story.channel(ResourceKind::Notify, "horn", 1);
    story.holds(first, bell);
    story.holds(second, horn);
    story.waits(first, horn);
    story.waits(second, bell);
    assert_eq!(said(story), ["Deadlock: 1 waits for horn, held by 2; 2 waits for bell, held by 1"]);
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
fn of_several_tasks_the_one_that_goes_on_is_not_named() {
    let mut story = FakeReport::new();
    let (waiting, goes_on) = (story.task(), story.task());
    let never = story.task();
    // One of its branches waits for what waits for it, the other one for what is not known.
    let (stuck, _other) = (story.branch(goes_on), story.branch(goes_on));
    let end = story.end_of(&[goes_on, never]);
    story.resource_mut(end).needs_all = true;
    story.waits(waiting, end);
    let end = story.end_of(&[waiting]);
    story.waits(stuck, end);
    let end = story.end_of(&[never]);
    story.waits(never, end);
    assert_eq!(
        said(story),
        ["Deadlock: 3 waits for the end of a task, since 3 has not ended; behind: 1, 2"]
    );
}

#[test]
fn more_wakers_may_end_a_wait_with_a_stranger_or_at_a_pipe_and_no_other() {
    let with = |kind, access| {
        let mut story = FakeReport::new();
        let task = story.task();
        let end = story.channel(kind, "channel", 1);
        story.holds(task, end).access = access;
        story.waits(task, end).access = Some(Access::Receive);
        story.task_mut(task).wakers = TaskWakers::at_most(2);
        said(story).len()
    };
    assert_eq!(with(ResourceKind::OtherEnd, Access::End), 0);
    assert_eq!(with(ResourceKind::Pipe, Access::Send), 0, "a driver of a connection, mostly");
    assert_eq!(with(ResourceKind::Mpsc, Access::Send), 1);
}

#[test]
fn a_call_that_blocks_a_thread_may_come_back() {
    let mut story = FakeReport::new();
    let (closure, waiting) = (story.task(), story.task());
    story.task_mut(closure).kind = TaskKind::Blocking;
    story.task_mut(closure).state = TaskState::Running;
    let call = story.resource(ResourceKind::Blocking, "a call");
    story.waits(closure, call);
    let end = story.end_of(&[closure]);
    story.waits(waiting, end);
    assert_eq!(said(story), [""; 0]);
}

/// Two tasks that wait for what they own together with `others` more.
fn owned_together(kind: ResourceKind, others: u64) -> FakeReport {
    let mut story = FakeReport::new();
    let shared = story.resource(kind, "shared");
    for _ in 0..2 {
        let task = story.task();
        story.holds(task, shared).access = Access::Handle;
        story.waits(task, shared);
    }
    story.resource_mut(shared).parties = Some(2 + others);
    story
}

#[test]
fn what_only_those_own_who_wait_for_it_never_comes() {
    for kind in [ResourceKind::Semaphore, ResourceKind::Barrier, ResourceKind::Cancellation] {
        let report = owned_together(kind, 0).report();
        let [finding] = &*findings(&report) else { panic!("{kind:?}: one fault") };
        assert_eq!((finding.kind, finding.is_sure), (FindingKind::NeverWoken, true), "{kind:?}");
        assert_eq!(said(owned_together(kind, 1)), [""; 0], "{kind:?}: another owner");
    }
}

#[test]
fn who_has_a_semaphore_and_goes_on_may_add_permits() {
    let mut story = owned_together(ResourceKind::Semaphore, 1);
    let (owner, shared) = (reader(&mut story), ResourceId(0));
    story.holds(owner, shared).access = Access::Handle;
    assert_eq!(said(story), [""; 0]);
}
