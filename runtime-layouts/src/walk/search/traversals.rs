//! Traversals: the way from a value of one type to the futures, guards or handles in it, worked out
//! once a type.
//!
//! The rule for futures is general and needs no list of libraries. A type is a future if it is a
//! coroutine or if the program has a `poll` of it; its children are the futures that it contains,
//! boxes or borrows mutably. Guards are known by name, and count only where they are owned.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::children::children;
use super::coroutine::{self, CoroutineState, Variable, is_coroutine};
use super::end_types::EndTypes;
use super::search_for::SearchFor;
use super::shared::is_shared;
use crate::knowledge::Libraries;
use crate::knowledge::children::{
    Arms, Children, Object, Part, ReadElements, ReadSharedFuture, Turns,
};
use crate::layout::name::base_path;
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::report::FutureState;
use crate::value::{Program, Ty};

/// How to go on from a value of one type.
#[derive(Debug)]
pub(crate) struct Traversal {
    /// Whether the type is itself what is wanted: a future makes a frame.
    pub(crate) is_wanted: bool,
    /// Whether a value that is known to be a future makes a frame of its own.
    pub(crate) makes_a_frame: bool,
    /// Where what it holds is.
    pub(crate) descent: Descent,
}

/// Where in a value it is.
#[derive(Debug)]
pub(crate) enum Descent {
    /// In none of its parts.
    Nothing,
    /// A state machine: by state.
    Coroutine { states: Vec<CoroutineState> },
    /// In these parts.
    Parts(Vec<Part>),
    /// In these parts of the active variant, and whether that variant is one of a future that
    /// has ended.
    Variants { parts: Vec<Vec<Part>>, ended: Vec<bool> },
    /// In the future that this finds, which others poll as well.
    SharedFuture { read: ReadSharedFuture },
    /// In the arms of a `select!`.
    Arms(Arms),
    /// In parts of which one is polled only while another one holds nothing.
    Turns(Turns),
    /// Behind a thin pointer.
    Pointer(Ty),
    /// Behind a thin pointer that shares what it owns.
    Shared(Ty),
    /// Behind a `dyn Trait` pointer: the offsets of the data pointer and the vtable pointer, and
    /// whether what is there is a future; else it may only have some in it.
    Dyn { data: u64, vtable: u64, object: Object },
    /// In each element.
    Array { element: Ty, size: u64, count: u64 },
    /// In each element of the slice behind a fat pointer with these offsets.
    Slice { data: u64, length: u64, element: Ty, size: u64 },
    /// In this part of each node of a linked list: from the value to the pointer to the first
    /// node, and from a node to the pointer to the next, in bytes.
    List { head: u64, next: u64, item: Part },
    /// In what this reads: the elements of a collection, or the messages in a channel.
    Elements { read: ReadElements },
}

/// Types that are polled only by passing the call on: frames of them would say nothing.
/// `GenFuture` is what rustc before 1.67 wraps every state machine in.
const TRANSPARENT: [&str; 4] = [
    "core::pin::Pin",
    "alloc::boxed::Box",
    "core::future::from_generator::GenFuture",
    "core::panic::unwind_safe::AssertUnwindSafe",
];

/// Structs in each other that are passed over at once, and parts that they may have, at most: a layout
/// file may say that a type is a part of itself.
const DEEPEST_PARTS: usize = 64;
const MAX_PARTS: usize = 256;

/// The plans that were worked out so far.
pub(crate) struct Traversals {
    wanted: SearchFor,
    libraries: Libraries,
    /// What ends are, where those are wanted.
    ends: Rc<EndTypes>,
    /// Structs in each other whose plans are being worked out.
    depth: usize,
    by_type: FxHashMap<Ty, Rc<Traversal>>,
    holding: FxHashMap<Ty, bool>,
}

impl Traversals {
    /// No plans yet.
    pub(crate) fn of(wanted: SearchFor, libraries: Libraries) -> Self {
        Self {
            wanted,
            libraries,
            ends: Rc::default(),
            depth: 0,
            by_type: FxHashMap::default(),
            holding: FxHashMap::default(),
        }
    }

    /// No plans yet, for ends of these types.
    pub(crate) fn of_ends(ends: Rc<EndTypes>, libraries: Libraries) -> Self {
        Self { ends, ..Self::of(SearchFor::Ends, libraries) }
    }

    /// Whether what can be polled is looked for.
    pub(crate) fn are_futures_wanted(&self) -> bool {
        self.wanted == SearchFor::Futures
    }

    /// See [`SearchFor::goes_into_all_objects`].
    pub(crate) fn goes_into_all_objects(&self) -> bool {
        self.wanted.goes_into_all_objects()
    }

    /// The plan of a type.
    pub(crate) fn of_type(
        &mut self,
        program: &Program<'_>,
        ty: Ty,
    ) -> Result<Rc<Traversal>, LayoutError> {
        if let Some(traversal) = self.by_type.get(&ty) {
            return Ok(Rc::clone(traversal));
        }
        let traversal = Rc::new(self.make(program, ty)?);
        self.by_type.insert(ty, Rc::clone(&traversal));
        Ok(traversal)
    }

    fn make(&mut self, program: &Program<'_>, ty: Ty) -> Result<Traversal, LayoutError> {
        let layout = program.type_of(ty)?;
        if is_coroutine(layout) {
            let states = coroutine::states(program, ty)?;
            let states =
                states.into_iter().map(|state| self.held_in_state(program, state)).collect();
            let is_wanted = self.wanted == SearchFor::Futures;
            let descent = Descent::Coroutine { states };
            return Ok(Traversal { is_wanted, makes_a_frame: true, descent });
        }
        let is_wanted = self.is_wanted(program, ty, layout)?;
        let descent = match children(program, self.libraries, ty, layout, self.wanted)? {
            Children::None => Descent::Nothing,
            Children::Parts(parts) => match self.holding_only(program, parts) {
                parts if parts.is_empty() => Descent::Nothing,
                parts => Descent::Parts(self.innermost(program, parts)),
            },
            Children::Variants(variants) => {
                let parts: Vec<Vec<Part>> =
                    variants.into_iter().map(|parts| self.holding_only(program, parts)).collect();
                let ended = self.ended_units(program, ty, layout);
                if parts.iter().all(Vec::is_empty) && ended.contains(&true) {
                    Descent::Variants { parts, ended }
                } else if parts.iter().all(Vec::is_empty) {
                    Descent::Nothing
                } else {
                    let ended = ended_variants(layout, &parts);
                    let parts = parts.into_iter().map(|parts| self.innermost(program, parts));
                    Descent::Variants { parts: parts.collect(), ended }
                }
            }
            Children::Pointer(target) if !self.holds(program, target) => Descent::Nothing,
            Children::Pointer(target) if is_shared(&layout.name) => Descent::Shared(target),
            Children::Pointer(target) => Descent::Pointer(target),
            Children::Dyn { data, vtable, object } => Descent::Dyn { data, vtable, object },
            Children::Array { element, size, count } if self.holds(program, element) => {
                Descent::Array { element, size, count }
            }
            Children::Slice { data, length, element, size } if self.holds(program, element) => {
                Descent::Slice { data, length, element, size }
            }
            Children::List { head, next, item } if self.holds(program, item.ty) => {
                Descent::List { head, next, item }
            }
            Children::Elements { element, read, .. } if self.holds(program, element) => {
                Descent::Elements { read }
            }
            // It is polled, whether the program still has a function for that or not.
            Children::SharedFuture { read, .. } => Descent::SharedFuture { read },
            Children::Arms(arms) => Descent::Arms(arms),
            Children::Turns(Turns { parts, first, variant, second, meanwhile }) => {
                let second_holds = self.holds(program, second.ty);
                let parts = self.holding_only(program, parts);
                let meanwhile = self.holding_only(program, meanwhile);
                match parts.is_empty() && meanwhile.is_empty() && !second_holds {
                    true => Descent::Nothing,
                    false => Descent::Turns(Turns { parts, first, variant, second, meanwhile }),
                }
            }
            _ => Descent::Nothing,
        };
        let holds_any = match &descent {
            Descent::Nothing => false,
            Descent::Variants { parts, .. } => !parts.iter().all(Vec::is_empty),
            _ => true,
        };
        let is_wanted = is_wanted && !self.is_output(layout, holds_any);
        let makes_a_frame = is_frame(layout) && !matches!(descent, Descent::Dyn { .. });
        Ok(Traversal { is_wanted, makes_a_frame, descent })
    }

    /// Leaves of a state's variables those in which what is wanted may be. A future that was not
    /// polled has not made its variables; guards it may have been given.
    fn held_in_state(
        &mut self,
        program: &Program<'_>,
        mut state: CoroutineState,
    ) -> CoroutineState {
        let is_kept = match state.kind {
            FutureState::Suspended => true,
            FutureState::Unresumed => self.wanted != SearchFor::Futures,
            _ => false,
        };
        state.variables.retain(|variable| is_kept && self.holds(program, variable.part.ty));
        let is_borrow = |variable: &mut Variable| is_borrow(program, variable.part.ty);
        state.borrows = state.variables.extract_if(.., is_borrow).collect();
        state
    }

    /// Which variants without anything in them are those of a future that has ended, of an enum that
    /// holds no other one: no variable could be waited with there.
    fn ended_units(&self, program: &Program<'_>, ty: Ty, layout: &Type) -> Vec<bool> {
        let TypeKind::Enum { variants, .. } = &layout.kind else { return Vec::new() };
        if self.wanted != SearchFor::Futures {
            return Vec::new();
        }
        let is_unit = |id: TypeId| {
            let fields = program.type_of(Ty { module: ty.module, id });
            fields.is_ok_and(|fields| fields.members().is_empty())
        };
        let is_ended = |name: &str| matches!(name, "Done" | "Gone" | "Complete" | "Completed");
        variants.iter().map(|variant| is_ended(&variant.name) && is_unit(variant.ty)).collect()
    }

    fn is_wanted(&self, program: &Program<'_>, ty: Ty, layout: &Type) -> Result<bool, LayoutError> {
        match self.wanted {
            SearchFor::Futures => is_polled(program, ty, layout),
            SearchFor::Guards | SearchFor::GuardsInObjects | SearchFor::LentGuards => {
                Ok(self.libraries.guard(&layout.name).is_some())
            }
            SearchFor::Handles => Ok(self.libraries.is_handle(base_path(&layout.name))),
            SearchFor::Connections => {
                Ok(self.libraries.connection(base_path(&layout.name)).is_some())
            }
            SearchFor::Ends => Ok(self.ends.are(program, ty, layout)),
        }
    }

    /// Whether a type is the output of a future, in a wrapper that a future may be in too.
    fn is_output(&self, layout: &Type, holds_future: bool) -> bool {
        !holds_future && self.libraries.is_output_wrapper(base_path(&layout.name))
    }

    fn holding_only(&mut self, program: &Program<'_>, parts: Vec<Part>) -> Vec<Part> {
        parts.into_iter().filter(|part| self.holds(program, part.ty)).collect()
    }

    /// Parts of parts in place of those that only have parts: a value is looked at once for each way
    /// through it, not once for each struct in each other.
    fn innermost(&mut self, program: &Program<'_>, parts: Vec<Part>) -> Vec<Part> {
        if self.depth >= DEEPEST_PARTS {
            return parts;
        }
        self.depth += 1;
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            match self.of_type(program, part.ty).as_deref() {
                Ok(Traversal { is_wanted: false, descent: Descent::Parts(inner), .. })
                    if found.len() + inner.len() <= MAX_PARTS =>
                {
                    found.extend(inner.iter().map(|inner| {
                        let offset = part.offset.wrapping_add(inner.offset);
                        Part { offset, ..*inner }
                    }));
                }
                // One that cannot be had says so where it is looked at.
                _ => found.push(part),
            }
        }
        self.depth -= 1;
        found
    }

    /// Whether a future can be reached from a value of this type. Types that cannot be had hold
    /// none.
    fn holds(&mut self, program: &Program<'_>, start: Ty) -> bool {
        if let Some(known) = self.holding.get(&start) {
            return *known;
        }
        let mut seen = FxHashSet::from_iter([start]);
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
            if is_coroutine(layout) && self.wanted != SearchFor::Futures {
                continue;
            }
            if is_coroutine(layout) || self.is_wanted(program, ty, layout).unwrap_or(false) {
                self.holding.insert(ty, true);
                found = true;
                break;
            }
            let next = children(program, self.libraries, ty, layout, self.wanted);
            let next = match next.unwrap_or(Children::None) {
                Children::Dyn { .. } => {
                    self.holding.insert(ty, true);
                    found = true;
                    break;
                }
                Children::None => Vec::new(),
                Children::Parts(parts) => parts.into_iter().map(|part| part.ty).collect(),
                Children::Variants(variants) => {
                    variants.into_iter().flatten().map(|part| part.ty).collect()
                }
                Children::Arms(arms) => arms.parts.into_iter().map(|part| part.ty).collect(),
                Children::Turns(turns) => {
                    let parts = turns.parts.iter().chain(&turns.meanwhile);
                    parts.chain([&turns.second]).map(|part| part.ty).collect()
                }
                Children::Pointer(target) | Children::SharedFuture { future: target, .. } => {
                    vec![target]
                }
                Children::List { item, .. } => vec![item.ty],
                Children::Array { element, .. }
                | Children::Slice { element, .. }
                | Children::Elements { element, .. } => vec![element],
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

fn is_polled(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<bool, LayoutError> {
    Ok(is_frame(layout) && program.layouts(ty.module).poll_of(ty.id)?.is_some())
}

/// Whether a future of this type makes a frame of its own, if it is no `&mut dyn Future`.
fn is_frame(layout: &Type) -> bool {
    matches!(layout.kind, TypeKind::Struct { .. } | TypeKind::Enum { .. })
        && !TRANSPARENT.contains(&base_path(&layout.name))
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
