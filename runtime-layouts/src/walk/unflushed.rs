//! Buffers of what tasks have written, and which of their waits those are about.

use std::sync::Arc;

use crate::knowledge::connection::ObservedBuffer;
use crate::knowledge::{Libraries, OfSystem};
use crate::layout::name::last_segment;
use crate::report::{Access, FrameRef, ResourceKind, TaskIndex, Unflushed, Wait, WaitList};
use crate::value::{Program, Value};
use crate::walk::chains::live_values::LiveValue;
use crate::walk::waits::Waits;

/// A buffer with bytes in it.
pub(crate) struct FoundBuffer {
    pub(crate) task: TaskIndex,
    pub(crate) frame: FrameRef,
    pub(crate) variable: Option<Arc<str>>,
    pub(crate) may_be_moved: bool,
    /// Its place in memory, and its type.
    pub(crate) value: Value,
    /// What it is called, if not as its type.
    pub(crate) name: Option<&'static str>,
    /// Bytes that were written and not sent.
    pub(crate) bytes: u64,
    /// The open file that they would be sent to; `None` where it is none, or not known.
    pub(crate) descriptor: Option<u64>,
}

impl FoundBuffer {
    /// One that a frame of a task keeps, over this open file.
    pub(crate) fn of(
        task: TaskIndex,
        live: &LiveValue,
        seen: &ObservedBuffer,
        descriptor: Option<u64>,
    ) -> Self {
        Self {
            task,
            frame: live.frame,
            variable: live.variable.clone(),
            may_be_moved: live.may_be_moved,
            value: live.value,
            name: seen.name,
            bytes: seen.bytes,
            descriptor,
        }
    }
}

/// The buffers of tasks that wait for bytes from the same open file, or from a pipe in memory.
pub(crate) fn of_waits(
    program: &Program<'_>,
    libraries: Libraries,
    found: Vec<FoundBuffer>,
    (list, waits): (&WaitList, &Waits),
) -> Vec<Unflushed> {
    let unflushed = once_each(found).into_iter().filter_map(|buffer| {
        let file = match buffer.descriptor {
            Some(fd) => Some(*waits.of_system.get(&OfSystem::File(fd))?),
            None => None,
        };
        let is_meant = |wait: &Wait| {
            let is_from_there = match file {
                Some(file) => wait.resource == file,
                None => waits.resources[wait.resource.0 as usize].kind == ResourceKind::Pipe,
            };
            wait.is_polled && wait.access == Some(Access::Receive) && is_from_there
        };
        let (wait, _) = list.of(buffer.task).find(|(_, wait)| is_meant(wait))?;
        let layout = program.type_of(buffer.value.ty).ok()?;
        let of_type = || libraries.spelled(&last_segment(&layout.name)).into();
        Some(Unflushed {
            task: buffer.task,
            wait,
            frame: buffer.frame,
            variable: buffer.variable,
            name: buffer.name.map_or_else(of_type, Into::into),
            bytes: buffer.bytes,
            may_be_moved: buffer.may_be_moved,
        })
    });
    unflushed.collect()
}

/// Of what several frames of a task lead to, the one that has a variable for it. Where one surely has
/// it, it was not moved away.
fn once_each(found: Vec<FoundBuffer>) -> Vec<FoundBuffer> {
    let mut kept: Vec<FoundBuffer> = Vec::new();
    for mut buffer in found {
        let of_task = kept.iter_mut().rev().take_while(|known| known.task == buffer.task);
        match of_task.into_iter().find(|known| known.value.address == buffer.value.address) {
            Some(known) => {
                buffer.may_be_moved &= known.may_be_moved;
                known.may_be_moved = buffer.may_be_moved;
                if buffer.variable.is_some() {
                    *known = buffer;
                }
            }
            None => kept.push(buffer),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::TypeId;
    use crate::report::SiteId;
    use crate::value::Ty;

    fn buffer(task: u32, address: u64, variable: Option<&str>, may_be_moved: bool) -> FoundBuffer {
        FoundBuffer {
            task: TaskIndex(task),
            frame: FrameRef { site: SiteId(0), address },
            variable: variable.map(Into::into),
            may_be_moved,
            value: Value { ty: Ty { module: 0, id: TypeId(0) }, address },
            name: None,
            bytes: 6,
            descriptor: None,
        }
    }

    fn told(found: Vec<FoundBuffer>) -> Vec<(u32, u64, Option<String>, bool)> {
        let of = |it: FoundBuffer| {
            let variable = it.variable.map(|name| name.to_string());
            (it.task.0, it.value.address, variable, it.may_be_moved)
        };
        once_each(found).into_iter().map(of).collect()
    }

    #[test]
    fn what_several_frames_lead_to_is_told_once_by_its_variable() {
        let inner = buffer(3, 0x100, None, false);
        let outer = buffer(3, 0x100, Some("desk"), true);
        assert_eq!(told(vec![inner, outer]), [(3, 0x100, Some("desk".into()), false)]);
    }

    #[test]
    fn others_are_told_each() {
        let other_place = buffer(3, 0x200, None, true);
        let other_task = buffer(4, 0x100, None, false);
        let all = vec![buffer(3, 0x100, Some("desk"), true), other_place, other_task];
        let expected = [
            (3, 0x100, Some("desk".into()), true),
            (3, 0x200, None, true),
            (4, 0x100, None, false),
        ];
        assert_eq!(told(all), expected);
    }
}
