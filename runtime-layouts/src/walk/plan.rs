//! Plans: how to get from a value to the futures or guards in it, worked out once a type.
//!
//! For futures the rule is general, there is no list of libraries: a type is a future when it is a
//! state machine or when the program has a `poll` of it; its children are the futures that it
//! contains, boxes or borrows mutably. Guards are known by name; they count where they are owned.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::{collections, registry};
use crate::layout::name::{Environment, base_path};
use crate::layout::source::LayoutError;
use crate::layout::{Member, Type, TypeId, TypeKind, Variant};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};

/// What is looked for in values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// What can be polled.
    Futures,
    /// What keeps a lock, a permit, or an end of a channel.
    Guards,
    /// What leads to a runtime or a task.
    Handles,
}

/// How to go on from a value of one type.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether the type is itself what is wanted: a future makes a frame.
    pub(crate) is_wanted: bool,
    /// Where what it holds is.
    pub(crate) shape: Shape,
}

/// Where in a value it is.
#[derive(Debug)]
pub(crate) enum Shape {
    /// In none of its parts.
    Nothing,
    /// A state machine: by state.
    Machine { states: Vec<MachineState> },
    /// In these parts.
    Parts(Vec<Part>),
    /// In these parts of the active variant, and whether that variant is one of a future that
    /// has ended.
    Variants { parts: Vec<Vec<Part>>, ended: Vec<bool> },
    /// In the parts of what a pointer at one offset points to, but not in those whose bit is set
    /// in the mask of so many bytes behind the pointer at the other: the arms of a `select!`.
    Arms { arms: u64, parts: Vec<Part>, mask: u64, size: u8 },
    /// Behind a thin pointer.
    Pointer(Ty),
    /// Behind a thin pointer that shares what it owns.
    Shared(Ty),
    /// Behind a `dyn Future` pointer: the offsets of the data pointer and the vtable pointer.
    Dyn { data: u64, vtable: u64 },
    /// In each element.
    Array { element: Ty, size: u64, count: u64 },
    /// In each element of the slice behind a fat pointer with these offsets.
    Slice { data: u64, length: u64, element: Ty, size: u64 },
    /// In this part of each node of a linked list: from the value to the pointer to the first
    /// node, and from a node to the pointer to the next, in bytes.
    List { head: u64, next: u64, item: Part },
}

/// What a state machine holds in one of its states.
#[derive(Default, Debug)]
pub(crate) struct MachineState {
    /// The future that it awaits.
    pub(crate) awaitee: Option<Part>,
    /// Its other variables in which what is wanted may be.
    pub(crate) held: Vec<Held>,
}

/// A variable of a state machine.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Held {
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

/// A part of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Bytes from the start of the value.
    pub(crate) offset: u64,
    /// The part's type.
    pub(crate) ty: Ty,
}

/// What a state machine calls the future that it awaits
/// (`compiler/rustc_ast_lowering/src/expr.rs`, `lower_expr_await`).
const AWAITEE: &str = "__awaitee";

/// Types that are polled only by passing the call on: frames of them would say nothing.
/// `GenFuture` is what rustc before 1.67 wraps every state machine in.
const TRANSPARENT: [&str; 4] = [
    "core::pin::Pin",
    "alloc::boxed::Box",
    "core::future::from_generator::GenFuture",
    "core::panic::unwind_safe::AssertUnwindSafe",
];

/// The plans that were worked out so far.
pub(crate) struct Planner {
    wanted: Wanted,
    plans: HashMap<Ty, Rc<Plan>>,
    holding: HashMap<Ty, bool>,
}

impl Held {
    /// Whether the variable may have been moved away, so that these are old bytes.
    pub(crate) fn may_be_moved(&self, program: &Program<'_>, machine: Value) -> bool {
        let is_clear = |flag: &u64| {
            let flag = program.read_unsigned(machine.address.wrapping_add(*flag), 1);
            flag.is_ok_and(|flag| flag == 0)
        };
        self.is_captured || self.flags.iter().any(is_clear)
    }
}

impl Planner {
    /// No plans yet.
    pub(crate) fn of(wanted: Wanted) -> Self {
        Self { wanted, plans: HashMap::new(), holding: HashMap::new() }
    }

    /// The plan of a type.
    pub(crate) fn plan(&mut self, program: &Program<'_>, ty: Ty) -> Result<Rc<Plan>, LayoutError> {
        if let Some(plan) = self.plans.get(&ty) {
            return Ok(Rc::clone(plan));
        }
        let plan = Rc::new(self.make(program, ty)?);
        self.plans.insert(ty, Rc::clone(&plan));
        Ok(plan)
    }

    fn make(&mut self, program: &Program<'_>, ty: Ty) -> Result<Plan, LayoutError> {
        let layout = program.type_of(ty)?;
        if is_machine(&layout)
            && let TypeKind::Enum { variants, .. } = &layout.kind
        {
            let census = Census::of(program, ty.module, variants)?;
            let is_fn = Environment::of(&layout.name) == Some(Environment::AsyncFn);
            let states = variants
                .iter()
                .map(|variant| self.machine_state(program, ty.module, variant, &census, is_fn))
                .collect::<Result<_, LayoutError>>()?;
            let is_wanted = self.wanted == Wanted::Futures;
            return Ok(Plan { is_wanted, shape: Shape::Machine { states } });
        }
        let is_wanted = self.is_wanted(program, ty, &layout)?;
        let shape = match neighbours(program, ty, &layout, self.wanted)? {
            Neighbours::None => Shape::Nothing,
            Neighbours::Parts(parts) => match self.holding_only(program, parts) {
                parts if parts.is_empty() => Shape::Nothing,
                parts => Shape::Parts(parts),
            },
            Neighbours::Variants(variants) => {
                let parts: Vec<Vec<Part>> =
                    variants.into_iter().map(|parts| self.holding_only(program, parts)).collect();
                if parts.iter().all(Vec::is_empty) {
                    Shape::Nothing
                } else {
                    let ended = ended_variants(&layout, &parts);
                    Shape::Variants { parts, ended }
                }
            }
            Neighbours::Pointer(target) if !self.holds(program, target) => Shape::Nothing,
            Neighbours::Pointer(target) if is_shared(&layout.name) => Shape::Shared(target),
            Neighbours::Pointer(target) => Shape::Pointer(target),
            Neighbours::Dyn { data, vtable } => Shape::Dyn { data, vtable },
            Neighbours::Array { element, size, count } if self.holds(program, element) => {
                Shape::Array { element, size, count }
            }
            Neighbours::Slice { data, length, element, size } if self.holds(program, element) => {
                Shape::Slice { data, length, element, size }
            }
            Neighbours::List { head, next, item } if self.holds(program, item.ty) => {
                Shape::List { head, next, item }
            }
            Neighbours::Arms { arms, parts, mask, size } => Shape::Arms { arms, parts, mask, size },
            _ => Shape::Nothing,
        };
        Ok(Plan { is_wanted, shape })
    }

    /// `is_fn` says whether the machine is that of an async fn.
    fn machine_state(
        &mut self,
        program: &Program<'_>,
        module: usize,
        variant: &Variant,
        census: &Census,
        is_fn: bool,
    ) -> Result<MachineState, LayoutError> {
        let of = |id: TypeId| Ty { module, id };
        let mut state = MachineState::default();
        let fields = program.type_of(of(variant.ty))?;
        // A future that was not polled has not made its variables; guards it may have been given.
        let is_unresumed = &*variant.name == "Unresumed";
        let is_kept =
            variant.name.starts_with("Suspend") || (self.wanted != Wanted::Futures && is_unresumed);
        let members = fields.members();
        // In every state rustc lists the captured variables last. Those of an async fn are its
        // arguments, which it moves into variables of their own before all else.
        let of_state = members.len().saturating_sub(census.captured.len());
        let lists_captured =
            !is_unresumed && members[of_state..].iter().map(|m| &m.name).eq(&census.captured);
        for (index, member) in members.iter().enumerate() {
            let is_captured = lists_captured && index >= of_state;
            let part = Part { offset: variant.offset + member.offset, ty: of(member.ty) };
            if &*member.name == AWAITEE {
                state.awaitee = Some(part);
            } else if is_kept
                && !(is_captured && is_fn)
                && !is_borrow(program, part.ty)
                && !state.held.iter().any(|held| held.part == part)
                && self.holds(program, part.ty)
            {
                let flags = census.flags_of(member, variant);
                let name = Arc::clone(&member.name);
                state.held.push(Held { name, part, is_captured, flags });
            }
        }
        Ok(state)
    }

    fn is_wanted(&self, program: &Program<'_>, ty: Ty, layout: &Type) -> Result<bool, LayoutError> {
        match self.wanted {
            Wanted::Futures => is_polled(program, ty, layout),
            Wanted::Guards => Ok(is_guard(layout)),
            Wanted::Handles => Ok(registry::is_handle(base_path(&layout.name))),
        }
    }

    fn holding_only(&mut self, program: &Program<'_>, parts: Vec<Part>) -> Vec<Part> {
        parts.into_iter().filter(|part| self.holds(program, part.ty)).collect()
    }

    /// Whether a future can be reached from a value of this type. Types that cannot be had hold
    /// none.
    fn holds(&mut self, program: &Program<'_>, start: Ty) -> bool {
        if let Some(known) = self.holding.get(&start) {
            return *known;
        }
        let mut seen = HashSet::from([start]);
        let mut stack = vec![start];
        let mut found = false;
        while let Some(ty) = stack.pop() {
            match self.holding.get(&ty) {
                Some(true) => {
                    found = true;
                    break;
                }
                Some(false) => continue,
                None => {}
            }
            let Ok(layout) = program.type_of(ty) else { continue };
            if is_machine(&layout) && self.wanted != Wanted::Futures {
                continue;
            }
            if is_machine(&layout) || self.is_wanted(program, ty, &layout).unwrap_or(false) {
                self.holding.insert(ty, true);
                found = true;
                break;
            }
            let next = neighbours(program, ty, &layout, self.wanted);
            let next = match next.unwrap_or(Neighbours::None) {
                Neighbours::Dyn { .. } => {
                    self.holding.insert(ty, true);
                    found = true;
                    break;
                }
                Neighbours::None => Vec::new(),
                Neighbours::Parts(parts) => parts.into_iter().map(|part| part.ty).collect(),
                Neighbours::Variants(variants) => {
                    variants.into_iter().flatten().map(|part| part.ty).collect()
                }
                Neighbours::Arms { parts, .. } => parts.into_iter().map(|part| part.ty).collect(),
                Neighbours::Pointer(target) => vec![target],
                Neighbours::List { item, .. } => vec![item.ty],
                Neighbours::Array { element, .. } | Neighbours::Slice { element, .. } => {
                    vec![element]
                }
            };
            stack.extend(next.into_iter().filter(|ty| seen.insert(*ty)));
        }
        if found {
            self.holding.insert(start, true);
        } else {
            // Whatever was reached from here holds none either.
            self.holding.extend(seen.into_iter().map(|ty| (ty, false)));
        }
        found
    }
}

/// Whether a type is the state machine of an async fn, block or closure.
fn is_machine(layout: &Type) -> bool {
    matches!(layout.kind, TypeKind::Enum { .. })
        && Environment::of(&layout.name).is_some_and(|kind| kind != Environment::Closure)
}

/// Whether the type is of a guard that some library has.
fn is_guard(layout: &Type) -> bool {
    registry::guard(base_path(&layout.name)).is_some()
}

fn is_polled(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<bool, LayoutError> {
    let can_be = matches!(layout.kind, TypeKind::Struct { .. } | TypeKind::Enum { .. });
    if !can_be || TRANSPARENT.contains(&base_path(&layout.name)) {
        return Ok(false);
    }
    Ok(program.layouts(ty.module).poll_of(ty.id)?.is_some())
}

/// Where a type leads to, before it is known whether futures are there.
pub(super) enum Neighbours {
    None,
    Parts(Vec<Part>),
    Variants(Vec<Vec<Part>>),
    Pointer(Ty),
    Dyn { data: u64, vtable: u64 },
    Array { element: Ty, size: u64, count: u64 },
    Slice { data: u64, length: u64, element: Ty, size: u64 },
    List { head: u64, next: u64, item: Part },
    Arms { arms: u64, parts: Vec<Part>, mask: u64, size: u8 },
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
            if &*variant.name == "Unresumed" {
                census.captured = fields.members().iter().map(|m| Arc::clone(&m.name)).collect();
            }
            for member in fields.members() {
                let offset = variant.offset + member.offset;
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
        let key = (Arc::clone(&member.name), variant.offset + member.offset);
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
    let number = member.name.strip_prefix("__").unwrap_or_default();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && program.type_of(ty).is_ok_and(|layout| layout.kind == TypeKind::Bool)
}

/// Whether a variable only borrows: what it borrows lies in another one.
fn is_borrow(program: &Program<'_>, ty: Ty) -> bool {
    program.type_of(ty).is_ok_and(|layout| {
        let name = layout.name.strip_prefix("core::pin::Pin<").unwrap_or(&layout.name);
        name.starts_with('&')
    })
}

/// Which variants are those of a future that has ended: `Done` and `Gone` of a `MaybeDone`,
/// `Complete` and `Empty` of futures-util's adapters. Only one that holds no future counts, in a
/// type where others do.
fn ended_variants(layout: &Type, parts: &[Vec<Part>]) -> Vec<bool> {
    const ENDED: [&str; 6] = ["Done", "Gone", "Complete", "Completed", "Empty", "Finished"];
    let TypeKind::Enum { variants, .. } = &layout.kind else { return Vec::new() };
    let is_ended = |name: &str| ENDED.contains(&name);
    variants
        .iter()
        .zip(parts)
        .map(|(variant, parts)| parts.is_empty() && is_ended(&variant.name))
        .collect()
}

fn neighbours(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
    wanted: Wanted,
) -> Result<Neighbours, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    if let Some(collection) = collections::neighbours(program, ty, layout)? {
        return Ok(collection);
    }
    Ok(match &layout.kind {
        TypeKind::Struct { members } if wanted != Wanted::Futures && is_shared(&layout.name) => {
            match members.iter().find_map(|member| shared_target(program, of(member.ty))) {
                Some(target) => Neighbours::Pointer(target),
                None => Neighbours::None,
            }
        }
        TypeKind::Struct { members } => match fat_pointer(program, ty, layout, wanted)? {
            Some(fat) => fat,
            None => Neighbours::Parts(
                members
                    .iter()
                    .map(|member| Part { offset: member.offset, ty: of(member.ty) })
                    .collect(),
            ),
        },
        // The other member of `MaybeUninit` is `()`; what other unions hold, only their code knows.
        TypeKind::Union { members } if base_path(&layout.name).ends_with("::MaybeUninit") => {
            Neighbours::Parts(
                members
                    .iter()
                    .filter(|member| &*member.name == "value")
                    .map(|member| Part { offset: member.offset, ty: of(member.ty) })
                    .collect(),
            )
        }
        TypeKind::Enum { variants, .. } => Neighbours::Variants(
            variants
                .iter()
                .map(|variant| vec![Part { offset: variant.offset, ty: of(variant.ty) }])
                .collect(),
        ),
        TypeKind::Pointer { target: Some(target) } if is_followed(&layout.name, wanted) => {
            Neighbours::Pointer(of(*target))
        }
        TypeKind::Array { element, count: Some(count) } => Neighbours::Array {
            element: of(*element),
            size: program.type_of(of(*element))?.size,
            count: *count,
        },
        _ => Neighbours::None,
    })
}

/// Whether a pointer of that type leads to what is wanted: one that owns what it points to, for
/// futures also one that borrows it exclusively, since they cannot be polled through any other.
fn is_followed(pointer: &str, wanted: Wanted) -> bool {
    pointer.starts_with("alloc::boxed::Box<")
        || (wanted == Wanted::Futures && pointer.starts_with("&mut "))
}

/// Whether a type is a pointer that shares what it owns.
fn is_shared(name: &str) -> bool {
    matches!(base_path(name), "alloc::sync::Arc" | "alloc::rc::Rc")
}

/// What the pointer in an `Arc` or `Rc` points to: the counts, and the value behind them.
fn shared_target(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let pointer = path::find(program, ty, Reach::INLINE, &mut is_pointer)?;
    match program.type_of(pointer.end).ok()?.kind {
        TypeKind::Pointer { target: Some(id) } => Some(Ty { module: ty.module, id }),
        _ => None,
    }
}

/// A fat pointer to a slice or to a `dyn Trait` that is polled.
fn fat_pointer(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
    wanted: Wanted,
) -> Result<Option<Neighbours>, LayoutError> {
    let [first, second] = layout.members() else { return Ok(None) };
    // rustc before 1.60 or so calls the first member of both `data_ptr`.
    if !matches!(&*first.name, "data_ptr" | "pointer") {
        return Ok(None);
    }
    if !is_followed(&layout.name, wanted) {
        return Ok(Some(Neighbours::None));
    }
    let pointer = program.type_of(Ty { module: ty.module, id: first.ty })?;
    let TypeKind::Pointer { target: Some(target) } = pointer.kind else {
        return Ok(Some(Neighbours::None));
    };
    let target = Ty { module: ty.module, id: target };
    Ok(Some(match &*second.name {
        "vtable" if wanted == Wanted::Futures && is_polled_trait(&layout.name) => {
            Neighbours::Dyn { data: first.offset, vtable: second.offset }
        }
        "length" => Neighbours::Slice {
            data: first.offset,
            length: second.offset,
            element: target,
            size: program.type_of(target)?.size,
        },
        _ => Neighbours::None,
    }))
}

/// Whether a pointer's type is to a `dyn Future` or `dyn Stream`.
fn is_polled_trait(pointer: &str) -> bool {
    let Some(at) = pointer.find("dyn ") else { return false };
    let name = &pointer[at + "dyn ".len()..];
    name.starts_with("core::future::future::Future<")
        || name.starts_with("futures_core::stream::Stream<")
}
