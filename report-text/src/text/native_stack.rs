//! The native stack of a thread, as it reads with the async story in it: the task that the thread
//! polls, the future that it blocks on, and one line for what is only between them.

use std::collections::HashMap;
use std::ops::Range;

use runtime_layouts::knowledge::Libraries;
use runtime_layouts::layout::SourceFile;
use runtime_layouts::layout::origin::Origin;
use runtime_layouts::report::{
    Activity, FrameRef, ProcessThread, Report, Task, TaskKind, ThreadRole, WorkerState,
};

use super::frames::{self, lines, name, site};
use super::style::escaped;
use super::{waiting, workers};

/// A stack with fewer frames than that between two that matter is shown whole.
const FEW: usize = 2;

/// One frame of a stack, as the debugger has it.
#[derive(Clone, Debug)]
pub struct NativeFrame {
    /// The function, with its path; `None` when unknown.
    pub function: Option<String>,
    /// The path of the source file; `None` when unknown.
    pub file: Option<String>,
}

/// One line of a stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StackLine {
    /// A frame, by its place in the stack.
    Frame(usize),
    /// What unhang tells: escaped.
    Told {
        /// The text: `[async] task 7 (idle)`.
        text: String,
        /// Where an async frame stands.
        place: Option<Place>,
    },
    /// Frames that only lie between others.
    LeftOut {
        /// The text: `[async] 23 frames of core, std, tokio`.
        text: String,
        /// Their places in the stack.
        frames: Range<usize>,
    },
}

/// A place in a source file: escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file as a reader knows it: `src/stock.rs`.
    pub file: String,
    /// Its whole path.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// The stack of a thread, innermost first, with what the report tells of it. `None` where it has
/// nothing to tell: the thread polls nothing, blocks on nothing and is no runtime's.
///
/// `thread` is the debugger's number.
///
/// ```
/// use report_text::text::native_stack::{NativeFrame, StackLine, tell};
/// use runtime_layouts::fake::FakeReport;
/// use runtime_layouts::libraries::LIBRARIES;
///
/// let report = FakeReport::new().report();
/// let frame = NativeFrame { function: Some("shop::main".into()), file: None };
/// assert_eq!(tell(&report, LIBRARIES, 1, &[frame]), None);
/// ```
#[must_use]
pub fn tell(
    report: &Report,
    libraries: Libraries,
    thread: u32,
    stack: &[NativeFrame],
) -> Option<Vec<StackLine>> {
    let known = report.threads.iter().find(|known| known.thread.number == thread)?;
    let on_thread = |task: &&Task| task.thread.is_some_and(|on| on.number == thread);
    let mut blocked_on: Vec<&Task> = report.tasks.iter().filter(on_thread).collect();
    blocked_on.retain(|task| task.kind == TaskKind::BlockOn);
    let polled = known.task.map(|task| report.task(task));
    let polled = polled.filter(|task| task.kind != TaskKind::BlockOn);
    if blocked_on.is_empty() && polled.is_none() && known.role == ThreadRole::Other {
        return None;
    }
    let mut story = Story { report, lines: Vec::new() };
    let mut polled = polled;
    // An optimized build may have what polls a task nowhere. Where nothing blocks on a future, the
    // task is the outermost of the user's code.
    let polls = |frame: &NativeFrame| {
        frame.function.as_deref().is_some_and(|function| libraries.polls_task(function))
    };
    let is_inlined = blocked_on.is_empty() && !stack.iter().any(polls);
    let outermost = stack.iter().rposition(is_users).filter(|_| is_inlined);
    let mut blocked_on = blocked_on.into_iter();
    let mut is_first = true;
    for part in parts(libraries, stack, quiet_part(known, stack)) {
        let part = match part {
            Part::Frame(at) => {
                story.lines.push(StackLine::Frame(at));
                continue;
            }
            Part::Between(part) => part,
        };
        let functions = || stack[part.clone()].iter().filter_map(|it| it.function.as_deref());
        let is_below = outermost.is_some_and(|at| part.start > at);
        if (is_below || stack[part.clone()].iter().any(polls))
            && let Some(task) = polled.take()
        {
            // Its frames are those that were just told.
            story.heading(task);
        } else if is_first && is_idle(known) {
            story.idle_thread(known);
        }
        is_first = false;
        story.left_out(libraries, stack, part.clone());
        if functions().any(is_block_on)
            && let Some(task) = blocked_on.next()
        {
            story.blocked_on(task);
        }
    }
    Some(story.lines)
}

/// What each thread runs, by the debugger's number of it: `task 7`, `block_on future main`. Threads
/// that run nothing are left out.
#[must_use]
pub fn tasks_of_threads(report: &Report) -> HashMap<u32, String> {
    let running = report.threads.iter().filter_map(|known| {
        let task = report.task(known.task?);
        let text = format!("{} {}", kind_word(task.kind), task.id.0);
        Some((known.thread.number, escaped(&text).into_owned()))
    });
    running.collect()
}

fn kind_word(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Task => "task",
        TaskKind::BlockOn => "block_on future",
        TaskKind::Local => "local task",
        TaskKind::Blocking => "blocking task",
    }
}

/// A part of a stack.
enum Part {
    /// A frame to show.
    Frame(usize),
    /// Frames that are only between others: two at least.
    Between(Range<usize>),
}

/// The stack in parts: the innermost frame, the user's code and what that calls are shown.
fn parts(libraries: Libraries, stack: &[NativeFrame], quiet: Range<usize>) -> Vec<Part> {
    let is_shown = |at: usize| {
        let is_called_by_user = stack.get(at + 1).is_some_and(is_users);
        let is_between =
            is_between(libraries, &stack[at]) || quiet.contains(&at) && !is_users(&stack[at]);
        at == 0 || is_called_by_user || !is_between
    };
    let mut parts = Vec::new();
    let mut at = 0;
    while at < stack.len() {
        let start = at;
        while at < stack.len() && !is_shown(at) {
            at += 1;
        }
        match at - start {
            0 => {
                parts.push(Part::Frame(at));
                at += 1;
            }
            count if count < FEW => parts.extend((start..at).map(Part::Frame)),
            _ => parts.push(Part::Between(start..at)),
        }
    }
    parts
}

/// The frames in which a thread only waits for work or to be woken: whatever crate they are of.
fn quiet_part(thread: &ProcessThread, stack: &[NativeFrame]) -> Range<usize> {
    if is_idle(thread) {
        return 0..stack.len();
    }
    if thread.activity != Activity::Parked {
        return 0..0;
    }
    let blocks = |it: &NativeFrame| it.function.as_deref().is_some_and(is_block_on);
    0..stack.iter().position(blocks).unwrap_or(0)
}

/// Whether a frame is of the program's own code.
fn is_users(frame: &NativeFrame) -> bool {
    let is_rust = frame.function.as_deref().is_some_and(|function| function.contains("::"));
    let file = frame.file.as_deref().map(origin_of);
    is_rust && file == Some(Origin::User)
}

fn origin_of(path: &str) -> Origin {
    SourceFile { path: path.to_owned(), directory: String::new() }.origin()
}

/// Whether a frame is of the runtime, of the language, or of the code that starts threads.
fn is_between(libraries: Libraries, frame: &NativeFrame) -> bool {
    let Some(function) = frame.function.as_deref() else { return true };
    match function.contains("::") {
        true => !is_users(frame) && libraries.is_plumbing(function),
        false => STARTS.contains(&function),
    }
}

/// Functions that start a thread or a program, as glibc, musl and rustc name them.
const STARTS: [&str; 11] = [
    "main",
    "_start",
    "_start_c",
    "start_thread",
    "start",
    "clone",
    "clone3",
    "__clone3",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "__rust_try",
];

/// Whether a function blocks its thread on a future.
fn is_block_on(function: &str) -> bool {
    let path = function.split('<').next().unwrap_or(function);
    path.rsplit("::").next() == Some("block_on")
}

/// Whether a thread of a runtime has nothing to do.
fn is_idle(thread: &ProcessThread) -> bool {
    thread.task.is_none() && thread.role != ThreadRole::Other
}

/// The lines while they are told.
struct Story<'r> {
    report: &'r Report,
    lines: Vec<StackLine>,
}

impl Story<'_> {
    fn tell(&mut self, text: &str, place: Option<Place>) {
        let text = format!("[async] {}", escaped(text));
        self.lines.push(StackLine::Told { text, place });
    }

    fn heading(&mut self, task: &Task) {
        let kind = kind_word(task.kind);
        let runtime = task.runtime.and_then(|at| self.report.runtimes.get(at));
        let of =
            runtime.map_or_else(String::new, |it| format!(", {} runtime {}", it.library, it.id));
        self.tell(&format!("{kind} {} ({}){of}", task.id.0, task.state.word()), None);
    }

    /// The frames of a future that the thread blocks on, below what drives it.
    fn blocked_on(&mut self, task: &Task) {
        let lines = lines(task);
        for line in &lines {
            match line {
                frames::Line::Frame { frame, depth, .. } => {
                    let bars = "│ ".repeat(*depth);
                    let this = FrameRef::of(frame);
                    let waits = self.report.waits_of(task.index).iter();
                    let waits = waits.filter(|wait| wait.leaf == this);
                    let texts: Vec<String> = waits
                        .filter(|wait| waiting::is_worth_telling(self.report, wait))
                        .map(|wait| waiting::of_leaf(self.report, wait, &lines))
                        .collect();
                    for text in texts {
                        self.tell(&format!("{bars}{text}"), None);
                    }
                    let site = site(self.report, frame);
                    let at = site.location.as_ref();
                    let place = at.map(|at| Place {
                        file: escaped(at.file.short()).into_owned(),
                        path: escaped(&at.file.path).into_owned(),
                        line: at.line,
                    });
                    self.tell(&format!("{bars}{}", name(site, false)), place);
                }
                frames::Line::Branch { heading, first, depth } => {
                    let mark = if *first { "┌" } else { "├" };
                    let bars = "│ ".repeat(*depth);
                    let text = super::backtrace::heading_text(heading);
                    self.tell(&format!("{bars}{mark}╴{text}"), None);
                }
                frames::Line::Joined { depth, .. } => {
                    self.tell(&format!("{}└╴held by", "│ ".repeat(*depth)), None);
                }
            }
        }
        self.heading(task);
    }

    fn idle_thread(&mut self, thread: &ProcessThread) {
        let text = match thread.role {
            ThreadRole::Worker { runtime, worker } => {
                let Some(runtime) = self.report.runtimes.get(runtime) else { return };
                let state = runtime.workers.get(worker).map_or(WorkerState::Unknown, |it| it.state);
                let (library, id) = (&runtime.library, runtime.id);
                format!(
                    "worker {worker} of {library} runtime {id} ({})",
                    workers::state_text(state)
                )
            }
            ThreadRole::BlockingPool => "thread of the blocking pool (idle)".to_string(),
            ThreadRole::Other => return,
        };
        self.tell(&text, None);
    }

    fn left_out(&mut self, libraries: Libraries, stack: &[NativeFrame], frames: Range<usize>) {
        let functions = stack[frames.clone()].iter().filter_map(|it| it.function.as_deref());
        let mut crates: Vec<&str> = functions
            .filter(|function| function.contains("::") && libraries.is_plumbing(function))
            .filter_map(|function| function.split("::").next())
            .filter(|krate| krate.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            .collect();
        crates.sort_unstable();
        crates.dedup();
        let of = match crates.is_empty() {
            true => String::new(),
            false => format!(" of {}", crates.join(", ")),
        };
        let text = format!("[async] {} frames{of}", frames.len());
        self.lines.push(StackLine::LeftOut { text, frames });
    }
}

#[cfg(test)]
mod tests {
    use runtime_layouts::fake::FakeReport;
    use runtime_layouts::libraries::LIBRARIES;

    use super::*;

    fn frame(function: &str, file: &str) -> NativeFrame {
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        NativeFrame { function: known(function), file: known(file) }
    }

    fn stack() -> Vec<NativeFrame> {
        let crates = "/home/me/.cargo/registry/src/index-6f17d22bba15001f";
        vec![
            frame("clock_nanosleep", "./time/clock_nanosleep.c"),
            frame("std::sys::thread::unix::sleep", "/rustc/0/library/std/src/sys/thread/unix.rs"),
            frame("std::thread::functions::sleep", "/rustc/0/library/std/src/thread/functions.rs"),
            frame("shop::buy::{async_fn#0}", "/home/me/shop/src/main.rs"),
            frame("core::panic::unwind_safe::call_once", "/rustc/0/library/core/src/panic.rs"),
            frame("tokio::runtime::task::raw::poll<shop::buy>", &format!("{crates}/tokio/raw.rs")),
            frame("std::thread::lifecycle::spawn_unchecked", "/rustc/0/library/std/src/thread.rs"),
            frame("clone3", ""),
        ]
    }

    fn text(lines: &[StackLine]) -> Vec<String> {
        let line = |line: &StackLine| match line {
            StackLine::Frame(at) => at.to_string(),
            StackLine::Told { text, .. } | StackLine::LeftOut { text, .. } => text.clone(),
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_polled_task_stands_between_its_frames_and_what_runs_it() {
        let mut story = FakeReport::new();
        story.runtime(1);
        let task = story.task();
        story.runs(task, 0, 2);
        story.thread(2, Activity::Running).task = Some(task.task);
        let report = story.report();
        let told = tell(&report, LIBRARIES, 2, &stack()).expect("a story");
        assert_eq!(
            text(&told),
            [
                "0",
                "1",
                "2",
                "3",
                "[async] task 1 (running), tokio runtime 0",
                "[async] 4 frames of core, std, tokio"
            ]
        );
        assert_eq!(tell(&report, LIBRARIES, 7, &stack()), None, "a thread of the user's own");
        // What polls it was put in line with what runs the worker.
        let mut inlined = stack();
        inlined[5].function = Some("tokio::runtime::context::set_scheduler<shop::buy>".to_owned());
        assert_eq!(tell(&report, LIBRARIES, 2, &inlined), Some(told));
    }

    #[test]
    fn functions_that_block_on_a_future_are_known_by_their_name() {
        assert!(is_block_on("tokio::runtime::runtime::Runtime::block_on<shop::main::{async}>"));
        assert!(!is_block_on("shop::block_on_stock"));
    }
}
