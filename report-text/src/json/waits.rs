//! What tasks wait for, and why, in JSON.

use std::collections::HashMap;

use serde::Serialize;

use super::compact_form::Form;
use super::{PlaceJson, ThreadJson, hexadecimal, resource_word};
use crate::text::frames::{Line, lines};
use crate::text::waiting::{number_of, short, told};
use crate::text::why;
use runtime_layouts::diagnosis::is_fault;
use runtime_layouts::report::{
    Access, BlockedChild, Clock, Due, Finding, FindingKind, FrameRef, Holder, Lead, Leads, Report,
    Resource, ResourceKind, TaskIndex, Timer, Wait, WakerPlace,
};

/// So many tasks or holders stand with each wait, since a hundred thousand tasks may wait for the
/// same; how many there are stands beside them.
const MAX_LISTED: usize = 64;

/// The numbers of the frames in which something is held, as texts show them.
pub(super) struct HolderFrames {
    numbers: HashMap<(TaskIndex, FrameRef), usize>,
}

impl HolderFrames {
    pub(super) fn of(report: &Report) -> Self {
        let mut wanted: Vec<(TaskIndex, FrameRef)> = Vec::new();
        for resource in &report.resources {
            let holders = resource.holders.iter();
            wanted.extend(holders.filter_map(|holder| Some((holder.task?, holder.frame))));
        }
        wanted.sort_unstable_by_key(|(task, _)| *task);
        let mut numbers = HashMap::new();
        for frames in wanted.chunk_by(|(task, _), (other, _)| task == other) {
            let lines = lines(report.task(frames[0].0));
            for (task, frame) in frames {
                if let Some(number) = number_of(*frame, &lines) {
                    numbers.insert((*task, *frame), number);
                }
            }
        }
        Self { numbers }
    }
}

#[derive(Serialize)]
pub(super) struct WaitJson<'r> {
    #[serde(flatten)]
    of: ResourceOf<'r>,
    address: String,
    text: String,
    told: bool,
    frame: Option<usize>,
    access: Option<&'static str>,
    permits: Option<u64>,
    polled: bool,
    limit: bool,
    blocks_thread: bool,
    granted: bool,
    keeps_waker: bool,
    waker: Option<WakerJson<'r>>,
    note: Option<&'r str>,
}

/// What is waited for, or its number among those of the report.
#[derive(Serialize)]
#[serde(untagged)]
enum ResourceOf<'r> {
    Whole(Box<ResourceJson<'r>>),
    Number { of: u32 },
}

/// What is the same of all who wait for it.
#[derive(Serialize)]
pub(super) struct ResourceJson<'r> {
    resource: &'static str,
    pool: bool,
    name: &'r str,
    state: Option<String>,
    timer: Option<TimerJson>,
    parties: Option<u64>,
    task: Option<&'r str>,
    tasks: Vec<&'r str>,
    tasks_count: usize,
    held_by: Vec<HolderJson<'r>>,
    held_by_count: usize,
    queue: Vec<&'r str>,
    queue_count: usize,
    /// The number of the thread whose end it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_in: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<ChildJson<'r>>,
}

/// A child process that waits for the process that waits for it.
#[derive(Serialize)]
struct ChildJson<'r> {
    pid: u64,
    name: &'r str,
    reads: bool,
    fd: u64,
    task: Option<&'r str>,
    variable: Option<&'r str>,
}

impl<'r> ChildJson<'r> {
    fn new(report: &'r Report, child: &'r BlockedChild) -> Self {
        let keeper = child.keeper.as_ref();
        Self {
            pid: child.pid,
            name: &child.name,
            reads: child.reads,
            fd: child.fd,
            task: keeper.map(|keeper| report.task(keeper.task).id.0.as_str()),
            variable: keeper.and_then(|keeper| keeper.variable.as_deref()),
        }
    }
}

impl<'r> ResourceJson<'r> {
    pub(super) fn new(report: &'r Report, frames: &HolderFrames, resource: &'r Resource) -> Self {
        let id = |task: TaskIndex| report.task(task).id.0.as_str();
        Self {
            resource: resource_word(resource.kind),
            pool: resource.kind == ResourceKind::Pool,
            name: &resource.name,
            state: resource.state_text(),
            timer: resource.timer.map(TimerJson::new),
            parties: resource.parties,
            task: match resource.tasks.as_slice() {
                [one] => Some(id(*one)),
                _ => None,
            },
            tasks: resource.tasks.iter().take(MAX_LISTED).map(|task| id(*task)).collect(),
            tasks_count: resource.tasks.len(),
            held_by: resource
                .holders
                .iter()
                .take(MAX_LISTED)
                .map(|holder| HolderJson::new(report, frames, holder))
                .collect(),
            held_by_count: resource.holders.len(),
            queue: resource
                .queue
                .iter()
                .take(MAX_LISTED)
                .map(|wait| id(report.wait(*wait).task))
                .collect(),
            queue_count: resource.queue.len(),
            thread: resource.thread.map(|thread| thread.number),
            declared_in: resource.declared_in,
            child: resource.child.as_deref().map(|child| ChildJson::new(report, child)),
        }
    }
}

/// Where a waker of the task is that waits.
#[derive(Serialize)]
struct WakerJson<'r> {
    place: &'static str,
    address: Option<String>,
    task: Option<&'r str>,
    thread: Option<ThreadJson>,
}

impl<'r> WakerJson<'r> {
    fn new(report: &'r Report, place: WakerPlace) -> Self {
        let (word, address, task, thread) = match place {
            WakerPlace::Leaf => ("leaf", None, None, None),
            WakerPlace::Resource(id) => ("resource", Some(report.resource(id).address), None, None),
            WakerPlace::Frame(task, frame) => ("frame", Some(frame.address), Some(task), None),
            WakerPlace::Stack(thread) => ("stack", None, None, Some(thread)),
            WakerPlace::Static(address) => ("static", Some(address), None, None),
            WakerPlace::Heap(address) => ("heap", Some(address), None, None),
        };
        Self {
            place: word,
            address: address.map(hexadecimal),
            task: task.map(|task| report.task(task).id.0.as_str()),
            thread: thread.map(ThreadJson::of),
        }
    }
}

/// A timer, in whole milliseconds, rounded down.
#[derive(Serialize)]
struct TimerJson {
    state: &'static str,
    due_in_ms: Option<u128>,
    overdue_ms: Option<u128>,
    clock: &'static str,
}

impl TimerJson {
    fn new(timer: Timer) -> Self {
        Self {
            state: match (timer.has_fired, timer.due) {
                (Some(true), _) => "fired",
                (_, Due::In(_)) => "due_later",
                (_, Due::Now) => "due_now",
                (_, Due::Ago(_)) => "overdue",
                (_, Due::Unknown) => "unknown",
            },
            due_in_ms: match timer.due {
                Due::In(left) => Some(left.as_millis()),
                Due::Now | Due::Ago(_) | Due::Unknown => None,
            },
            overdue_ms: match timer.due {
                Due::Ago(overdue) => Some(overdue.as_millis()),
                Due::In(_) | Due::Now | Due::Unknown => None,
            },
            clock: match timer.clock {
                Clock::Stop => "stop",
                Clock::Inspection => "inspection",
                Clock::Paused => "paused",
            },
        }
    }
}

#[derive(Serialize)]
struct HolderJson<'r> {
    r#static: bool,
    task: Option<&'r str>,
    thread: Option<ThreadJson>,
    frame: Option<usize>,
    file: Option<&'r str>,
    line: Option<u32>,
    variable: Option<&'r str>,
    access: &'static str,
    guard: &'r str,
    within: Option<WithinJson<'r>>,
    certain: bool,
}

/// What the guard is in, among others.
#[derive(Serialize)]
struct WithinJson<'r> {
    name: &'r str,
    messages: bool,
}

/// What the waits of one task are made from.
pub(super) struct Waits<'r, 'l> {
    pub(super) report: &'r Report,
    pub(super) frames: &'l HolderFrames,
    /// The lines of its backtrace.
    pub(super) lines: &'l [Line<'r>],
    pub(super) form: Form,
}

impl<'r> Waits<'r, '_> {
    /// What the task waits for.
    pub(super) fn of(&self, task: TaskIndex) -> Vec<WaitJson<'r>> {
        // In the same order.
        let mut told = told(self.report, task).peekable();
        let waits = self.report.waits_of(task).iter();
        let json = waits.map(|wait| {
            let is_told = told.next_if(|next| std::ptr::eq(*next, wait)).is_some();
            self.wait(wait, is_told)
        });
        json.collect()
    }

    fn wait(&self, wait: &'r Wait, told: bool) -> WaitJson<'r> {
        let Self { report, frames, lines, form } = *self;
        let resource = report.resource(wait.resource);
        WaitJson {
            of: match form {
                Form::Full => {
                    let resource = ResourceJson::new(report, frames, resource);
                    ResourceOf::Whole(Box::new(resource))
                }
                Form::Compact => ResourceOf::Number { of: wait.resource.0 },
            },
            address: hexadecimal(match resource.kind {
                // What it waits for is not known: the future itself stands for it.
                ResourceKind::Other => wait.leaf.address,
                _ => resource.address,
            }),
            text: short(report, wait),
            told,
            frame: number_of(wait.leaf, lines),
            access: wait.access.map(access_text),
            permits: match wait.access {
                Some(Access::Permits(count)) => Some(count),
                _ => None,
            },
            polled: wait.is_polled,
            limit: wait.is_limit,
            blocks_thread: wait.blocks_thread,
            granted: wait.is_granted,
            keeps_waker: wait.keeps_waker(),
            waker: wait.waker.map(|place| WakerJson::new(report, place)),
            note: wait.note.as_deref(),
        }
    }
}

impl<'r> HolderJson<'r> {
    fn new(report: &'r Report, frames: &HolderFrames, holder: &'r Holder) -> Self {
        let site = (!holder.is_static).then(|| report.site(holder.frame.site));
        let location = site.and_then(|site| site.location.as_ref());
        Self {
            r#static: holder.is_static,
            task: holder.task.map(|task| report.task(task).id.0.as_str()),
            thread: holder.thread.map(|holding| ThreadJson::of(holding.thread)),
            frame: holder.task.and_then(|task| frames.numbers.get(&(task, holder.frame)).copied()),
            file: location.map(|location| location.file.path.as_str()),
            line: location.map(|location| location.line),
            variable: holder.variable.as_deref(),
            access: access_text(holder.access),
            guard: &holder.guard,
            within: holder
                .within
                .as_ref()
                .map(|within| WithinJson { name: &within.name, messages: within.has_messages }),
            certain: !holder.may_be_moved,
        }
    }
}

#[derive(Serialize)]
pub(super) struct FindingJson<'r> {
    kind: &'static str,
    certain: bool,
    fault: bool,
    tasks: Vec<&'r str>,
    text: String,
    help: Option<String>,
    evidence: Vec<EvidenceJson<'r>>,
    evidence_text: Vec<String>,
    runtime: Option<usize>,
    behind: Vec<&'r str>,
    behind_text: Option<String>,
}

#[derive(Serialize)]
struct EvidenceJson<'r> {
    task: &'r str,
    resource: &'static str,
    address: String,
    wanted_at: Option<PlaceJson<'r>>,
    held_by: Option<HolderJson<'r>>,
}

/// Some findings of a report.
pub(super) fn findings_json<'r>(
    report: &'r Report,
    findings: &[Finding],
    frames: &HolderFrames,
) -> Vec<FindingJson<'r>> {
    let id = |task: &TaskIndex| report.task(*task).id.0.as_str();
    let finding = |finding: &Finding| FindingJson {
        kind: finding_text(finding.kind),
        certain: finding.is_sure,
        fault: is_fault(finding),
        tasks: finding.tasks(report).iter().map(id).collect(),
        text: why::sentence(report, finding),
        help: why::help(report, finding),
        evidence: finding
            .links
            .iter()
            .map(|link| {
                let wait = report.wait(link.wait);
                let (_, resource, holder) = link.resource(report);
                let at = report.site(wait.user.unwrap_or(wait.leaf).site).location.as_ref();
                EvidenceJson {
                    task: id(&wait.task),
                    resource: resource_word(resource.kind),
                    address: hexadecimal(resource.address),
                    wanted_at: at.map(PlaceJson::new),
                    held_by: holder.map(|holder| HolderJson::new(report, frames, holder)),
                }
            })
            .collect(),
        runtime: finding.runtime,
        behind: finding.behind.iter().map(id).collect(),
        evidence_text: why::evidence_lines(report, finding),
        behind_text: why::behind_sentence(report, finding),
    };
    findings.iter().map(finding).collect()
}

/// Where to look first while no fault is certain.
#[derive(Serialize)]
pub(super) struct LeadJson<'r> {
    reason: &'static str,
    tasks: Vec<&'r str>,
    tasks_count: usize,
    behind_count: usize,
    text: String,
}

/// The leads of a report.
pub(super) fn leads_json<'r>(report: &'r Report, leads: &Leads) -> Vec<LeadJson<'r>> {
    let lead = |lead: &Lead| {
        let tasks = lead.tasks.iter().take(MAX_LISTED);
        LeadJson {
            reason: lead.reason.word(),
            tasks: tasks.map(|task| report.task(*task).id.0.as_str()).collect(),
            tasks_count: lead.tasks.len(),
            behind_count: lead.behind,
            text: why::lead_sentence(report, lead),
        }
    };
    leads.first.iter().map(lead).collect()
}

fn finding_text(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Deadlock => "deadlock",
        FindingKind::Futurelock => "futurelock",
        FindingKind::BlockedWorker => "blocked_worker",
        FindingKind::NeverWoken => "never_woken",
        FindingKind::Undriven => "undriven",
        FindingKind::Shutdown => "shutdown",
        FindingKind::LockAcrossAwait => "lock_across_await",
    }
}

pub(super) fn access_text(access: Access) -> &'static str {
    match access {
        Access::Exclusive => "exclusive",
        Access::Shared => "shared",
        Access::Permits(_) => "permits",
        Access::Send => "send",
        Access::Receive => "receive",
        Access::Handle => "handle",
        Access::Initializer => "initializer",
        Access::Place => "place",
        Access::End => "end",
        Access::Peer => "peer",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn json(due: Due, has_fired: Option<bool>) -> String {
        let timer = TimerJson::new(Timer { due, has_fired, clock: Clock::Stop });
        serde_json::to_string(&timer).expect("JSON")
    }

    #[test]
    fn a_timer_says_when_it_goes_off() {
        let time = Duration::from_micros(4_200_900);
        assert_eq!(
            json(Due::In(time), Some(false)),
            r#"{"state":"due_later","due_in_ms":4200,"overdue_ms":null,"clock":"stop"}"#
        );
        assert_eq!(
            json(Due::Ago(time), None),
            r#"{"state":"overdue","due_in_ms":null,"overdue_ms":4200,"clock":"stop"}"#
        );
        assert_eq!(
            json(Due::Ago(time), Some(true)),
            r#"{"state":"fired","due_in_ms":null,"overdue_ms":4200,"clock":"stop"}"#
        );
        assert_eq!(
            json(Due::Now, Some(false)),
            r#"{"state":"due_now","due_in_ms":null,"overdue_ms":null,"clock":"stop"}"#
        );
        assert_eq!(
            json(Due::Unknown, None),
            r#"{"state":"unknown","due_in_ms":null,"overdue_ms":null,"clock":"stop"}"#
        );
    }
}
