//! The search in a value for futures, guards or handles, through everything else that it contains.

mod children;
pub(crate) mod coroutine;
pub(crate) mod end_types;
pub(crate) mod search_for;
pub(crate) mod shared;
pub(crate) mod traversals;

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::end_types::EndTypes;
use self::search_for::SearchFor;
use self::shared::SharedPointer;
use self::traversals::{Descent, Traversal, Traversals};
use crate::knowledge::Libraries;
use crate::knowledge::children::{Arms, Object, Part, ReadElements, Turns};
use crate::report::Polled;
use crate::value::{Program, Ty, Value, ValueError};

/// Pointers and wrappers between one future and the next, at most.
const DEEPEST_WRAPPER: usize = 64;
/// Elements of one array or slice that are looked at.
const MAX_ELEMENTS: u64 = 10_000;
/// Nodes of one linked list that are looked at.
const MAX_NODES: usize = 10_000;
/// How often the elements of one collection are looked at that several share: who has it beside those
/// is not of interest, since so many may do anything with it.
const MAX_SHARING: u32 = 64;
/// Values that are looked at for one chain, whatever leads from one to the next: several times what
/// a chain with as many frames as are shown needs.
const MAX_VALUES: usize = 1 << 18;

/// What was found in a value.
#[derive(Default)]
pub(crate) struct SearchResult {
    /// The values, and of futures, whether their holder polls them.
    pub(crate) values: Vec<(Value, Polled)>,
    /// By the place among the values: the pointers that others may share on the way there, outermost
    /// first.
    pub(crate) shared: FxHashMap<usize, Vec<SharedPointer>>,
    /// By the place among the values: the innermost collection that one is in.
    pub(crate) within: FxHashMap<usize, Collection>,
    /// Why some may be missing.
    pub(crate) problem: Option<Problem>,
}

/// A collection that something is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Collection {
    /// Its type and place.
    pub(crate) value: Value,
    /// Whether it is an end of a channel, and what is in it are its messages.
    pub(crate) has_messages: bool,
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
    pub(crate) traversals: Traversals,
    /// How many more values may be looked at for the chain that is being walked.
    left: usize,
    /// How often the elements of each shared collection were looked at.
    sharing: FxHashMap<u64, u32>,
}

impl Finder {
    /// A finder of what is wanted.
    pub(crate) fn of(wanted: SearchFor, libraries: Libraries) -> Self {
        let traversals = Traversals::of(wanted, libraries);
        Self { traversals, left: MAX_VALUES, sharing: FxHashMap::default() }
    }

    /// A finder of the ends of these types.
    pub(crate) fn of_ends(ends: Rc<EndTypes>, libraries: Libraries) -> Self {
        let traversals = Traversals::of_ends(ends, libraries);
        Self { traversals, ..Self::of(SearchFor::Ends, libraries) }
    }

    /// Begins with another chain, for which as much may be looked at as for any.
    pub(crate) fn begin(&mut self) {
        self.left = MAX_VALUES;
    }

    /// Whether no more is looked at for this chain.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// What a value of another kind contains.
    pub(crate) fn contents(
        &mut self,
        program: &Program<'_>,
        value: Value,
        traversal: &Traversal,
    ) -> SearchResult {
        let mut search = Search::new(self, program);
        search.visit_contents(value, traversal);
        search.result
    }

    /// The wanted values in a value, itself included, through everything that is not one itself.
    pub(crate) fn values_in(&mut self, program: &Program<'_>, value: Value) -> SearchResult {
        let mut search = Search::new(self, program);
        search.visit(value);
        search.result
    }

    /// The future that a value is known to be, behind its boxes, or those in it. The program need
    /// not have a `poll` of it any more: in optimized builds that may be inlined everywhere.
    pub(crate) fn known_future(&mut self, program: &Program<'_>, value: Value) -> SearchResult {
        let mut search = Search::new(self, program);
        search.visit_known_future(value);
        search.result
    }
}

/// One search. Its depth and the chain's count of values are the same wherever it goes on: behind
/// a `dyn Future` too.
struct Search<'s, 'p> {
    finder: &'s mut Finder,
    program: &'s Program<'p>,
    result: SearchResult,
    /// Wrappers around what is looked at.
    depth: usize,
    /// What pointers on the way here lead to.
    pointees: Vec<Value>,
    /// Those of them that others may share.
    shared: Vec<SharedPointer>,
    /// The collections around it.
    within: Vec<Collection>,
}

impl<'s, 'p> Search<'s, 'p> {
    fn new(finder: &'s mut Finder, program: &'s Program<'p>) -> Self {
        let result = SearchResult::default();
        let (pointees, shared, within) = (Vec::new(), Vec::new(), Vec::new());
        Self { finder, program, result, depth: 0, pointees, shared, within }
    }

    fn cut(&mut self, why: String) {
        self.result.problem = Some(Problem::Cut(why));
    }

    fn fail(&mut self, why: impl ToString) {
        self.result.problem = Some(Problem::Unreadable(why.to_string()));
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
            return self.cut(format!("cut off after {MAX_VALUES} values"));
        };
        self.finder.left = left;
        match self.finder.traversals.of_type(self.program, value.ty) {
            Ok(traversal) if traversal.is_wanted => {
                let place = self.result.values.len();
                if !self.shared.is_empty() {
                    self.result.shared.insert(place, self.shared.clone());
                }
                if let Some(collection) = self.within.last() {
                    self.result.within.insert(place, *collection);
                }
                self.result.values.push(polled(value));
                if matches!(traversal.descent, Descent::Elements { .. }) {
                    self.depth += 1;
                    self.visit_contents(value, &traversal);
                    self.depth -= 1;
                }
            }
            Ok(traversal) => {
                self.depth += 1;
                self.visit_contents(value, &traversal);
                self.depth -= 1;
            }
            Err(error) => self.fail(error),
        }
    }

    /// Looks at a value that is known to be a future.
    fn visit_known_future(&mut self, value: Value) {
        let inner = value.referent(self.program, DEEPEST_WRAPPER);
        let traversal =
            inner.as_ref().map(|inner| self.finder.traversals.of_type(self.program, inner.ty));
        if let (Ok(inner), Ok(Ok(traversal))) = (&inner, traversal)
            && traversal.makes_a_frame
        {
            return self.result.values.push(polled(*inner));
        }
        let (found, before) = (self.result.values.len(), self.result.problem.take());
        self.visit(value);
        if self.result.values.len() == found && self.result.problem.is_none() {
            match inner {
                Ok(inner) => self.result.values.push(polled(inner)),
                Err(error) => self.fail(error),
            }
        }
        self.result.problem = self.result.problem.take().or(before);
    }

    /// Looks at what a value holds.
    fn visit_contents(&mut self, value: Value, traversal: &Traversal) {
        if let Err(error) = self.try_visit_contents(value, traversal) {
            self.fail(error);
        }
    }

    fn try_visit_contents(
        &mut self,
        value: Value,
        traversal: &Traversal,
    ) -> Result<(), ValueError> {
        match &traversal.descent {
            Descent::Nothing | Descent::Coroutine { .. } => {}
            Descent::Parts(parts) => self.visit_parts(value, parts),
            Descent::Variants { parts, .. } => {
                let (active, _) = value.active_variant(self.program)?;
                self.visit_parts(value, &parts[active]);
            }
            Descent::Pointer(target) => self.visit_pointee(value, *target)?,
            Descent::Shared(target) => {
                let address = self.program.read_pointer(value.address)?;
                let counted = Value { ty: *target, address };
                self.shared.push(SharedPointer { handle: value, counted });
                let visited = self.visit_pointee(value, *target);
                self.shared.pop();
                visited?;
            }
            Descent::Dyn { data, vtable, object } => {
                self.visit_dyn(value, (*data, *vtable), *object)?;
            }
            Descent::Arms(arms) => self.visit_select_arms(value, arms)?,
            Descent::Turns(turns) => self.visit_turns(value, turns)?,
            Descent::Array { element, size, count } => {
                self.visit_elements(value.address, (*element, *size, *count));
            }
            Descent::Elements { read } => {
                let has_messages = traversal.is_wanted;
                self.visit_collection(value, has_messages, *read)?;
            }
            Descent::SharedFuture { read } => {
                if let Some(future) = read(self.program, value)? {
                    self.visit_behind_pointer(future, Self::visit_known_future);
                }
            }
            Descent::List { head, next, item } => self.visit_list(value, *head, *next, *item)?,
            Descent::Slice { data, length, element, size } => {
                let start = self.program.read_pointer(value.address.wrapping_add(*data))?;
                let count = self.program.read_pointer(value.address.wrapping_add(*length))?;
                self.visit_elements(start, (*element, *size, count));
            }
        }
        Ok(())
    }

    fn visit_parts(&mut self, value: Value, parts: &[Part]) {
        for part in parts {
            self.visit(part_of(value, *part));
        }
    }

    fn visit_pointee(&mut self, value: Value, target: Ty) -> Result<(), ValueError> {
        let address = self.program.read_pointer(value.address)?;
        if address != 0 {
            self.visit_behind_pointer(Value { ty: target, address }, Self::visit);
        }
        Ok(())
    }

    /// Goes on behind a pointer, unless that is where it came from.
    fn visit_behind_pointer(&mut self, target: Value, look: fn(&mut Self, Value)) {
        if self.pointees.contains(&target) {
            return self.cut(format!("a pointer leads back to {:#x}: a cycle", target.address));
        }
        self.pointees.push(target);
        look(self, target);
        self.pointees.pop();
    }

    /// A `dyn Future`, or an object that may have futures in it.
    /// Where what is looked for need not be polled, any `dyn Trait`.
    fn visit_dyn(
        &mut self,
        value: Value,
        (data, vtable): (u64, u64),
        object: Object,
    ) -> Result<(), ValueError> {
        let data = self.program.read_pointer(value.address.wrapping_add(data))?;
        let vtable = self.program.read_pointer(value.address.wrapping_add(vtable))?;
        if !self.finder.traversals.are_futures_wanted() {
            // A boxed service has what all services of a router share; what lies in a message is
            // there once.
            let in_message = self.within.iter().any(|collection| collection.has_messages);
            // So does what is in a future.
            let is_there_once = in_message || object == Object::LikeFuture;
            if !self.finder.traversals.goes_into_all_objects() && !is_there_once {
                return Ok(());
            }
            let ty = self.program.object_type(vtable);
            if let Some(ty) = ty.filter(|_| data != 0) {
                self.visit_behind_pointer(Value { ty, address: data }, Self::visit);
            }
            return Ok(());
        }
        match dyn_type(self.program, vtable) {
            Ok(ty) => {
                let look = match object {
                    Object::Future => Self::visit_known_future,
                    Object::Streaming | Object::LikeFuture | Object::Any => Self::visit,
                };
                self.visit_behind_pointer(Value { ty, address: data }, look);
            }
            // Most of these have none in them.
            Err(_) if object != Object::Future => {}
            Err(problem) => self.fail(problem),
        }
        Ok(())
    }

    fn visit_select_arms(&mut self, value: Value, arms: &Arms) -> Result<(), ValueError> {
        let mask = self.program.read_pointer(value.address.wrapping_add(arms.mask))?;
        let mask = self.program.read_unsigned(mask, arms.mask_size)?;
        let tuple = self.program.read_pointer(value.address.wrapping_add(arms.tuple))?;
        for (number, part) in (0_u32..).zip(&arms.parts) {
            let first = self.result.values.len();
            self.visit(Value { ty: part.ty, address: tuple.wrapping_add(part.offset) });
            // Arms beyond the mask's bits cannot be switched off.
            if mask.checked_shr(number).is_some_and(|rest| rest & 1 != 0) {
                let found = self.result.values[first..].iter_mut();
                found.for_each(|(_, polled)| *polled = Polled::Disabled);
            }
        }
        Ok(())
    }

    fn visit_turns(&mut self, value: Value, turns: &Turns) -> Result<(), ValueError> {
        self.visit_parts(value, &turns.parts);
        let first_turn = self.result.values.len();
        self.visit_parts(value, &turns.meanwhile);
        let second_turn = self.result.values.len();
        self.visit(part_of(value, turns.second));
        let resting = match part_of(value, turns.first).is_in(self.program, turns.variant)? {
            true => second_turn..self.result.values.len(),
            false => first_turn..second_turn,
        };
        self.result.values[resting].iter_mut().for_each(|(_, polled)| *polled = Polled::No);
        Ok(())
    }

    fn visit_list(
        &mut self,
        value: Value,
        head: u64,
        next: u64,
        item: Part,
    ) -> Result<(), ValueError> {
        let mut nodes = Vec::new();
        let mut seen = FxHashSet::default();
        let mut node = self.program.read_pointer(value.address.wrapping_add(head))?;
        while node != 0 && nodes.len() < MAX_NODES && seen.insert(node) {
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
            self.cut(format!("{MAX_NODES} of a list's nodes are shown"));
        }
        Ok(())
    }

    /// Looks at the elements of a collection, of one that many share for the first few of them.
    fn visit_collection(
        &mut self,
        value: Value,
        has_messages: bool,
        read: ReadElements,
    ) -> Result<(), ValueError> {
        if !self.shared.is_empty() {
            let sharing = self.finder.sharing.entry(value.address).or_default();
            *sharing += 1;
            if *sharing > MAX_SHARING {
                return Ok(());
            }
        }
        self.within.push(Collection { value, has_messages });
        let most = usize::try_from(MAX_ELEMENTS).unwrap_or(usize::MAX);
        let elements = read.of(self.program, value, most);
        elements.iter().flatten().for_each(|element| self.visit(*element));
        self.within.pop();
        elements.map(|_| ())
    }

    fn visit_elements(&mut self, start: u64, (ty, size, count): (Ty, u64, u64)) {
        for index in 0..count.min(MAX_ELEMENTS) {
            let address = start.wrapping_add(index.wrapping_mul(size));
            self.visit(Value { ty, address });
            if self.result.problem.is_some() {
                return;
            }
        }
        if count > MAX_ELEMENTS {
            self.cut(format!("{MAX_ELEMENTS} of {count} elements are shown"));
        }
    }
}

pub(crate) fn part_of(value: Value, part: Part) -> Value {
    Value { ty: part.ty, address: value.address.wrapping_add(part.offset) }
}

fn polled(future: Value) -> (Value, Polled) {
    (future, Polled::Yes)
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
