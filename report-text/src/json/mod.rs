//! JSON, schema 1: `docs/report.schema.json` describes it field by field.
//!
//! Fields may be added; none changes its meaning. Tasks are written one after the other, so that a
//! million of them need no more memory than the report.

use std::borrow::Cow;
use std::io::{self, Write};
use std::rc::Rc;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use self::brief::{AlikeJson, Brief};
use self::compact_form::Form;
use self::connections::ConnectionsJson;
use self::frames::{FrameJson, Frames, POLLED, SiteJson};
use self::runtimes::{LocalSetJson, RuntimeJson};
use self::threads::ProcessThreadJson;
use self::waits::{
    FindingJson, HolderFrames, LeadJson, ResourceJson, WaitJson, Waits, findings_json, leads_json,
};
use self::whatis::WhatIsJson;
use crate::text::backtrace::users_line;
use crate::text::frames::{lines, name, place};
use crate::text::style::is_harmful;
use crate::text::tasks::{RowWords, row_words};
use crate::text::{Beside, why};
use runtime_layouts::diagnosis::{findings, leads};
use runtime_layouts::layout::SourceLocation;
use runtime_layouts::report::{
    FutureType, Report, ResourceKind, Site, Task, TaskKind, ThreadRef, Trust,
};
use runtime_layouts::target::TargetKind;
use runtime_layouts::variables::locals::LocalTable;

mod brief;
mod compact_form;
mod connections;
mod frames;
mod runtimes;
mod threads;
mod waits;
mod whatis;

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// Writes the report as one JSON object and a line end, with lines of source files and variables that
/// stand beside it.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, beside: &Beside, out: &mut dyn Write) -> io::Result<()> {
    write_in(Form::Full, report, beside, out)
}

/// Writes the same for the page, with what frames and waits have in common once: the page makes the
/// schema's form of it.
///
/// # Errors
/// What `out` returns.
pub fn write_shared(report: &Report, beside: &Beside, out: &mut dyn Write) -> io::Result<()> {
    write_in(Form::Compact, report, beside, out)
}

fn write_in(form: Form, report: &Report, beside: &Beside, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Harmless);
    ReportJson::new(form, report, beside).serialize(&mut serializer).map_err(io::Error::from)?;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<SitesJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<ResourcesJson<'r>>,
    tasks: TasksJson<'r>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    whatis: Vec<WhatIsJson<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alike: Vec<AlikeJson<'r>>,
    findings: Vec<FindingJson<'r>>,
    leads: Vec<LeadJson<'r>>,
    verdict: Option<String>,
    unknown_holders: Vec<String>,
    problems: Vec<ProblemJson<'r>>,
    caveats: &'r [String],
    interrupted: bool,
    complete: bool,
    missing: Vec<String>,
}

impl<'r> ReportJson<'r> {
    fn new(form: Form, report: &'r Report, beside: &'r Beside) -> Self {
        let target = &report.target;
        let words = Rc::new(Words::of(form, report, beside));
        let frames = &words.holders;
        let completeness = report.completeness();
        let found = findings(report);
        let leads = leads(report, &found);
        let mut brief = beside.brief.then(|| Brief::of(report, &found, &leads));
        let alike = brief.as_mut().map(|it| std::mem::take(&mut it.alike)).unwrap_or_default();
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
            findings: findings_json(report, &found, frames),
            leads: leads_json(report, &leads),
            verdict: why::leads_heading(report, &found, &leads),
            unknown_holders: why::unknown_holders(report, &found, &leads),
            sites: (form == Form::Compact).then(|| SitesJson { report, words: words.clone() }),
            resources: (form == Form::Compact)
                .then(|| ResourcesJson { report, words: words.clone() }),
            alike,
            tasks: TasksJson { report, brief, words: words.clone() },
            whatis: beside.found.iter().map(|found| WhatIsJson::new(report, found)).collect(),
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
    /// Which of them; `None` for all.
    brief: Option<Brief<'r>>,
    words: Rc<Words<'r>>,
}

/// The sites of all frames, in the shared form.
struct SitesJson<'r> {
    report: &'r Report,
    words: Rc<Words<'r>>,
}

impl Serialize for SitesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.report.sites.iter().zip(&self.words.sites);
        serializer.collect_seq(all.map(|(site, words)| SiteJson::new(site, words)))
    }
}

/// All that is waited for, in the shared form.
struct ResourcesJson<'r> {
    report: &'r Report,
    words: Rc<Words<'r>>,
}

impl Serialize for ResourcesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (report, holders) = (self.report, &self.words.holders);
        let all = report.resources.iter();
        serializer.collect_seq(all.map(|resource| ResourceJson::new(report, holders, resource)))
    }
}

/// What is told of tasks and frames as texts tell it, made once for all of them.
struct Words<'r> {
    form: Form,
    /// The numbers of the frames that hold something.
    holders: HolderFrames,
    sites: Vec<SiteWords>,
    locals: &'r LocalTable,
}

/// What texts show of a site.
struct SiteWords {
    name: String,
    at: String,
    source: Option<String>,
}

impl<'r> Words<'r> {
    fn of(form: Form, report: &Report, beside: &'r Beside) -> Self {
        let site = |site: &Site| SiteWords {
            name: name(site, false),
            at: place(site),
            source: users_line(site, &beside.sources).map(|(_, text)| text),
        };
        let holders = HolderFrames::of(report);
        let sites = report.sites.iter().map(site).collect();
        Self { form, holders, sites, locals: &beside.locals }
    }
}

impl Serialize for TasksJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = row_words(self.report);
        let brief = self.brief.as_ref();
        let is_written = |task: &&Task| brief.is_none_or(|brief| brief.has(task));
        let tasks = self.report.tasks.iter().filter(is_written);
        serializer
            .collect_seq(tasks.map(|task| TaskJson::new(self.report, &self.words, task, row(task))))
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
    panic: Option<PanicJson<'r>>,
    wakers: Option<u32>,
    can_be_woken: bool,
    row: RowJson,
    frames: Vec<FrameJson<'r>>,
    waiting_on: Vec<WaitJson<'r>>,
    problems: Vec<ProblemJson<'r>>,
}

#[derive(Serialize)]
struct PanicJson<'r> {
    message: Option<&'r str>,
}

/// The words of a task's line in the list.
#[derive(Serialize)]
struct RowJson {
    function: String,
    at: String,
    waiting_for: String,
    future: String,
    request: String,
}

impl RowJson {
    fn new(words: RowWords) -> Self {
        let RowWords { function, at, waiting_for, future, request } = words;
        Self { function, at, waiting_for, future, request }
    }
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
    fn new(report: &'r Report, words: &'r Words<'r>, task: &'r Task, row: RowWords) -> Self {
        let lines = lines(task);
        let waits = Waits { report, frames: &words.holders, lines: &lines, form: words.form };
        let frames = Frames { report, words, task, lines: &lines };
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
            row: RowJson::new(row),
            frames: frames.of(&task.chain, POLLED, &mut 0),
            waiting_on: waits.of(task.index),
            trust: TrustJson::new(task.trust),
            panic: task.panic.as_ref().map(|panic| PanicJson { message: panic.message.as_deref() }),
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
