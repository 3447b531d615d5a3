//! What a value holds: the futures or guards in it, through everything that is neither.

use rustc_hash::FxHashSet;

use super::plan::{Plan, Planner, Shape, Wanted};
use crate::knowledge::Libraries;
use crate::knowledge::children::{Arms, Part};
use crate::layout::TypeKind;
use crate::report::Polled;
use crate::value::{Program, Ty, Value, ValueError};

/// Pointers and wrappers between one future and the next, at most.
const DEEPEST_WRAPPER: usize = 64;
/// Elements of one array or slice that are looked at.
const MOST_ELEMENTS: u64 = 10_000;
/// Nodes of one linked list that are looked at.
const MOST_NODES: usize = 10_000;
/// Values that are looked at for one chain, whatever leads from one to the next: several times what
/// a chain with as many frames as are shown needs.
const MOST_VALUES: usize = 1 << 18;

/// A value that was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub(crate) ty: Ty,
    pub(crate) address: u64,
}

/// What was found in a value.
#[derive(Default)]
pub(crate) struct Below {
    /// The values, and of futures, whether their holder polls them.
    pub(crate) nodes: Vec<(Node, Polled)>,
    /// Those that lie behind a pointer that others may share.
    pub(crate) shared: FxHashSet<Node>,
    /// Why some may be missing.
    pub(crate) problem: Option<Problem>,
}

/// Why something is missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Problem {
    /// Memory or a type could not be had, as bytes that are no value any more look too.
    Unreadable(String),
    /// There is more than is looked at, or it runs in a circle.
    Cut(String),
}

impl Problem {
    /// The problem as text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Unreadable(text) | Self::Cut(text) => text,
        }
    }
}

/// Finds values of one sort in others.
pub(crate) struct Finder {
    pub(crate) planner: Planner,
    /// How many more values may be looked at for the chain that is being walked.
    left: usize,
}

impl Finder {
    /// A finder of what is wanted.
    pub(crate) fn of(wanted: Wanted, libraries: Libraries) -> Self {
        Self { planner: Planner::of(wanted, libraries), left: MOST_VALUES }
    }

    /// Begins with another chain, for which as much may be looked at as for any.
    pub(crate) fn begin(&mut self) {
        self.left = MOST_VALUES;
    }

    /// Whether no more is looked at for this chain.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// What a value holds beside itself.
    pub(crate) fn below(&mut self, program: &Program<'_>, value: Value, plan: &Plan) -> Below {
        let mut search = Search::new(self, program);
        search.collect(value, plan);
        search.below
    }

    /// The futures in a value, through everything that is not one itself. A value that is `known`
    /// to be a future is one, behind its boxes, whether or not the program still has a `poll` of it:
    /// in optimized builds that may be inlined everywhere.
    pub(crate) fn futures_in(&mut self, program: &Program<'_>, value: Value, known: bool) -> Below {
        let mut search = Search::new(self, program);
        match known {
            true => search.known(value),
            false => search.visit(value),
        }
        search.below
    }
}

/// One search. Its depth and the chain's count of values are the same wherever it goes on: behind
/// a `dyn Future` too.
struct Search<'s, 'p> {
    finder: &'s mut Finder,
    program: &'s Program<'p>,
    below: Below,
    /// Wrappers around what is looked at.
    depth: usize,
    /// What pointers on the way here lead to.
    behind: Vec<Node>,
}

impl<'s, 'p> Search<'s, 'p> {
    fn new(finder: &'s mut Finder, program: &'s Program<'p>) -> Self {
        Self { finder, program, below: Below::default(), depth: 0, behind: Vec::new() }
    }

    fn cut(&mut self, why: String) {
        self.below.problem = Some(Problem::Cut(why));
    }

    fn fail(&mut self, why: impl ToString) {
        self.below.problem = Some(Problem::Unreadable(why.to_string()));
    }

    /// Looks at a value: it is what is wanted, or may hold that.
    fn visit(&mut self, value: Value) {
        if self.depth > DEEPEST_WRAPPER {
            return self.cut(format!("more than {DEEPEST_WRAPPER} nested wrappers"));
        }
        if self.program.is_interrupted() {
            self.finder.left = 0;
        }
        let Some(left) = self.finder.left.checked_sub(1) else {
            return self.cut(format!("cut off after {MOST_VALUES} values"));
        };
        self.finder.left = left;
        match self.finder.planner.plan(self.program, value.ty) {
            Ok(plan) if plan.is_wanted => self.below.nodes.push(yes(value)),
            Ok(plan) => {
                self.depth += 1;
                self.collect(value, &plan);
                self.depth -= 1;
            }
            Err(error) => self.fail(error),
        }
    }

    /// Looks at a value that is known to be a future.
    fn known(&mut self, value: Value) {
        let inner = innermost(self.program, value);
        let plan = inner.as_ref().map(|inner| self.finder.planner.plan(self.program, inner.ty));
        if let (Ok(inner), Ok(Ok(plan))) = (&inner, plan)
            && plan.makes_a_frame
        {
            return self.below.nodes.push(yes(*inner));
        }
        let (found, before) = (self.below.nodes.len(), self.below.problem.take());
        self.visit(value);
        if self.below.nodes.len() == found && self.below.problem.is_none() {
            match inner {
                Ok(inner) => self.below.nodes.push(yes(inner)),
                Err(error) => self.fail(error),
            }
        }
        self.below.problem = self.below.problem.take().or(before);
    }

    /// Looks at what a value holds.
    fn collect(&mut self, value: Value, plan: &Plan) {
        if let Err(error) = self.try_collect(value, plan) {
            self.fail(error);
        }
    }

    fn try_collect(&mut self, value: Value, plan: &Plan) -> Result<(), ValueError> {
        match &plan.shape {
            Shape::Nothing | Shape::Machine { .. } => {}
            Shape::Parts(parts) => self.parts(value, parts),
            Shape::Variants { parts, .. } => {
                let (active, _) = value.active_variant(self.program)?;
                self.parts(value, &parts[active]);
            }
            Shape::Pointer(target) => self.pointer(value, *target)?,
            Shape::Shared(target) => {
                let first = self.below.nodes.len();
                self.pointer(value, *target)?;
                let nodes = self.below.nodes[first..].iter().map(|(node, _)| *node);
                self.below.shared.extend(nodes);
            }
            Shape::Dyn { data, vtable } => self.object(value, *data, *vtable)?,
            Shape::Arms(arms) => self.arms(value, arms)?,
            Shape::Array { element, size, count } => {
                self.elements(value.address, (*element, *size, *count));
            }
            Shape::List { head, next, item } => self.list(value, *head, *next, *item)?,
            Shape::Slice { data, length, element, size } => {
                let start = self.program.read_pointer(value.address.wrapping_add(*data))?;
                let count = self.program.read_pointer(value.address.wrapping_add(*length))?;
                self.elements(start, (*element, *size, count));
            }
        }
        Ok(())
    }

    fn parts(&mut self, value: Value, parts: &[Part]) {
        for part in parts {
            self.visit(part_of(value, *part));
        }
    }

    fn pointer(&mut self, value: Value, target: Ty) -> Result<(), ValueError> {
        let address = self.program.read_pointer(value.address)?;
        if address != 0 {
            self.follow(Value { ty: target, address }, Self::visit);
        }
        Ok(())
    }

    /// Goes on behind a pointer, unless that is where it came from.
    fn follow(&mut self, target: Value, look: fn(&mut Self, Value)) {
        let node = Node { ty: target.ty, address: target.address };
        if self.behind.contains(&node) {
            return self.cut(format!("a pointer leads back to {:#x}: a cycle", node.address));
        }
        self.behind.push(node);
        look(self, target);
        self.behind.pop();
    }

    /// A `dyn Future`.
    fn object(&mut self, value: Value, data: u64, vtable: u64) -> Result<(), ValueError> {
        let data = self.program.read_pointer(value.address.wrapping_add(data))?;
        let vtable = self.program.read_pointer(value.address.wrapping_add(vtable))?;
        match dyn_type(self.program, vtable) {
            Ok(ty) => self.follow(Value { ty, address: data }, Self::known),
            Err(problem) => self.fail(problem),
        }
        Ok(())
    }

    fn arms(&mut self, value: Value, arms: &Arms) -> Result<(), ValueError> {
        let mask = self.program.read_pointer(value.address.wrapping_add(arms.mask))?;
        let mask = self.program.read_unsigned(mask, arms.mask_size)?;
        let tuple = self.program.read_pointer(value.address.wrapping_add(arms.tuple))?;
        for (number, part) in (0_u32..).zip(&arms.parts) {
            let first = self.below.nodes.len();
            self.visit(Value { ty: part.ty, address: tuple.wrapping_add(part.offset) });
            // Arms beyond the mask's bits cannot be switched off.
            if mask.checked_shr(number).is_some_and(|rest| rest & 1 != 0) {
                let nodes = self.below.nodes[first..].iter_mut();
                nodes.for_each(|(_, polled)| *polled = Polled::Disabled);
            }
        }
        Ok(())
    }

    fn list(&mut self, value: Value, head: u64, next: u64, item: Part) -> Result<(), ValueError> {
        let mut nodes = Vec::new();
        let mut seen = FxHashSet::default();
        let mut node = self.program.read_pointer(value.address.wrapping_add(head))?;
        while node != 0 && nodes.len() < MOST_NODES && seen.insert(node) {
            if self.program.is_interrupted() {
                break;
            }
            nodes.push(node);
            node = self.program.read_pointer(node.wrapping_add(next))?;
        }
        // The list starts with the newest.
        for node in nodes.into_iter().rev() {
            self.visit(Value { ty: item.ty, address: node.wrapping_add(item.offset) });
        }
        if seen.contains(&node) {
            self.cut(format!("a list loops back to {node:#x}: a cycle"));
        } else if node != 0 {
            self.cut(format!("{MOST_NODES} of a list's nodes are shown"));
        }
        Ok(())
    }

    fn elements(&mut self, start: u64, (ty, size, count): (Ty, u64, u64)) {
        for index in 0..count.min(MOST_ELEMENTS) {
            let address = start.wrapping_add(index.wrapping_mul(size));
            self.visit(Value { ty, address });
            if self.below.problem.is_some() {
                return;
            }
        }
        if count > MOST_ELEMENTS {
            self.cut(format!("{MOST_ELEMENTS} of {count} elements are shown"));
        }
    }
}

pub(crate) fn part_of(value: Value, part: Part) -> Value {
    Value { ty: part.ty, address: value.address.wrapping_add(part.offset) }
}

fn yes(future: Value) -> (Node, Polled) {
    (Node { ty: future.ty, address: future.address }, Polled::Yes)
}

/// The concrete type behind a `dyn Future`, or one sentence why it is not known.
fn dyn_type(program: &Program<'_>, vtable: u64) -> Result<Ty, String> {
    let unknown = || {
        format!(
            "a `dyn Future` with vtable {vtable:#x}, which the debug information \
                              does not name"
        )
    };
    let (module, address) = program.module_at(vtable).ok_or_else(unknown)?;
    let types = program.layouts(module).vtable_types(address).map_err(|e| e.to_string())?;
    types.first().map(|id| Ty { module, id: *id }).ok_or_else(unknown)
}

/// What a value is behind its boxes, pins and references.
fn innermost(program: &Program<'_>, value: Value) -> Result<Value, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST_WRAPPER {
        let layout = program.type_of(at.ty)?;
        let next = match &layout.kind {
            TypeKind::Pointer { target: Some(_) } => at.pointee(program)?,
            TypeKind::Struct { members }
                if members.len() == 1 && layout.name.starts_with("core::pin::Pin<") =>
            {
                Some(at.member(program, &members[0].name)?)
            }
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Ok(at),
        }
    }
    Ok(at)
}
