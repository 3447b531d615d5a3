//! Where to look first while no fault is certain: the ends of the chains of waits, ranked.
//!
//! Each task is followed through who holds, sends or ends what it waits for, as far as memory shows,
//! to a task that waits for nobody. That takes a few steps a task, whatever the size of the program.

mod steps;

use rustc_hash::{FxHashMap, FxHashSet};

use self::steps::{
    Keepers, is_idle_service, is_outside, is_soon, is_users, next_task, overdue, telling_wait,
};
use super::blocked_workers::LATE;
use super::is_fault;
use crate::report::{
    Access, Finding, FindingKind, Lead, LeadReason, Leads, Report, Resource, ResourceId,
    ResourceKind, SiteId, Task, TaskIndex, TaskKind, TaskState, Wait, WaitId,
};

/// Leads that are worth a reader's time.
const MAX_LEADS: usize = 5;

/// Where to look first, beside these findings.
///
/// ```
/// use runtime_layouts::diagnosis::{findings, leads};
/// use runtime_layouts::fake::FakeReport;
/// use runtime_layouts::report::{LeadReason, ResourceKind};
///
/// let mut story = FakeReport::new();
/// let (first, second) = (story.task(), story.task());
/// let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
/// let answer = story.resource(ResourceKind::Oneshot, "oneshot<Answer>");
/// story.holds(first, lock);
/// story.waits(second, lock);
/// // Who could send the answer is not known: there is no fault to claim.
/// story.waits(first, answer);
/// let report = story.report();
/// assert_eq!(findings(&report), []);
/// let leads = leads(&report, &[]);
/// let [lead] = &*leads.first else { panic!("one lead") };
/// assert_eq!((lead.reason, &*lead.tasks, lead.behind), (LeadReason::ChainEnd, &[first.task][..], 1));
/// ```
#[must_use]
pub fn leads(report: &Report, findings: &[Finding]) -> Leads {
    let steps = Steps::of(report);
    let ends = steps.ends();
    let matter = steps.matter(&ends.of);
    let mut leads = steps.overview(&ends.of, &matter);
    let all = leads.inside + leads.outside.len() + leads.running;
    if all == 0 && findings.is_empty() {
        return leads;
    }
    let of = |findings: &mut dyn Iterator<Item = &Finding>| -> FxHashSet<TaskIndex> {
        findings.flat_map(|finding| finding.tasks(report)).collect()
    };
    let known = of(&mut findings.iter());
    // That a lock is kept during a wait does not tell that this wait is for who wants the lock.
    let in_faults = of(&mut findings.iter().filter(|finding| is_fault(finding)));
    let is_certain = findings.iter().any(|finding| finding.is_sure && is_fault(finding));
    // Of what a busy or blocked thread keeps from running a finding says all.
    let starves = findings.iter().any(|finding| finding.kind == FindingKind::BlockedWorker);
    let mut first = steps.leads(&ends, &matter);
    first.retain(|lead| {
        let said = if lead.reason == LeadReason::Circle { &in_faults } else { &known };
        let is_said = lead.tasks.iter().any(|task| said.contains(task));
        let is_woken = report.task(lead.tasks[0]).state == TaskState::Scheduled;
        let is_told = starves && (lead.reason == LeadReason::Overdue || is_woken);
        let is_needed = lead.reason <= LeadReason::OwnHolding || !is_certain;
        !is_said && !is_told && is_needed
    });
    first.truncate(MAX_LEADS);
    leads.first = first;
    leads
}

/// What each task waits for, and the task that this leads to.
struct Steps<'r> {
    report: &'r Report,
    /// Of each task the wait that tells most; `None` for one that goes on, or waits for nothing
    /// known.
    waits: Vec<Option<WaitId>>,
    /// Of each task the one that has what it waits for.
    next: Vec<Option<TaskIndex>>,
}

/// Where the chains of waits end.
struct Ends {
    /// Of each task the one at which its chain ends.
    of: Vec<Option<TaskIndex>>,
    /// The circles, each by its first task.
    circles: FxHashMap<TaskIndex, Vec<TaskIndex>>,
}

/// What makes leads one: why, and what is waited for where.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    reason: LeadReason,
    /// What several wait for; `None` for what each has of its own.
    shared: Option<ResourceId>,
    kind: Option<ResourceKind>,
    place: Option<SiteId>,
    /// A task that others wait for has a lead of its own.
    task: Option<TaskIndex>,
}

impl<'r> Steps<'r> {
    fn of(report: &'r Report) -> Self {
        let waits: Vec<Option<WaitId>> =
            report.tasks.iter().map(|task| telling_wait(report, task)).collect();
        let serves = |task: TaskIndex| {
            let waits = waits.get(task.0 as usize).copied().flatten();
            is_idle_service(report, report.task(task), waits.map(|id| report.wait(id)))
        };
        let keepers = report.resources.iter().map(|resource| Keepers::of(resource, &serves));
        let keepers: Vec<Keepers> = keepers.collect();
        let next = |id: WaitId| {
            let wait = report.wait(id);
            next_task(report, wait, &keepers[wait.resource.0 as usize])
        };
        let next = waits.iter().map(|id| next((*id)?)).collect();
        Self { report, waits, next }
    }

    fn wait(&self, task: TaskIndex) -> Option<&'r Wait> {
        self.waits.get(task.0 as usize).copied().flatten().map(|id| self.report.wait(id))
    }

    fn resource(&self, task: TaskIndex) -> Option<&'r Resource> {
        self.wait(task).map(|wait| self.report.resource(wait.resource))
    }

    /// Whether a task is a library's own and waits for work.
    fn serves(&self, task: &Task) -> bool {
        is_idle_service(self.report, task, self.wait(task.index))
    }

    /// The ends to which a task leads that does more than wait for work.
    fn matter(&self, ends: &[Option<TaskIndex>]) -> FxHashSet<TaskIndex> {
        let tasks = self.report.tasks.iter().filter(|task| !self.serves(task));
        tasks.filter_map(|task| ends[task.index.0 as usize]).collect()
    }

    /// Whether some of the code is known to be the user's: else any task may be one that serves.
    fn knows_users(&self) -> bool {
        self.report.waits.iter().any(|wait| wait.user.is_some())
    }

    /// How many tasks wait for what.
    fn overview(&self, ends: &[Option<TaskIndex>], matter: &FxHashSet<TaskIndex>) -> Leads {
        let mut leads = Leads::default();
        let mut outside: FxHashMap<ResourceKind, usize> = FxHashMap::default();
        let knows_users = self.knows_users();
        let matters = |task: TaskIndex| {
            !knows_users || ends[task.0 as usize].is_some_and(|end| matter.contains(&end))
        };
        for task in &self.report.tasks {
            let resource = self.resource(task.index);
            let kind = resource.map(|resource| resource.kind);
            let is_inside = resource.is_some_and(|resource| {
                resource.holders.iter().any(|holder| holder.access != Access::Peer)
            });
            match (task.state, kind) {
                (TaskState::Complete | TaskState::Cancelled, _) => {}
                (_, Some(kind))
                    if !is_inside && (is_outside(kind) || kind == ResourceKind::Never) =>
                {
                    *outside.entry(kind).or_default() += 1;
                }
                (_, Some(_)) if !matters(task.index) => leads.serving += 1,
                (_, Some(_)) | (TaskState::Idle | TaskState::Unknown, None) => leads.inside += 1,
                (TaskState::Scheduled | TaskState::Running, None) => leads.running += 1,
            }
        }
        leads.outside = outside.into_iter().collect();
        leads.outside.sort_unstable();
        leads
    }

    /// All leads, best first.
    fn leads(&self, Ends { of: ends, circles }: &Ends, matter: &FxHashSet<TaskIndex>) -> Vec<Lead> {
        let mut behind = vec![0_usize; ends.len()];
        for (task, end) in self.report.tasks.iter().zip(ends) {
            let Some(end) = end else { continue };
            // Who serves a connection is not kept waiting by who is silent on it.
            let kind = self.resource(task.index).map(|resource| resource.kind);
            if *end != task.index && !(kind == Some(ResourceKind::Io) && self.serves(task)) {
                behind[end.0 as usize] += 1;
            }
        }
        let with_handles = self.with_handles_alone(ends);
        for task in &with_handles {
            // That a program waits for its end while it has a handle tells nothing.
            let kind = self.resource(*task).map(|resource| resource.kind);
            if matches!(kind, Some(ResourceKind::Never | ResourceKind::Signal)) {
                behind[task.0 as usize] = 0;
            }
        }
        let wants_lock = |task: &&Task| {
            self.resource(task.index).is_some_and(|resource| resource.kind.is_lock())
        };
        let wanting = self.report.tasks.iter().filter(wants_lock);
        let keeping_locks: FxHashSet<TaskIndex> =
            wanting.filter_map(|task| self.next[task.index.0 as usize]).collect();
        let mut leads: Vec<Lead> = Vec::new();
        let mut known: FxHashMap<Key, usize> = FxHashMap::default();
        for (task, end) in self.report.tasks.iter().zip(ends) {
            let behind = behind[task.index.0 as usize];
            if *end != Some(task.index) {
                continue;
            }
            let circle = circles.get(&task.index);
            let keeps_lock = keeping_locks.contains(&task.index);
            let Some(reason) = self.reason(task, (behind, keeps_lock), circle) else { continue };
            let key = self.key(reason, task, behind);
            match known.get(&key) {
                Some(at) => leads[*at].tasks.push(task.index),
                None => {
                    known.insert(key, leads.len());
                    let tasks = circle.cloned().unwrap_or_else(|| vec![task.index]);
                    let outer = behind - (tasks.len() - 1).min(behind);
                    let wait = self.waits[task.index.0 as usize];
                    leads.push(Lead { reason, tasks, wait, behind: outer });
                }
            }
        }
        self.add_unaccepted(&mut leads);
        // Of a circle the first task is its end.
        let matters =
            |lead: &Lead| lead.reason == LeadReason::Unaccepted || matter.contains(&lead.tasks[0]);
        if self.knows_users() || leads.iter().any(matters) {
            leads.retain(matters);
        }
        leads.sort_by_key(|lead| {
            let many = lead.behind + lead.tasks.len();
            let is_told_last = lead.behind > 0 && with_handles.contains(&lead.tasks[0]);
            // Who keeps others waiting tells more than who waits alone.
            (lead.reason, is_told_last, lead.behind == 0, usize::MAX - many, lead.tasks[0])
        });
        leads
    }

    /// Adds the tasks that leave connections unaccepted, of which no lead tells yet. Who runs or is
    /// about to may accept the next one in a moment.
    fn add_unaccepted(&self, leads: &mut Vec<Lead>) {
        for of_task in self.report.unaccepted.chunk_by(|one, next| one.task == next.task) {
            let task = of_task[0].task;
            let waits = self.waits[task.0 as usize].is_some()
                || self.report.task(task).state == TaskState::Idle;
            if waits && leads.iter().all(|lead| !lead.tasks.contains(&task)) {
                let wait = self.waits[task.0 as usize];
                let reason = LeadReason::Unaccepted;
                leads.push(Lead { reason, tasks: vec![task], wait, behind: 0 });
            }
        }
    }

    /// The tasks of the user's behind which only a library's own wait: as they do behind who has a
    /// handle of it, as long as that has one. One that serves a request waits for the user's client.
    fn with_handles_alone(&self, ends: &[Option<TaskIndex>]) -> FxHashSet<TaskIndex> {
        if !self.knows_users() {
            return FxHashSet::default();
        }
        let is_of_user = |task: &&Task| self.report.waits_of(task.index).iter().any(is_users);
        let waits_for_other = |task: &&Task| {
            let end = ends[task.index.0 as usize];
            end.is_some_and(|end| end != task.index)
        };
        let matters =
            |task: &&Task| is_of_user(task) || self.report.served_by(task.index).is_some();
        let all = || self.report.tasks.iter();
        let awaited: FxHashSet<TaskIndex> = all()
            .filter(|task| waits_for_other(task) && matters(task))
            .filter_map(|task| ends[task.index.0 as usize])
            .collect();
        let others = all().filter(|task| is_of_user(task) && !awaited.contains(&task.index));
        others.map(|task| task.index).collect()
    }

    /// The task at which each one's chain ends, and the circles.
    fn ends(&self) -> Ends {
        let mut ends: Vec<Option<TaskIndex>> = vec![None; self.next.len()];
        let mut circles = FxHashMap::default();
        let mut path: Vec<TaskIndex> = Vec::new();
        // When a task was last on the path: its place there.
        let mut place: Vec<Option<usize>> = vec![None; self.next.len()];
        for task in &self.report.tasks {
            let mut at = task.index;
            let end = loop {
                let index = at.0 as usize;
                if let Some(known) = ends[index] {
                    break known;
                }
                if let Some(start) = place[index] {
                    let mut circle = path[start..].to_vec();
                    let first = (0..circle.len()).min_by_key(|at| circle[*at]).unwrap_or(0);
                    circle.rotate_left(first);
                    let first = circle[0];
                    circles.insert(first, circle);
                    break first;
                }
                place[index] = Some(path.len());
                path.push(at);
                match self.next[index] {
                    Some(next) => at = next,
                    None => break at,
                }
            };
            for passed in path.drain(..) {
                ends[passed.0 as usize] = Some(end);
                place[passed.0 as usize] = None;
            }
        }
        Ends { of: ends, circles }
    }

    /// Why the end of a chain is worth a look; `None` when it is not. So many tasks are behind it, and
    /// it may keep a lock that one of them wants.
    fn reason(
        &self,
        task: &Task,
        (behind, keeps_lock): (usize, bool),
        circle: Option<&Vec<TaskIndex>>,
    ) -> Option<LeadReason> {
        match circle.map(Vec::len) {
            Some(1) => return Some(LeadReason::OwnHolding),
            Some(_) => return Some(LeadReason::Circle),
            None => {}
        }
        if task.panic.is_some() {
            return Some(LeadReason::Panicked);
        }
        let is_awaited = (behind > 0).then_some(LeadReason::ChainEnd);
        let Some(resource) = self.resource(task.index) else {
            let is_over = matches!(task.state, TaskState::Complete | TaskState::Cancelled);
            let is_known = matches!(task.state, TaskState::Running | TaskState::Scheduled);
            let is_quiet = (is_over || is_known) && !self.starves(task);
            return if is_quiet { is_awaited } else { Some(LeadReason::ChainEnd) };
        };
        match resource.kind {
            _ if self.is_left_waiting(task, resource) => Some(LeadReason::BlockedChild),
            _ if self.wait(task.index).is_some_and(|wait| wait.blocks_thread) => {
                let polls = task.kind != TaskKind::Blocking;
                polls.then_some(LeadReason::BlockedThread).or(is_awaited)
            }
            kind if kind.is_lock() && resource.is_taken == Some(true) => {
                Some(LeadReason::HolderNotFound)
            }
            ResourceKind::Sleep if overdue(resource).is_some_and(|overdue| overdue >= LATE) => {
                Some(LeadReason::Overdue)
            }
            // It goes on by itself in a moment, and so do those who wait for it.
            ResourceKind::Sleep if !keeps_lock && is_soon(resource) => None,
            ResourceKind::Never => is_awaited,
            kind if is_outside(kind) => is_awaited,
            _ => Some(LeadReason::ChainEnd),
        }
    }

    /// Whether a task was woken and has not been polled for long: a timer of it was due then.
    fn starves(&self, task: &Task) -> bool {
        let mut waits = self.report.waits_of(task.index).iter().filter(|wait| wait.is_polled);
        task.state == TaskState::Scheduled
            && waits.any(|wait| {
                let timer = self.report.resource(wait.resource).timer;
                timer.and_then(|timer| timer.past()).is_some_and(|past| past >= LATE)
            })
    }

    /// Whether a child process that a task waits for waits for this process, and who has the file that
    /// it waits for does nothing about it, as far as is seen: neither waits for work nor for time.
    fn is_left_waiting(&self, task: &Task, resource: &Resource) -> bool {
        let Some(child) = &resource.child else { return false };
        match child.keeper.as_ref().map(|keeper| keeper.task) {
            None => true,
            Some(keeper) if keeper == task.index => {
                let waits = self.report.waits_of(task.index).iter();
                let mut others = waits.filter(|wait| wait.is_polled && !wait.is_limit);
                others.all(|wait| {
                    let other = self.report.resource(wait.resource);
                    let is_of_time =
                        [ResourceKind::Sleep, ResourceKind::Never].contains(&other.kind);
                    other.child.is_some() || is_of_time
                })
            }
            Some(keeper) => self
                .resource(keeper)
                .is_some_and(|other| other.child.is_some() || other.kind == ResourceKind::Never),
        }
    }

    /// What makes two ends one lead: the same thing, or the same sort of thing in the same place.
    fn key(&self, reason: LeadReason, task: &Task, behind: usize) -> Key {
        let wait = self.wait(task.index);
        let resource = wait.map(|wait| wait.resource);
        let shared = resource.filter(|id| self.report.resource(*id).queue.len() > 1);
        let place = wait.map(|wait| wait.user.unwrap_or(wait.leaf).site).or(task.root);
        Key {
            reason,
            shared,
            kind: resource.map(|id| self.report.resource(id).kind),
            place: place.filter(|_| shared.is_none()),
            task: (behind > 0 && shared.is_none()).then_some(task.index),
        }
    }
}
