//! What lies at an address, and what points at it.
//!
//! The report knows tasks, frames, resources, connections and runtimes by their addresses. What lies
//! between those is found from the variables of frames: the search follows what they own and refer to
//! by their types, as [`crate::variables::path`] does for who asks by name, and gives the path back.

mod explore;
mod memory;
mod type_facts;

use self::explore::{Explorer, Found};
use crate::knowledge::{Libraries, waker};
use crate::report::{FrameRef, Report, ResourceId, Task, TaskIndex, ThreadRef};
use crate::target::Target;
use crate::value::Program;
use crate::walk::libraries_of;

/// Places and pointers of one kind that are named, at most.
const MAX_NAMED: usize = 16;
/// Bytes between the header of a task and its future, at most.
const LARGEST_HEADER: u64 = 1 << 10;

/// What was found of one address.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct WhatIs {
    /// The address that was asked for.
    pub address: u64,
    /// Whether there is memory that can be read.
    pub is_readable: bool,
    /// What lies there, from what it is itself outwards; empty where nothing is known.
    pub places: Vec<Place>,
    /// What points at it, or at the start of what it lies in.
    pub pointers: Vec<Pointer>,
    /// Those beyond the first few.
    pub more_pointers: usize,
    /// Whether all that tasks have was looked through; not where there was too much of it, or where
    /// the user asked to stop.
    pub is_whole: bool,
}

/// Something that lies at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// What tasks wait for or hold.
    Resource(ResourceId),
    /// A connection, by its number in the report.
    Connection(usize),
    /// A task, so many bytes from the start of its header, before its future.
    Task {
        /// The task.
        task: TaskIndex,
        /// Bytes from the start of its header.
        offset: u64,
    },
    /// The scheduler of the runtime with that number in the report.
    Runtime(usize),
    /// A waker.
    Waker {
        /// The task that it wakes; `None` where it wakes none that is known.
        task: Option<TaskIndex>,
    },
    /// What a variable of a frame has in it, or leads to.
    Part(Part),
    /// A thread's stack.
    Stack {
        /// The thread.
        thread: ThreadRef,
        /// The function whose part of the stack it is; `None` where the debug information does not
        /// say.
        function: Option<String>,
    },
    /// The code of a function.
    Code {
        /// Its path.
        function: String,
    },
    /// An object file's memory: the executable, or a library with a runtime.
    Object {
        /// The file.
        path: String,
        /// The address in that file.
        offset: u64,
    },
}

/// A part of a variable, or of what that leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The task.
    pub task: TaskIndex,
    /// The frame that has the variable.
    pub frame: FrameRef,
    /// The variable and the way from it, through boxes, references and cells as `.` goes in Rust:
    /// `news.shared.tail`; empty for the future itself.
    pub path: String,
    /// Its type as the debug information spells it.
    pub type_name: String,
    /// Bytes from its start to the address.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Whether the frame has it itself, not what a pointer leads to.
    pub is_own: bool,
    /// Whether the variable may have been moved away, so that these are old bytes.
    pub may_be_moved: bool,
}

/// Something that points at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// A variable, or a part of what it leads to.
    Part(Part),
    /// Something on a thread's stack, or in its registers.
    Stack(ThreadRef),
}

/// Reads an address as a user writes it: `0x7f3a…`, or a decimal number.
///
/// # Errors
/// A sentence, when it is none.
pub fn parse_address(text: &str) -> Result<u64, String> {
    let text = text.trim().replace('_', "");
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match digits {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| format!("`{text}` is not an address: write it as 0x7f3a4c3f2d0."))
}

/// What lies at an address of a stopped process, of which `report` was made at this stop.
#[must_use]
pub fn of(target: &dyn Target, report: &Report, libraries: Libraries, address: u64) -> WhatIs {
    // What is wrong with a text the report says.
    let (libraries, _) = libraries_of(target, libraries);
    let program = Program::new(target);
    let mut explorer = Explorer::of(&program, libraries, report);
    let parts = explorer.parts_at(address);
    let mut places = known_places(report, address);
    places.extend(waker(&program, report, address, &parts).map(|task| Place::Waker { task }));
    places.extend(parts.iter().map(|found| Place::Part(found.part.clone())));
    places.extend(memory::stacks(&program, address));
    if places.is_empty() {
        places.extend(memory::in_program(&program, address));
    }
    let mut targets = vec![address];
    targets.extend(parts.iter().map(|found| found.part.start_of(address)));
    targets.extend(places.iter().filter_map(|place| match place {
        Place::Task { task, .. } => Some(report.task(*task).address),
        _ => None,
    }));
    targets.sort_unstable();
    targets.dedup();
    let is_readable = target.memory().read(address, &mut [0]).is_ok();
    let mut pointers: Vec<Pointer> = Vec::new();
    // What looks like a pointer to no memory is a number.
    if is_readable {
        pointers.extend(explorer.pointers_to(&targets).into_iter().map(Pointer::Part));
        pointers.extend(memory::threads_with(&program, report, &targets).map(Pointer::Stack));
    }
    let more_pointers = pointers.len().saturating_sub(MAX_NAMED);
    pointers.truncate(MAX_NAMED);
    WhatIs { address, is_readable, places, pointers, more_pointers, is_whole: explorer.is_whole() }
}

impl Part {
    /// Where it starts, being at that address.
    fn start_of(&self, address: u64) -> u64 {
        address.wrapping_sub(self.offset)
    }
}

/// What the report itself knows of an address.
fn known_places(report: &Report, address: u64) -> Vec<Place> {
    let resources = (0..).zip(&report.resources).filter(|(_, it)| it.address == address);
    let resources = resources.map(|(id, _)| Place::Resource(ResourceId(id))).take(MAX_NAMED);
    let connections = report.connections.iter().enumerate();
    let connections = connections.filter(|(_, it)| it.address == address);
    let runtimes = report.runtimes.iter().filter(|runtime| runtime.address == address);
    let tasks = report.tasks.iter().filter_map(|task| {
        let future = task.chain.frames.first().map_or(0, |first| first.address);
        let is_closed = address == task.address || (task.address..future).contains(&address);
        // What a thread blocks on has no header: its address is that of the future.
        let has_header = task.address != 0 && task.address != future;
        let offset = address.wrapping_sub(task.address);
        let is_near = offset <= LARGEST_HEADER && is_closed;
        (has_header && is_near).then_some(Place::Task { task: task.index, offset })
    });
    resources
        .chain(connections.map(|(number, _)| Place::Connection(number)))
        .chain(runtimes.map(|runtime| Place::Runtime(runtime.id)))
        .chain(tasks)
        .collect()
}

/// The task that a waker at an address wakes: `None` for no waker, `Some(None)` for one of nothing
/// that is known.
fn waker(
    program: &Program<'_>,
    report: &Report,
    address: u64,
    parts: &[Found],
) -> Option<Option<TaskIndex>> {
    let of = |data: u64| {
        let is_it = |task: &&Task| data != 0 && task.waker_data() == data;
        report.tasks.iter().find(is_it).map(|task| task.index)
    };
    let known = parts.iter().find_map(|found| found.waker);
    match known.and_then(|waker| waker::stored(program, waker).ok()?.pop()) {
        Some(data) => Some(of(data)),
        // What is beside a waker looks like a half of one.
        None => memory::bare_wakers(program, address).into_iter().find_map(of).map(Some),
    }
}

#[cfg(test)]
mod tests;
