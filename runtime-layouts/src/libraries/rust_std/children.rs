//! Child processes: what the system tells of one.
//!
//! Source: `library/std/src/process.rs`, `library/std/src/sys/process/unix/unix.rs` (Rust 1.95).

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
    let state = program.target().host().and_then(|host| host.child(pid));
    Ok(Some(ObservedResource {
        name: Some(format!("the end of child process {pid}").into()),
        state: state.map(|(name, has_ended)| match has_ended {
            true => format!("{name}, which has ended"),
            false => name,
        }),
        of_system: Some(OfSystem::Child(pid)),
        ..ObservedResource::new(ResourceKind::Child, child)
    }))
}
