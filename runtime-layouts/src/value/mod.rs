//! Values: integers, pointers and active variants, read from memory by their layout.

pub mod find_by_name;
mod objects;
pub mod path;
pub mod slices;
mod vec;
pub(crate) mod vec_deque;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use elsa::FrozenMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::layout::name::last_segment;
use crate::layout::source::UNWINDING;
use crate::layout::source::{LayoutError, LayoutSource};
use crate::layout::{Discriminant, Type, TypeId, TypeKind, Variant};
use crate::memory::cache::PAGE;
use crate::memory::{MemoryReader, Page, ReadError};
use crate::target::{CodeAddress, Module, NativeFrame, Target, Thread};

/// A type in one of the target's modules.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ty {
    /// The index of the module in [`Target::modules`].
    pub module: usize,
    /// The type within the module's layouts.
    pub id: TypeId,
}

/// Why a value could not be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ValueError {
    /// Its memory could not be read.
    #[error("<unreadable {:#x}>", .0.address)]
    Unreadable(#[from] ReadError),
    /// Its layout could not be had.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Its layout is not what is expected here.
    #[error("{type_name} has no {wanted}")]
    Shape {
        /// The type that was looked at.
        type_name: String,
        /// What it should have had.
        wanted: String,
    },
    /// No variant has this discriminant: torn memory, or the wrong layout.
    #[error("{type_name} holds no valid variant at {address:#x}")]
    NoVariant {
        /// The enum.
        type_name: String,
        /// Its address.
        address: u64,
    },
}

impl ValueError {
    fn shape(ty: &Type, wanted: impl Into<String>) -> Self {
        Self::Shape { type_name: ty.name.to_string(), wanted: wanted.into() }
    }
}

/// Where a path was looked for, what, and whether through pointers.
type PathKey = (Ty, find_by_name::PartName, bool);

/// A target's memory and types, with the types that were asked for. Each thread has one of its own.
pub struct Program<'t> {
    target: &'t dyn Target,
    is_big_endian: bool,
    pointer_size: u8,
    types: FrozenMap<Ty, Arc<Type>, FxBuildHasher>,
    /// See [`Program::arguments_of`].
    arguments: FrozenMap<Ty, Box<str>, FxBuildHasher>,
    paths: RefCell<FxHashMap<PathKey, Option<Rc<path::Path>>>>,
    /// See [`Program::object_type`].
    objects: RefCell<FxHashMap<u64, Option<Ty>>>,
    /// See [`Value::objects`].
    boxes: RefCell<FxHashMap<Ty, Rc<[path::Path]>>>,
    recent: RefCell<Recent>,
    /// See [`Program::is_interrupted`].
    patience: Cell<u32>,
    was_interrupted: Cell<bool>,
    /// See [`Program::unwinds`].
    unwinds: RefCell<FxHashMap<usize, bool>>,
    /// See [`Program::stack`].
    stacks: RefCell<FxHashMap<u64, Rc<[NativeFrame]>>>,
}

/// Native frames of a stack that are looked at, innermost first.
const DEEPEST_STACK: usize = 512;

/// Steps of loops between two questions whether to stop: some microseconds.
const ASK_EVERY: u32 = 256;

/// The pages that numbers were read from last, each in the place that its number gives it: most
/// numbers lie beside another one, and the target's memory has locks.
struct Recent(Vec<(u64, Option<Arc<Page>>)>);

/// Pages in [`Recent`].
const RECENT: usize = 64;

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(u64::MAX, None); RECENT])
    }
}

impl Recent {
    /// Bytes in one of the pages; `None` when they are not in one that can be read whole.
    fn bytes(&mut self, memory: &dyn MemoryReader, address: u64, length: usize) -> Option<&[u8]> {
        let (number, offset) = (address / PAGE as u64, (address % PAGE as u64) as usize);
        let (known, page) = &mut self.0[number as usize % RECENT];
        if *known != number {
            (*known, *page) = (number, memory.page(number));
        }
        page.as_ref()?.get(offset..offset + length)
    }
}

/// A typed place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Value {
    /// Its type.
    pub ty: Ty,
    /// The address of its first byte.
    pub address: u64,
}

impl<'t> Program<'t> {
    /// A program whose types are not asked for yet.
    #[must_use]
    pub fn new(target: &'t dyn Target) -> Self {
        let facts = target.modules().first().map(|module| module.layouts.facts());
        Self {
            target,
            is_big_endian: facts.is_some_and(|facts| facts.big_endian),
            // A layout file may say anything.
            pointer_size: facts
                .map(|facts| facts.pointer_size)
                .filter(is_pointer_size)
                .unwrap_or(8),
            types: FrozenMap::default(),
            arguments: FrozenMap::default(),
            paths: RefCell::default(),
            objects: RefCell::default(),
            boxes: RefCell::default(),
            recent: RefCell::default(),
            patience: Cell::new(ASK_EVERY),
            was_interrupted: Cell::new(false),
            unwinds: RefCell::default(),
            stacks: RefCell::default(),
        }
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &'t dyn Target {
        self.target
    }

    /// Whether the user asked to stop. Every loop that is as long as memory says asks this in each
    /// step: the target is asked once in a while.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        match self.patience.get().checked_sub(1) {
            Some(patience) => self.patience.set(patience),
            None => {
                self.patience.set(ASK_EVERY);
                self.was_interrupted.set(self.was_interrupted.get() || self.target.interrupted());
            }
        }
        self.was_interrupted.get()
    }

    /// Whether a loop was told to stop, so that something is missing that nothing else says.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.was_interrupted.get()
    }

    /// The modules of the target.
    #[must_use]
    pub fn modules(&self) -> &'t [Module] {
        self.target.modules()
    }

    /// The layouts of a module.
    #[must_use]
    pub fn layouts(&self, module: usize) -> &'t dyn LayoutSource {
        &*self.target.modules()[module].layouts
    }

    /// The layout of a type.
    ///
    /// # Errors
    /// When the module's layouts cannot give it.
    pub fn type_of(&self, ty: Ty) -> Result<&Type, LayoutError> {
        match self.types.get(&ty) {
            Some(known) => Ok(known),
            None => Ok(self.types.insert(ty, self.layouts(ty.module).type_at(ty.id)?)),
        }
    }

    /// The generic arguments of a type as the source spells them, without paths: `<Order>`. Empty
    /// for a type that has none.
    ///
    /// # Errors
    /// When the module's layouts cannot give the type.
    pub fn arguments_of(&self, ty: Ty) -> Result<&str, LayoutError> {
        match self.arguments.get(&ty) {
            Some(known) => Ok(known),
            None => {
                let name = last_segment(&self.type_of(ty)?.name);
                let start = name.find('<').unwrap_or(name.len());
                Ok(self.arguments.insert(ty, name[start..].into()))
            }
        }
    }

    /// The native frames of a thread, innermost first, unwound once; of a very deep stack the
    /// innermost ones. Empty when it cannot be unwound.
    #[must_use]
    pub fn stack(&self, thread: &Thread) -> Rc<[NativeFrame]> {
        if let Some(known) = self.stacks.borrow().get(&thread.tid) {
            return Rc::clone(known);
        }
        let mut frames = self.target.native_frames(thread, DEEPEST_STACK);
        if let Some(innermost) = frames.first_mut() {
            innermost.pc = self.executed(innermost.pc);
        }
        let frames: Rc<[NativeFrame]> = frames.into();
        self.stacks.borrow_mut().insert(thread.tid, Rc::clone(&frames));
        frames
    }

    /// Where a thread is in the code: one that waits for the kernel executes the instruction before the
    /// next one, which may be of another function that was put in line there.
    fn executed(&self, pc: CodeAddress) -> CodeAddress {
        let calls = self.target.processor().map(|processor| &processor.system_calls);
        match pc {
            CodeAddress::Next(address)
                if calls.is_some_and(|it| it.is_behind(self.target.memory(), address)) =>
            {
                CodeAddress::Return(address)
            }
            pc => pc,
        }
    }

    /// The same, if that stack was unwound already and ends before the deepest frame that is looked
    /// at; `None` for all others.
    pub(crate) fn whole_stack(&self, thread: &Thread) -> Option<Rc<[NativeFrame]>> {
        let known = self.stacks.borrow().get(&thread.tid).map(Rc::clone)?;
        (known.len() < DEEPEST_STACK).then_some(known)
    }

    /// Whether panics unwind in a module's code. Where they do, a variable that is kept although it may
    /// have been moved away has a drop flag; with `panic = "abort"` it need not have one.
    #[must_use]
    pub fn unwinds(&self, module: usize) -> bool {
        let mut known = self.unwinds.borrow_mut();
        *known.entry(module).or_insert_with(|| self.layouts(module).has_function(UNWINDING))
    }

    /// The module that a live address lies in, with the static address there.
    #[must_use]
    pub fn module_at(&self, live: u64) -> Option<(usize, crate::layout::StaticAddress)> {
        self.modules()
            .iter()
            .enumerate()
            .find_map(|(index, module)| module.static_address(live).map(|address| (index, address)))
    }

    /// The same for a pointer to code: where the code begins, without what else the pointer says.
    #[must_use]
    pub fn code_at(&self, pointer: u64) -> Option<(usize, crate::layout::StaticAddress)> {
        let processor = self.target.processor();
        self.module_at(processor.map_or(pointer, |processor| processor.code_address(pointer)))
    }

    /// The size of a pointer in bytes, as the first module has it.
    #[must_use]
    pub fn pointer_size(&self) -> u8 {
        self.pointer_size
    }

    /// An unsigned integer of `size` bytes, at most 16.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn read_unsigned(&self, address: u64, size: u8) -> Result<u128, ReadError> {
        let memory = self.target.memory();
        let length = usize::from(size.min(16));
        if let Some(bytes) = self.recent.borrow_mut().bytes(memory, address, length) {
            return Ok(self.number(bytes));
        }
        let mut bytes = [0; 16];
        memory.read(address, &mut bytes[..length])?;
        Ok(self.number(&bytes[..length]))
    }

    /// The number in so many bytes, at most 16.
    fn number(&self, bytes: &[u8]) -> u128 {
        // By far the most are of eight bytes.
        if let (Ok(word), false) = (bytes.try_into(), self.is_big_endian) {
            return u64::from_le_bytes(word).into();
        }
        let mut all = [0; 16];
        let used = &mut all[..bytes.len()];
        used.copy_from_slice(bytes);
        if self.is_big_endian {
            used.reverse();
        }
        u128::from_le_bytes(all)
    }

    /// A pointer.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn read_pointer(&self, address: u64) -> Result<u64, ReadError> {
        #[expect(clippy::cast_possible_truncation, reason = "a pointer has at most 8 bytes")]
        self.read_unsigned(address, self.pointer_size()).map(|value| value as u64)
    }
}

fn is_pointer_size(size: &u8) -> bool {
    matches!(size, 2 | 4 | 8)
}

/// The variant that a discriminant selects.
#[must_use]
pub fn select_variant(variants: &[Variant], discriminant: u128) -> Option<usize> {
    let named = variants.iter().position(|variant| {
        variant.values.as_ref().is_some_and(|values| values.contains(&discriminant))
    });
    named.or_else(|| variants.iter().position(|variant| variant.values.is_none()))
}

impl Value {
    /// Its layout.
    ///
    /// # Errors
    /// When the module's layouts cannot give it.
    pub fn layout<'p>(self, program: &'p Program<'_>) -> Result<&'p Type, ValueError> {
        Ok(program.type_of(self.ty)?)
    }

    fn part(self, ty: TypeId, offset: u64) -> Self {
        Self {
            ty: Ty { module: self.ty.module, id: ty },
            address: self.address.wrapping_add(offset),
        }
    }

    /// The member of that name.
    ///
    /// # Errors
    /// When the type has none.
    pub fn member(self, program: &Program<'_>, name: &str) -> Result<Self, ValueError> {
        let layout = self.layout(program)?;
        let member = layout
            .member(name)
            .ok_or_else(|| ValueError::shape(layout, format!("member `{name}`")))?;
        Ok(self.part(member.ty, member.offset))
    }

    /// What a thin pointer points to; `None` for a null pointer.
    ///
    /// # Errors
    /// When it is no pointer, or cannot be read.
    pub fn pointee(self, program: &Program<'_>) -> Result<Option<Self>, ValueError> {
        let layout = self.layout(program)?;
        let TypeKind::Pointer { target: Some(target) } = layout.kind else {
            return Err(ValueError::shape(layout, "type that it points to"));
        };
        let address = program.read_pointer(self.address)?;
        Ok((address != 0)
            .then_some(Self { ty: Ty { module: self.ty.module, id: target }, address }))
    }

    /// What a value refers to, behind at most `deepest` references, boxes and pins; the value itself
    /// for one that is none of these. A null pointer is where the way ends.
    ///
    /// # Errors
    /// When memory on the way cannot be read, or a type cannot be had.
    pub fn referent(self, program: &Program<'_>, deepest: usize) -> Result<Self, ValueError> {
        let mut at = self;
        for _ in 0..deepest {
            let layout = at.layout(program)?;
            at = match &layout.kind {
                TypeKind::Pointer { target: Some(_) } => match at.pointee(program)? {
                    Some(target) => target,
                    None => break,
                },
                TypeKind::Struct { members }
                    if members.len() == 1 && layout.name.starts_with("core::pin::Pin<") =>
                {
                    at.part(members[0].ty, members[0].offset)
                }
                _ => break,
            };
        }
        Ok(at)
    }

    /// The active variant's index, and its fields.
    ///
    /// # Errors
    /// When it is no enum, cannot be read, or holds no valid variant.
    pub fn active_variant(self, program: &Program<'_>) -> Result<(usize, Self), ValueError> {
        let layout = self.layout(program)?;
        let TypeKind::Enum { discriminant, variants } = &layout.kind else {
            return Err(ValueError::shape(layout, "variants"));
        };
        let selected = match discriminant {
            None => (!variants.is_empty()).then_some(0),
            Some(Discriminant { offset, size }) => {
                let address = self.address.wrapping_add(*offset);
                select_variant(variants, program.read_unsigned(address, *size)?)
            }
        };
        let index = selected.ok_or_else(|| ValueError::NoVariant {
            type_name: layout.name.to_string(),
            address: self.address,
        })?;
        Ok((index, self.part(variants[index].ty, variants[index].offset)))
    }

    /// Whether an `Option` has something in it.
    ///
    /// # Errors
    /// As [`Value::active_variant`].
    pub fn is_some(self, program: &Program<'_>) -> Result<bool, ValueError> {
        self.is_in(program, "Some")
    }

    /// Whether the variant of that name is active.
    ///
    /// # Errors
    /// As [`Value::active_variant`].
    pub fn is_in(self, program: &Program<'_>, variant: &str) -> Result<bool, ValueError> {
        let (active, _) = self.active_variant(program)?;
        let TypeKind::Enum { variants, .. } = &self.layout(program)?.kind else { return Ok(false) };
        Ok(variants.get(active).is_some_and(|active| &*active.name == variant))
    }

    /// What the variant of that name has, in its first field; `None` where another variant is active.
    ///
    /// # Errors
    /// As [`Value::active_variant`]; when the variant has no field without a name.
    pub fn payload_of(
        self,
        program: &Program<'_>,
        variant: &str,
    ) -> Result<Option<Self>, ValueError> {
        let (active, fields) = self.active_variant(program)?;
        let TypeKind::Enum { variants, .. } = &self.layout(program)?.kind else { return Ok(None) };
        match variants.get(active).is_some_and(|it| &*it.name == variant) {
            true => fields.member(program, "__0").map(Some),
            false => Ok(None),
        }
    }

    /// The first bytes as an unsigned integer of the type's own size: for integers and for structs
    /// around one (`AtomicUsize`, `NonZeroU64`, `State`).
    ///
    /// # Errors
    /// When the type is larger than 8 bytes, or its memory cannot be read.
    pub fn unsigned(self, program: &Program<'_>) -> Result<u64, ValueError> {
        let layout = self.layout(program)?;
        match u8::try_from(layout.size) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 8 bytes were read")]
            Ok(size) if size <= 8 => Ok(program.read_unsigned(self.address, size)? as u64),
            _ => Err(ValueError::shape(layout, "value of at most 8 bytes")),
        }
    }
}
