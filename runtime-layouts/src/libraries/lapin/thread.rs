//! The thread that reads and writes the socket of a connection, which is in a variable of its stack.

use super::EVENTS;
use crate::value::{Program, Ty, Value};
use crate::walk::stacks::stack_future;

/// What the thread runs, by reference or not.
const LOOP: &str = "lapin::io_loop::IoLoop<";
/// The socket, with TLS around it or not.
const STREAM: &str = "tcp_stream::futures::AsyncTcpStream<";

/// The socket of the connection with those events; `None` where its thread keeps it in no variable that
/// the debug information places.
pub(super) fn socket(program: &Program<'_>, events: Value) -> Option<Value> {
    program.target().threads().iter().find_map(|thread| {
        let mut variables = Vec::new();
        for frame in program.stack(thread).iter() {
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            let known = program.layouts(module).variables_at(address).unwrap_or_default();
            let known = known.iter().filter(|it| {
                let name = program.type_of(Ty { module, id: it.ty }).map(|ty| &ty.name);
                name.is_ok_and(|name| name.contains(LOOP) || name.contains(STREAM))
            });
            variables.extend(known.filter_map(|variable| {
                stack_future::place(program, module, variable, frame).map(|(_, value)| value)
            }));
        }
        let is_its = |value: &Value| {
            let found = value.find_through_pointers(program, EVENTS).ok().flatten();
            found.is_some_and(|found| found.address == events.address)
        };
        variables.iter().find(|value| is_its(value))?;
        variables.iter().find_map(|value| value.find_through_pointers(program, STREAM).ok()?)
    })
}
