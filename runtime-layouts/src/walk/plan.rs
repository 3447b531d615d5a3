//! Plans: how to get from a value to the futures in it, worked out once a type.
//!
//! The rule is general, there is no list of libraries: a type is a future when it is a state
//! machine or when the program has a `poll` of it; its children are the futures that it contains,
//! boxes or borrows mutably.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::collections;
use crate::layout::name::{Environment, base_path};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::{Program, Ty};

/// How to go on from a value of one type.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether the type is itself a future, so that it makes a frame.
    pub(crate) is_future: bool,
    /// Where its children are.
    pub(crate) shape: Shape,
}

/// Where the futures in a value are.
#[derive(Debug)]
pub(crate) enum Shape {
    /// In none of its parts.
    Nothing,
    /// A state machine: in the awaitee of the active state.
    Machine { awaitees: Vec<Option<Part>> },
    /// In these parts.
    Parts(Vec<Part>),
    /// In these parts of the active variant.
    Variants { parts: Vec<Vec<Part>> },
    /// Behind a thin pointer.
    Pointer(Ty),
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
#[derive(Default)]
pub(crate) struct Planner {
    plans: HashMap<Ty, Rc<Plan>>,
    holding: HashMap<Ty, bool>,
}

impl Planner {
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
        let of = |id: TypeId| Ty { module: ty.module, id };
        if is_machine(&layout)
            && let TypeKind::Enum { variants, .. } = &layout.kind
        {
            let awaitees = variants
                .iter()
                .map(|variant| {
                    let fields = program.type_of(of(variant.ty))?;
                    Ok(fields.member(AWAITEE).map(|member| Part {
                        offset: variant.offset + member.offset,
                        ty: of(member.ty),
                    }))
                })
                .collect::<Result<_, LayoutError>>()?;
            return Ok(Plan { is_future: true, shape: Shape::Machine { awaitees } });
        }
        let is_future = is_polled(program, ty, &layout)?;
        let shape = match neighbours(program, ty, &layout)? {
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
                    Shape::Variants { parts }
                }
            }
            Neighbours::Pointer(target) if self.holds(program, target) => Shape::Pointer(target),
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
            _ => Shape::Nothing,
        };
        Ok(Plan { is_future, shape })
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
            if is_machine(&layout) || is_polled(program, ty, &layout).unwrap_or(false) {
                self.holding.insert(ty, true);
                found = true;
                break;
            }
            let next = match neighbours(program, ty, &layout).unwrap_or(Neighbours::None) {
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
}

fn neighbours(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Neighbours, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    if let Some(collection) = collections::neighbours(program, ty, layout)? {
        return Ok(collection);
    }
    Ok(match &layout.kind {
        TypeKind::Struct { members } => match fat_pointer(program, ty, layout)? {
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
        TypeKind::Pointer { target: Some(target) } if is_followed(&layout.name) => {
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

/// Whether a pointer of that type owns or exclusively borrows what it points to: a future behind
/// any other pointer cannot be polled through it.
fn is_followed(pointer: &str) -> bool {
    pointer.starts_with("&mut ") || pointer.starts_with("alloc::boxed::Box<")
}

/// A fat pointer to a slice or to a `dyn Trait` that is polled.
fn fat_pointer(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Neighbours>, LayoutError> {
    let [first, second] = layout.members() else { return Ok(None) };
    // rustc before 1.60 or so calls the first member of both `data_ptr`.
    if !matches!(&*first.name, "data_ptr" | "pointer") {
        return Ok(None);
    }
    if !is_followed(&layout.name) {
        return Ok(Some(Neighbours::None));
    }
    let pointer = program.type_of(Ty { module: ty.module, id: first.ty })?;
    let TypeKind::Pointer { target: Some(target) } = pointer.kind else {
        return Ok(Some(Neighbours::None));
    };
    let target = Ty { module: ty.module, id: target };
    Ok(Some(match &*second.name {
        "vtable" if is_polled_trait(&layout.name) => {
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
