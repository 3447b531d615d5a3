//! The suspended branches of a future whose thread is blocked in another branch of it: memory keeps
//! them, the thread's stack does not show them.
//!
//! Example: `select!` polls a branch that blocks in `std::sync::Mutex::lock`, while the guard is in a
//! sibling branch, suspended. That one's state is not stale: nobody polls it. The state machines on
//! the stack are followed from the outermost one on, each at the await point that its native frame
//! stands at, whatever state it stored last: in the first poll it stored none yet.

use rustc_hash::FxHashSet;

use crate::layout::SourceLocation;
use crate::layout::VariableLocation;
use crate::layout::name::{Environment, environment_of_body};
use crate::report::{Chain, Frame, FutureState, Polled, SiblingsOfStack};
use crate::target::NativeFrame;
use crate::value::{Program, Value, ValueError};
use crate::walk::Walker;
use crate::walk::chains::site_table::{SiteTable, StateKey};
use crate::walk::search::Finder;
use crate::walk::search::coroutine::CoroutineState;
use crate::walk::search::traversals::Descent;
use crate::walk::stacks::native_stack::NativeCall;

/// Futures between the outermost one and the innermost one on the stack, at most.
const MAX_STEPS: usize = 1_000;

/// A state machine whose body is on a thread's stack.
pub(crate) struct OnStack {
    /// The type's name, without generic arguments.
    environment: String,
    /// The line at which it stands.
    location: Option<SourceLocation>,
    /// What its native frame points to, as far as its variables and registers show.
    pointers: FxHashSet<u64>,
}

/// The state machines on a stack, outermost first, from these frames and their functions.
pub(crate) fn on_stack(
    program: &Program<'_>,
    frames: &[NativeFrame],
    calls: &[NativeCall],
) -> Vec<OnStack> {
    // Of a recursive function several frames have one address: the next one with it is meant, from
    // the innermost on.
    let mut left = frames;
    let mut machine = |call: &NativeCall| {
        let NativeCall::Known { module, call, pc } = call else { return None };
        let at = left.iter().position(|frame| frame.pc.get() == *pc);
        left = &left[at.unwrap_or(0)..];
        let frame = at.and(left.first());
        let environment = environment_of_body(&call.function.name)?;
        if Environment::of(&environment)? == Environment::Closure {
            return None;
        }
        let function = &*call.function.name;
        let pointers = frame.map(|frame| pointers(program, *module, frame, function));
        Some(OnStack {
            environment: without_arguments(&environment),
            location: call.location.clone(),
            pointers: pointers.unwrap_or_default(),
        })
    };
    let mut machines: Vec<OnStack> = calls.iter().filter_map(&mut machine).collect();
    machines.reverse();
    machines
}

/// The addresses behind the function's variables, which lie in its machine; if none are known, the
/// values of its registers.
fn pointers(
    program: &Program<'_>,
    module: usize,
    frame: &NativeFrame,
    function: &str,
) -> FxHashSet<u64> {
    let address = program.module_at(frame.pc.lookup()).map(|(_, address)| address);
    let variables = address
        .and_then(|address| program.layouts(module).variables_at(address).ok())
        .unwrap_or_default();
    let behind: FxHashSet<u64> = variables
        .iter()
        .filter(|variable| &*variable.function == function)
        .filter_map(|variable| match variable.location {
            VariableLocation::Indirect(from, first, _) => {
                program.read_pointer(frame.base(from)?.wrapping_add_signed(first)).ok()
            }
            _ => None,
        })
        .collect();
    match behind.is_empty() {
        true => frame.registers.iter().map(|(_, value)| *value).collect(),
        false => behind,
    }
}

/// A type's name without the generic arguments at its end.
fn without_arguments(environment: &str) -> String {
    match environment.rfind("}<") {
        Some(at) => environment[..=at].to_string(),
        None => environment.to_string(),
    }
}

impl OnStack {
    pub(crate) fn is_of(&self, type_name: &str) -> bool {
        without_arguments(type_name) == self.environment
    }
}

impl Walker {
    /// What memory keeps of a future that is being polled, beside the machines that are on the stack;
    /// `None` when the stack does not begin with the future's own.
    pub(crate) fn siblings_of_stack(
        &mut self,
        program: &Program<'_>,
        root: Value,
        on_stack: &[OnStack],
    ) -> Option<SiblingsOfStack> {
        let mut found = SiblingsOfStack { chain: Chain::default(), is_ambiguous: false };
        let mut left = on_stack;
        let mut future = Some(root);
        for _ in 0..MAX_STEPS {
            let Some(at) = future.filter(|_| !program.is_interrupted()) else { break };
            let Ok(next) = self.step(program, at, &mut left, &mut found) else { break };
            future = next;
        }
        (!found.chain.frames.is_empty()).then_some(found)
    }

    /// Goes from a future that is being polled to the next one; adds its siblings.
    fn step(
        &mut self,
        program: &Program<'_>,
        future: Value,
        left: &mut &[OnStack],
        found: &mut SiblingsOfStack,
    ) -> Result<Option<Value>, ValueError> {
        self.finder.begin();
        let traversal = self.finder.traversals.of_type(program, future.ty)?;
        let children = match &traversal.descent {
            Descent::Coroutine { states } => {
                let [now, rest @ ..] = *left else { return Ok(None) };
                if !now.is_of(&program.type_of(future.ty)?.name) {
                    return Ok(None);
                }
                *left = rest;
                let Some(state) = state_at(program, &mut self.sites, future, states, now)? else {
                    return Ok(None);
                };
                let site = self.sites.of_type(program, future.ty, StateKey::Variant(state))?;
                found.chain.frames.push(Frame { site, address: future.address, problem: None });
                awaited(&mut self.finder, program, future, &states[state])
            }
            _ => self.finder.contents(program, future, &traversal).values,
        };
        match *children.as_slice() {
            [] => Ok(None),
            [(only, _)] => Ok(Some(only)),
            _ => Ok(self.polled_branch(program, &children, left, found)),
        }
    }

    /// The one of several futures that is being polled, if it can be told; the others are added as
    /// siblings.
    fn polled_branch(
        &mut self,
        program: &Program<'_>,
        children: &[(Value, Polled)],
        left: &[OnStack],
        found: &mut SiblingsOfStack,
    ) -> Option<Value> {
        let now = left.first()?;
        let mut polled: Vec<(Value, Chain, u64)> = Vec::new();
        for (child, how) in children.iter().filter(|(_, how)| *how != Polled::Ended) {
            let branch = Chain { polled: *how, ..self.chain(program, *child) };
            let machine = self.first_machine(&branch).map(|frame| (frame.site, frame.address));
            match machine {
                Some((site, address)) if now.is_of(&self.sites.get(site).type_name) => {
                    polled.push((*child, branch, address));
                }
                _ => found.chain.branches.push(branch),
            }
        }
        let shown = polled.iter().filter(|(_, _, address)| now.pointers.contains(address)).count();
        let at = match polled.len() {
            1 => Some(0),
            _ if shown == 1 => polled.iter().position(|it| now.pointers.contains(&it.2)),
            _ => None,
        };
        let next = at.map(|at| polled.swap_remove(at).0);
        found.is_ambiguous |= next.is_none() && !polled.is_empty();
        found.chain.branches.extend(polled.into_iter().map(|(_, branch, _)| branch));
        next
    }

    /// The outermost state machine of a chain.
    fn first_machine<'c>(&self, chain: &'c Chain) -> Option<&'c Frame> {
        let is_machine = |frame: &&Frame| {
            self.sites.get(frame.site).state != FutureState::Unknown
                && Environment::of(&self.sites.get(frame.site).type_name).is_some()
        };
        let own = chain.frames.iter().find(is_machine);
        own.or_else(|| chain.branches.iter().find_map(|branch| self.first_machine(branch)))
    }
}

/// What a machine awaits in a state.
fn awaited(
    finder: &mut Finder,
    program: &Program<'_>,
    machine: Value,
    state: &CoroutineState,
) -> Vec<(Value, Polled)> {
    let Some(awaitee) = state.awaitee else { return Vec::new() };
    finder.known_future(program, crate::walk::search::part_of(machine, awaitee)).values
}

/// The state in which a machine stands whose native frame is at that line: the one that awaits
/// there. Of several the one that it stored; `None` when none is told.
fn state_at(
    program: &Program<'_>,
    sites: &mut SiteTable,
    machine: Value,
    states: &[CoroutineState],
    now: &OnStack,
) -> Result<Option<usize>, ValueError> {
    let mut suspended = Vec::new();
    for (number, state) in states.iter().enumerate() {
        if state.kind == FutureState::Suspended {
            let site = sites.of_type(program, machine.ty, StateKey::Variant(number))?;
            suspended.push((number, sites.get(site).location.clone()));
        }
    }
    let place = |place: &Option<SourceLocation>| {
        place.as_ref().map(|place| (place.file.path.clone(), place.line))
    };
    let here: Vec<usize> = suspended
        .iter()
        .filter(|(_, location)| location.is_some() && place(location) == place(&now.location))
        .map(|(number, _)| *number)
        .collect();
    let (stored, _) = machine.active_variant(program)?;
    Ok(match *here.as_slice() {
        [only] => Some(only),
        [] => None,
        _ => here.contains(&stored).then_some(stored),
    })
}
