//! Paths from one type to another, found by search.
//!
//! Every version of a runtime wraps its structures differently: one `Arc` more, one enum less, a
//! list split into several. The type's name at the end stays. So the search goes breadth first
//! through the layouts, and the shortest path wins.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::slices::SliceLayout;
use super::{Program, Ty, Value, ValueError};
use crate::layout::{Type, TypeId, TypeKind};

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, Debug)]
enum LayoutStep {
    /// To the part at this offset.
    Part(u64),
    /// To what the thin pointer here points to.
    Deref,
    /// To the fields of this variant, if it is the active one.
    Variant(usize),
    /// To each element of an array.
    Elements { count: u64, size: u64 },
    /// To each element of the slice that the fat pointer here points to.
    Slice { data: u64, length: u64, size: u64 },
}

/// A way from a value of one type to the values of another that it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    steps: Vec<(LayoutStep, Ty)>,
    /// The type at its end.
    pub end: Ty,
}

/// How far a search goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Whether pointers are followed.
    pub pointers: bool,
    /// How many types are looked at, at most.
    pub types: usize,
}

impl Reach {
    /// Through pointers, as far as a runtime's own structures go.
    pub const RUNTIME: Self = Self { pointers: true, types: 4_000 };
    /// Only what a value itself contains.
    pub const INLINE: Self = Self { pointers: false, types: 1_000 };
}

/// A slice longer than this is not believed.
const LONGEST_SLICE: u64 = 1 << 16;
/// Elements that one path comes by, however its slices lie in each other.
const MAX_ELEMENTS: u64 = 1 << 18;

/// The shortest path from a type to one that is wanted. The start itself counts, with an empty
/// path. `None` when there is none within reach.
///
/// Types that cannot be had are passed over: a path around them may exist.
pub fn find(
    program: &Program<'_>,
    start: Ty,
    reach: Reach,
    wanted: &mut dyn FnMut(&Type) -> bool,
) -> Option<Path> {
    find_all(program, start, reach, 1, wanted).into_iter().next()
}

/// The shortest paths from a type to the different types that are wanted, at most `most`, shortest
/// first.
pub fn find_all(
    program: &Program<'_>,
    start: Ty,
    reach: Reach,
    most: usize,
    wanted: &mut dyn FnMut(&Type) -> bool,
) -> Vec<Path> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::from_iter([start]);
    // Nodes of the search tree: the type, its parent node, the step from there.
    let mut nodes: Vec<(Ty, Option<(usize, LayoutStep)>)> = vec![(start, None)];
    let mut queue = VecDeque::from([0_usize]);
    while let Some(node) = queue.pop_front() {
        let ty = nodes[node].0;
        let Ok(layout) = program.type_of(ty) else { continue };
        if wanted(layout) {
            found.push(path_to(&nodes, node));
            if found.len() == most {
                break;
            }
            continue;
        }
        for (step, target) in steps_from(program, ty, layout, reach) {
            if nodes.len() >= reach.types {
                return found;
            }
            if seen.insert(target) {
                nodes.push((target, Some((node, step))));
                queue.push_back(nodes.len() - 1);
            }
        }
    }
    found
}

/// The same and, behind those, further paths to values of the same types, up to as many altogether: a
/// future that copies from one socket to another has two of one type.
pub fn find_each(
    program: &Program<'_>,
    start: Ty,
    reach: Reach,
    most: usize,
    wanted: &mut dyn FnMut(&Type) -> bool,
) -> Vec<Path> {
    let mut found = find_all(program, start, reach, most, wanted);
    if found.is_empty() {
        return found;
    }
    let steps = steps_to(program, start, reach, &found);
    let mut nodes: Vec<(Ty, Option<(usize, LayoutStep)>)> = vec![(start, None)];
    let mut node = 0;
    while node < nodes.len() && found.len() < most {
        let ty = nodes[node].0;
        if found.iter().any(|path| path.end == ty) {
            let path = path_to(&nodes, node);
            if !found.contains(&path) {
                found.push(path);
            }
        } else {
            for (step, target) in steps.get(&ty).into_iter().flatten() {
                if nodes.len() < reach.types && !is_on_the_way(&nodes, node, *target) {
                    nodes.push((*target, Some((node, step.clone()))));
                }
            }
        }
        node += 1;
    }
    found
}

/// Of each type that is within reach the steps that lead to the ends of these paths.
fn steps_to(
    program: &Program<'_>,
    start: Ty,
    reach: Reach,
    paths: &[Path],
) -> FxHashMap<Ty, Vec<(LayoutStep, Ty)>> {
    let mut leading = FxHashSet::from_iter(paths.iter().map(|path| path.end));
    let mut seen = FxHashSet::from_iter([start]);
    let mut types = vec![start];
    let mut all = Vec::new();
    let mut next = 0;
    while let Some(ty) = types.get(next).copied() {
        next += 1;
        let Ok(layout) = program.type_of(ty) else { continue };
        if leading.contains(&ty) {
            continue;
        }
        for (step, target) in steps_from(program, ty, layout, reach) {
            if types.len() < reach.types && seen.insert(target) {
                types.push(target);
            }
            all.push((ty, step, target));
        }
    }
    // What is further away comes last, so that few rounds are enough.
    let mut known = 0;
    while known < leading.len() {
        known = leading.len();
        for (from, _, target) in all.iter().rev() {
            if leading.contains(target) {
                leading.insert(*from);
            }
        }
    }
    let mut steps: FxHashMap<Ty, Vec<(LayoutStep, Ty)>> = FxHashMap::default();
    for (from, step, target) in all {
        if leading.contains(&target) {
            steps.entry(from).or_default().push((step, target));
        }
    }
    steps
}

/// Whether the way to a node comes by a type.
fn is_on_the_way(nodes: &[(Ty, Option<(usize, LayoutStep)>)], node: usize, ty: Ty) -> bool {
    let parent = |node: &usize| nodes[*node].1.as_ref().map(|(parent, _)| *parent);
    std::iter::successors(Some(node), parent).any(|node| nodes[node].0 == ty)
}

fn path_to(nodes: &[(Ty, Option<(usize, LayoutStep)>)], node: usize) -> Path {
    let mut steps = Vec::new();
    let mut at = node;
    while let (ty, Some((parent, step))) = &nodes[at] {
        steps.push((step.clone(), *ty));
        at = *parent;
    }
    steps.reverse();
    Path { steps, end: nodes[node].0 }
}

fn steps_from(program: &Program<'_>, ty: Ty, layout: &Type, reach: Reach) -> Vec<(LayoutStep, Ty)> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    match &layout.kind {
        TypeKind::Struct { members } | TypeKind::Union { members } => {
            if let Some(slice) = slice_step(program, ty, layout) {
                return if reach.pointers { vec![slice] } else { Vec::new() };
            }
            members.iter().map(|member| (LayoutStep::Part(member.offset), of(member.ty))).collect()
        }
        TypeKind::Enum { variants, .. } => variants
            .iter()
            .enumerate()
            .map(|(index, variant)| (LayoutStep::Variant(index), of(variant.ty)))
            .collect(),
        TypeKind::Pointer { target: Some(target) } if reach.pointers => {
            vec![(LayoutStep::Deref, of(*target))]
        }
        TypeKind::Array { element, count: Some(count) } => program
            .type_of(of(*element))
            .map(|layout| (LayoutStep::Elements { count: *count, size: layout.size }, of(*element)))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn slice_step(program: &Program<'_>, ty: Ty, layout: &Type) -> Option<(LayoutStep, Ty)> {
    let slice = SliceLayout::of_fat_pointer(program, ty, layout).ok()??;
    let SliceLayout { data, length, element, size } = slice;
    Some((LayoutStep::Slice { data, length, size }, element))
}

/// The first element of a slice, by its fat pointer; `Some(None)` when it is empty or cannot be
/// read, `None` for what is no such pointer.
pub(super) fn first_element(
    program: &Program<'_>,
    value: Value,
    layout: &Type,
) -> Option<Option<Value>> {
    let slice = SliceLayout::of_fat_pointer(program, value.ty, layout).ok()??;
    let slice = slice.read(program, value).ok().filter(|slice| slice.count > 0);
    Some(slice.map(|slice| Value { ty: slice.element, address: slice.start }))
}

impl Path {
    /// The first value at the end of the path; `None` when a pointer on the way is null, an enum
    /// on the way has another variant, or a slice is empty.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn follow(&self, program: &Program<'_>, from: Value) -> Result<Option<Value>, ValueError> {
        let mut at = from;
        for (number, (step, ty)) in self.steps.iter().enumerate() {
            at.address = match step {
                LayoutStep::Part(offset) => at.address.wrapping_add(*offset),
                LayoutStep::Deref => match program.read_pointer(at.address)? {
                    0 => return Ok(None),
                    address => address,
                },
                LayoutStep::Variant(wanted) => match at.active_variant(program)? {
                    (active, fields) if active == *wanted => fields.address,
                    _ => return Ok(None),
                },
                // From here on there are several.
                LayoutStep::Elements { .. } | LayoutStep::Slice { .. } => {
                    let mut found = None;
                    let mut visit = |value| {
                        found = Some(value);
                        ControlFlow::Break(())
                    };
                    let mut visits = Visits { program, visit: &mut visit, left: MAX_ELEMENTS };
                    let _ = visits.walk(&self.steps[number..], at)?;
                    return Ok(found);
                }
            };
            at.ty = *ty;
        }
        Ok(Some(at))
    }

    /// Every value at the end of the path.
    ///
    /// # Errors
    /// When memory on the way cannot be read; values before it were visited.
    pub fn each(
        &self,
        program: &Program<'_>,
        from: Value,
        visit: &mut dyn FnMut(Value),
    ) -> Result<(), ValueError> {
        let mut visit = |value| {
            visit(value);
            ControlFlow::Continue(())
        };
        let mut visits = Visits { program, visit: &mut visit, left: MAX_ELEMENTS };
        visits.walk(&self.steps, from).map(|_| ())
    }

    /// The offset of the end from the start, when the path leaves neither pointer nor choice open.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.steps.iter().try_fold(0_u64, |sum, (step, _)| match step {
            LayoutStep::Part(offset) => Some(sum.wrapping_add(*offset)),
            _ => None,
        })
    }
}

/// The visits to all values at the end of a path.
struct Visits<'v> {
    program: &'v Program<'v>,
    visit: &'v mut dyn FnMut(Value) -> ControlFlow<()>,
    /// Elements that may still be looked at.
    left: u64,
}

impl Visits<'_> {
    fn walk(
        &mut self,
        steps: &[(LayoutStep, Ty)],
        at: Value,
    ) -> Result<ControlFlow<()>, ValueError> {
        let Some(((step, ty), rest)) = steps.split_first() else {
            return Ok((self.visit)(at));
        };
        let next = |address| Value { ty: *ty, address };
        match step {
            LayoutStep::Part(offset) => self.walk(rest, next(at.address.wrapping_add(*offset))),
            LayoutStep::Deref => match self.program.read_pointer(at.address)? {
                0 => Ok(ControlFlow::Continue(())),
                address => self.walk(rest, next(address)),
            },
            LayoutStep::Variant(wanted) => match at.active_variant(self.program)? {
                (active, fields) if active == *wanted => self.walk(rest, next(fields.address)),
                _ => Ok(ControlFlow::Continue(())),
            },
            LayoutStep::Elements { count, size } => {
                self.elements(rest, next(at.address), *count, *size)
            }
            LayoutStep::Slice { data, length, size } => {
                let start = self.program.read_pointer(at.address.wrapping_add(*data))?;
                let count = self.program.read_pointer(at.address.wrapping_add(*length))?;
                self.elements(rest, next(start), count, *size)
            }
        }
    }

    /// Walks on from each of so many values in a row.
    fn elements(
        &mut self,
        steps: &[(LayoutStep, Ty)],
        first: Value,
        count: u64,
        size: u64,
    ) -> Result<ControlFlow<()>, ValueError> {
        for index in 0..count.min(LONGEST_SLICE) {
            let may_go_on = |_: &u64| !self.program.is_interrupted();
            let Some(left) = self.left.checked_sub(1).filter(may_go_on) else {
                return Ok(ControlFlow::Break(()));
            };
            self.left = left;
            let address = first.address.wrapping_add(index.wrapping_mul(size));
            if self.walk(steps, Value { address, ..first })?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};

    #[test]
    fn two_of_one_type_are_two_ends() {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(4);
        let socket = layouts.structure("Socket", 4, &[("fd", 0, word)]);
        let pointer = layouts.pointer("&mut Socket", Some(socket));
        let copy = layouts.structure("Copy", 24, &[("a", 0, pointer), ("b", 8, pointer)]);
        let memory =
            FakeMemory::new().with(0x1000, [0x2000_u64, 0x3000].map(u64::to_le_bytes).concat());
        let target = FakeTarget::new(layouts, memory, 0);
        let program = Program::new(&target);
        let copy = Value { ty: Ty { module: 0, id: copy }, address: 0x1000 };
        let ends = |most| {
            let mut wanted = |ty: &Type| &*ty.name == "Socket";
            let paths = find_each(&program, copy.ty, Reach::RUNTIME, most, &mut wanted);
            let ends = paths.iter().map(|path| path.follow(&program, copy));
            ends.map(|end| end.ok().flatten().map(|end| end.address)).collect::<Vec<_>>()
        };
        assert_eq!(ends(16), [Some(0x2000), Some(0x3000)]);
        assert_eq!(ends(1), [Some(0x2000)]);
        let mut wanted = |ty: &Type| &*ty.name == "Absent";
        assert_eq!(find_each(&program, copy.ty, Reach::RUNTIME, 16, &mut wanted), []);
    }
}
