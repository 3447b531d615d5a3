//! The async backtrace.

use std::borrow::Cow;
use std::io::{self, Write};

pub use super::frames::frame_count;

use super::frames::{Heading, Line, lines, name, place, site};
use super::source::Sources;
use super::style::{Out, Style, columns, escaped};
use super::{Beside, Look};
use super::{connections, holders, unaccepted, unflushed, variables, waiting};
use runtime_layouts::layout::SourceLocation;
use runtime_layouts::report::{
    Access, Frame, FrameRef, FutureState, Holder, Polled, Report, Resource, Site, Task, TaskKind,
    TaskState,
};

/// Columns of `#0  `.
const NUMBER: usize = 4;
/// The same without a number.
const MARGIN: &str = "    ";
/// Locations start no further right than this, when the terminal has no limit.
const WIDEST_NAMES: usize = 64;
/// Tasks that are named as standing in the same place as the one that is shown.
const IDS_OF_OTHERS: usize = 8;
/// Guards in one variable that are shown each: a list may have any number of them.
const MAX_HELD: usize = 8;

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
    write_first(report, task, &[], look, beside, &mut Out::new(out, look))
}

/// The same for the first of several tasks that stand in the same place.
pub(super) fn write_first(
    report: &Report,
    task: &Task,
    others: &[&Task],
    look: &Look,
    beside: &Beside,
    out: &mut Out<'_>,
) -> io::Result<()> {
    heading(report, task, others, out)?;
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
                let text = heading_text(heading);
                out.line(format_args!("{:NUMBER$}{bars}{mark}╴{text}", ""))?;
            }
            Line::Joined { count, depth } => {
                let bars = "│ ".repeat(depth);
                let all = match count {
                    1 => "",
                    2 => "both ",
                    _ => "all ",
                };
                out.line(format_args!("{:NUMBER$}{bars}└╴{all}held by", ""))?;
            }
        }
    }
    if lines.is_empty() {
        out.indented(MARGIN, Style::Plain, nothing(task))?;
    }
    if hidden > 0 {
        let text = format!("({hidden} library frames are not shown)");
        out.indented(MARGIN, Style::Dim, text)?;
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
    let out = &mut Out::new(out, look);
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
        None => out.line(format_args!("Task {} has no frame #{number}.", task.id.0)),
    }
}

/// The first line: `Task 14 (idle), tokio runtime 0, on thread 3 (tid 77)`.
/// With others that stand there: `Task 3 (idle) and 24999 more: 7, 11, 15, …`.
fn heading(report: &Report, task: &Task, others: &[&Task], out: &mut Out<'_>) -> io::Result<()> {
    let kind = match task.kind {
        TaskKind::Task => "Task",
        TaskKind::BlockOn => "block_on future",
        TaskKind::Local => "Local task",
        TaskKind::Blocking => "Blocking task",
    };
    let title = format!("{kind} {}", task.id.0);
    let mut text = format!(" ({})", task.state_word());
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
    out.put(Style::Heading, title)?;
    out.line(text)?;
    task.doubts().iter().chain(&task.problems).try_for_each(|problem| {
        out.indented(MARGIN, Style::Warning, format_args!("note: {problem}"))
    })
}

pub(super) fn heading_text(heading: &Heading) -> String {
    match heading {
        Heading::Awaited { index, count, polled } => {
            let note = match polled {
                Polled::Yes | Polled::No => "",
                Polled::Disabled => ", disabled",
                Polled::Ended => ", done",
            };
            format!("branch {index} of {count}{note}")
        }
        Heading::Held { may_be_moved: false } => "held, not polled".to_string(),
        Heading::Held { may_be_moved: true } => {
            "held, not polled (unless it was moved)".to_string()
        }
    }
}

fn nothing(task: &Task) -> Cow<'static, str> {
    if let Some(panicked) = waiting::panicked(task) {
        return format!("It {panicked}.").into();
    }
    let text = match task.state {
        TaskState::Complete => "It has ended; nobody has taken its output yet.",
        TaskState::Cancelled => "It was aborted.",
        _ => "Its future is not known.",
    };
    text.into()
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
                let width = columns(&safe(name(site, look.full_names))) + 2 * depth;
                widest_name = widest_name.max(width);
                widest_place = widest_place.max(columns(&safe(place(site))));
            }
        }
        let room = match look.width {
            Some(width) => width.saturating_sub(NUMBER + 2 + widest_place),
            None => WIDEST_NAMES,
        };
        Self { report, task, lines, look, names: widest_name.min(room), beside }
    }

    /// Writes one frame: its name and place, and below them all that is known of it.
    fn frame(
        &self,
        number: usize,
        frame: &Frame,
        depth: usize,
        ended: bool,
        out: &mut Out<'_>,
    ) -> io::Result<()> {
        let site = site(self.report, frame);
        let bars = "│ ".repeat(depth);
        self.name_and_place(number, site, depth, &bars, out)?;
        let margin = format!("{MARGIN}{bars}  ");
        self.source_line(site, &margin, out)?;
        if let Some(text) = future_state(site.state).filter(|_| !ended) {
            out.indented(&margin, Style::Plain, text)?;
        }
        let notes = notes(self.report, self.task, self.lines, frame);
        notes.iter().try_for_each(|text| out.indented(&margin, Style::Heading, text))?;
        if site.user {
            let mut locals = self.beside.locals.of_frame(frame).iter();
            locals.try_for_each(|local| variables::line(&margin, local, out))?;
        }
        if let Some(problem) = &frame.problem {
            out.indented(&margin, Style::Warning, format_args!("note: {problem}"))?;
        }
        Ok(())
    }

    /// Writes the number and the name, and the place behind it, or on a line of its own where the
    /// name is too wide.
    fn name_and_place(
        &self,
        number: usize,
        site: &Site,
        depth: usize,
        bars: &str,
        out: &mut Out<'_>,
    ) -> io::Result<()> {
        let (name_style, place_style) =
            if site.user { (Style::Function, Style::File) } else { (Style::Dim, Style::Dim) };
        let name = safe(name(site, self.look.full_names));
        let place = safe(place(site));
        let label = format!("#{number}");
        out.put(Style::Plain, format_args!("{label:<NUMBER$}{bars}"))?;
        out.put(name_style, &name)?;
        let used = columns(&name) + 2 * depth;
        if place.is_empty() {
            out.end()
        } else if used <= self.names {
            let pad = self.names - used + 2;
            out.indented(format_args!("{:pad$}", ""), place_style, &place)
        } else {
            out.end()?;
            out.indented(format_args!("{MARGIN}{bars}    at "), place_style, &place)
        }
    }

    /// Writes the line of source that a frame of the user's stands at, and where the macro is that
    /// expanded to its code.
    fn source_line(&self, site: &Site, margin: &str, out: &mut Out<'_>) -> io::Result<()> {
        if let Some((line, text)) = users_line(site, &self.beside.sources) {
            out.line(format_args!("{margin}{line} │ {text}"))?;
        }
        if let Some(macro_line) = &site.expanded {
            let text = format!("in a macro, {}:{}", macro_line.file.short(), macro_line.line);
            out.indented(margin, Style::Dim, text)?;
        }
        Ok(())
    }
}

/// The line of source that a frame of the user's stands at, with its number, where the file is there.
pub(crate) fn users_line(site: &Site, sources: &Sources) -> Option<(u32, String)> {
    let is_in_macro =
        |at: &&SourceLocation| site.defined.as_ref().is_some_and(|d| d.file != at.file);
    let is_users =
        |at: &&SourceLocation| site.user && (site.expanded.is_some() || !is_in_macro(at));
    let location = site.location.as_ref().filter(is_users)?;
    Some((location.line, sources.line(location)?))
}

/// What is known of a frame: the connections that it is or has, what it waits for, and what it holds.
pub(crate) fn notes(
    report: &Report,
    task: &Task,
    lines: &[Line<'_>],
    frame: &Frame,
) -> Vec<String> {
    let this = FrameRef::of(frame);
    let connections = report.connections_of(task.index).iter();
    let of_frame = connections.filter(|connection| connection.frame == this);
    let mut notes: Vec<String> = of_frame.map(connections::of_frame).collect();
    let of_leaf = report.waits_of(task.index).iter().filter(|wait| wait.leaf == this);
    let told = of_leaf.filter(|wait| waiting::is_worth_telling(report, wait));
    notes.extend(told.map(|wait| waiting::of_leaf(report, wait, lines)));
    let buffers = report.unflushed_by(task.index).iter().filter(|buffer| buffer.frame == this);
    notes.extend(buffers.map(unflushed::of_frame));
    let listeners = report.unaccepted_by(task.index).iter().filter(|it| it.frame == this);
    notes.extend(listeners.map(unaccepted::of_frame));
    add_held(report, task, this, &mut notes);
    notes
}

/// Adds what a frame holds. Of resources behind guards of one type in one variable, it names the first
/// few and counts the others.
fn add_held(report: &Report, task: &Task, this: FrameRef, notes: &mut Vec<String>) {
    let held = report.held_by(task.index);
    // Of a connection's other end the wait for it tells.
    let held = held.filter(|(_, holder)| !matches!(holder.access, Access::Handle | Access::Peer));
    let held: Vec<_> = held.filter(|(_, holder)| holder.frame == this).collect();
    // Who waits for a message and who waits for room wait for two things: the place is one.
    let is_for_messages =
        |resource: &Resource| resource.reserved.is_some_and(|places| places.is_for_messages);
    let is_again = |(resource, holder): &(&Resource, &Holder)| {
        let is_same = |(other, _): &(&Resource, &Holder)| {
            other.address == resource.address && !is_for_messages(other)
        };
        holder.access == Access::Place && is_for_messages(resource) && held.iter().any(is_same)
    };
    let (mut alike, mut more) = (0, 0);
    let mut last = None;
    for (resource, holder) in held.iter().filter(|held| !is_again(held)) {
        let variable = (&holder.guard, &holder.variable);
        alike = if last == Some(variable) { alike + 1 } else { 1 };
        last = Some(variable);
        if alike > MAX_HELD {
            more += 1;
        } else {
            notes.push(holders::of_holder(resource, holder));
        }
    }
    if more > 0 {
        notes.push(format!("holds {more} more like these"));
    }
}

/// The text as it is written: with its width.
fn safe(text: String) -> String {
    match escaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(safe) => safe,
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
