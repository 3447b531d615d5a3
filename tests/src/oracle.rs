//! Compares tokio's task dump with a report: two ways to the same truth that share no code. The
//! dump unwinds native stacks while it polls every future once more; the report reads memory.
//!
//! The rule. From a trace of the dump, only what is the poll of a future is kept: `<T as
//! Future>::poll`, and the body of an async fn, block or closure, which the dump calls `{{closure}}`.
//! What goes away is
//!
//! - functions that are no futures: they run to their end within one poll;
//! - closures that are no futures: what `PollFn` calls, and what is called by the function that it
//!   is written in (nobody polls an async block from there);
//! - `Pin`, `Box` and `&mut` of a future, which are pointers to the report.
//!
//! From the report, every path from a task's root to a leaf is kept whole, but for `trace::Root`,
//! which must be the outermost: the dump's stacks end there. Then **each trace must equal one path,
//! each path one trace**, frame by frame:
//!
//! - the same path of modules and function (`{impl#3}` stands for the type that the dump names),
//!   the same type for a future with a `poll` of its own, without generic arguments;
//! - the same file, and for an async body the same line; for a `poll`, where the report has the
//!   line of its beginning and the dump that of the call within, a line not above.
//!
//! In an optimized build a task's outermost bodies may be inlined into `Root::poll`, where the dump's
//! stacks end; so the fixture boxes what it spawns there, and the rule is the same.

use std::fmt;

use serde_json::Value;

use crate::task_dump::{Symbol, Trace};

/// A future on the way from a task's root to a leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its modules and name, without generic arguments.
    segments: Vec<String>,
    /// Whether it has a `poll` of its own, so that its line is that of a function's begin or later.
    polls: bool,
    file: String,
    line: Option<u64>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let poll = if self.polls { "poll of " } else { "" };
        let line = self.line.unwrap_or_default();
        write!(f, "{poll}{} at {}:{line}", self.segments.join("::"), self.file)
    }
}

/// The closure's name in the names of the dump.
const CLOSURE: &str = "{{closure}}";
const POLL_FN: &str = "core::future::poll_fn::PollFn";
const ROOT: &str = "tokio::runtime::task::trace::Root";
/// Pointers to a future: they pass a poll on.
const POINTERS: [&str; 3] = ["core::pin::Pin", "alloc::boxed::Box", "&mut F"];

/// The futures of a trace, innermost first.
pub fn steps_of_trace(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, symbol) in trace.iter().enumerate() {
        let name = without_hash(&symbol.name);
        if let Some(ty) = polled(name) {
            if !POINTERS.contains(&ty.as_str()) {
                steps.push(step_of_symbol(segments(&ty), true, symbol));
            }
        } else if name.ends_with(CLOSURE) {
            let caller = trace.get(index + 1).map_or("", |outer| without_hash(&outer.name));
            let written_in = name.strip_suffix(CLOSURE).and_then(|name| name.strip_suffix("::"));
            let is_called_as_function = written_in == Some(caller) && !caller.ends_with(CLOSURE);
            if polled(caller).as_deref() != Some(POLL_FN) && !is_called_as_function {
                steps.push(step_of_symbol(segments(name), false, symbol));
            }
        }
    }
    steps
}

fn step_of_symbol(segments: Vec<String>, polls: bool, symbol: &Symbol) -> Step {
    let line = Some(symbol.line).filter(|line| *line > 0);
    Step { segments, polls, file: symbol.file.clone(), line }
}

/// The paths of a report's task, each innermost first; an error when one does not begin at a root
/// that the dump knows.
pub fn paths_of_task(frames: &Value) -> Result<Vec<Vec<Step>>, String> {
    let mut paths = paths(frames);
    for path in &mut paths {
        let root = path.pop();
        if root.as_ref().map(|step| step.segments.join("::")).as_deref() != Some(ROOT) {
            return Err(format!("the outermost frame is not `{ROOT}`: {root:?}"));
        }
    }
    Ok(paths)
}

fn paths(frames: &Value) -> Vec<Vec<Step>> {
    let frames = frames.as_array().map_or(&[][..], Vec::as_slice);
    let own: Vec<Step> = frames.iter().map(step_of_frame).collect();
    let branches = frames.first().and_then(|frame| frame["children"].as_array());
    let inner: Vec<Vec<Step>> = branches.into_iter().flatten().flat_map(paths).collect();
    if inner.is_empty() {
        return vec![own];
    }
    inner.into_iter().map(|path| path.into_iter().chain(own.clone()).collect()).collect()
}

fn step_of_frame(frame: &Value) -> Step {
    Step {
        segments: segments(frame["type"].as_str().unwrap_or_default()),
        polls: matches!(frame["kind"].as_str(), Some("future" | "stream")),
        file: frame["file"].as_str().unwrap_or_default().to_owned(),
        line: frame["line"].as_u64(),
    }
}

/// What is different between a task's traces and its paths; `None` when nothing is.
pub fn difference(traces: &[Trace], paths: &[Vec<Step>]) -> Option<String> {
    let traces: Vec<Vec<Step>> = traces.iter().map(steps_of_trace).collect();
    let mut left: Vec<&Vec<Step>> = paths.iter().collect();
    for trace in &traces {
        match left.iter().position(|path| agree(trace, path)) {
            Some(index) => drop(left.remove(index)),
            None => {
                let (trace, left) = (list(trace), left.iter().map(|path| list(path)));
                let left: Vec<String> = left.collect();
                return Some(format!("no path is this trace:\n{trace}of\n{}", left.join("or\n")));
            }
        }
    }
    let extra = left.first()?;
    Some(format!("no trace is this path:\n{}", list(extra)))
}

fn list(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("    {step}\n")).collect()
}

fn agree(trace: &[Step], path: &[Step]) -> bool {
    let mut pairs = trace.iter().zip(path);
    trace.len() == path.len()
        && pairs.all(|(dumped, ours)| same_name(dumped, ours) && same_place(dumped, ours))
}

fn same_place(dumped: &Step, ours: &Step) -> bool {
    let (Some(dumped_line), Some(line)) = (dumped.line, ours.line) else { return false };
    dumped.file == ours.file && if ours.polls { dumped_line >= line } else { dumped_line == line }
}

fn same_name(dumped: &Step, ours: &Step) -> bool {
    let same = |(dumped, ours): (&String, &String)| dumped == ours || ours.starts_with("{impl#");
    dumped.polls == ours.polls
        && dumped.segments.len() == ours.segments.len()
        && dumped.segments.iter().zip(&ours.segments).all(same)
}

/// `T` of `<T as core::future::future::Future>::poll`, without generic arguments.
fn polled(name: &str) -> Option<String> {
    let ty = name.strip_prefix('<')?.strip_suffix(" as core::future::future::Future>::poll")?;
    Some(without_generics(ty))
}

/// A symbol's name without `::h` and 16 digits.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((rest, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            rest
        }
        _ => name,
    }
}

/// The segments of a path; `{async_fn#0}`, `{async_block_env#1}` and the like are closures to the
/// dump.
fn segments(path: &str) -> Vec<String> {
    let segment = |text: &str| {
        let is_body = text.starts_with('{') && !text.starts_with("{impl#");
        if is_body { CLOSURE.to_owned() } else { text.to_owned() }
    };
    without_generics(path).split("::").map(segment).collect()
}

fn without_generics(path: &str) -> String {
    let mut depth = 0_usize;
    let mut text = String::new();
    for c in path.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod tests;
