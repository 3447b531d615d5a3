//! Chains of waits, followed from a waiting task to the cause.

use rustc_hash::{FxHashMap, FxHashSet};

use super::blocked_workers;
use super::dense::WaitSet;
use super::dependency_graph::{Blocker, Graph};
use super::unwakeable::{self, is_unwakeable};
use crate::report::{
    Access, Cause, Finding, FindingKind, Link, Report, Resource, ResourceKind, SetPlace, TaskIndex,
    Wait, WaitId,
};

/// The findings about waits that nothing can end.
pub(super) fn stuck(report: &Report, graph: &Graph, stuck: &WaitSet) -> Vec<Finding> {
    let (findings, unwakeable) = unwakeable::findings(report);
    let mut chains = Chains {
        report,
        graph,
        stuck,
        findings,
        ends: vec![None; report.waits.len()],
        places: vec![None; report.waits.len()],
        in_vain: unwakeable.into_iter().collect(),
    };
    stuck.iter().filter(|id| report.wait(*id).is_polled).for_each(|id| chains.follow(id));
    chains.add_who_waits_behind();
    let mut findings = chains.findings;
    findings.retain(|finding| !is_of_blocked_worker(report, finding));
    findings.sort_by_key(|finding| (finding.kind, finding.links[0].wait));
    findings
}

/// Whether a finding only says of one worker that its task blocks it in a call that waits for no lock:
/// what that call is, and whom the worker leaves unpolled, tells more.
fn is_of_blocked_worker(report: &Report, finding: &Finding) -> bool {
    let [only] = finding.links.as_slice() else { return false };
    let wait = report.wait(only.wait);
    let is_lock = report.resource(wait.resource).kind == ResourceKind::ThreadLock;
    !is_lock && blocked_workers::blocks(report, wait)
}

/// Objects of one pool whose holders are all told, at most.
const MAX_IN_POOL: usize = 16;

/// Where a chain of stuck waits ends.
#[derive(Clone, Copy)]
enum End {
    /// In a circle, which is that finding.
    Circle(usize),
    /// In a wait for nothing.
    Nothing(WaitId),
}

/// The chains of stuck waits, followed one after the other.
struct Chains<'r> {
    report: &'r Report,
    graph: &'r Graph,
    stuck: &'r WaitSet,
    findings: Vec<Finding>,
    /// Where the chain of each wait ends that was passed so far; not of a wait for nothing.
    ends: Vec<Option<End>>,
    /// The place of each wait on the path that is followed just now.
    places: Vec<Option<usize>>,
    /// The findings about waits for nothing and about tasks that nothing can wake.
    in_vain: FxHashMap<WaitId, usize>,
}

impl Chains<'_> {
    fn next(&self, at: WaitId) -> Option<(Cause, WaitId)> {
        next(self.graph, self.stuck, at)
    }

    fn add(&mut self, links: Vec<Link>) -> usize {
        self.findings.push(finding(self.report, links));
        self.findings.len() - 1
    }

    /// A circle of tasks that have objects of one pool and wait for more, with all of those: each
    /// waits for each. A future that nothing polls keeps an object from those behind it alone.
    fn with_all_of_pool(&self, circle: Vec<Link>) -> Vec<Link> {
        let pool_of = |wait: WaitId| {
            let id = self.report.wait(wait).resource;
            Some(id).filter(|id| self.report.resource(*id).kind == ResourceKind::Pool)
        };
        let pool = pool_of(circle[0].wait);
        if pool.is_none() || circle.iter().any(|link| pool_of(link.wait) != pool) {
            return circle;
        }
        let mut all: Vec<(WaitId, Cause)> = Vec::new();
        for blocker in self.graph.blockers(circle[0].wait) {
            let is_stuck = blocker.waits.iter().all(|id| self.stuck.contains(*id));
            let has_object = matches!(blocker.cause, Cause::Held(_));
            let is_one = is_stuck && has_object && !blocker.goes_on;
            let wait = blocker.waits.first().copied().filter(|_| is_one);
            let Some(wait) = wait.filter(|wait| pool_of(*wait) == pool) else { return circle };
            if all.iter().all(|(known, _)| *known != wait) {
                all.push((wait, blocker.cause));
            }
        }
        if all.len() < circle.len() || all.len() > MAX_IN_POOL {
            return circle;
        }
        all.sort_unstable_by_key(|(wait, _)| *wait);
        let next = all.iter().cycle().skip(1);
        all.iter()
            .zip(next)
            .map(|((wait, _), (_, cause))| Link { wait: *wait, cause: *cause })
            .collect()
    }

    /// Follows a chain to its end, or to where another one went on.
    fn follow(&mut self, first: WaitId) {
        let mut path: Vec<Link> = Vec::new();
        let mut at = first;
        let end = loop {
            let index = at.0 as usize;
            if let Some(known) = self.ends[index] {
                break known;
            }
            if let Some(start) = self.places[index] {
                let circle = self.with_all_of_pool(path[start..].to_vec());
                break End::Circle(self.add(circle));
            }
            let Some((cause, next)) = self.next(at) else { break End::Nothing(at) };
            self.places[index] = Some(path.len());
            path.push(Link { wait: at, cause });
            at = next;
        };
        if let End::Nothing(nothing) = end
            && !self.in_vain.contains_key(&nothing)
        {
            self.add_wait_in_vain(&path, at, nothing);
        }
        for link in path {
            let index = link.wait.0 as usize;
            self.ends[index] = Some(end);
            self.places[index] = None;
        }
    }

    /// Adds the finding about a wait for nothing, if this path to `at`, from where a known chain
    /// leads to it, shows a fault.
    ///
    /// Waiting for nothing is none, nor is it to wait for a task that was made to run for ever, or
    /// for a message when such a task keeps the channel open. To wait for a lock of such a task is,
    /// and for room in its channel.
    fn add_wait_in_vain(&mut self, path: &[Link], at: WaitId, nothing: WaitId) {
        let keeps = |link: &Link| keeps_from_others(self.report, link);
        let Some(kept) = path.iter().rposition(keeps) else { return };
        let mut links = path[kept..].to_vec();
        let mut at = at;
        while let Some((cause, next)) = self.next(at) {
            links.push(Link { wait: at, cause });
            at = next;
        }
        links.push(Link { wait: nothing, cause: Cause::Never });
        let number = self.add(links);
        self.in_vain.insert(nothing, number);
    }

    /// Adds to each finding the tasks whose chains end in it.
    fn add_who_waits_behind(&mut self) {
        let in_vain = &self.in_vain;
        let finding_of = |end: End| match end {
            End::Circle(number) => Some(number),
            End::Nothing(nothing) => in_vain.get(&nothing).copied(),
        };
        let ends = (0..).map(WaitId).zip(&self.ends);
        let behind = ends.filter_map(|(id, end)| Some((id, finding_of((*end)?)?)));
        let of = |(number, finding): (usize, &Finding)| {
            finding.tasks(self.report).into_iter().map(move |task| (number, task))
        };
        let mut seen: FxHashSet<(usize, TaskIndex)> =
            self.findings.iter().enumerate().flat_map(of).collect();
        for (id, number) in behind {
            let task = self.report.wait(id).task;
            if seen.insert((number, task)) {
                self.findings[number].behind.push(task);
            }
        }
    }
}

/// Whether a lock is kept, or the end of a channel that would make room in it.
fn keeps_from_others(report: &Report, link: &Link) -> bool {
    let (_, resource, holder) = link.resource(report);
    match resource.kind {
        ResourceKind::Mutex
        | ResourceKind::RwLock
        | ResourceKind::Semaphore
        | ResourceKind::Pool
        | ResourceKind::OnceCell => {
            holder.is_some_and(|holder| holder.access != Access::Handle)
                || matches!(link.cause, Cause::Unpolled(_))
        }
        _ => holder.is_some() && report.wait(link.wait).access == Some(Access::Send),
    }
}

/// What a stuck wait waits for, and the wait that keeps that.
fn next(graph: &Graph, stuck: &WaitSet, at: WaitId) -> Option<(Cause, WaitId)> {
    let is_stuck = |waits: &[WaitId]| waits.iter().all(|id| stuck.contains(*id));
    // A blocker that goes on is none.
    graph.blockers(at).filter(|blocker| !blocker.goes_on).find_map(|blocker| {
        if let Some(first) = blocker.waits.first().filter(|_| is_stuck(blocker.waits)) {
            return Some((blocker.cause, *first));
        }
        let Cause::Held(number) = blocker.cause else { return None };
        let first = blocker.pollers.first().filter(|_| is_stuck(blocker.pollers))?;
        // A circle through the thread that waits itself is the shortest.
        let own = blocker.pollers.iter().find(|id| **id == at);
        Some((Cause::HeldUnpolled(number), *own.unwrap_or(first)))
    })
}

fn finding(report: &Report, mut links: Vec<Link>) -> Finding {
    let is_circle = links.last().is_none_or(|link| link.cause != Cause::Never);
    if is_circle {
        // One circle is one, wherever it was entered.
        let first = links.iter().enumerate().min_by_key(|(_, link)| link.wait);
        let first = first.map_or(0, |(index, _)| index);
        links.rotate_left(first);
    }
    let unpolled = links.iter().any(|link| match link.cause {
        Cause::Unpolled(_) => true,
        _ => link.resource(report).2.is_some_and(|holder| holder.holding_frame.is_some()),
    });
    // Whoever waits for a notification has no more to do with those who wait for the same one, nor
    // has who waits for permits that nobody has; who waits for another one would notify them later.
    let first = links.first().map(|link| link.resource(report).0);
    let is_lost = links.iter().all(|link| {
        let (id, resource, holder) = link.resource(report);
        let is_told = match resource.kind {
            ResourceKind::Notify => true,
            ResourceKind::Semaphore | ResourceKind::Barrier | ResourceKind::Cancellation => {
                holder.is_some_and(|holder| holder.access == Access::Handle)
            }
            _ => false,
        };
        is_told && Some(id) == first
    });
    // The same of a message: nobody waits for anybody, and no other one can send it.
    let is_lost = is_lost || are_own_ends(report, &links);
    let in_unpolled_set = links.iter().any(|link| matches!(link.cause, Cause::SetNotPolled(_)));
    let kind = if unpolled {
        FindingKind::Futurelock
    } else if is_circle && !is_lost && !in_unpolled_set {
        FindingKind::Deadlock
    } else {
        FindingKind::NeverWoken
    };
    let is_sure = links.iter().all(|link| {
        let (_, resource, holder) = link.resource(report);
        // Permits may be held where none was found, unless all who have the semaphore were.
        let is_known = resource.kind != ResourceKind::Semaphore
            || holder.is_some_and(|holder| holder.access == Access::Handle);
        let all_known = is_known
            && !matches!(link.cause, Cause::Unpolled(other) if is_perhaps_elsewhere(report, other))
            && !matches!(link.cause, Cause::HeldByWaiter)
            && is_surely_unpolled(report, link)
            // An abort drops what the task holds.
            && !report.may_be_aborted(report.wait(link.wait).task)
            // Whoever has the pool may close it or make it larger, and what is known by rules only
            // may be otherwise.
            && !matches!(resource.kind, ResourceKind::Pool | ResourceKind::OtherEnd);
        // Of several ends one that was moved away would be somewhere else.
        let are_ends = holder.is_some_and(|holder| holder.access.is_end());
        let may_be_moved = match are_ends {
            true => resource.holders.iter().any(|holder| holder.may_be_moved),
            false => holder.is_some_and(|holder| holder.may_be_moved),
        };
        all_known && !may_be_moved
    });
    Finding { kind, is_sure, links, runtime: None, behind: Vec::new() }
}

/// Whether a future that nothing polls, as it seems, may have been moved to where it is polled.
fn is_perhaps_elsewhere(report: &Report, unpolled: WaitId) -> bool {
    let wait = report.wait(unpolled);
    report.task(wait.task).chain.may_be_moved_around(wait.leaf)
}

/// Whether one task waits for what only its own ends could bring.
fn are_own_ends(report: &Report, links: &[Link]) -> bool {
    links.iter().all(|link| {
        let wait = report.wait(link.wait);
        let (_, _, holder) = link.resource(report);
        holder.is_some_and(|holder| {
            holder.task == Some(wait.task)
                && matches!(holder.access, Access::Send | Access::End)
                && matches!(wait.access, Some(Access::Receive) | None)
        })
    })
}

/// Whether nothing polls the task that a link leads to before the set that it is of is polled by
/// what keeps that: `true` also for one of no such set.
fn is_surely_unpolled(report: &Report, link: &Link) -> bool {
    let task = match link.cause {
        Cause::SetNotPolled(task) => Some(task),
        Cause::Held(_) => link.resource(report).2.and_then(|holder| holder.task),
        _ => None,
    };
    let set = task.and_then(|task| report.set_of(task));
    set.filter(|set| set.is_polled != Some(true)).is_none_or(|set| {
        let is_own = |kept: &SetPlace| !kept.may_be_moved && !kept.is_shared;
        set.is_polled == Some(false) && set.kept.as_ref().is_some_and(is_own)
    })
}

/// Locks that are kept, as is certain, by tasks that wait for something else, which may come, while
/// others wait for the lock.
pub(super) fn slow(report: &Report, graph: &Graph, stuck: &WaitSet) -> Vec<Finding> {
    let is_lock = |resource: &&Resource| {
        matches!(resource.kind, ResourceKind::Mutex | ResourceKind::RwLock | ResourceKind::Pool)
    };
    let locks = report.resources.iter().filter(is_lock);
    locks.filter_map(|lock| kept_across_await(report, graph, stuck, lock)).collect()
}

/// The finding about one lock; `None` where nobody waits for it who could go on, or where nothing
/// from outside keeps its holder.
fn kept_across_await(
    report: &Report,
    graph: &Graph,
    stuck: &WaitSet,
    lock: &Resource,
) -> Option<Finding> {
    let is_waiting = |id: &WaitId| {
        let wait = report.wait(*id);
        wait.is_polled && !wait.is_granted && !stuck.contains(*id)
    };
    let mut waiting = lock.queue.iter().copied().filter(is_waiting);
    let first = waiting.next()?;
    let (cause, outside) = graph.blockers(first).find_map(|Blocker { cause, waits, .. }| {
        let Cause::Held(number) = cause else { return None };
        // A guard that was given away may be in memory still: a busy program has many of those.
        if lock.holders.get(number as usize)?.may_be_moved {
            return None;
        }
        // Who keeps an object of a pool from itself has a limit to that.
        let is_other = |id: &WaitId| {
            lock.kind != ResourceKind::Pool || report.wait(*id).task != report.wait(first).task
        };
        let mut waits = waits.iter().copied().filter(is_other);
        Some((cause, waits.find(|id| is_for_what_comes_from_outside(report, *id))?))
    })?;
    let task_of = |id: WaitId| report.wait(id).task;
    let mut seen = FxHashSet::from_iter([first, outside].map(task_of));
    let behind = waiting.map(task_of).filter(|task| seen.insert(*task)).collect();
    Some(Finding {
        kind: FindingKind::LockAcrossAwait,
        is_sure: true,
        links: vec![Link { wait: first, cause }, Link { wait: outside, cause: Cause::Never }],
        runtime: None,
        behind,
    })
}

/// Whether what is waited for comes from outside of the program, has not come and is not about to.
fn is_for_what_comes_from_outside(report: &Report, id: WaitId) -> bool {
    let wait = report.wait(id);
    !wait.is_granted
        && is_from_outside(wait, report)
        && !is_about_to_come(report.resource(wait.resource))
}

/// Whether what is waited for comes from outside of the program: also where another task takes it
/// from a connection.
fn is_from_outside(wait: &Wait, report: &Report) -> bool {
    matches!(
        report.resource(wait.resource).kind,
        ResourceKind::Sleep | ResourceKind::Io | ResourceKind::Signal | ResourceKind::Child
    ) || report.answer_owed(wait).is_some()
}

/// Whether what is waited for is a timer that goes off now: the task goes on at once.
fn is_about_to_come(resource: &Resource) -> bool {
    resource.timer.is_some_and(|timer| timer.is_about_to_come())
}

/// The chain of reasons for which a task waits, as far as memory tells; a circle is gone round
/// once.
#[must_use]
pub fn reasons(report: &Report, task: TaskIndex) -> Vec<Link> {
    let graph = Graph::of(report);
    let stuck = graph.stuck();
    let polled = report.waits.of(task).filter(|(_, wait)| wait.is_polled);
    // What is stuck says more than what may still come.
    let mut at = polled.map(|(id, _)| id).min_by_key(|id| (!stuck.contains(*id), *id));
    let mut links: Vec<Link> = Vec::new();
    let mut seen: FxHashSet<WaitId> = FxHashSet::default();
    while let Some(wait) = at.filter(|wait| seen.insert(*wait)) {
        let (cause, next) = match is_in_vain(report, wait) {
            true => (Cause::NoWaker, None),
            false => reason(report, &graph, stuck, wait),
        };
        links.push(Link { wait, cause });
        at = next;
    }
    links
}

/// Whether nothing can wake the task that waits, though it waits for something.
fn is_in_vain(report: &Report, wait: WaitId) -> bool {
    let wait = report.wait(wait);
    is_unwakeable(report.task(wait.task))
        && report.resource(wait.resource).kind != ResourceKind::Never
}

/// Why a wait does not end, and the wait that keeps that: what is stuck before what may go on.
fn reason(
    report: &Report,
    graph: &Graph,
    stuck: &WaitSet,
    wait: WaitId,
) -> (Cause, Option<WaitId>) {
    if let Some((cause, next)) = next(graph, stuck, wait) {
        return (cause, Some(next));
    }
    match graph.blockers(wait).next() {
        Some(blocker) => (blocker.cause, blocker.waits.first().copied()),
        None => other_side(report, wait).unwrap_or((Cause::Never, None)),
    }
}

/// Who has the other side of the connection that is waited for, and what that task waits for: no
/// blocker, since another task may have that side too.
fn other_side(report: &Report, wait: WaitId) -> Option<(Cause, Option<WaitId>)> {
    let holders = &report.resource(report.wait(wait).resource).holders;
    let (number, peer) = (0..).zip(holders).find(|(_, holder)| holder.access == Access::Peer)?;
    let polled = report.waits.of(peer.task?).filter(|(_, wait)| wait.is_polled);
    let next = polled.min_by_key(|(id, wait)| (wait.user.is_none(), *id));
    Some((Cause::Held(number), next.map(|(id, _)| id)))
}
