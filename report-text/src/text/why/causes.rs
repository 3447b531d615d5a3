//! Why a wait does not end: what each cause says, as the reason of one task and as evidence.

use super::super::Look;
use super::super::waiting::{end_text, in_variable, is_lock, of_block_on, thing};
use super::parts::{local_set, party, stands};
use super::shutdown;
use runtime_layouts::report::{
    Cause, Finding, FindingKind, FrameRef, Holder, Link, Report, ResourceKind, TaskIndex, WaitId,
};

/// The task that a link leads to, where it leads to one.
pub(super) fn keeper(report: &Report, link: &Link) -> Option<TaskIndex> {
    match link.cause {
        Cause::Held(_) | Cause::HeldUnpolled(_) => {
            link.resource(report).2.and_then(|holder| holder.task)
        }
        Cause::HeldByWaiter => Some(report.wait(link.wait).task),
        Cause::NotEnded(task) | Cause::Busy(task) => Some(task),
        Cause::Unpolled(wait) => Some(report.wait(wait).task),
        Cause::SetNotPolled(task) => report.set_of(task)?.kept.as_ref()?.task,
        Cause::NoThread(_) | Cause::NotDriven(_) | Cause::Never => None,
    }
}

/// Why a wait does not end, as the end of a sentence.
pub(super) fn because(report: &Report, link: &Link, look: &Look) -> String {
    let (_, resource, holder) = link.resource(report);
    match (link.cause, holder) {
        (Cause::Held(_) | Cause::HeldUnpolled(_), Some(holder)) => format!(
            "{}{} by {}{}{}{}",
            if holder.may_be_moved { "perhaps " } else { "" },
            match end_text(holder.access) {
                Some(end) => format!("whose {end} is held"),
                None => "held".to_string(),
            },
            report.holder_name(holder),
            in_variable(holder),
            stands(report, holder.frame, look),
            match link.cause {
                Cause::HeldUnpolled(_) => ", which no thread is left to poll",
                _ => "",
            }
        ),
        (Cause::HeldByWaiter, _) => {
            "held by one of those who wait for it: no other thread runs code".to_string()
        }
        (Cause::Unpolled(wait), _) => format!(
            "{} a future that task {} holds but does not poll",
            if report.wait(wait).is_granted { "granted to" } else { "queued behind" },
            report.task(report.wait(wait).task).id.0
        ),
        (Cause::NotEnded(task), _) => format!("task {} has not ended", report.task(task).id.0),
        (Cause::SetNotPolled(task), _) => format!(
            "which is on {}, and nobody polls that",
            report.set_of(task).map_or("a set".to_string(), |set| local_set(
                report,
                set,
                look.full_names
            ))
        ),
        (Cause::NoThread(task), _) => no_thread(report, task),
        (Cause::NotDriven(runtime), _) => {
            format!("no thread of runtime {runtime} waits for timers and sockets")
        }
        (Cause::Busy(task), _) => {
            format!("task {} occupies the worker that would fire it", report.task(task).id.0)
        }
        (Cause::Held(_) | Cause::HeldUnpolled(_), None) | (Cause::Never, _) => {
            match resource.kind {
                ResourceKind::Never => "which never completes".to_string(),
                kind if is_lock(kind) && resource.is_taken == Some(true) => {
                    "whose holder was not found".to_string()
                }
                _ => "which comes from outside the tasks, or from an unknown source".to_string(),
            }
        }
    }
}

/// `closure 6 queues for a thread of runtime 0, and all 2 that there may be are taken`.
fn no_thread(report: &Report, task: TaskIndex) -> String {
    let runtime = report.task(task).runtime.and_then(|at| report.runtimes.get(at));
    let pool = runtime.and_then(|runtime| runtime.blocking);
    format!(
        "{} queues for a thread of the blocking pool of runtime {}, which is full ({} of {})",
        party(report, task),
        runtime.map(|runtime| runtime.id).unwrap_or_default(),
        pool.map(|pool| pool.threads).unwrap_or_default(),
        pool.and_then(|pool| pool.limit).unwrap_or_default()
    )
}

/// The links of a finding, a few lines each.
pub(super) fn evidence(report: &Report, finding: &Finding, look: &Look) -> Vec<String> {
    if finding.kind == FindingKind::Shutdown {
        return shutdown::evidence(report, finding, look);
    }
    let is_granted = |link: &Link| match link.cause {
        Cause::Unpolled(wait) => report.wait(wait).is_granted,
        _ => false,
    };
    // The longest of the words before `by` and `to`.
    let verbs = if finding.links.iter().any(is_granted) { "granted" } else { "wanted" }.len();
    let evidence = Evidence { report, look, verbs };
    let last = finding.links.last();
    let mut lines: Vec<String> = Vec::new();
    for (index, link) in finding.links.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| finding.links[index]);
        let is_same = |before: Link| {
            before.cause == Cause::HeldByWaiter
                && report.wait(before.wait).resource == report.wait(link.wait).resource
        };
        // One lock is named once.
        let skipped = usize::from(before.is_some_and(is_same));
        lines.extend(evidence.of(link, Some(link) == last).into_iter().skip(skipped));
    }
    lines
}

/// How the evidence of one finding is written.
struct Evidence<'r> {
    report: &'r Report,
    look: &'r Look,
    /// Columns of the verb.
    verbs: usize,
}

impl Evidence<'_> {
    fn of(&self, link: &Link, is_last: bool) -> Vec<String> {
        let (_, resource, holder) = link.resource(self.report);
        match link.cause {
            Cause::Never | Cause::NotDriven(_) => vec![self.never(link)],
            Cause::NoThread(task) => vec![no_thread(self.report, task), self.wanted(link)],
            Cause::SetNotPolled(task) => vec![self.local(task), self.wanted(link)],
            Cause::Busy(task) => self.busy(link, task, is_last),
            Cause::HeldByWaiter => {
                let resource = format!("{} {:#x}", resource.name, resource.address);
                vec![resource, self.wanted(link)]
            }
            Cause::Held(_) | Cause::HeldUnpolled(_) => {
                let mut lines = vec![format!("{} {:#x}", resource.name, resource.address)];
                lines.extend(holder.map(|holder| self.held(holder)));
                lines.push(self.wanted(link));
                lines
            }
            Cause::Unpolled(unpolled) => {
                let mut lines = vec![format!("{} {:#x}", resource.name, resource.address)];
                lines.extend(self.given(unpolled));
                lines.push(self.wanted(link));
                lines
            }
            Cause::NotEnded(task) if resource.kind == ResourceKind::Blocking => {
                self.polls(link, task)
            }
            Cause::NotEnded(task) => {
                let end = format!("the end of task {}", self.report.task(task).id.0);
                vec![end, self.wanted(link)]
            }
        }
    }

    /// `wanted by task 4, reserve, stock.rs:38`.
    fn wanted(&self, link: &Link) -> String {
        let task = self.task(link);
        format!("{:<width$} by task {task}{}", "wanted", self.asks(link), width = self.verbs)
    }

    fn held(&self, holder: &Holder) -> String {
        let verb = match end_text(holder.access) {
            Some(end) => format!("{end} held"),
            None => format!("{:<width$}", "held", width = self.verbs),
        };
        format!(
            "{verb} by {}{}{}{}",
            self.report.holder_name(holder),
            in_variable(holder),
            stands(self.report, holder.frame, self.look),
            match (holder.may_be_moved, &holder.variable, holder.thread) {
                (false, ..) => "",
                (true, None, Some(_)) => " (as far as its stack shows: the guard has no variable)",
                (true, ..) => " (unless it was moved)",
            }
        )
    }

    /// A task of a set that nobody polls.
    fn local(&self, task: TaskIndex) -> String {
        let frame = self.report.task(task).chain.frames.first().map(FrameRef::of);
        let at = frame.map(|frame| stands(self.report, frame, self.look)).unwrap_or_default();
        format!("{}{at}", party(self.report, task))
    }

    /// The future that nothing polls, and who keeps it.
    fn given(&self, unpolled: WaitId) -> Vec<String> {
        let unpolled = self.report.wait(unpolled);
        let verb = if unpolled.is_granted { "granted" } else { "next" };
        let to = stands(self.report, unpolled.user.unwrap_or(unpolled.leaf), self.look);
        let of = &self.report.task(unpolled.task).id.0;
        let width = self.verbs;
        let mut lines = vec![format!("{verb:<width$} to task {of}{to} (not polled)")];
        if let Some(keeper) = unpolled.holding_frame {
            let keeper = stands(self.report, keeper, self.look);
            lines.push(format!("future held by task {of}{keeper}"));
        }
        lines
    }

    /// The call that blocks, and what the future that it polls waits for.
    fn polls(&self, link: &Link, future: TaskIndex) -> Vec<String> {
        let (_, resource, _) = link.resource(self.report);
        let (task, asks) = (self.task(link), self.asks(link));
        let mut lines = vec![format!("task {task} is in {}{asks}", resource.name)];
        let waits = self.report.waits_of(future).iter().filter(|wait| wait.is_polled);
        lines.extend(waits.map(|wait| {
            let future = of_block_on(self.report, future);
            let at = stands(self.report, wait.user.unwrap_or(wait.leaf), self.look);
            let what = thing(self.report, wait);
            match wait.is_granted {
                true => format!(
                    "{future} waited for {what}, which has come{at}; nothing has woken the thread"
                ),
                false => format!("{future} waits for {what}{at}"),
            }
        }));
        lines
    }

    fn never(&self, link: &Link) -> String {
        let (_, resource, _) = link.resource(self.report);
        let (task, asks) = (self.task(link), self.asks(link));
        let what = thing(self.report, self.report.wait(link.wait));
        match resource.kind {
            ResourceKind::Blocking => format!("task {task} is in {}{asks}", resource.name),
            ResourceKind::Never => {
                format!("task {task} waits for {what}, which never completes{asks}")
            }
            _ => format!("task {task} waits for {what}{asks}"),
        }
    }

    fn busy(&self, link: &Link, busy: TaskIndex, is_last: bool) -> Vec<String> {
        let busy = self.report.task(busy);
        let runs = busy.chain.frames.iter().rev().map(FrameRef::of);
        let mut users = runs.filter(|frame| self.report.site(frame.site).user);
        let at = users.next().map(|frame| stands(self.report, frame, self.look));
        let at = at.unwrap_or_default();
        let mut lines = vec![format!("task {} runs {}", busy.id.0, at.trim_start_matches(", "))];
        // One timer shows it for all of them.
        if is_last {
            let what = thing(self.report, self.report.wait(link.wait));
            lines.push(format!("task {} waits for {what}{}", self.task(link), self.asks(link)));
        }
        lines
    }

    fn task(&self, link: &Link) -> &str {
        &self.report.task(self.report.wait(link.wait).task).id.0
    }

    /// Where the task of a link waits.
    fn asks(&self, link: &Link) -> String {
        let wait = self.report.wait(link.wait);
        stands(self.report, wait.user.unwrap_or(wait.leaf), self.look)
    }
}
