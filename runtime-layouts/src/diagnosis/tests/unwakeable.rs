//! Tasks of which no waker exists.

use super::{mutex, said, sleeper, why};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Access, ResourceKind, TaskState, TaskWakers};

/// A task that waits in something unknown.
fn stranger(story: &mut FakeReport, wakers: TaskWakers) -> FakeFrame {
    let task = story.task();
    let unknown = story.resource(ResourceKind::Other, "Pass");
    story.waits(task, unknown);
    story.task_mut(task).wakers = wakers;
    task
}

#[test]
fn a_task_without_a_waker_is_never_woken() {
    let mut story = FakeReport::new();
    stranger(&mut story, TaskWakers::at_most(0));
    assert_eq!(said(story), ["NeverWoken: 1 waits for Pass, and nothing can wake it"]);
}

#[test]
fn nor_is_one_with_none_but_those_of_dead_sets() {
    let mut story = FakeReport::new();
    stranger(&mut story, TaskWakers { of_dead_sets: 2, ..TaskWakers::at_most(2) });
    assert_eq!(said(story), ["NeverWoken: 1 waits for Pass, and nothing can wake it"]);
}

#[test]
fn one_waker_is_enough() {
    for wakers in [
        TaskWakers::default(),
        TaskWakers::at_most(1),
        TaskWakers { of_dead_sets: 1, ..TaskWakers::at_most(2) },
    ] {
        let mut story = FakeReport::new();
        stranger(&mut story, wakers);
        assert_eq!(said(story), [""; 0], "{wakers:?}");
    }
}

#[test]
fn a_task_that_was_woken_needs_no_waker() {
    for state in [TaskState::Scheduled, TaskState::Running, TaskState::Complete] {
        let mut story = FakeReport::new();
        let task = stranger(&mut story, TaskWakers::at_most(0));
        story.task_mut(task).state = state;
        assert_eq!(said(story), [""; 0], "{state:?}");
    }
}

#[test]
fn a_task_that_was_made_to_wait_for_ever_needs_none_either() {
    let mut story = FakeReport::new();
    let service = sleeper(&mut story);
    story.task_mut(service).wakers = TaskWakers::at_most(0);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn what_it_waits_for_does_not_matter() {
    let mut story = FakeReport::new();
    let task = story.task();
    let socket = story.resource(ResourceKind::Io, "socket");
    story.waits(task, socket).is_granted = true;
    story.task_mut(task).wakers = TaskWakers::at_most(0);
    assert_eq!(said(story), ["NeverWoken: 1 waits for socket, and nothing can wake it"]);
}

#[test]
fn of_a_task_with_several_branches_one_wait_is_told() {
    let mut story = FakeReport::new();
    let task = story.task();
    let (first, second) = (story.branch(task), story.branch(task));
    let (socket, unknown) =
        (story.resource(ResourceKind::Io, "socket"), story.resource(ResourceKind::Other, "Pass"));
    story.waits(first, socket);
    story.waits(second, unknown);
    story.task_mut(task).wakers = TaskWakers::at_most(0);
    assert_eq!(said(story), ["NeverWoken: 1 waits for socket, and nothing can wake it"]);
}

#[test]
fn those_who_wait_for_it_are_behind_it() {
    let mut story = FakeReport::new();
    let task = stranger(&mut story, TaskWakers::at_most(0));
    let (joins, locks, receives) = (story.task(), story.task(), story.task());
    let (end, stock) = (story.end_of(&[task]), mutex(&mut story));
    story.waits(joins, end);
    story.holds(task, stock);
    story.waits(locks, stock);
    let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
    story.holds(task, channel);
    story.waits(receives, channel).access = Some(Access::Receive);
    assert_eq!(
        said(story),
        ["NeverWoken: 1 waits for Pass, and nothing can wake it; behind: 2, 3, 4"]
    );
}

#[test]
fn those_at_the_same_place_are_one_finding() {
    let mut story = FakeReport::new();
    for _ in 0..2 {
        stranger(&mut story, TaskWakers::at_most(0));
    }
    assert_eq!(
        said(story),
        ["NeverWoken: 1 waits for Pass, and nothing can wake it; \
          2 waits for Pass, and nothing can wake it"]
    );
}

#[test]
fn the_chain_of_reasons_ends_at_it() {
    let mut story = FakeReport::new();
    let task = stranger(&mut story, TaskWakers::at_most(0));
    let joins = story.task();
    let end = story.end_of(&[task]);
    story.waits(joins, end);
    let report = story.report();
    assert_eq!(
        why(&report, joins),
        [
            "2 waits for the end of a task, since 1 has not ended",
            "1 waits for Pass, and nothing can wake it"
        ]
    );
}

#[test]
fn nor_does_one_that_has_such_a_part_and_another_of_which_nothing_is_known() {
    let mut story = FakeReport::new();
    let task = story.task();
    let (first, second) = (story.branch(task), story.branch(task));
    let (never, unknown) = (
        story.resource(ResourceKind::Never, "nothing"),
        story.resource(ResourceKind::Other, "Iter"),
    );
    story.waits(first, unknown);
    story.waits(second, never);
    story.task_mut(task).wakers = TaskWakers::at_most(0);
    assert_eq!(said(story), [""; 0]);
}
