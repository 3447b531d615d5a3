//! Coroutines: the variables that an async fn, block or closure saves while it is suspended.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::knowledge::children::Part;
use crate::layout::name::Environment;
use crate::layout::source::LayoutError;
use crate::layout::{Member, Type, TypeId, TypeKind, Variant};
use crate::report::FutureState;
use crate::value::{Program, Ty, Value};

/// What a state machine calls the future that it awaits
/// (`compiler/rustc_ast_lowering/src/expr.rs`, `lower_expr_await`).
use crate::layout::coroutine::{self, AWAITEE};

/// What a state machine keeps in one of its states.
#[derive(Debug)]
pub(crate) struct CoroutineState {
    /// Which state it is.
    pub(crate) kind: FutureState,
    /// The future that it awaits.
    pub(crate) awaitee: Option<Part>,
    /// Its other variables, in the order of the debug information.
    pub(crate) variables: Vec<Variable>,
    /// Those of its variables that only borrow what lies elsewhere.
    pub(crate) borrows: Vec<Variable>,
}

/// A variable of a state machine.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name in the source, or `__3` for one that has none.
    pub(crate) name: Arc<str>,
    /// Where it is.
    pub(crate) part: Part,
    /// Whether it was captured when the machine was made: then no flag tells whether it was moved
    /// away since.
    is_captured: bool,
    /// The drop flags of the machine that may be this variable's, in bytes from its start.
    flags: Vec<u64>,
}

impl Variable {
    /// Whether it has no name in the source: rustc numbers those.
    pub(crate) fn is_temporary(name: &str) -> bool {
        let number = name.strip_prefix("__").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether it may have been moved away, so that these are old bytes.
    pub(crate) fn may_be_moved(&self, program: &Program<'_>, machine: Value) -> bool {
        let is_clear = |flag: &u64| {
            let flag = program.read_unsigned(machine.address.wrapping_add(*flag), 1);
            flag.is_ok_and(|flag| flag == 0)
        };
        self.is_captured || self.flags.iter().any(is_clear)
    }
}

/// Whether a type is the state machine of an async fn, block or closure.
pub(crate) fn is_coroutine(layout: &Type) -> bool {
    matches!(layout.kind, TypeKind::Enum { .. })
        && Environment::of(&layout.name).is_some_and(|kind| kind != Environment::Closure)
}

/// What a machine keeps, by state.
pub(crate) fn states(
    program: &Program<'_>,
    machine: Ty,
) -> Result<Vec<CoroutineState>, LayoutError> {
    let layout = program.type_of(machine)?;
    let TypeKind::Enum { variants, .. } = &layout.kind else { return Ok(Vec::new()) };
    let census = Census::of(program, machine.module, variants)?;
    variants.iter().map(|variant| state(program, machine, layout, &census, variant)).collect()
}

fn state(
    program: &Program<'_>,
    machine: Ty,
    layout: &Type,
    census: &Census,
    variant: &Variant,
) -> Result<CoroutineState, LayoutError> {
    let is_fn = Environment::of(&layout.name) == Some(Environment::AsyncFn);
    let of = |id: TypeId| Ty { module: machine.module, id };
    let kind = state_of_variant(&variant.name);
    let mut state =
        CoroutineState { kind, awaitee: None, variables: Vec::new(), borrows: Vec::new() };
    let fields = program.type_of(of(variant.ty))?;
    let members = fields.members();
    // In every state rustc lists the captured variables last. Those of an async fn are its
    // arguments, which it moves into variables of their own before all else.
    let of_state = members.len().saturating_sub(census.captured.len());
    let lists_captured = kind != FutureState::Unresumed
        && members[of_state..].iter().map(|member| &member.name).eq(&census.captured);
    for (index, member) in members.iter().enumerate() {
        let is_captured = lists_captured && index >= of_state;
        let part = Part { offset: variant.offset.wrapping_add(member.offset), ty: of(member.ty) };
        if &*member.name == AWAITEE {
            state.awaitee = Some(part);
            continue;
        }
        let is_known = state.variables.iter().any(|known| known.part == part);
        if !(is_known || is_captured && is_fn || is_drop_flag(program, member, part.ty)) {
            let flags = census.flags_of(member, variant);
            let name = Arc::clone(&member.name);
            state.variables.push(Variable { name, part, is_captured, flags });
        }
    }
    Ok(state)
}

/// The state by the name that rustc gives to the variant of a coroutine
/// (`compiler/rustc_middle/src/ty/sty.rs`, `CoroutineArgsExt::variant_name`).
pub(crate) fn state_of_variant(variant: &str) -> FutureState {
    match variant {
        coroutine::UNRESUMED => FutureState::Unresumed,
        coroutine::RETURNED => FutureState::Returned,
        coroutine::PANICKED => FutureState::Panicked,
        name if name.starts_with(coroutine::SUSPENDED) => FutureState::Suspended,
        _ => FutureState::Unknown,
    }
}

/// Which variables and drop flags a state machine keeps in which states.
struct Census {
    /// The names of the variables that it has before it is polled.
    captured: Vec<Arc<str>>,
    /// The states of each variable, by name and offset.
    variables: HashMap<(Arc<str>, u64), HashSet<TypeId>>,
    /// The states of each drop flag, by offset: rustc makes a flag for each variable that may have
    /// been moved away, but the debug information does not say for which.
    flags: HashMap<u64, HashSet<TypeId>>,
}

impl Census {
    fn of(program: &Program<'_>, module: usize, variants: &[Variant]) -> Result<Self, LayoutError> {
        let mut census =
            Self { captured: Vec::new(), variables: HashMap::new(), flags: HashMap::new() };
        for variant in variants {
            let fields = program.type_of(Ty { module, id: variant.ty })?;
            if &*variant.name == coroutine::UNRESUMED {
                census.captured = fields.members().iter().map(|m| Arc::clone(&m.name)).collect();
            }
            for member in fields.members() {
                let offset = variant.offset.wrapping_add(member.offset);
                let states = match is_drop_flag(program, member, Ty { module, id: member.ty }) {
                    true => census.flags.entry(offset).or_default(),
                    false => {
                        census.variables.entry((Arc::clone(&member.name), offset)).or_default()
                    }
                };
                states.insert(variant.ty);
            }
        }
        Ok(census)
    }

    /// The flags that may be a variable's in some state: those that are kept in no state in which
    /// the variable is not.
    fn flags_of(&self, member: &Member, variant: &Variant) -> Vec<u64> {
        let key = (Arc::clone(&member.name), variant.offset.wrapping_add(member.offset));
        let Some(own) = self.variables.get(&key) else { return Vec::new() };
        let flags = self.flags.iter();
        flags
            .filter(|(_, states)| states.contains(&variant.ty) && states.is_subset(own))
            .map(|(offset, _)| *offset)
            .collect()
    }
}

/// Whether a saved variable without a name is a drop flag
/// (`compiler/rustc_mir_transform/src/elaborate_drops.rs`, Rust 1.95).
fn is_drop_flag(program: &Program<'_>, member: &Member, ty: Ty) -> bool {
    Variable::is_temporary(&member.name)
        && program.type_of(ty).is_ok_and(|layout| layout.kind == TypeKind::Bool)
}
