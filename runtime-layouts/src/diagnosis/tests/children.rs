//! Child processes that wait for who waits for them.

use std::time::Duration;

use super::leads::{lines, told};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Access, BlockedChild, Due, FileKeeper, LeadReason, ResourceKind};

/// A task that waits for the end of a child, which reads a pipe that the keeper has open.
fn child_of(story: &mut FakeReport, waiting: FakeFrame, keeper: Option<FakeFrame>) {
    let end = story.resource(ResourceKind::Child, "the end of child process 7");
    let keeper = keeper.map(|keeper| FileKeeper {
        task: keeper.task,
        frame: keeper.frame,
        variable: Some("input".into()),
    });
    let child = BlockedChild { pid: 7, child: 7, name: "cat".into(), reads: true, fd: 9, keeper };
    story.resource_mut(end).child = Some(Box::new(child));
    story.waits(waiting, end);
}

#[test]
fn a_child_that_waits_for_who_waits_for_it_is_a_lead() {
    let mut story = FakeReport::new();
    let waiting = story.task();
    child_of(&mut story, waiting, Some(waiting));
    let beside = story.branch(waiting);
    let limit = story.timer("timer", Due::In(Duration::from_mins(1)));
    story.waits(beside, limit);
    assert_eq!(lines(&told(story)), [(LeadReason::BlockedChild, vec![1], 0)]);
    let mut story = FakeReport::new();
    let waiting = story.task();
    child_of(&mut story, waiting, None);
    assert_eq!(
        lines(&told(story)),
        [(LeadReason::BlockedChild, vec![1], 0)],
        "a thread may have it"
    );
}

#[test]
fn a_child_whose_next_line_somebody_is_to_bring_is_none() {
    let with = |kind: ResourceKind, is_own: bool| {
        let mut story = FakeReport::new();
        let (waiting, other) = (story.task(), story.task());
        let keeper = if is_own { waiting } else { other };
        child_of(&mut story, waiting, Some(keeper));
        let brings = if is_own { story.branch(waiting) } else { other };
        let work = story.resource(kind, "work");
        story.waits(brings, work).access = Some(Access::Receive);
        lines(&told(story)).into_iter().any(|(reason, _, _)| reason == LeadReason::BlockedChild)
    };
    assert!(!with(ResourceKind::Mpsc, false) && !with(ResourceKind::Mpsc, true));
    assert!(!with(ResourceKind::Io, false) && !with(ResourceKind::Io, true));
    assert!(with(ResourceKind::Never, false) && with(ResourceKind::Never, true));
}

/// What its own future does besides may bring what the child waits for, but not what a limit waits for.
#[test]
fn a_limit_brings_nothing_to_a_child() {
    let with = |is_polled: bool, is_limit: bool| {
        let mut story = FakeReport::new();
        let waiting = story.task();
        child_of(&mut story, waiting, Some(waiting));
        let beside = story.branch(waiting);
        let work = story.resource(ResourceKind::Mpsc, "work");
        let wait = story.waits(beside, work);
        wait.access = Some(Access::Receive);
        (wait.is_polled, wait.is_limit) = (is_polled, is_limit);
        lines(&told(story)).into_iter().any(|(reason, _, _)| reason == LeadReason::BlockedChild)
    };
    assert!(!with(true, false), "a message may be what it writes to the child");
    assert!(with(true, true) && with(false, false));
}
