//! Child processes: what the system tells of one.
//!
//! Source: `library/std/src/process.rs`, `library/std/src/sys/process/unix/{unix,common}.rs`
//! (Rust 1.95): `Child::wait` is `waitpid` with the child's id, `Command::output` reads its pipes first.

use super::descriptors;
use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{ObservedResource, OfSystem, Reading};
use crate::report::ResourceKind;
use crate::value::{Program, Value, ValueError};

const CHILD: &str = "std::process::Child";

/// The end of the child process in a value; `None` where there is none, such as one that has ended.
pub(crate) fn end_of(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let child = value.find_inline(reading.program, CHILD)?;
    child.map_or(Ok(None), |child| observed(reading.program, child))
}

/// The same, where several have the child process behind a pointer.
pub(crate) fn end_of_shared(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let child = value.find_through_pointers(reading.program, CHILD)?;
    child.map_or(Ok(None), |child| observed(reading.program, child))
}

fn observed(program: &Program<'_>, child: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(pid) = child.find_number(program, "pid")? else { return Ok(None) };
    Ok(Some(named(program, pid, ObservedResource::new(ResourceKind::Child, child))))
}

/// The end of a child process that a thread waits for in `waitpid`.
pub(super) fn waited_for(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    // `waitpid(2)`: else it is any child, or one of a group.
    let pid = u64::try_from(i32::try_from(blocked.word).ok()?).ok().filter(|pid| *pid > 0)?;
    let child = ObservedResource::without_address(ResourceKind::Child);
    Some(named(blocked.program, pid, ObservedResource { key: pid, ..child }))
}

/// What a thread waits for that reads what a child process writes, and then waits for its end; `None`
/// where the system does not tell which.
pub(super) fn read_or_waited_for(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    if blocked.program.target().host()?.child(blocked.word).is_some() {
        return waited_for(blocked);
    }
    descriptors::file_to_read(blocked).or_else(|| descriptors::first_polled_file(blocked))
}

/// Something with the name of a child process, and how the system says that it stands.
fn named(program: &Program<'_>, pid: u64, seen: ObservedResource) -> ObservedResource {
    let state = program.target().host().and_then(|host| host.child(pid));
    ObservedResource {
        name: Some(format!("the end of child process {pid}").into()),
        state: state.map(|(name, has_ended)| match has_ended {
            true => format!("{name}, which has ended"),
            false => name,
        }),
        of_system: Some(OfSystem::Child(pid)),
        ..seen
    }
}
