//! The async backtrace.

use std::io::{self, Write};

pub use super::frames::frame_count;

use super::frames::{Heading, Line, lines, name, place, site};
use super::style::{Style, styled};
use super::{Beside, Look};
use super::{variables, waiting};
use runtime_layouts::layout::SourceLocation;
use runtime_layouts::report::{
    Access, Frame, FrameRef, FutureState, Polled, Report, Task, TaskKind, TaskState,
};

/// Columns of `#0  `.
const NUMBER: usize = 4;
/// Locations start no further right than this, when the terminal has no limit.
const WIDEST_NAMES: usize = 64;
/// Tasks that are named as standing in the same place as the one that is shown.
const IDS_OF_OTHERS: usize = 8;
/// Guards in one variable that are shown each: a list may have any number of them.
const MOST_HELD: usize = 8;

/// Writes one task's backtrace, innermost frame first.
///
/// # Errors
/// What `out` returns; the listing then ends at once.
pub fn write(
    report: &Report,
    task: &Task,
    look: &Look,
    beside: &Beside,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_first(report, task, &[], look, beside, out)
}

/// The same for the first of several tasks that stand in the same place.
pub(super) fn write_first(
    report: &Report,
    task: &Task,
    others: &[&Task],
    look: &Look,
    beside: &Beside,
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(report, task, others, look, out)?;
    let lines = lines(task);
    let writer = FrameWriter::new(report, task, &lines, look, beside);
    let mut hidden = 0;
    for line in &lines {
        match *line {
            Line::Frame { number, frame, depth, ended } => {
                if look.user_only && !site(report, frame).user {
                    hidden += 1;
                    continue;
                }
                writer.frame(number, frame, depth, ended, out)?;
            }
            Line::Branch { ref heading, first, depth } => {
                let mark = if first { "┌" } else { "├" };
                let bars = "│ ".repeat(depth);
                writeln!(out, "{:NUMBER$}{bars}{mark}╴{}", "", heading_text(heading))?;
            }
            Line::Joined { count, depth } => {
                let bars = "│ ".repeat(depth);
                let all = match count {
                    1 => "",
                    2 => "both ",
                    _ => "all ",
                };
                writeln!(out, "{:NUMBER$}{bars}└╴{all}held by", "")?;
            }
        }
    }
    if lines.is_empty() {
        writeln!(out, "{:NUMBER$}{}", "", nothing(task))?;
    }
    if hidden > 0 {
        let text = format!("({hidden} library frames are not shown)");
        writeln!(out, "{:NUMBER$}{}", "", styled(&text, Style::Dim, look.styled))?;
    }
    Ok(())
}

/// Writes one frame as the backtrace shows it, with its number: what `async frame N` prints.
///
/// # Errors
/// What `out` returns.
pub fn write_frame(
    report: &Report,
    task: &Task,
    number: usize,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lines = lines(task);
    let found = lines.iter().find_map(|line| match line {
        Line::Frame { number: this, frame, .. } if *this == number => Some(*frame),
        _ => None,
    });
    match found {
        Some(frame) => {
            let line = [Line::Frame { number, frame, depth: 0, ended: false }];
            let beside = Beside::default();
            FrameWriter::new(report, task, &line, look, &beside).frame(number, frame, 0, false, out)
        }
        None => writeln!(out, "Task {} has no frame #{number}.", task.id.0),
    }
}

/// The first line: `Task 14 (idle), tokio runtime 0, on thread 3 (tid 77)`.
/// With others that stand there: `Task 3 (idle) and 24999 more: 7, 11, 15, …`.
fn heading(
    report: &Report,
    task: &Task,
    others: &[&Task],
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let kind = match task.kind {
        TaskKind::Task => "Task",
        TaskKind::BlockOn => "block_on future",
        TaskKind::Local => "Local task",
        TaskKind::Blocking => "Blocking task",
    };
    let title = format!("{kind} {}", task.id.0);
    let mut text = format!(" ({})", task.state.word());
    if let Some(runtime) = task.runtime.and_then(|index| report.runtimes.get(index)) {
        text.push_str(&format!(", {} runtime {}", runtime.library, runtime.id));
    }
    if let Some(thread) = task.thread {
        text.push_str(&format!(", on thread {} (tid {})", thread.number, thread.tid));
    }
    if let Some(place) = &task.spawned_at {
        text.push_str(&format!(", spawned at {}:{}", place.file.short(), place.line));
    }
    if !others.is_empty() {
        let mut ids: Vec<&str> =
            others.iter().take(IDS_OF_OTHERS).map(|task| task.id.0.as_str()).collect();
        ids.extend((others.len() > IDS_OF_OTHERS).then_some("…"));
        text.push_str(&format!(", and {} more like it: {}", others.len(), ids.join(", ")));
    }
    let text = styled(&text, Style::Plain, look.styled);
    writeln!(out, "{}{text}", styled(&title, Style::Heading, look.styled))?;
    for problem in task.doubts().iter().chain(&task.problems) {
        let text = format!("note: {problem}");
        writeln!(out, "{:NUMBER$}{}", "", styled(&text, Style::Warning, look.styled))?;
    }
    Ok(())
}

fn heading_text(heading: &Heading) -> String {
    match heading {
        Heading::Awaited { index, count, polled } => {
            let note = match polled {
                Polled::Yes | Polled::No => "",
                Polled::Disabled => ", switched off",
                Polled::Ended => ", done",
            };
            format!("branch {index} of {count}{note}")
        }
        Heading::Held => "held, not polled".to_string(),
    }
}

fn nothing(task: &Task) -> &'static str {
    match task.state {
        TaskState::Complete => "It has ended; nobody has taken its output yet.",
        TaskState::Cancelled => "It was aborted.",
        _ => "Its future is not known.",
    }
}

/// Writes frames with their locations in one column.
struct FrameWriter<'r> {
    report: &'r Report,
    task: &'r Task,
    lines: &'r [Line<'r>],
    look: &'r Look,
    names: usize,
    beside: &'r Beside,
}

impl<'r> FrameWriter<'r> {
    fn new(
        report: &'r Report,
        task: &'r Task,
        lines: &'r [Line<'r>],
        look: &'r Look,
        beside: &'r Beside,
    ) -> Self {
        let mut widest_name = 0;
        let mut widest_place = 0;
        for line in lines {
            if let Line::Frame { frame, depth, .. } = line {
                let site = site(report, frame);
                let width = name(site, look.full_names).chars().count() + 2 * depth;
                widest_name = widest_name.max(width);
                widest_place = widest_place.max(place(site).chars().count());
            }
        }
        let room = match look.width {
            Some(width) => width.saturating_sub(NUMBER + 2 + widest_place),
            None => WIDEST_NAMES,
        };
        Self { report, task, lines, look, names: widest_name.min(room), beside }
    }

    fn frame(
        &self,
        number: usize,
        frame: &Frame,
        depth: usize,
        ended: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let colour = self.look.styled;
        let site = site(self.report, frame);
        let user = site.user;
        let (name_style, place_style) =
            if user { (Style::Function, Style::File) } else { (Style::Dim, Style::Dim) };
        let bars = "│ ".repeat(depth);
        let name = name(site, self.look.full_names);
        let place = place(site);
        let label = format!("#{number}");
        write!(out, "{label:<NUMBER$}{bars}{}", styled(&name, name_style, colour))?;
        if place.is_empty() {
            writeln!(out)?;
        } else {
            let used = name.chars().count() + 2 * depth;
            let place = styled(&place, place_style, colour);
            if used <= self.names {
                writeln!(out, "{:pad$}{place}", "", pad = self.names - used + 2)?;
            } else {
                writeln!(out, "\n{:NUMBER$}{bars}    at {place}", "")?;
            }
        }
        let below =
            |text: String, style| format!("{:NUMBER$}{bars}  {}", "", styled(&text, style, colour));
        let macros =
            |at: &&SourceLocation| site.defined.as_ref().is_some_and(|d| d.file != at.file);
        if let Some(location) =
            site.location.as_ref().filter(|at| user && (site.expanded.is_some() || !macros(at)))
            && let Some(text) = self.beside.sources.line(location)
        {
            writeln!(out, "{}", below(format!("{} │ {text}", location.line), Style::Plain))?;
        }
        if let Some(macro_line) = &site.expanded {
            let text = format!("in a macro, {}:{}", macro_line.file.short(), macro_line.line);
            writeln!(out, "{}", below(text, Style::Dim))?;
        }
        if let Some(text) = future_state(site.state).filter(|_| !ended) {
            writeln!(out, "{}", below(text.to_string(), Style::Plain))?;
        }
        let is_this = |at: FrameRef| at.site == frame.site && at.address == frame.address;
        let waits = self.report.waits_of(self.task.index).iter().filter(|wait| is_this(wait.leaf));
        for wait in waits {
            let text = waiting::of_leaf(self.report, wait, self.lines);
            writeln!(out, "{}", below(text, Style::Heading))?;
        }
        let held = self.report.held_by(self.task.index);
        let held = held.filter(|(_, holder)| holder.access != Access::Handle);
        let mut shown = 0;
        let mut last = None;
        let mut more = 0;
        for (resource, holder) in held.filter(|(_, holder)| is_this(holder.frame)) {
            let this = (&holder.guard, &holder.variable);
            shown = if last == Some(this) { shown + 1 } else { 1 };
            last = Some(this);
            more += usize::from(shown > MOST_HELD);
            if shown <= MOST_HELD {
                writeln!(out, "{}", below(waiting::of_holder(resource, holder), Style::Heading))?;
            }
        }
        if more > 0 {
            writeln!(out, "{}", below(format!("holds {more} more like these"), Style::Heading))?;
        }
        let locals = self.beside.locals.of_frame(frame).iter();
        for local in locals.filter(|_| user) {
            writeln!(out, "{}", below(variables::line(local, self.look), Style::Plain))?;
        }
        if let Some(problem) = &frame.problem {
            writeln!(out, "{}", below(format!("note: {problem}"), Style::Warning))?;
        }
        Ok(())
    }
}

fn future_state(state: FutureState) -> Option<&'static str> {
    match state {
        FutureState::Suspended | FutureState::Running | FutureState::Unknown => None,
        FutureState::Unresumed => Some("not polled yet"),
        FutureState::Returned => Some("has returned"),
        FutureState::Panicked => Some("has panicked"),
    }
}
