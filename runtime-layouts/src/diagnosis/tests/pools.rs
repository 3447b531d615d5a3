//! Pools whose objects are all out.

use super::{reader, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Due, ResourceId, ResourceKind, WaitId};

/// A pool of which so many objects are out, and which has no more.
fn pool(story: &mut FakeReport, out: u64) -> ResourceId {
    let id = story.resource(ResourceKind::Pool, "pool");
    let pool = story.resource_mut(id);
    (pool.parties, pool.is_taken) = (Some(out), Some(true));
    id
}

/// A task that has an object of a pool and waits for another one.
fn greedy(story: &mut FakeReport, pool: ResourceId) -> FakeFrame {
    let task = story.task();
    story.holds(task, pool);
    story.waits(task, pool);
    task
}

#[test]
fn all_who_have_objects_and_wait_for_more_are_one_circle() {
    let mut story = FakeReport::new();
    let all = pool(&mut story, 3);
    for _ in 0..3 {
        greedy(&mut story, all);
    }
    let waiting = story.task();
    story.waits(waiting, all);
    assert_eq!(
        said(story),
        [
            "Deadlock, perhaps: 1 waits for pool, held by 2; 2 waits for pool, held by 3; 3 waits for \
          pool, held by 1; behind: 4"
        ]
    );
}

#[test]
fn one_who_has_all_objects_waits_for_itself() {
    let mut story = FakeReport::new();
    let only = pool(&mut story, 1);
    greedy(&mut story, only);
    assert_eq!(said(story), ["Deadlock, perhaps: 1 waits for pool, held by 1"]);
}

#[test]
fn an_object_that_was_not_found_may_come_back() {
    let mut story = FakeReport::new();
    let all = pool(&mut story, 3);
    greedy(&mut story, all);
    greedy(&mut story, all);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_pool_that_may_make_more_is_no_fault() {
    let mut story = FakeReport::new();
    let all = pool(&mut story, 1);
    story.resource_mut(all).is_reachable = true;
    greedy(&mut story, all);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn one_of_the_holders_goes_on() {
    let mut story = FakeReport::new();
    let all = pool(&mut story, 2);
    greedy(&mut story, all);
    let query = reader(&mut story);
    story.holds(query, all);
    assert_eq!(said(story), ["LockAcrossAwait: 1 waits for pool, held by 2; 2 waits for socket"]);
}

/// A task with an object that waits for another one or for a timer; whether that is the pool's own.
fn limited(is_limit: bool) -> Vec<String> {
    let mut story = FakeReport::new();
    let all = pool(&mut story, 1);
    let task = story.task();
    let (wanted, limit) = (story.branch(task), story.branch(task));
    story.holds(task, all);
    story.waits(wanted, all);
    let timer = story.timer("timer", Due::Unknown);
    story.waits(limit, timer).is_limit = is_limit;
    if is_limit {
        let report = story.report();
        assert!(report.has_limit(WaitId(0)));
        return crate::fake::finding_lines(&report, &crate::diagnosis::findings(&report));
    }
    said(story)
}

#[test]
fn the_time_limit_of_a_pool_is_no_way_to_go_on() {
    assert_eq!(limited(true), ["Deadlock, perhaps: 1 waits for pool, held by 1"]);
    assert_eq!(limited(false), [""; 0]);
}
