//! Sockets that tasks have, and the connections that wait to be accepted at those that listen.

use std::sync::Arc;

use crate::knowledge::OfSystem;
use crate::report::{Access, FrameRef, TaskIndex, Unaccepted, WaitList};
use crate::value::Program;
use crate::walk::chains::live_values::LiveValue;
use crate::walk::waits::Waits;

/// A socket, and who has it.
#[derive(Clone)]
pub(crate) struct FoundSocket {
    pub(crate) task: TaskIndex,
    pub(crate) frame: FrameRef,
    pub(crate) variable: Option<Arc<str>>,
    pub(crate) may_be_moved: bool,
    /// The number of the open file.
    pub(crate) descriptor: u64,
}

impl FoundSocket {
    /// One that a frame of a task keeps.
    pub(crate) fn of(task: TaskIndex, live: &LiveValue, descriptor: u64) -> Self {
        Self {
            task,
            frame: live.frame,
            variable: live.variable.clone(),
            may_be_moved: live.may_be_moved,
            descriptor,
        }
    }
}

/// The sockets that listen at which connections wait, as far as the system tells, and nobody waits for one.
pub(crate) fn of_listeners(
    program: &Program<'_>,
    found: Vec<FoundSocket>,
    (list, waits): (&WaitList, &Waits),
) -> Vec<Unaccepted> {
    let Some(host) = program.target().host() else { return Vec::new() };
    let accepts = |fd: u64| {
        let file = waits.of_system.get(&OfSystem::File(fd));
        file.is_some_and(|file| {
            let mut queue = waits.resources[file.0 as usize].queue.iter();
            queue.any(|wait| list[wait.0 as usize].access != Some(Access::Send))
        })
    };
    let unaccepted = once_each(found).into_iter().filter_map(|listener| {
        let (local, connections) = host.descriptor(listener.descriptor)?.listens?;
        let is_left = connections > 0 && !accepts(listener.descriptor);
        is_left.then(|| Unaccepted {
            task: listener.task,
            frame: listener.frame,
            variable: listener.variable,
            may_be_moved: listener.may_be_moved,
            descriptor: listener.descriptor,
            local: local.into(),
            connections,
        })
    });
    unaccepted.collect()
}

/// Of one socket the task that surely has it, or else the last one that may: what a task is given when it
/// is spawned leaves its bytes in the older one.
fn once_each(found: Vec<FoundSocket>) -> Vec<FoundSocket> {
    let mut kept: Vec<FoundSocket> = Vec::new();
    for listener in found {
        match kept.iter_mut().find(|known| known.descriptor == listener.descriptor) {
            Some(known) if known.task == listener.task => {
                let may_be_moved = known.may_be_moved && listener.may_be_moved;
                if known.variable.is_none() || known.may_be_moved && !listener.may_be_moved {
                    *known = listener;
                }
                known.may_be_moved = may_be_moved;
            }
            Some(known) if known.may_be_moved => *known = listener,
            Some(_) => {}
            None => kept.push(listener),
        }
    }
    kept.sort_by_key(|listener| listener.task);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SiteId;

    fn listener(task: u32, variable: Option<&str>, may_be_moved: bool) -> FoundSocket {
        FoundSocket {
            task: TaskIndex(task),
            frame: FrameRef { site: SiteId(task), address: 0x100 },
            variable: variable.map(Into::into),
            may_be_moved,
            descriptor: 9,
        }
    }

    fn told(found: Vec<FoundSocket>) -> Vec<(u32, Option<String>)> {
        let of = |it: FoundSocket| (it.task.0, it.variable.map(|name| name.to_string()));
        once_each(found).into_iter().map(of).collect()
    }

    #[test]
    fn a_socket_is_with_who_surely_has_it_under_its_name() {
        let moved = |task| listener(task, Some("listener"), true);
        assert_eq!(told(vec![moved(3)]), [(3, Some("listener".into()))]);
        assert_eq!(told(vec![moved(3), moved(4)]), [(4, Some("listener".into()))]);
        let kept = vec![listener(3, None, false), listener(3, Some("desk"), false), moved(4)];
        assert_eq!(told(kept), [(3, Some("desk".into()))]);
    }
}
