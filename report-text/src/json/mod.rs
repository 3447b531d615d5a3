//! JSON, schema 1: `docs/report.schema.json` describes it field by field.
//!
//! Fields may be added; none changes its meaning. Tasks are written one after the other, so that a
//! million of them need no more memory than the report.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use self::connections::ConnectionsJson;
use self::runtimes::{LocalSetJson, RuntimeJson};
use self::threads::ProcessThreadJson;
use self::waits::{FindingJson, HolderFrames, LeadJson, WaitJson, findings_json, leads_json};
use crate::text::style::is_harmful;
use runtime_layouts::diagnosis::findings;
use runtime_layouts::layout::SourceLocation;
use runtime_layouts::report::{
    Chain, Frame, FrameKind, FutureState, FutureType, Polled, Report, ResourceKind, Site, Task,
    TaskKind, ThreadRef, Trust,
};
use runtime_layouts::target::TargetKind;
use runtime_layouts::variables::locals::LocalTable;

mod connections;
mod runtimes;
mod threads;
mod waits;

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// Writes the report as one JSON object and a line end.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, locals: &LocalTable, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Harmless);
    ReportJson::new(report, locals).serialize(&mut serializer).map_err(io::Error::from)?;
    writeln!(out)
}

/// JSON whose texts do no harm where a terminal shows them: JSON alone asks for less.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_harmful) {
            let mut characters = rest[at..].chars();
            writer.write_all(&rest.as_bytes()[..at])?;
            if let Some(harmful) = characters.next() {
                for unit in harmful.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[derive(Serialize)]
struct ReportJson<'r> {
    schema: u32,
    target: TargetJson<'r>,
    runtimes: Vec<RuntimeJson<'r>>,
    threads: Vec<ProcessThreadJson<'r>>,
    local_sets: Vec<LocalSetJson<'r>>,
    connections: ConnectionsJson<'r>,
    tasks: TasksJson<'r>,
    findings: Vec<FindingJson<'r>>,
    leads: Vec<LeadJson<'r>>,
    problems: Vec<ProblemJson<'r>>,
    caveats: &'r [String],
    interrupted: bool,
    complete: bool,
    missing: Vec<String>,
}

impl<'r> ReportJson<'r> {
    fn new(report: &'r Report, locals: &'r LocalTable) -> Self {
        let target = &report.target;
        let frames = HolderFrames::of(report);
        let completeness = report.completeness();
        let found = findings(report);
        Self {
            schema: SCHEMA,
            target: TargetJson {
                kind: target.kind,
                pid: target.pid,
                executable: &target.executable,
                build_id: target.build_id.as_deref(),
            },
            runtimes: report.runtimes.iter().map(|it| RuntimeJson::new(report, it)).collect(),
            threads: report
                .threads
                .iter()
                .map(|thread| ProcessThreadJson::new(report, thread))
                .collect(),
            local_sets: report
                .local_sets
                .iter()
                .map(|set| LocalSetJson::new(report, set))
                .collect(),
            connections: ConnectionsJson { report },
            findings: findings_json(report, &found, &frames),
            leads: leads_json(report, &found),
            tasks: TasksJson { report, frames, locals },
            problems: report
                .problems
                .iter()
                .map(|text| ProblemJson { text: text.into() })
                .collect(),
            caveats: &report.caveats,
            interrupted: report.interrupted,
            complete: completeness.is_complete(),
            missing: completeness.reasons,
        }
    }
}

/// All tasks, made one after the other.
struct TasksJson<'r> {
    report: &'r Report,
    frames: HolderFrames,
    locals: &'r LocalTable,
}

impl Serialize for TasksJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tasks = self.report.tasks.iter();
        serializer.collect_seq(tasks.map(|task| {
            let mut task = TaskJson::new(self.report, &self.frames, task);
            task.frames.iter_mut().for_each(|frame| frame.add_locals(self.locals));
            task
        }))
    }
}

#[derive(Serialize)]
struct TargetJson<'r> {
    kind: TargetKind,
    pid: Option<u64>,
    executable: &'r str,
    build_id: Option<&'r str>,
}

#[derive(Serialize)]
struct ProblemJson<'r> {
    text: Cow<'r, str>,
}

#[derive(Serialize)]
struct TaskJson<'r> {
    id: &'r str,
    runtime: Option<usize>,
    kind: &'static str,
    state: &'static str,
    name: Option<&'r str>,
    address: String,
    spawned_at: Option<PlaceJson<'r>>,
    thread: Option<ThreadJson>,
    trust: TrustJson,
    wakers: Option<u32>,
    can_be_woken: bool,
    frames: Vec<FrameJson<'r>>,
    waiting_on: Vec<WaitJson<'r>>,
    problems: Vec<ProblemJson<'r>>,
}

#[derive(Serialize)]
struct PlaceJson<'r> {
    file: &'r str,
    line: u32,
}

impl<'r> PlaceJson<'r> {
    fn new(place: &'r SourceLocation) -> Self {
        Self { file: &place.file.path, line: place.line }
    }
}

#[derive(Serialize)]
struct ThreadJson {
    id: u32,
    tid: u64,
}

impl ThreadJson {
    fn of(thread: ThreadRef) -> Self {
        Self { id: thread.number, tid: thread.tid }
    }
}

impl<'r> TaskJson<'r> {
    fn new(report: &'r Report, holders: &HolderFrames, task: &'r Task) -> Self {
        let root = task.root.map(|id| &report.sites[id.0 as usize]);
        let doubts = task.doubts().into_iter().map(|text| ProblemJson { text: text.into() });
        let problems = task.problems.iter().map(|text| ProblemJson { text: text.into() });
        Self {
            id: &task.id.0,
            runtime: task.runtime,
            kind: match task.kind {
                TaskKind::Task => "task",
                TaskKind::BlockOn => "block_on",
                TaskKind::Local => "local",
                TaskKind::Blocking => "blocking",
            },
            state: task.state.word(),
            name: root.map(|site| site.name.full.as_str()),
            address: hexadecimal(task.address),
            spawned_at: task.spawned_at.as_ref().map(PlaceJson::new),
            thread: task.thread.map(ThreadJson::of),
            frames: frames(report, &task.chain, Polled::Yes, &mut 0),
            waiting_on: report
                .waits_of(task.index)
                .iter()
                .map(|wait| WaitJson::new(report, holders, wait))
                .collect(),
            trust: TrustJson::new(task.trust),
            wakers: task.wakers.at_most,
            can_be_woken: !task.wakers.nothing_can_wake(),
            problems: doubts.chain(problems).collect(),
        }
    }
}

#[derive(Serialize)]
struct TrustJson {
    source: &'static str,
    stale: bool,
    r#type: &'static str,
    candidates: Option<usize>,
}

impl TrustJson {
    fn new(trust: Trust) -> Self {
        Self {
            source: trust.source.word(),
            stale: trust.is_stale,
            r#type: trust.future.word(),
            candidates: match trust.future {
                FutureType::Known => Some(1),
                FutureType::OneOf(count) => Some(count),
                FutureType::Unknown => None,
            },
        }
    }
}

#[derive(Serialize)]
struct LocalJson<'r> {
    name: &'r str,
    r#type: &'r str,
    value: &'r str,
    address: String,
    certain: bool,
}

impl<'r> FrameJson<'r> {
    fn add_locals(&mut self, locals: &'r LocalTable) {
        self.locals = locals
            .of_frame(self.frame)
            .iter()
            .map(|local| LocalJson {
                value: &local.text,
                address: hexadecimal(local.value.address),
                certain: !local.may_be_moved,
                r#type: &local.type_name,
                name: &local.name,
            })
            .collect();
        for child in self.children.iter_mut().flatten() {
            child.add_locals(locals);
        }
    }
}

/// The word for a kind of resource. A pool gives out its objects as a semaphore its permits, and who
/// asks for semaphores means both. What is known by rules only is not known.
fn resource_word(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Pool => ResourceKind::Semaphore.word(),
        ResourceKind::OtherEnd => ResourceKind::Other.word(),
        kind => kind.word(),
    }
}

fn hexadecimal(address: u64) -> String {
    format!("{address:#x}")
}

#[derive(Serialize)]
struct FrameJson<'r> {
    index: usize,
    function: &'r str,
    kind: &'static str,
    state: &'static str,
    polled: &'static str,
    file: Option<&'r str>,
    line: Option<u32>,
    expanded_at: Option<PlaceJson<'r>>,
    defined_at: Option<PlaceJson<'r>>,
    user: bool,
    address: String,
    r#type: &'r str,
    locals: Vec<LocalJson<'r>>,
    #[serde(skip)]
    frame: &'r Frame,
    children: Vec<Vec<FrameJson<'r>>>,
    problem: Option<&'r str>,
}

/// The frames of a chain, innermost first; its branches are the children of the innermost one.
/// Numbers are those of the text. What lies in a branch that is not polled is not polled either.
fn frames<'r>(
    report: &'r Report,
    chain: &'r Chain,
    holder: Polled,
    number: &mut usize,
) -> Vec<FrameJson<'r>> {
    let polled = if holder == Polled::Yes { chain.polled } else { holder };
    let mut children: Vec<Vec<FrameJson<'r>>> =
        chain.branches.iter().map(|branch| frames(report, branch, polled, number)).collect();
    chain
        .frames
        .iter()
        .rev()
        .map(|frame| {
            let index = *number;
            *number += 1;
            let site = &report.sites[frame.site.0 as usize];
            let children = std::mem::take(&mut children);
            FrameJson {
                polled: polled_text(polled),
                ..FrameJson::new(index, frame, site, children)
            }
        })
        .collect()
}

fn polled_text(polled: Polled) -> &'static str {
    match polled {
        Polled::Yes => "yes",
        Polled::No => "no",
        Polled::Disabled => "disabled",
        Polled::Ended => "ended",
    }
}

impl<'r> FrameJson<'r> {
    fn new(index: usize, frame: &'r Frame, site: &'r Site, children: Vec<Vec<Self>>) -> Self {
        let location: Option<&SourceLocation> = site.location.as_ref();
        Self {
            index,
            function: &site.name.full,
            kind: match site.kind {
                FrameKind::AsyncFn => "async_fn",
                FrameKind::AsyncBlock => "async_block",
                FrameKind::AsyncClosure => "async_closure",
                FrameKind::Future => "future",
                FrameKind::Stream => "stream",
                FrameKind::Native => "native",
            },
            state: match site.state {
                FutureState::Suspended => "suspended",
                FutureState::Unresumed => "unresumed",
                FutureState::Returned => "returned",
                FutureState::Panicked => "panicked",
                FutureState::Running => "running",
                FutureState::Unknown => "unknown",
            },
            polled: polled_text(Polled::Yes),
            file: location.map(|location| location.file.path.as_str()),
            line: location.map(|location| location.line),
            expanded_at: site.expanded.as_ref().map(PlaceJson::new),
            defined_at: site.defined.as_ref().map(PlaceJson::new),
            user: site.user,
            address: hexadecimal(frame.address),
            r#type: &site.type_name,
            locals: Vec::new(),
            frame,
            children,
            problem: frame.problem.as_deref(),
        }
    }
}
