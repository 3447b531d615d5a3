//! The search through what the variables of frames have and lead to.

use rustc_hash::FxHashSet;

use super::type_facts::TypeFacts;
use super::{MAX_NAMED, Part};
use crate::knowledge::children::Children;
use crate::knowledge::{Libraries, waker};
use crate::layout::name::{base_path, is_of_standard_library};
use crate::layout::{Member, Type, TypeId, TypeKind};
use crate::report::{Chain, Frame, FrameRef, Report, Task, TaskIndex};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk;
use crate::walk::search::coroutine;

/// Values that are looked at in one search, at most.
const MAX_VALUES: usize = 4 << 20;
/// Values that one frame leads to and that are looked at, at most: tables within tables would take
/// the whole search, and what the other tasks have would not be looked at.
const MAX_VALUES_OF_FRAME: usize = 1 << 17;
/// Elements of one collection that are looked at for what they lead to, at most.
const MAX_ELEMENTS: u64 = 1 << 10;
/// Pointers and parts on one way, at most.
const DEEPEST: usize = 48;
/// Pointers that are counted beyond those that are named, at most.
const MAX_COUNTED: usize = 10_000;

/// A part that lies at an address.
pub(super) struct Found {
    pub(super) part: Part,
    /// The waker that it is, or is in.
    pub(super) waker: Option<Value>,
}

/// A step on the way from a variable.
#[derive(Clone)]
enum Step<'p> {
    Field(&'p str),
    Element(u64),
    /// Into what only wraps another value.
    Nothing,
}

/// What is looked for.
enum Wanted<'w> {
    /// What lies at an address.
    At(u64),
    /// What points at one of these, in their order.
    To(&'w [u64]),
}

/// The variable that is looked into.
struct Root<'p> {
    task: TaskIndex,
    frame: FrameRef,
    variable: Option<&'p str>,
    may_be_moved: bool,
}

/// Searches what tasks have.
pub(super) struct Explorer<'p> {
    program: &'p Program<'p>,
    types: TypeFacts<'p>,
    report: &'p Report,
    is_whole: bool,
}

impl<'p> Explorer<'p> {
    pub(super) fn of(program: &'p Program<'p>, libraries: Libraries, report: &'p Report) -> Self {
        Self { program, types: TypeFacts::of(program, libraries), report, is_whole: true }
    }

    /// Whether nothing was left out so far.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole && !self.program.was_interrupted()
    }

    /// The parts that lie at an address, those first that a frame has itself.
    pub(super) fn parts_at(&mut self, address: u64) -> Vec<Found> {
        let mut found = self.search(Wanted::At(address)).found;
        found.sort_by_key(|(pointers, _)| *pointers);
        found.truncate(MAX_NAMED);
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// What points at one of these addresses, which are in their order.
    pub(super) fn pointers_to(&mut self, targets: &[u64]) -> Vec<Part> {
        self.search(Wanted::To(targets)).pointers
    }

    fn search<'w>(&mut self, wanted: Wanted<'w>) -> Search<'_, 'p, 'w> {
        let mut search = Search {
            explorer: self,
            wanted,
            left: MAX_VALUES,
            left_of_frame: 0,
            frames: FxHashSet::default(),
            pointees: FxHashSet::default(),
            root: None,
            steps: Vec::new(),
            pointers_on_way: 0,
            handles: 0,
            places: FxHashSet::default(),
            best: None,
            found: Vec::new(),
            pointers: Vec::new(),
        };
        let report = search.explorer.report;
        for task in &report.tasks {
            let beside = task.siblings_of_stack.as_deref().filter(|beside| !beside.is_ambiguous);
            search.chain(task, beside.map_or(&task.chain, |beside| &beside.chain));
        }
        search
    }
}

/// One search.
struct Search<'s, 'p, 'w> {
    explorer: &'s mut Explorer<'p>,
    wanted: Wanted<'w>,
    /// Values that may be looked at yet.
    left: usize,
    left_of_frame: usize,
    /// Those that were looked into themselves.
    frames: FxHashSet<(u64, Ty)>,
    /// What was looked at behind pointers.
    pointees: FxHashSet<(u64, Ty)>,
    root: Option<Root<'p>>,
    steps: Vec<Step<'p>>,
    pointers_on_way: usize,
    /// Handles of runtimes on the way: all that a runtime has would be found behind each of them.
    handles: usize,
    /// The innermost part at the address, of what the last pointer led to.
    best: Option<Found>,
    /// With the number of pointers on the way.
    found: Vec<(usize, Found)>,
    pointers: Vec<Part>,
    /// Where these are.
    places: FxHashSet<u64>,
}

impl<'p> Search<'_, 'p, '_> {
    /// Whether no more may be looked at behind this frame.
    fn is_over(&mut self) -> bool {
        let is_spent = self.left == 0 || self.left_of_frame == 0;
        let is_over = is_spent || self.explorer.program.is_interrupted();
        self.explorer.is_whole &= !is_over;
        is_over
    }

    /// Looks into the frames of a chain, the innermost ones first: what lies in one is a part of all
    /// those further out.
    fn chain(&mut self, task: &Task, chain: &Chain) {
        chain.branches.iter().for_each(|branch| self.chain(task, branch));
        chain.frames.iter().rev().for_each(|frame| self.frame(task, frame));
    }

    fn frame(&mut self, task: &Task, frame: &Frame) {
        let ty = self.explorer.report.types.get(frame.site.0 as usize).copied().flatten();
        let Some(ty) = ty.filter(|_| frame.address != 0) else { return };
        let value = Value { ty, address: frame.address };
        self.left_of_frame = MAX_VALUES_OF_FRAME;
        if self.is_over() || !self.frames.insert((value.address, ty)) {
            return;
        }
        let frame = FrameRef::of(frame);
        let root =
            |variable, may_be_moved| Root { task: task.index, frame, variable, may_be_moved };
        self.root = Some(root(None, false));
        let program = self.explorer.program;
        let Ok(layout) = program.type_of(ty) else { return };
        if !coroutine::is_coroutine(layout) {
            return self.region(value, true);
        }
        // The state machine itself, then what it has.
        self.note(value, layout);
        let active = value.active_variant(program).map(|(active, _)| active);
        let states = self.explorer.types.states(ty);
        let state = states.as_deref().zip(active.ok()).and_then(|(all, at)| all.get(at));
        if let Some(state) = state {
            for variable in state.variables.iter().chain(&state.borrows) {
                // A reference is copied, not moved.
                let layout = program.type_of(variable.part.ty);
                let is_reference = layout.is_ok_and(|layout| layout.name.starts_with('&'));
                let may_be_moved = !is_reference && variable.may_be_moved(program, value);
                let name = member_name(program, value, &variable.name);
                self.root = Some(root(name, may_be_moved));
                let address = value.address.wrapping_add(variable.part.offset);
                self.visit(Value { ty: variable.part.ty, address });
            }
            if let Some(awaitee) = state.awaitee {
                self.root = Some(root(Some(AWAITED), false));
                let address = value.address.wrapping_add(awaitee.offset);
                self.visit(Value { ty: awaitee.ty, address });
            }
        }
        self.take_best();
    }

    /// Looks at a frame's own memory, or at what a pointer leads to.
    fn region(&mut self, value: Value, is_frame: bool) {
        let before = self.best.take();
        if is_frame {
            let layout = self.explorer.program.type_of(value.ty);
            if let Ok(layout) = layout {
                self.note(value, layout);
                let _ = self.contents(value, layout);
            }
        } else {
            self.visit(value);
        }
        self.take_best();
        self.best = before;
    }

    fn take_best(&mut self) {
        let Some(best) = self.best.take() else { return };
        let pointers = self.pointers_on_way;
        // What lies in a frame lies in those around it too.
        let is_in = |inner: &Part, outer: &Part| {
            let start = outer.offset.wrapping_sub(inner.offset);
            start <= outer.size && start.wrapping_add(inner.size) <= outer.size
        };
        let is_told = |(known, found): &(usize, Found)| {
            (*known == 0 && pointers == 0 && found.part.task == best.part.task)
                || is_in(&found.part, &best.part)
        };
        if !self.found.iter().any(is_told) {
            self.found.push((pointers, best));
        }
    }

    /// Looks at a value; what cannot be read leads nowhere.
    fn visit(&mut self, value: Value) {
        let Ok(layout) = self.explorer.program.type_of(value.ty) else { return };
        if self.steps.len() > DEEPEST || self.is_over() {
            return;
        }
        if self.frames.contains(&(value.address, value.ty)) {
            return;
        }
        let is_here = self.note(value, layout);
        if !is_here && !self.explorer.types.may_point(value.ty) {
            return;
        }
        self.left -= 1;
        self.left_of_frame -= 1;
        let is_handle = self.explorer.types.known(value.ty, layout).is_handle;
        self.handles += usize::from(is_handle);
        let _ = self.contents(value, layout);
        self.handles -= usize::from(is_handle);
    }

    /// Whether the address that is looked for lies in a value, which then is what lies there, unless
    /// one around it begins there too.
    fn note(&mut self, value: Value, layout: &Type) -> bool {
        let Wanted::At(address) = self.wanted else { return false };
        let offset = address.wrapping_sub(value.address);
        if offset >= layout.size {
            return false;
        }
        let is_waker = waker::is_waker(layout);
        let known = self.best.as_ref().and_then(|best| best.waker);
        let waker = known.or(is_waker.then_some(value));
        if self.best.as_ref().is_some_and(|best| best.part.offset == 0) {
            self.best.iter_mut().for_each(|best| best.waker = waker);
        } else if let Some(part) = self.part(layout, offset) {
            self.best = Some(Found { part, waker });
        }
        true
    }

    fn part(&self, layout: &Type, offset: u64) -> Option<Part> {
        let root = self.root.as_ref()?;
        let mut path = root.variable.unwrap_or_default().to_string();
        for step in &self.steps {
            match step {
                Step::Field(name) => {
                    let name =
                        name.strip_prefix("_ref__").or(name.strip_prefix("__")).unwrap_or(name);
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(name);
                }
                Step::Element(number) => path.push_str(&format!("[{number}]")),
                Step::Nothing => {}
            }
        }
        Some(Part {
            task: root.task,
            frame: root.frame,
            path,
            type_name: layout.name.to_string(),
            offset,
            size: layout.size,
            is_own: self.pointers_on_way == 0,
            may_be_moved: root.may_be_moved,
        })
    }

    fn contents(&mut self, value: Value, layout: &'p Type) -> Result<(), ValueError> {
        let program = self.explorer.program;
        let of = |id: TypeId| Ty { module: value.ty.module, id };
        self.elements(value, layout)?;
        match &layout.kind {
            TypeKind::Struct { members } => {
                self.fat_pointer(value, layout)?;
                members.iter().for_each(|member| self.member(value, &layout.name, member));
                self.shared(value, layout)?;
            }
            TypeKind::Enum { .. } => {
                let (_, fields) = value.active_variant(program)?;
                let members = program.type_of(fields.ty)?.members();
                members.iter().for_each(|member| self.member(fields, &layout.name, member));
            }
            TypeKind::Union { members } => {
                let is_value = |member: &&Member| &*member.name == "value";
                if base_path(&layout.name).ends_with("::MaybeUninit")
                    && let Some(member) = members.iter().find(is_value)
                {
                    self.visit(Value { ty: of(member.ty), address: value.address });
                }
            }
            TypeKind::Array { element, count } => {
                let size = program.type_of(of(*element))?.size;
                self.row(value.address, of(*element), size, count.unwrap_or(0));
            }
            TypeKind::Pointer { target } => {
                let address = program.read_pointer(value.address)?;
                self.points_to(value, layout, address);
                if let Some(target) = target.filter(|_| is_followed(&layout.name)) {
                    self.follow(Value { ty: of(target), address });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, value: Value, owner: &str, member: &'p Member) {
        let ty = Ty { module: value.ty.module, id: member.ty };
        let address = value.address.wrapping_add(member.offset);
        self.steps.push(match is_passed_over(owner, &member.name) {
            true => Step::Nothing,
            false => Step::Field(&member.name),
        });
        self.visit(Value { ty, address });
        self.steps.pop();
    }

    /// Elements in a row in memory.
    fn row(&mut self, start: u64, element: Ty, size: u64, count: u64) {
        let whole = size.saturating_mul(count);
        if let Wanted::At(address) = self.wanted
            && size > 0
            && address.wrapping_sub(start) < whole
        {
            self.element(start, element, size, address.wrapping_sub(start) / size);
        }
        if self.explorer.types.may_point(element) {
            for number in 0..count.min(MAX_ELEMENTS) {
                self.element(start, element, size, number);
            }
            self.explorer.is_whole &= count <= MAX_ELEMENTS;
        }
    }

    fn element(&mut self, start: u64, ty: Ty, size: u64, number: u64) {
        self.steps.push(Step::Element(number));
        let address = start.wrapping_add(size.wrapping_mul(number));
        self.visit(Value { ty, address });
        self.steps.pop();
    }

    /// What a collection has in it.
    fn elements(&mut self, value: Value, layout: &Type) -> Result<(), ValueError> {
        let program = self.explorer.program;
        let Some(known) = self.explorer.types.known(value.ty, layout).collection else {
            return Ok(());
        };
        match known.children(program, value.ty, layout)? {
            Some(Children::Slice { data, length, element, size }) => {
                let start = program.read_pointer(value.address.wrapping_add(data))?;
                let count = program.read_pointer(value.address.wrapping_add(length))?;
                self.behind(|search| search.row(start, element, size, count));
            }
            Some(Children::Elements { read, .. }) => {
                let most = usize::try_from(MAX_ELEMENTS).unwrap_or(usize::MAX);
                let elements = read.of(program, value, most)?;
                self.behind(|search| {
                    for (number, element) in (0..).zip(elements) {
                        search.steps.push(Step::Element(number));
                        search.visit(element);
                        search.steps.pop();
                    }
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// A pointer to a slice or an object.
    fn fat_pointer(&mut self, value: Value, layout: &'p Type) -> Result<(), ValueError> {
        let program = self.explorer.program;
        let [first, second] = layout.members() else { return Ok(()) };
        if !matches!(&*first.name, "data_ptr" | "pointer") || !is_followed(&layout.name) {
            return Ok(());
        }
        let at = |member: &Member| program.read_pointer(value.address.wrapping_add(member.offset));
        match &*second.name {
            "vtable" => {
                let address = at(first)?;
                if let Some(ty) = program.object_type(at(second)?) {
                    self.follow(Value { ty, address });
                }
            }
            "length" => {
                if let Some(slice) = SliceLayout::of_fat_pointer(program, value.ty, layout)? {
                    let (start, count) = (at(first)?, at(second)?);
                    self.behind(|search| search.row(start, slice.element, slice.size, count));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What an `Arc` or `Rc` leads to.
    fn shared(&mut self, value: Value, layout: &Type) -> Result<(), ValueError> {
        let name = base_path(&layout.name);
        if !matches!(name, "alloc::sync::Arc" | "alloc::rc::Rc") {
            return Ok(());
        }
        let program = self.explorer.program;
        let of = |id: TypeId| Ty { module: value.ty.module, id };
        let pointers =
            layout.members().iter().filter_map(|it| walk::shared_target(program, of(it.ty)));
        if let Some(ty) = pointers.take(1).last() {
            let address = program.read_pointer(value.address)?;
            self.follow(Value { ty, address });
        }
        Ok(())
    }

    /// Goes on behind a pointer, unless that was looked at before.
    fn follow(&mut self, target: Value) {
        if target.address != 0
            && self.handles == 0
            && self.pointees.insert((target.address, target.ty))
        {
            self.behind(|search| search.region(target, false));
        }
    }

    fn behind(&mut self, look: impl FnOnce(&mut Self)) {
        self.pointers_on_way += 1;
        let before = self.best.take();
        look(self);
        self.take_best();
        self.best = before;
        self.pointers_on_way -= 1;
    }

    /// Takes in a pointer that leads there.
    fn points_to(&mut self, pointer: Value, layout: &Type, address: u64) {
        let Wanted::To(targets) = self.wanted else { return };
        if targets.binary_search(&address).is_ok()
            && self.pointers.len() < MAX_COUNTED
            && self.places.insert(pointer.address)
        {
            self.pointers.extend(self.part(layout, 0));
        }
    }
}

/// The future that a state machine awaits, where no frame is known of it.
const AWAITED: &str = "awaited";

/// The name of a variable of a state machine, which lives as long as the program's types.
fn member_name<'p>(program: &'p Program<'_>, machine: Value, name: &str) -> Option<&'p str> {
    let (_, fields) = machine.active_variant(program).ok()?;
    let layout = program.type_of(fields.ty).ok()?;
    let member = layout.members().iter().find(|member| &*member.name == name)?;
    Some(member.name.strip_prefix("_ref__").unwrap_or(&member.name))
}

/// Whether a part of the language's own types is what it wraps: paths are as `.` finds it in Rust.
fn is_passed_over(owner: &str, member: &str) -> bool {
    is_of_standard_library(owner)
        && matches!(member, "__0" | "__pointer" | "data" | "inner" | "pointer" | "ptr" | "value")
}

/// Whether what a pointer of that type leads to is there for sure: that of a box or a reference.
fn is_followed(pointer: &str) -> bool {
    pointer.starts_with("alloc::boxed::Box<") || pointer.starts_with('&')
}
