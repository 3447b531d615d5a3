//! Why a wait does not end: what each cause says, as the reason of one task and as evidence.

use super::super::Look;
use super::super::holders::{end_text, holders_text, in_collection, in_variable};
use super::super::kinds::{is_lock, with_address};
use super::super::unflushed;
use super::super::waiting::{of_block_on, of_child, thing, waker_text};
use super::facts::{Fact, joined};
use super::futurelock::variable;
use super::parts::{
    joined_thread, local_set, party, proof_of_no_waker, runs, standing, stands, writer_before,
};
use super::shutdown;
use runtime_layouts::report::{
    Access, Cause, Chain, Finding, FindingKind, FrameRef, Holder, Link, Polled, Report, Resource,
    ResourceKind, TaskIndex, Wait, WaitId,
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
        Cause::NoThread(_) | Cause::NotDriven(_) | Cause::Never | Cause::NoWaker => None,
    }
}

/// Why a wait does not end, as the end of a sentence.
pub(super) fn because(report: &Report, link: &Link, look: &Look) -> String {
    let (_, resource, holder) = link.resource(report);
    match (link.cause, holder) {
        (Cause::Held(_), Some(holder)) if report.is_to_accept(holder) => format!(
            "whose other end waits for {} to accept it{}{}",
            report.holder_name(holder),
            in_variable(holder),
            stands(report, holder.frame, look)
        ),
        (Cause::Held(_) | Cause::HeldUnpolled(_), Some(holder)) => format!(
            "{}{} by {}{}{}{}{}{}",
            if holder.may_be_moved { "perhaps " } else { "" },
            match end_text(holder.access) {
                Some(end) => format!("whose {end} is held"),
                None => "held".to_string(),
            },
            report.holder_name(holder),
            in_variable(holder),
            in_collection(holder),
            stands(report, holder.frame, look),
            match link.cause {
                Cause::HeldUnpolled(_) => ", which no thread is left to poll",
                _ if holder.holding_frame.is_some() => ", in a future that nothing polls",
                _ => "",
            },
            match writer_before(report, link) {
                Some(writer) => format!(
                    ", to read; task {}, which waits to write, comes first",
                    report.task(writer).id.0
                ),
                None => String::new(),
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
        (Cause::NoWaker, _) => {
            let task = report.task(report.wait(link.wait).task);
            format!("but {}: nothing can wake it", proof_of_no_waker(report, task))
        }
        (Cause::Held(_) | Cause::HeldUnpolled(_), None) | (Cause::Never, _) => {
            if let Some(child) = of_child(report, resource) {
                return format!("but {child}");
            }
            match resource.kind {
                ResourceKind::Never => "which never completes".to_string(),
                ResourceKind::Other => unknown(report.wait(link.wait), report),
                kind if is_lock(kind) && resource.is_taken == Some(true) => {
                    "whose holder was not found".to_string()
                }
                _ => from_outside(report, link),
            }
        }
    }
}

/// Where something comes from of which not all were found who could bring it: `which comes from who has
/// the other end (perhaps senders in tasks 3, 4), or from an unknown source`.
fn from_outside(report: &Report, link: &Link) -> String {
    let (_, resource, _) = link.resource(report);
    let asking = report.wait(link.wait).task;
    let has_end = |holder: &Holder| end_text(holder.access).is_some();
    let found = resource.holders.first().filter(|first| has_end(first));
    match found.and_then(|_| holders_text(report, asking, resource, true)) {
        Some(found) => {
            format!(
                "which comes from whoever has the other end ({found}), or from an unknown source"
            )
        }
        None => "which comes from outside the tasks, or from an unknown source".to_string(),
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

/// The innermost frame of the user's own code in a chain.
fn users_frame(report: &Report, chain: &Chain) -> Option<FrameRef> {
    let inner = chain.branches.iter().filter(|branch| branch.polled != Polled::Ended);
    inner.filter_map(|branch| users_frame(report, branch)).next().or_else(|| {
        let users = chain.frames.iter().rfind(|frame| report.site(frame.site).user);
        users.map(FrameRef::of)
    })
}

/// What is said of a future of which it is not known what it waits for: how many could tell.
fn unknown(wait: &Wait, report: &Report) -> String {
    let what = "of which unhang does not know what it waits for";
    if wait.keeps_waker() {
        return format!("{what}, but it keeps a waker of the task");
    }
    if let Some(place) = wait.waker {
        return format!("{what}; {}", waker_text(report, place));
    }
    let (handle, handles) = match report.has_abort_handles {
        true => (", or handle that can abort it,", ", or handles that can abort it,"),
        false => ("", ""),
    };
    match report.task(wait.task).wakers.at_most {
        Some(1) => format!("{what}: one waker of the task{handle} exists"),
        Some(count) => format!("{what}: {count} wakers of the task{handles} exist"),
        None => what.to_string(),
    }
}

/// The links of a finding, a few lines each. What is true of one place stands in one line.
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
    let links = match finding.links.as_slice() {
        // All the others stand at the same place.
        [first, ..] if first.cause == Cause::NoWaker => std::slice::from_ref(first),
        all => all,
    };
    let last = links.last();
    let facts = links.iter().flat_map(|link| evidence.of(link, Some(link) == last));
    let unflushed =
        links.iter().filter_map(|link| unflushed::before(report, report.wait(link.wait)));
    joined(facts.collect()).into_iter().chain(unflushed).collect()
}

/// ` (3 of 4 arrived)`: the numbers of what is waited for, where it is they that tell why it does not
/// come.
fn numbers(resource: &Resource) -> String {
    let is_handle = |holder: &Holder| holder.access == Access::Handle;
    let state = resource.state.as_ref().filter(|_| resource.holders.iter().any(is_handle));
    state.map(|state| format!(" ({state})")).unwrap_or_default()
}

/// Holders that are told of what a thread waits for, at most.
const MAX_HOLDERS: usize = 4;

/// How the evidence of one finding is written.
struct Evidence<'r> {
    report: &'r Report,
    look: &'r Look,
    /// Columns of the verb.
    verbs: usize,
}

impl Evidence<'_> {
    fn of(&self, link: &Link, is_last: bool) -> Vec<Fact> {
        let (_, resource, holder) = link.resource(self.report);
        let kept = || Fact::thing(format!("{}{}", with_address(resource), numbers(resource)));
        match link.cause {
            Cause::Never | Cause::NotDriven(_) => {
                let mut facts = vec![self.never(link)];
                let wait = self.report.wait(link.wait);
                if wait.blocks_thread && resource.kind != ResourceKind::ThreadLock {
                    let holders = resource.holders.iter().take(MAX_HOLDERS);
                    let ends = holders.filter(|holder| !holder.is_static);
                    facts.extend(ends.flat_map(|holder| self.held(resource, holder)));
                    facts.extend(joined_thread(self.report, resource).map(Fact::thing));
                    facts.extend(self.left_unpolled(wait.task));
                }
                facts
            }
            Cause::NoThread(task) => {
                vec![Fact::thing(no_thread(self.report, task)), self.wanted(link)]
            }
            Cause::SetNotPolled(task) => vec![self.local(task), self.wanted(link)],
            Cause::NoWaker => {
                let task = self.report.wait(link.wait).task;
                vec![Fact::of(format!("task {} is idle", self.id(task)), task, self.asks(link))]
            }
            Cause::Busy(task) => self.busy(link, task, is_last),
            Cause::HeldByWaiter => vec![kept(), self.wanted(link)],
            Cause::Held(_) | Cause::HeldUnpolled(_) => {
                let mut facts = vec![kept()];
                facts.extend(holder.into_iter().flat_map(|holder| self.held(resource, holder)));
                facts.push(self.wanted(link));
                facts
            }
            Cause::Unpolled(unpolled) => {
                let mut facts = vec![kept()];
                facts.extend(self.given(unpolled));
                facts.push(self.wanted(link));
                facts
            }
            Cause::NotEnded(task) if resource.kind == ResourceKind::Blocking => {
                self.polls(link, task)
            }
            Cause::NotEnded(task) => {
                let end = format!("the end of task {}", self.id(task));
                vec![Fact::thing(end), self.wanted(link)]
            }
        }
    }

    /// `wanted by task 4, reserve, stock.rs:38`.
    fn wanted(&self, link: &Link) -> Fact {
        let task = self.report.wait(link.wait).task;
        let behind = match writer_before(self.report, link) {
            Some(writer) => {
                format!(" to read, behind task {}, which waits to write", self.id(writer))
            }
            None => String::new(),
        };
        let width = self.verbs;
        Fact {
            text: format!("{:<width$} by task {}{behind}", "wanted", self.id(task)),
            behind: Some(format!(", and wanted by it{behind}")),
            is_of_thing: true,
            task: Some(task),
            place: self.asks(link),
        }
    }

    fn held(&self, resource: &Resource, holder: &Holder) -> Vec<Fact> {
        if let Some(fact) = self.initialized(resource, holder) {
            return vec![fact];
        }
        let verb = match end_text(holder.access) {
            Some(_) if holder.access == Access::Place => "place reserved".to_string(),
            Some(end) => format!("{end} held"),
            None => format!("{:<width$}", "held", width = self.verbs),
        };
        let doubt = match (holder.may_be_moved, &holder.variable, holder.thread) {
            (false, ..) => "",
            (true, None, Some(_)) => " (as far as its stack shows: the guard has no variable)",
            (true, ..) => " (unless it was moved)",
        };
        let name = self.report.holder_name(holder);
        let keeper = holder.task.zip(holder.holding_frame);
        let unpolled = if keeper.is_some() { " in a future that nothing polls" } else { "" };
        let held = Fact {
            text: format!(
                "{verb} by {name}{}{}{unpolled}{doubt}",
                in_variable(holder),
                in_collection(holder)
            ),
            behind: None,
            is_of_thing: true,
            task: holder.task,
            place: self.place(holder.frame),
        };
        let kept = keeper.map(|(task, keeper)| self.future_kept(task, holder.frame, keeper));
        std::iter::once(held).chain(kept).collect()
    }

    /// Who initializes a cell, where that is what holds it: what it does tells more than the
    /// library's own permit for that.
    fn initialized(&self, resource: &Resource, holder: &Holder) -> Option<Fact> {
        if holder.access == Access::Initializer {
            return Some(Fact {
                text: format!("being initialized by {}", self.report.holder_name(holder)),
                behind: None,
                is_of_thing: true,
                task: holder.task,
                place: self.place(holder.frame),
            });
        }
        let task = holder.task.filter(|_| resource.kind == ResourceKind::OnceCell)?;
        let chain = &self.report.task(task).chain;
        let initializer = chain.awaited_by(holder.frame).filter(|_| holder.holding_frame.is_none());
        Some(Fact {
            text: format!("being initialized by task {}", self.id(task)),
            behind: None,
            is_of_thing: true,
            task: Some(task),
            place: self.place(FrameRef::of(initializer?)),
        })
    }

    /// A task of a set that nobody polls.
    fn local(&self, task: TaskIndex) -> Fact {
        let frame = self.report.task(task).chain.frames.first().map(FrameRef::of);
        let place = frame.map(|frame| self.place(frame)).unwrap_or_default();
        Fact::of(party(self.report, task), task, place)
    }

    /// The future that nothing polls, and who keeps it.
    fn given(&self, unpolled: WaitId) -> Vec<Fact> {
        let unpolled = self.report.wait(unpolled);
        let of = unpolled.task;
        let verb = if unpolled.is_granted { "granted" } else { "next" };
        let width = self.verbs;
        let given = Fact {
            text: format!("{verb:<width$} to a future of task {} that nothing polls", self.id(of)),
            behind: None,
            is_of_thing: true,
            task: Some(of),
            place: self.place(unpolled.user.unwrap_or(unpolled.leaf)),
        };
        let keeper = unpolled.holding_frame;
        let kept = keeper.map(|keeper| self.future_kept(of, unpolled.leaf, keeper));
        std::iter::once(given).chain(kept).collect()
    }

    /// `the future is kept by task 4 in `first`, do_stuff, futures.rs:28`: who keeps the future
    /// around a frame and does not poll it.
    fn future_kept(&self, task: TaskIndex, frame: FrameRef, keeper: FrameRef) -> Fact {
        let variable = variable(self.report, task, frame);
        let variable = variable.map(|name| format!(" in `{name}`")).unwrap_or_default();
        let may_be_moved = self.report.task(task).chain.may_be_moved_around(frame);
        let doubt = if may_be_moved { " (unless it was moved)" } else { "" };
        Fact {
            text: format!("the future is kept by task {}{variable}{doubt}", self.id(task)),
            behind: Some(format!(", kept there{variable}{doubt}")),
            is_of_thing: true,
            task: Some(task),
            place: self.place(keeper),
        }
    }

    /// The call that blocks, and what the future that it polls waits for.
    fn polls(&self, link: &Link, future: TaskIndex) -> Vec<Fact> {
        let (_, resource, _) = link.resource(self.report);
        let task = self.report.wait(link.wait).task;
        let call = format!("task {} is in {}", self.id(task), resource.name);
        let mut facts = vec![Fact::of(call, task, self.asks(link))];
        let waits = self.report.waits_of(future).iter().filter(|wait| wait.is_polled);
        facts.extend(waits.map(|wait| {
            let name = of_block_on(self.report, future);
            let what = thing(self.report, wait);
            let text = match wait.is_granted {
                true => format!(
                    "{name} waited for {what}, which has come, and nothing has woken the thread"
                ),
                false => format!("{name} waits for {what}"),
            };
            Fact::of(text, future, self.place(wait.user.unwrap_or(wait.leaf)))
        }));
        facts
    }

    /// The other branches of a task whose thread is blocked: one of them may have what the thread
    /// waits for.
    fn left_unpolled(&self, task: TaskIndex) -> Vec<Fact> {
        let beside = self.report.task(task).siblings_of_stack.as_deref();
        let beside = beside.filter(|beside| !beside.is_ambiguous);
        let branches = beside.into_iter().flat_map(|beside| &beside.chain.branches);
        let places = branches
            .filter(|branch| branch.polled != Polled::Ended)
            .filter_map(|branch| users_frame(self.report, branch));
        let text = || format!("meanwhile nothing polls another branch of task {}", self.id(task));
        places.map(|frame| Fact::of(text(), task, self.place(frame))).collect()
    }

    fn never(&self, link: &Link) -> Fact {
        let (_, resource, _) = link.resource(self.report);
        let task = self.report.wait(link.wait).task;
        let what = thing(self.report, self.report.wait(link.wait));
        let does = match resource.kind {
            ResourceKind::Blocking => format!("is in {}", resource.name),
            _ if self.report.wait(link.wait).blocks_thread => {
                format!("blocks its thread for {what}")
            }
            ResourceKind::Never => format!("waits for {what}, which never completes"),
            ResourceKind::Other => format!("waits in {what}"),
            _ => format!("waits for {what}"),
        };
        Fact {
            text: format!("task {} {does}", self.id(task)),
            behind: Some(format!(", which {does}")),
            is_of_thing: false,
            task: Some(task),
            place: self.asks(link),
        }
    }

    fn busy(&self, link: &Link, busy: TaskIndex, is_last: bool) -> Vec<Fact> {
        let at = runs(self.report, self.report.task(busy), self.look);
        let at = at.trim_start_matches(", ");
        let mut facts = vec![Fact::thing(format!("task {} runs {at}", self.id(busy)))];
        // One timer shows it for all of them.
        if is_last {
            facts.push(Fact { behind: None, ..self.never(link) });
        }
        facts
    }

    fn id(&self, task: TaskIndex) -> &str {
        &self.report.task(task).id.0
    }

    /// Where the task of a link waits.
    fn asks(&self, link: &Link) -> String {
        let wait = self.report.wait(link.wait);
        self.place(wait.user.unwrap_or(wait.leaf))
    }

    fn place(&self, frame: FrameRef) -> String {
        standing(self.report, frame, self.look)
    }
}
