//! What lies at an address, and what points at it.

use std::io::{self, Write};

use super::Look;
use super::connections;
use super::frames::{self, name, place};
use super::style::{Out, Style};
use super::{counts, holders, waiting};
use runtime_layouts::layout::name::last_segment;
use runtime_layouts::report::{FrameRef, Holder, Report, Resource, TaskIndex, ThreadRef};
use runtime_layouts::whatis::{Part, Place, Pointer, WhatIs};

/// Writes what was found of an address.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, found: &WhatIs, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    let writer = Writer { report, look };
    if found.places.is_empty() {
        out.paragraph("", "  ", Style::Plain, &nothing(found))?;
    } else {
        out.styled_line(Style::Heading, format!("{:#x} is", found.address))?;
        for place in &found.places {
            out.paragraph("  ", "    ", Style::Plain, &writer.place(place))?;
        }
    }
    if !found.pointers.is_empty() {
        out.styled_line(Style::Heading, "It is pointed at by")?;
        for pointer in &found.pointers {
            let text = match pointer {
                Pointer::Part(part) => format!("{}{}", writer.part(part), moved(part)),
                Pointer::Stack(thread) => {
                    format!("something on the stack of {}, perhaps old", thread_text(*thread))
                }
            };
            out.paragraph("  ", "    ", Style::Plain, &text)?;
        }
        if found.more_pointers > 0 {
            out.line(format_args!("  … and {} more", found.more_pointers))?;
        }
    }
    if !found.is_whole {
        out.styled_line(Style::Warning, "Not all that tasks have was looked through.")?;
    }
    Ok(())
}

/// Puts places into words.
struct Writer<'r> {
    report: &'r Report,
    look: &'r Look,
}

impl Writer<'_> {
    fn place(&self, place: &Place) -> String {
        let report = self.report;
        let task = |task: TaskIndex| format!("task {}", report.task(task).id.0);
        match place {
            Place::Resource(id) => self.resource(report.resource(*id)),
            Place::Connection(number) => {
                let connection = &report.connections[*number];
                format!("{}, of {}", connections::of_frame(connection), task(connection.task))
            }
            Place::Task { task: index, offset } => {
                let root = frames::telling_root(report, report.task(*index));
                let root = root.map_or_else(String::new, |root| {
                    format!(": {}", name(root, self.look.full_names))
                });
                let header = format!("the header of {}{root}", task(*index));
                within(*offset, &header)
            }
            Place::Runtime(number) => match report.runtimes.get(*number) {
                Some(runtime) => {
                    format!("the scheduler of {} runtime {}", runtime.library, runtime.id)
                }
                None => "the scheduler of a runtime".to_string(),
            },
            Place::Waker { task: Some(index) } => format!("a waker of {}", task(*index)),
            Place::Waker { task: None } => "a waker, of no task that is known".to_string(),
            Place::Part(part) => format!("{}{}{}", self.part(part), self.held(part), moved(part)),
            Place::Stack { thread, function } => {
                let function = function.as_deref().map(last_segment);
                let function = function.map_or_else(String::new, |name| format!(", in {name}"));
                format!("on the stack of {}{function}", thread_text(*thread))
            }
            Place::Code { function } => format!("in the code of {function}"),
            Place::Object { path, offset } => format!("in {path}, at {offset:#x} of its addresses"),
        }
    }

    /// `Mutex<Inventory> (taken), held by task 4 in `stock`, wanted by tasks 5 and 6`.
    fn resource(&self, resource: &Resource) -> String {
        let report = self.report;
        let mut text = resource.name.to_string();
        if let Some(state) = resource.state_text() {
            text.push_str(&format!(" ({state})"));
        }
        let (ends, holders): (Vec<_>, Vec<_>) =
            resource.holders.iter().partition(|holder| holder.access.is_end());
        for (holders, words) in [(holders, "held by"), (ends, "with an end in")] {
            let mut tasks: Vec<TaskIndex> = holders.iter().filter_map(|it| it.task).collect();
            tasks.dedup();
            match (tasks.as_slice(), holders.first()) {
                ([], Some(holder)) => {
                    text.push_str(&format!(", {words} {}", report.holder_name(holder)));
                }
                ([_], Some(holder)) => {
                    let variable = holders::in_variable(holder);
                    let tasks = counts::enumerated(report, &tasks);
                    text.push_str(&format!(", {words} {tasks}{variable}"));
                }
                ([], None) => {}
                _ => {
                    text.push_str(&format!(", {words} {}", counts::enumerated(report, &tasks)));
                }
            }
        }
        let queue: Vec<TaskIndex> = resource.queue.iter().map(|id| report.wait(*id).task).collect();
        if !queue.is_empty() {
            text.push_str(&format!(", waited for by {}", counts::enumerated(report, &queue)));
        }
        text
    }

    /// `` `stock` (MutexGuard<Inventory>) of #1 of task 4, reserve, src/stock.rs:12 ``.
    fn part(&self, part: &Part) -> String {
        let ty = last_segment(&part.type_name);
        let what = match &*part.path {
            "" => format!("the future {ty}"),
            path => format!("`{path}` ({ty})"),
        };
        let task = self.report.task(part.task);
        let number = waiting::number_of(part.frame, &frames::lines(task));
        let number = number.map_or_else(String::new, |number| format!("#{number} of "));
        let site = self.report.site(part.frame.site);
        let at = match place(site) {
            at if at.is_empty() => at,
            at => format!(", {at}"),
        };
        format!(
            "{}, in {number}task {}, {}{at}",
            within(part.offset, &what),
            task.id.0,
            name(site, self.look.full_names),
        )
    }

    /// What the variable holds that a part is of, and what its frame waits for.
    fn held(&self, part: &Part) -> String {
        let report = self.report;
        if !part.is_own {
            return String::new();
        }
        let variable = part.path.split(['.', '[']).next().filter(|name| !name.is_empty());
        let is_it = |frame: FrameRef| frame == part.frame;
        let mut held = report.held_by(part.task).filter(|(_, holder)| {
            is_it(holder.frame) && holder.variable.as_deref() == variable && variable.is_some()
        });
        let mut text = String::new();
        if let Some((resource, holder)) = held.next() {
            let holder = Holder { may_be_moved: false, ..holder.clone() };
            text.push_str(&format!("; it {}", holders::of_holder(resource, &holder)));
        }
        let mut waits = report.waits_of(part.task).iter().filter(|wait| is_it(wait.leaf));
        if let Some(wait) = waits.next() {
            text.push_str(&format!("; it waits for {}", waiting::thing(report, wait)));
        }
        text
    }
}

/// Something at an address, so many bytes before that.
fn within(offset: u64, what: &str) -> String {
    match offset {
        0 => what.to_string(),
        1 => format!("1 byte into {what}"),
        _ => format!("{offset} bytes into {what}"),
    }
}

fn moved(part: &Part) -> &'static str {
    if part.may_be_moved { " (unless it was moved)" } else { "" }
}

fn thread_text(thread: ThreadRef) -> String {
    format!("thread {} (tid {})", thread.number, thread.tid)
}

/// What is said of an address of which nothing is known.
fn nothing(found: &WhatIs) -> String {
    let address = found.address;
    match found.is_readable {
        false => format!("There is no memory that can be read at {address:#x}."),
        true => format!(
            "Nothing that is known lies at {address:#x}: no task, no variable of one or what that \
             leads to, no lock, channel, waker or connection, no thread's stack and no program code."
        ),
    }
}
