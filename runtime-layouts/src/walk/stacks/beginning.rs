//! Where a thread begins to poll a future until it is ready, whoever wrote the function that does.
//!
//! By a rule, and not by a list of functions: who polls a future makes a `Context` for it, and is no
//! `poll` itself. So it is in `futures_lite::future::block_on`, `async_io::block_on`,
//! `futures::executor::block_on`, `pollster`, `spin_on`, `extreme`, and in the ten lines that a program
//! has of its own.

use crate::layout::name::{path_segments, plain_path};
use crate::layout::{Call, TypeKind};
use crate::target::NativeFrame;
use crate::value::{Program, Ty};
use crate::walk::Inspection;
use crate::walk::chains::poll_roles::{Role, Roles, makes_context};
use crate::walk::search::coroutine;

/// Functions around the one that makes the context in which the future is looked for: in between are
/// closures and what calls them, as `LocalKey::with`.
pub(super) const MAX_AROUND: usize = 14;
/// Pointers between a variable and a future, at most.
pub(super) const DEEPEST_POINTER: usize = 8;

/// One function on a stack, inlined or not.
pub(crate) struct OnFrame {
    /// The place of its native frame.
    pub(crate) frame: usize,
    pub(crate) module: usize,
    pub(crate) call: Call,
}

/// The functions of a stack, innermost first.
pub(crate) fn calls_of(program: &Program<'_>, frames: &[NativeFrame]) -> Vec<OnFrame> {
    let mut found = Vec::new();
    for (frame, native) in frames.iter().enumerate() {
        let Some((module, address)) = program.module_at(native.pc.lookup()) else { continue };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        found.extend(calls.into_iter().map(|call| OnFrame { frame, module, call }));
    }
    found
}

/// Where a thread polls a future until it is ready.
pub(crate) struct Beginning {
    /// The place of the function that makes the context.
    pub(crate) at: usize,
    /// The place of the function that polls a runtime's task within, the outermost; `None` where none
    /// is polled.
    pub(super) polls_task: Option<usize>,
    /// Whether the future is being polled now.
    pub(super) is_polled: bool,
}

/// The outermost function of the first `end` ones of a stack that begins to poll a future. `None` where
/// a task is polled further out, and where a runtime's own function does it.
pub(crate) fn of_stack(
    inspection: &Inspection<'_>,
    roles: &mut Roles,
    calls: &[OnFrame],
    end: usize,
) -> Option<Beginning> {
    let libraries = inspection.libraries;
    let is_task = |on: &OnFrame| libraries.polls_task(&on.call.function.name);
    let is_runtimes = |on: &OnFrame| {
        let function = &on.call.function.name;
        let first = path_segments(function).first().map(|first| first.text.to_owned());
        let passes = |path: &&str| function.starts_with(*path);
        libraries.runtimes().any(|(library, _)| {
            first.as_ref() == Some(&library.crate_name()) || library.passing_on.iter().any(passes)
        })
    };
    let mut at = None;
    for place in (0..end).rev() {
        let on = &calls[place];
        if is_task(on) {
            return None;
        }
        if roles.of(inspection.program, on.module, &on.call.function) != Role::Begins {
            continue;
        }
        if !is_runtimes(on) {
            at = Some(place);
            break;
        }
        // What is around a task that is polled makes no difference to what that does.
        if end == calls.len() || plain_path(&on.call.function.name).contains("block_on") {
            return None;
        }
    }
    let program = inspection.program;
    let at = at.or_else(|| by_name(program, calls, end, &is_runtimes))?;
    // What was inlined may have left its context with a function that polls nothing itself.
    let mut within = (0..at).rev().take_while(|place| {
        let on = &calls[*place];
        !is_task(on) && roles.of(program, on.module, &on.call.function) != Role::Polls
    });
    let is_given = |place: usize| given(program, calls, place).is_some();
    let inner = match is_given(at) {
        true => None,
        false => within.find(|place| !is_runtimes(&calls[*place]) && is_given(*place)),
    };
    let at = inner.unwrap_or(at);
    if gives_away(program, roles, calls, at) {
        return None;
    }
    let polls_task = (0..at).rev().find(|place| is_task(&calls[*place]));
    let mut inside = calls[..at].iter();
    let is_polled =
        inside.any(|on| roles.of(inspection.program, on.module, &on.call.function) == Role::Polls);
    Some(Beginning { at, polls_task, is_polled })
}

/// Whether the function there gives its context to another one that polls no future, and sleeps in that.
/// What it has in a variable is then no future that it blocks on: the thread of lapin's connection has
/// polled its attempt to connect to the end, and gives its context to what reads the socket
/// (`lapin/src/io_loop.rs`, 4.12.3).
fn gives_away(program: &Program<'_>, roles: &mut Roles, calls: &[OnFrame], at: usize) -> bool {
    for on in calls[..at].iter().rev() {
        match roles.of(program, on.module, &on.call.function) {
            Role::Polls => return false,
            Role::Begins if !makes_context(program, on.module, &on.call.function) => {
                let of_future = |id| future_type(program, Ty { module: on.module, id }).is_some();
                let mut types = on.call.function.type_parameters.iter().map(|of| of.ty);
                let mut variables = on.call.function.variables.iter().map(|it| it.ty);
                return !types.any(of_future) && !variables.any(of_future);
            }
            Role::Begins | Role::Other => {}
        }
    }
    false
}

/// The innermost function that is called as such functions are, and has a future as a generic argument.
/// Where nothing uses the context, as in `std::future::Pending`, an optimized build has no variable for
/// it left.
fn by_name(
    program: &Program<'_>,
    calls: &[OnFrame],
    end: usize,
    is_runtimes: &dyn Fn(&OnFrame) -> bool,
) -> Option<usize> {
    calls[..end].iter().position(|on| !is_runtimes(on) && blocked_on_by_name(program, on).is_some())
}

/// The future that a function blocks on which is called `block_on`, by the name of the argument where
/// nothing is left of its `poll`: `F`, `Fut`, `impl Future<…>`.
fn blocked_on_by_name(program: &Program<'_>, on: &OnFrame) -> Option<Ty> {
    let function = &on.call.function;
    if path_segments(&function.name).last().is_none_or(|last| last.text != "block_on") {
        return None;
    }
    let of = |id| Ty { module: on.module, id };
    let mut types = function.type_parameters.iter();
    types.clone().find_map(|it| future_type(program, of(it.ty))).or_else(|| {
        let is_future = |name: &str| name.starts_with('F') || name.starts_with("impl Future<");
        types.find(|it| is_future(&it.name)).map(|it| of(it.ty))
    })
}

/// The future that the function there has as a generic argument, or one around it, so many further out.
pub(super) fn given(program: &Program<'_>, calls: &[OnFrame], at: usize) -> Option<(usize, Ty)> {
    let around = &calls[at..calls.len().min(at + MAX_AROUND)];
    around.iter().enumerate().find_map(|(place, on)| {
        let mut types = on.call.function.type_parameters.iter();
        let ty = types.find_map(|of| future_type(program, Ty { module: on.module, id: of.ty }));
        Some((place, ty.or_else(|| blocked_on_by_name(program, on))?))
    })
}

/// The future that a type is, or that one refers to; `None` for what is no future.
pub(super) fn future_type(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut at = ty;
    for _ in 0..DEEPEST_POINTER {
        let layout = program.type_of(at).ok()?;
        let of = |id| Ty { module: at.module, id };
        if coroutine::is_coroutine(layout) {
            return Some(at);
        }
        at = match &layout.kind {
            TypeKind::Pointer { target: Some(target) }
                if layout.name.starts_with("&mut ")
                    || layout.name.starts_with("alloc::boxed::Box<") =>
            {
                of(*target)
            }
            TypeKind::Struct { members } if layout.name.starts_with("core::pin::Pin<") => {
                of(members.first()?.ty)
            }
            TypeKind::Struct { .. } | TypeKind::Enum { .. } => {
                let is_dyn = layout.member("vtable").is_some()
                    && layout.name.contains("dyn core::future::future::Future<");
                let is_polled = || {
                    let poll = program.layouts(at.module).poll_of(at.id);
                    poll.is_ok_and(|poll| poll.is_some())
                };
                return (is_dyn || is_polled()).then_some(at);
            }
            _ => return None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::layout::TypeId;

    /// Whether who makes a context gives it away to a function with that variable beside it.
    fn is_given_away(variable: fn(&mut FakeLayouts) -> TypeId, name: &str) -> bool {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let context = layouts.structure("core::task::wake::Context", 8, &[("waker", 0, word)]);
        let lent = layouts.pointer("&mut core::task::wake::Context", Some(context));
        let variable = variable(&mut layouts);
        layouts.function(0x10, "lapin::io_loop::run", &[], &[("context", context)]);
        let variables = [("state", word), ("other", variable), ("context", lent)];
        layouts.function(0x20, name, &[], &variables);
        let target = FakeTarget::new(layouts, FakeMemory::new(), 0);
        let program = Program::new(&target);
        let calls: Vec<OnFrame> = [0x20, 0x10]
            .into_iter()
            .enumerate()
            .map(|(frame, address)| {
                let at = crate::layout::StaticAddress(address);
                let function = program.layouts(0).functions_at(at).expect("functions").remove(0);
                OnFrame { frame, module: 0, call: Call { function, location: None } }
            })
            .collect();
        gives_away(&program, &mut Roles::default(), &calls, 1)
    }

    #[test]
    fn a_context_is_given_away_to_what_has_no_future() {
        let word = |layouts: &mut FakeLayouts| layouts.integer(4);
        let future = |layouts: &mut FakeLayouts| {
            let awaitee = layouts.integer(4);
            layouts.async_fn("lapin::connect", awaitee, 7)
        };
        assert!(is_given_away(word, "lapin::io_loop::read"));
        assert!(!is_given_away(future, "lapin::io_loop::read"), "it blocks on that future");
        assert!(!is_given_away(word, "lapin::io_loop::poll_read"), "it polls");
    }
}
