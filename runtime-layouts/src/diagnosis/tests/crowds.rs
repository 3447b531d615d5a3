//! A hundred thousand tasks: what looks at all others for each of them takes minutes here.

use super::{mutex, sleeper};
use crate::diagnosis::{findings, leads};
use crate::fake::FakeReport;
use crate::report::{Access, Cause, Finding, FindingKind, Report, ResourceKind};

const CROWD: usize = 100_000;

/// The one finding about a crowd. Where to look is known without it as well.
fn only_finding(report: &Report) -> Finding {
    let findings = findings(report);
    assert_ne!(leads(report, &[]).first, []);
    let [finding] = &*findings else { panic!("one fault, not {}", findings.len()) };
    finding.clone()
}

#[test]
fn behind_one_lock() {
    let mut story = FakeReport::new();
    let holder = sleeper(&mut story);
    let lock = mutex(&mut story);
    story.holds(holder, lock);
    for _ in 0..CROWD {
        let waiting = story.task();
        story.waits(waiting, lock);
    }
    let report = story.report();
    let finding = only_finding(&report);
    assert_eq!((finding.kind, finding.is_sure), (FindingKind::NeverWoken, true));
    assert_eq!(finding.behind.len(), CROWD - 1);
}

#[test]
fn half_of_it_holds_what_the_other_half_wants() {
    let kinds = [ResourceKind::RwLock, ResourceKind::Semaphore, ResourceKind::Broadcast];
    for kind in kinds {
        let mut story = FakeReport::new();
        let shared = story.channel(kind, "shared", CROWD as u64 / 2);
        for _ in 0..CROWD / 2 {
            let holder = sleeper(&mut story);
            let holder = story.holds(holder, shared);
            if kind == ResourceKind::RwLock {
                holder.access = Access::Shared;
            }
        }
        for _ in 0..CROWD / 2 {
            let waiting = story.task();
            story.waits(waiting, shared);
        }
        let report = story.report();
        match kind {
            // To wait for a message of a task that runs for ever is none.
            ResourceKind::Broadcast => assert_eq!(findings(&report), []),
            _ => assert_eq!(only_finding(&report).behind.len(), CROWD / 2 - 1, "{kind:?}"),
        }
        assert_eq!(leads(&report, &[]).inside, CROWD / 2, "{kind:?}");
    }
}

#[test]
fn in_one_circle() {
    let mut story = FakeReport::new();
    let tasks: Vec<_> = (0..CROWD).map(|_| story.task()).collect();
    let locks: Vec<_> = (0..CROWD).map(|_| mutex(&mut story)).collect();
    for (number, task) in tasks.into_iter().enumerate() {
        story.holds(task, locks[number]);
        story.waits(task, locks[(number + 1) % CROWD]);
    }
    let finding = only_finding(&story.report());
    assert_eq!((finding.kind, finding.links.len()), (FindingKind::Deadlock, CROWD));
    assert!(finding.links.iter().all(|link| link.cause == Cause::Held(0)));
}
