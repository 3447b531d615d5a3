//! Properties that hold for every report, tested on random ones. `ARBTEST_BUDGET_MS` gives each
//! more time than its default of 100 ms.

use std::collections::BTreeSet;
use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use rustc_hash::FxHashSet;

use crate::diagnosis::dependency_graph::Graph;
use crate::diagnosis::pollers::{Pollers, blocks_thread};
use crate::diagnosis::{findings, reasons};
use crate::fake::{FakeFrame, FakeReport, link_line};
use crate::report::{
    Access, Cause, Chain, Clock, Due, Finding, FindingKind, FrameRef, Holder, Link, Report,
    ResourceId, ResourceKind, Task, TaskIndex, TaskState, TaskWakers, Timer, Wait, WaitId,
    WaitList,
};

/// What random tasks wait for; locks and joins more often than the rest.
const KINDS: [ResourceKind; 19] = [
    ResourceKind::Mutex,
    ResourceKind::Mutex,
    ResourceKind::Mutex,
    ResourceKind::RwLock,
    ResourceKind::Semaphore,
    ResourceKind::Pool,
    ResourceKind::OnceCell,
    ResourceKind::Notify,
    ResourceKind::Mpsc,
    ResourceKind::Oneshot,
    ResourceKind::Join,
    ResourceKind::Join,
    ResourceKind::JoinSet,
    ResourceKind::Sleep,
    ResourceKind::Io,
    ResourceKind::Never,
    ResourceKind::ThreadLock,
    ResourceKind::Blocking,
    ResourceKind::OtherEnd,
];

/// A story with a few tasks that wait for a few things, and one more task that runs.
fn story(u: &mut Unstructured<'_>) -> Result<FakeReport> {
    let mut story = FakeReport::new();
    story.runtime(2);
    let (mut tasks, mut frames, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..u.int_in_range(1..=5)? {
        let task = story.task();
        tasks.push(task);
        frames.push(task);
        add_leaves(u, &mut story, task, &mut leaves)?;
    }
    frames.extend(leaves.iter().map(|(leaf, _)| *leaf));
    let resources = resources(u, &mut story, &tasks)?;
    for _ in 0..u.int_in_range(0..=6)? {
        let (frame, resource) = (*u.choose(&frames)?, *u.choose(&resources)?);
        hold(u, &mut story, frame, resource)?;
    }
    for (leaf, is_polled) in leaves {
        let (resource, is_granted) = (*u.choose(&resources)?, u.ratio(1, 8)?);
        let kind = story.resource_mut(resource).kind;
        // What never completes is given to nobody.
        let is_granted = is_granted && kind != ResourceKind::Never;
        let blocks = matches!(kind, ResourceKind::ThreadLock | ResourceKind::Blocking);
        // Only what runs blocks its thread.
        if u.ratio(1, 5)? || blocks && (is_granted || !is_polled) {
            continue;
        }
        let access = match kind {
            ResourceKind::RwLock => Some(*u.choose(&[Access::Shared, Access::Exclusive])?),
            ResourceKind::Semaphore => Some(Access::Permits(u.int_in_range(1..=2)?)),
            _ => *u.choose(&[None, Some(Access::Send), Some(Access::Receive)])?,
        };
        let wait = story.waits(leaf, resource);
        (wait.is_granted, wait.access) = (is_granted, access);
    }
    for (number, task) in tasks.into_iter().enumerate() {
        match u.int_in_range(0..=9)? {
            0 => story.is_woken(task),
            1 => story.runs(task, number % 2, 7 + number as u64 % 2),
            2 => story.task_mut(task).wakers = TaskWakers::at_most(0),
            _ => {}
        }
    }
    let runner = story.task();
    story.task_mut(runner).state = TaskState::Running;
    Ok(story)
}

/// The places of a task where it can wait, and whether they are polled.
fn add_leaves(
    u: &mut Unstructured<'_>,
    story: &mut FakeReport,
    task: FakeFrame,
    leaves: &mut Vec<(FakeFrame, bool)>,
) -> Result<()> {
    match u.int_in_range(0..=5)? {
        0 => leaves.extend([(story.branch(task), true), (story.branch(task), true)]),
        1 => leaves.extend([(story.unpolled(task), false), (story.branch(task), true)]),
        2 => {
            let inner = story.awaits(task);
            leaves.extend([(story.unpolled(inner), false), (story.branch(inner), true)]);
        }
        3 => leaves.push((story.awaits(task), true)),
        _ => leaves.push((task, true)),
    }
    Ok(())
}

fn resources(
    u: &mut Unstructured<'_>,
    story: &mut FakeReport,
    tasks: &[FakeFrame],
) -> Result<Vec<ResourceId>> {
    let mut all = Vec::new();
    for number in 0..u.int_in_range(1..=5_u32)? {
        let kind = *u.choose(&KINDS)?;
        let id = story.resource(kind, &format!("{kind:?} {number}"));
        let resource = story.resource_mut(id);
        resource.parties = *u.choose(&[None, Some(1), Some(1), Some(2)])?;
        resource.is_in_order = u.ratio(3, 4)?;
        if matches!(kind, ResourceKind::Join | ResourceKind::JoinSet) {
            for task in tasks {
                if u.ratio(1, 2)? {
                    resource.tasks.push(task.task);
                }
            }
            resource.parties = None;
            resource.needs_all = u.arbitrary()?;
        }
        if kind == ResourceKind::Sleep && u.arbitrary()? {
            let due = Due::Ago(Duration::from_secs(u64::from(number) + 1));
            resource.timer = Some(Timer { due, has_fired: None, clock: Clock::Stop });
        }
        all.push(id);
    }
    Ok(all)
}

fn hold(
    u: &mut Unstructured<'_>,
    story: &mut FakeReport,
    frame: FakeFrame,
    resource: ResourceId,
) -> Result<()> {
    let is_lock = story.resource_mut(resource).kind == ResourceKind::ThreadLock;
    if is_lock && u.arbitrary()? {
        let (tid, is_blocked) = (u.int_in_range(7..=9)?, u.arbitrary()?);
        story.thread_holds(tid, is_blocked, resource);
        return Ok(());
    }
    let holder = story.holds(frame, resource);
    holder.may_be_moved = u.ratio(1, 4)?;
    holder.shared_end = u.ratio(1, 8)?.then_some(frame.frame.address);
    Ok(())
}

/// Tries a property on many reports.
fn always(property: impl Fn(&mut Unstructured<'_>, Report) -> Result<()>) {
    arbtest(|u| {
        let report = story(u)?.report();
        property(u, report)
    });
}

fn stuck(report: &Report) -> FxHashSet<WaitId> {
    Graph::of(report).stuck().iter().collect()
}

/// Whose wait comes after a link, which must rest on what the report has.
fn next_task(report: &Report, link: &Link) -> Option<TaskIndex> {
    let resource = report.resource(report.wait(link.wait).resource);
    match link.cause {
        Cause::Held(number) | Cause::HeldUnpolled(number) => resource.holders[number as usize].task,
        Cause::HeldByWaiter => None,
        Cause::Unpolled(other) => {
            let wait = report.wait(other);
            assert!(!wait.is_polled, "{}", link_line(report, link));
            assert!(resource.queue.contains(&other), "{}", link_line(report, link));
            Some(wait.task)
        }
        Cause::NotEnded(task) => {
            assert!(resource.tasks.contains(&task), "{}", link_line(report, link));
            Some(task)
        }
        Cause::Busy(task) => {
            assert_eq!(report.task(task).state, TaskState::Running);
            None
        }
        Cause::SetNotPolled(_)
        | Cause::NoThread(_)
        | Cause::NotDriven(_)
        | Cause::Never
        | Cause::NoWaker => None,
    }
}

/// Whether the wait of that task may come after a link.
fn leads_to(report: &Report, link: &Link, task: TaskIndex) -> bool {
    let blocks = |wait: &&Wait| blocks_thread(report, wait);
    match link.cause {
        Cause::HeldUnpolled(_) => report.waits_of(task).iter().any(|wait| blocks(&wait)),
        Cause::HeldByWaiter => {
            let resource = report.wait(link.wait).resource;
            report.waits_of(task).iter().filter(blocks).any(|wait| wait.resource == resource)
        }
        _ => next_task(report, link) == Some(task),
    }
}

/// The frame that must go on before a wait can end; `None` where that is no frame.
fn needed_frame(report: &Report, link: &Link) -> Option<(TaskIndex, FrameRef)> {
    match link.cause {
        Cause::Held(_) => {
            let holder = link.resource(report).2.expect("the holder");
            Some((holder.task?, holder.holding_frame.unwrap_or(holder.frame)))
        }
        Cause::Unpolled(other) => {
            let wait = report.wait(other);
            Some((wait.task, wait.holding_frame.expect("who keeps it")))
        }
        Cause::NotEnded(task) => {
            let outermost = report.task(task).chain.frames.first().expect("a frame");
            Some((task, FrameRef::of(outermost)))
        }
        _ => None,
    }
}

/// The innermost frames that are polled below a frame, the frame itself among them.
fn polled_leaves(chain: &Chain, frame: FrameRef, is_below: bool, found: &mut Vec<FrameRef>) {
    let is_below = is_below || chain.frames.iter().any(|own| FrameRef::of(own) == frame);
    let mut branches = chain.polled_branches().peekable();
    if branches.peek().is_none() && is_below {
        found.extend(chain.frames.last().map(FrameRef::of));
    }
    branches.for_each(|branch| polled_leaves(branch, frame, is_below, found));
}

/// Whether each link leads to the next one, and no wait is there twice.
fn check_chain(report: &Report, links: &[Link]) {
    let waits: BTreeSet<WaitId> = links.iter().map(|link| link.wait).collect();
    assert_eq!(waits.len(), links.len(), "a wait is there twice");
    for pair in links.windows(2) {
        let next = report.wait(pair[1].wait).task;
        assert!(leads_to(report, &pair[0], next), "{}", link_line(report, &pair[0]));
    }
}

fn check_finding(report: &Report, finding: &Finding) {
    assert!(!finding.links.is_empty());
    for link in &finding.links {
        next_task(report, link);
        let wait = report.wait(link.wait);
        assert!(wait.is_polled, "{}", link_line(report, link));
        let never_woken = link.cause == Cause::NoWaker;
        assert!(never_woken || !wait.is_granted, "{}", link_line(report, link));
    }
    let own = finding.tasks(report);
    let behind: BTreeSet<TaskIndex> = finding.behind.iter().copied().collect();
    assert_eq!(behind.len(), finding.behind.len(), "a task waits behind twice");
    if finding.kind != FindingKind::BlockedWorker {
        assert!(!own.iter().any(|task| behind.contains(task)), "a task waits behind itself");
        match finding.links[0].cause {
            // One does not lead to the next.
            Cause::NoWaker => finding.links.windows(1).for_each(|one| check_chain(report, one)),
            _ => check_chain(report, &finding.links),
        }
    }
    if finding.kind == FindingKind::Deadlock {
        let (first, last) = (&finding.links[0], &finding.links[finding.links.len() - 1]);
        assert!(leads_to(report, last, report.wait(first.wait).task));
        assert!(finding.links.iter().all(|link| first.wait <= link.wait));
    }
}

#[test]
fn findings_rest_on_waits_and_holders_of_the_report() {
    always(|_, report| {
        findings(&report).iter().for_each(|finding| check_finding(&report, finding));
        Ok(())
    });
}

#[test]
fn whatever_a_finding_needs_cannot_go_on() {
    always(|_, report| {
        let stuck = stuck(&report);
        let waiting = [FindingKind::BlockedWorker, FindingKind::LockAcrossAwait];
        let findings = findings(&report);
        for finding in findings.iter().filter(|finding| !waiting.contains(&finding.kind)) {
            for link in &finding.links {
                assert!(stuck.contains(&link.wait), "{}", link_line(&report, link));
                let Some((task, frame)) = needed_frame(&report, link) else { continue };
                // Where every thread that could poll it is blocked, or nothing can wake it, it may be
                // ready and yet wait.
                if Pollers::of(&report).of_task(&report, report.task(task)).is_some()
                    || report.task(task).wakers.nothing_can_wake()
                    || report.task(task).state == TaskState::Running
                {
                    continue;
                }
                assert_eq!(report.task(task).state, TaskState::Idle);
                let mut leaves = Vec::new();
                polled_leaves(&report.task(task).chain, frame, false, &mut leaves);
                for leaf in leaves {
                    let waits = report.waits_of(task).iter().filter(|wait| wait.leaf == leaf);
                    let mut waits = waits.filter(|wait| wait.is_polled).peekable();
                    assert!(
                        waits.peek().is_some(),
                        "{} {finding:?} {:?} {:?}",
                        link_line(&report, link),
                        report.task(task),
                        report.waits_of(task)
                    );
                    assert!(waits.all(|wait| !wait.is_granted), "it was given what it waits for");
                }
            }
        }
        Ok(())
    });
}

#[test]
fn what_nothing_polls_comes_before_others_only_in_a_queue() {
    always(|_, report| {
        for link in findings(&report).iter().flat_map(|finding| &finding.links) {
            if let Cause::Unpolled(other) = link.cause {
                let (first, wait) = (report.wait(other), report.wait(link.wait));
                let lock = report.resource(wait.resource);
                let place = |id| lock.queue.iter().position(|known| *known == id);
                assert!(first.is_granted || lock.is_in_order && place(other) < place(link.wait));
                let shared = [first, wait].map(|wait| wait.access == Some(Access::Shared));
                assert!(first.is_granted || shared != [true, true], "readers come together");
            }
        }
        Ok(())
    });
}

#[test]
fn reasons_lead_from_one_to_the_next_and_end() {
    always(|_, report| {
        for task in &report.tasks {
            let links = reasons(&report, task.index);
            check_chain(&report, &links);
            if let Some(first) = links.first() {
                assert_eq!(report.wait(first.wait).task, task.index);
            }
        }
        Ok(())
    });
}

#[test]
fn findings_are_the_same_each_time() {
    always(|_, report| {
        assert_eq!(findings(&report), findings(&report.clone()));
        Ok(())
    });
}

#[test]
fn without_waits_there_is_no_finding() {
    always(|_, mut report| {
        report.waits = WaitList::new();
        for resource in &mut report.resources {
            resource.queue.clear();
            resource.given = None;
        }
        assert_eq!(findings(&report), []);
        Ok(())
    });
}

#[test]
fn what_is_granted_to_a_polled_future_makes_nothing_stuck() {
    always(|u, mut report| {
        let can_go_on =
            |wait: &Wait| wait.is_polled && !report.task(wait.task).wakers.nothing_can_wake();
        let polled: Vec<usize> =
            (0..report.waits.len()).filter(|at| can_go_on(&report.waits[*at])).collect();
        if polled.is_empty() {
            return Ok(());
        }
        let before = stuck(&report);
        let granted = *u.choose(&polled)?;
        let mut waits = std::mem::take(&mut report.waits).into_vec();
        waits[granted].is_granted = true;
        report.waits = waits.into();
        let after = stuck(&report);
        assert!(after.is_subset(&before));
        assert!(!after.contains(&WaitId(granted as u32)));
        Ok(())
    });
}

#[test]
fn a_holder_that_can_go_on_makes_nothing_stuck() {
    always(|u, mut report| {
        let before = stuck(&report);
        let runner = &report.tasks[report.tasks.len() - 1];
        let (task, frame) = (runner.index, FrameRef::of(&runner.chain.frames[0]));
        let at = u.choose_index(report.resources.len())?;
        // Once all objects of a pool are found, more is known of those that queue for it.
        if report.resources[at].kind == ResourceKind::Pool {
            return Ok(());
        }
        report.resources[at].holders.push(Holder {
            is_static: false,
            task: Some(task),
            frame,
            variable: None,
            guard: "Guard".into(),
            access: Access::Exclusive,
            may_be_moved: false,
            shared_end: None,
            thread: None,
            within: None,
            holding_frame: None,
        });
        assert!(stuck(&report).is_subset(&before));
        Ok(())
    });
}

/// The same report with its tasks in another order: `old[new]` says which comes where.
fn renumbered(report: &Report, old: &[usize]) -> Report {
    let mut new = vec![TaskIndex(0); old.len()];
    for (at, old) in (0..).zip(old) {
        new[*old] = TaskIndex(at);
    }
    let task = |of: TaskIndex| new[of.0 as usize];
    let mut report = report.clone();
    report.tasks = (0..)
        .zip(old)
        .map(|(index, old)| Task { index: TaskIndex(index), ..report.tasks[*old].clone() })
        .collect();
    let mut waits = std::mem::take(&mut report.waits).into_vec();
    for wait in &mut waits {
        wait.task = task(wait.task);
    }
    let mut order: Vec<usize> = (0..waits.len()).collect();
    order.sort_by_key(|at| waits[*at].task);
    let mut ids = vec![WaitId(0); order.len()];
    for (id, at) in (0..).zip(&order) {
        ids[*at] = WaitId(id);
    }
    report.waits = order.iter().map(|at| waits[*at].clone()).collect();
    for resource in &mut report.resources {
        resource.queue.iter_mut().for_each(|id| *id = ids[id.0 as usize]);
        resource.given = resource.given.map(|id| ids[id.0 as usize]);
        resource.tasks.iter_mut().for_each(|of| *of = task(*of));
        for holder in &mut resource.holders {
            holder.task = holder.task.map(task);
        }
    }
    report
}

/// What must be said of a report whatever the order of its tasks. Which of several ways to a wait
/// for nothing is told, from which wait of a circle on, and which of several timers that a blocked
/// thread would fire, is of the order.
fn essence(report: &Report) -> Vec<(String, BTreeSet<String>)> {
    let id = |task: &TaskIndex| report.task(*task).id.0.clone();
    let one = |finding: &Finding| {
        let in_vain = matches!(finding.kind, FindingKind::NeverWoken | FindingKind::Futurelock)
            && finding.links.iter().any(|link| link.cause == Cause::Never);
        let kind = match in_vain {
            true => "in vain".to_string(),
            false => format!("{:?}, {}", finding.kind, finding.is_sure),
        };
        let is_of_thread = finding.kind == FindingKind::BlockedWorker;
        let tasks = finding.tasks(report);
        let tasks = tasks.iter().chain(&finding.behind).filter(|_| !is_of_thread);
        (kind, tasks.map(id).collect())
    };
    let mut all: Vec<_> = findings(report).iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn the_order_of_tasks_changes_nothing() {
    always(|u, report| {
        let mut order: Vec<usize> = (0..report.tasks.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, u.int_in_range(0..=at)?);
        }
        assert_eq!(essence(&renumbered(&report, &order)), essence(&report));
        Ok(())
    });
}
