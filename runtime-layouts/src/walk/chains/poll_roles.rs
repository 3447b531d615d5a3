//! What a function does with the `Context` of a poll: whether it is given one, or begins to poll.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::layout::name::{Environment, environment_of_body, path_segments};
use crate::layout::{Call, Function, Member};
use crate::value::{Program, Ty};

/// `library/core/src/task/wake.rs` (Rust 1.63 to 1.97).
const CONTEXT: &str = "core::task::wake::Context";
const CONTEXT_REFERENCE: &str = "&mut core::task::wake::Context";

/// What a function does with a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It is given one: it polls on behalf of who called it.
    Polls,
    /// It makes one: it is where the polling begins.
    Begins,
    /// It has none.
    Other,
}

/// What is known of functions.
#[derive(Default)]
pub(crate) struct Roles(FxHashMap<Arc<str>, Role>);

impl Roles {
    /// What a function of a module does with one.
    pub(crate) fn of(&mut self, program: &Program<'_>, module: usize, function: &Function) -> Role {
        if let Some(known) = self.0.get(&function.name) {
            return *known;
        }
        let role = role(program, module, function);
        self.0.insert(Arc::clone(&function.name), role);
        role
    }

    /// Whether a function begins to poll a future.
    pub(crate) fn begins(&mut self, program: &Program<'_>, module: usize, call: &Call) -> bool {
        self.of(program, module, &call.function) == Role::Begins
    }
}

/// Whether a function makes a context itself.
pub(crate) fn makes_context(program: &Program<'_>, module: usize, function: &Function) -> bool {
    function.variables.iter().any(|variable| {
        let layout = program.type_of(Ty { module, id: variable.ty });
        layout.is_ok_and(|layout| &*layout.name == CONTEXT)
    })
}

fn role(program: &Program<'_>, module: usize, function: &Function) -> Role {
    let is_body = environment_of_body(&function.name)
        .is_some_and(|body| Environment::of(&body) != Some(Environment::Closure));
    if is_body {
        return Role::Polls;
    }
    let segments = path_segments(&function.name);
    let first = segments.first().map_or("", |first| first.text);
    let last = segments.last().map_or("", |last| last.text);
    // `Context::from_waker` and what makes wakers.
    if matches!(first, "core" | "std" | "alloc") {
        return if last == "poll" { Role::Polls } else { Role::Other };
    }
    let (mut has_context, mut is_given) = (None, false);
    for (place, variable) in function.variables.iter().enumerate() {
        let Ok(layout) = program.type_of(Ty { module, id: variable.ty }) else { continue };
        match &*layout.name {
            CONTEXT => return if last.starts_with("poll") { Role::Polls } else { Role::Begins },
            CONTEXT_REFERENCE => has_context = has_context.or(Some(place)),
            // What may be given one, or none: `cx: Option<&mut Context<'_>>` in `piper/src/lib.rs`
            // (0.2.5). Parameters come before what is taken out of them.
            name if has_context.is_none() && name.contains(CONTEXT_REFERENCE) => is_given = true,
            _ => {}
        }
    }
    let is_closure = environment_of_body(&function.name).is_some();
    match has_context {
        None => Role::Other,
        Some(_) if is_given => Role::Polls,
        // `self` and the context; of a closure, whose own variables are no parameter, the context.
        Some(1) => Role::Polls,
        Some(0) if is_closure => Role::Polls,
        Some(_) if last.starts_with("poll") || last.starts_with("try_poll") => Role::Polls,
        Some(at) if is_closure && is_captured(program, module, function, at) => Role::Polls,
        Some(_) => Role::Begins,
    }
}

/// Whether a variable of a closure is one that it captured.
fn is_captured(program: &Program<'_>, module: usize, function: &Function, at: usize) -> bool {
    let Some(environment) = environment_of_body(&function.name) else { return false };
    let near = function.type_parameters.first().map(|of| of.ty);
    let types = program.layouts(module).types_named(&environment, near).unwrap_or_default();
    let name = &function.variables[at].name;
    // What is captured by reference has a name of its own.
    let is_it =
        |member: &Member| member.name == *name || member.name.strip_prefix("_ref__") == Some(name);
    types.iter().any(|id| {
        let layout = program.type_of(Ty { module, id: *id });
        layout.is_ok_and(|layout| layout.members().iter().any(is_it))
    })
}
