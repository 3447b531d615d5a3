//! What must hold for the reading of every value, tried on random layouts and random memory.
//! `ARBTEST_BUDGET_MS` gives them more time than the 100 ms that each has.

use std::ops::Range;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget};
use runtime_layouts::layout::{Type, TypeId};
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::memory::{MemoryReader, Page, ReadError};
use runtime_layouts::value::path::{self, Reach};
use runtime_layouts::value::{Program, Ty, Value};
use runtime_layouts::variables::{self, Limits};

const TYPES: [&str; 12] = [
    "shop::Stock",
    "shop::Order<u8>",
    "shop::serve::{async_fn_env#0}",
    "(u8, u64)",
    "&str",
    "alloc::string::String",
    "alloc::vec::Vec<u8, alloc::alloc::Global>",
    "alloc::collections::vec_deque::VecDeque<u64, alloc::alloc::Global>",
    "alloc::sync::Arc<shop::Stock, alloc::alloc::Global>",
    "core::cell::RefCell<shop::Stock>",
    "core::option::Option<shop::Stock>",
    "core::time::Duration",
];
const MEMBERS: [&str; 12] = [
    "__0", "__1", "a", "buf", "data_ptr", "head", "inner", "len", "length", "ptr", "secs", "value",
];

/// Memory that must not be read where no value lies.
struct Watched {
    memory: FakeMemory,
    values: Vec<Range<u64>>,
}

impl MemoryReader for Watched {
    fn read(&self, address: u64, buffer: &mut [u8]) -> std::result::Result<(), ReadError> {
        let end = address + buffer.len() as u64;
        let is_in = |value: &Range<u64>| value.start <= address && end <= value.end;
        assert!(self.values.iter().any(is_in), "{address:#x}..{end:#x} of {:x?}", self.values);
        self.memory.read(address, buffer)
    }

    fn page(&self, _number: u64) -> Option<std::sync::Arc<Page>> {
        None
    }
}

/// What a type of a [`World`] is made of: other types by their numbers.
enum Made {
    Integer,
    Pointer(usize),
    /// Of offsets and types.
    Struct(Vec<(u64, usize)>),
    /// Of the structs of its variants; the first byte tells which.
    Enum(Vec<usize>),
    Array(usize, u64),
    /// A fat pointer to a slice.
    Slice(usize),
}

/// Layouts that agree with the memory.
struct World {
    layouts: FakeLayouts,
    made: Vec<(TypeId, u64, Made)>,
    memory: Watched,
    free: u64,
}

impl World {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut world = Self {
            layouts: FakeLayouts::new(),
            made: Vec::new(),
            memory: Watched { memory: FakeMemory::new(), values: Vec::new() },
            free: 0x1000,
        };
        for size in [1, 2, 4, 8] {
            let id = world.layouts.integer(size);
            world.made.push((id, size, Made::Integer));
        }
        let count = u.int_in_range(2..=8)?;
        // Pointers first: structs may have them, and they point to any type.
        let pointers = [0; 2].map(|_| world.layouts.pointer("*const T", None));
        let slices = world.layouts.pointer("*const E", None);
        for pointer in pointers {
            world.made.push((pointer, 8, Made::Pointer(0)));
        }
        let word = world.made[3].0;
        let members = [("data_ptr", 0, slices), ("length", 8, word)];
        let slice = world.layouts.structure("&[E]", 16, &members);
        world.made.push((slice, 16, Made::Slice(0)));
        for _ in 0..count {
            world.add(u)?;
        }
        for (at, pointer) in (4..).zip(pointers) {
            let target = u.choose_index(world.made.len())?;
            world.layouts.point(pointer, world.made[target].0);
            world.made[at].2 = Made::Pointer(target);
        }
        let target = u.choose_index(world.made.len())?;
        world.layouts.point(slices, world.made[target].0);
        world.made[6].2 = Made::Slice(target);
        Ok(world)
    }

    fn add(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let name = *u.choose(&TYPES)?;
        let made = match u.int_in_range(0..=3)? {
            0 => {
                let mut variants = Vec::new();
                for _ in 0..u.int_in_range(1..=3)? {
                    variants.push(self.structure(u, name, 8)?);
                }
                let size = variants.iter().map(|at| self.made[*at].1).max().unwrap_or(8);
                let named: Vec<_> = (0..)
                    .zip(&variants)
                    .map(|(value, at)| ("Variant", Some(vec![value]), self.made[*at].0, None))
                    .collect();
                (
                    self.layouts.enumeration(name, size, Some((0, 1)), &named),
                    size,
                    Made::Enum(variants),
                )
            }
            1 => {
                let (element, count) = (u.choose_index(self.made.len())?, u.int_in_range(0..=3)?);
                let id = self.layouts.array(self.made[element].0, count);
                (id, self.made[element].1 * count, Made::Array(element, count))
            }
            _ => {
                self.structure(u, name, 0)?;
                return Ok(());
            }
        };
        self.made.push(made);
        Ok(())
    }

    /// A struct whose members come one after the other; its number.
    fn structure(&mut self, u: &mut Unstructured<'_>, name: &str, start: u64) -> Result<usize> {
        let mut size = start;
        let (mut members, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..u.int_in_range(0..=3)? {
            let part = u.choose_index(self.made.len())?;
            members.push((*u.choose(&MEMBERS[..8])?, size, self.made[part].0));
            parts.push((size, part));
            size += self.made[part].1;
        }
        let id = self.layouts.structure(name, size, &members);
        self.made.push((id, size, Made::Struct(parts)));
        Ok(self.made.len() - 1)
    }

    /// Puts so many values of a type into memory; the address of the first.
    fn place(
        &mut self,
        u: &mut Unstructured<'_>,
        ty: usize,
        count: u64,
        depth: u32,
    ) -> Result<u64> {
        let size = self.made[ty].1;
        let at = self.free;
        // A gap, so that whoever reads beyond the end is seen.
        self.free += size * count + 64;
        let bytes = (0..size * count).map(|_| u.arbitrary()).collect::<Result<Vec<u8>>>()?;
        self.memory.memory.put(at, bytes);
        self.memory.values.push(at..at + size * count);
        for number in 0..count {
            self.fill(u, ty, at + number * size, depth)?;
        }
        Ok(at)
    }

    /// Makes the pointers and discriminants of a value right.
    fn fill(&mut self, u: &mut Unstructured<'_>, ty: usize, at: u64, depth: u32) -> Result<()> {
        let parts: Vec<(u64, usize)> = match &self.made[ty].2 {
            Made::Integer => Vec::new(),
            Made::Struct(parts) => parts.clone(),
            Made::Array(element, count) => {
                (0..*count).map(|number| (number * self.made[*element].1, *element)).collect()
            }
            Made::Enum(variants) => {
                let active = u.choose_index(variants.len())?;
                let fields = variants[active];
                self.memory.memory.put(at, [active as u8]);
                vec![(0, fields)]
            }
            Made::Pointer(target) => {
                let target = *target;
                let is_null = depth == 0 || u.ratio(1, 4)?;
                let to = if is_null { 0 } else { self.place(u, target, 1, depth - 1)? };
                self.memory.memory.put_u64(at, to);
                Vec::new()
            }
            Made::Slice(element) => {
                let element = *element;
                let count = if depth == 0 { 0 } else { u.int_in_range(0..=3)? };
                let to = if count == 0 { 8 } else { self.place(u, element, count, depth - 1)? };
                self.memory.memory.put_u64(at, to);
                self.memory.memory.put_u64(at + 8, count);
                Vec::new()
            }
        };
        for (offset, part) in parts {
            self.fill(u, part, at + offset, depth)?;
        }
        Ok(())
    }
}

/// Reads a value in every way that there is.
fn read(program: &Program<'_>, value: Value) {
    let _ = value.pointee(program);
    let _ = value.active_variant(program);
    let _ = value.unsigned(program);
    for name in TYPES {
        let _ = value.find_inline(program, name);
        let _ = value.find_through_pointers(program, name);
    }
    for name in MEMBERS {
        let _ = value.member(program, name);
        let _ = value.find_member(program, name);
        let _ = value.find_number(program, name);
    }
    for reach in [Reach::INLINE, Reach::RUNTIME] {
        let mut wanted = |ty: &Type| ty.name.starts_with('u');
        for path in path::find_all(program, value.ty, reach, 4, &mut wanted) {
            let _ = path.follow(program, value);
            let _ = path.each(program, value, &mut |_| ());
            let _ = path.offset();
        }
    }
}

#[test]
fn only_what_a_value_has_and_points_to_is_read() {
    arbtest(|u| {
        let mut world = World::new(u)?;
        let ty = u.choose_index(world.made.len())?;
        let address = world.place(u, ty, 1, 4)?;
        let ty = Ty { module: 0, id: world.made[ty].0 };
        let target = FakeTarget::new(world.layouts, world.memory, 0);
        read(&Program::new(&target), Value { ty, address });
        Ok(())
    });
}

#[test]
fn what_is_found_lies_in_a_value() {
    arbtest(|u| {
        let mut world = World::new(u)?;
        let ty = u.choose_index(world.made.len())?;
        let address = world.place(u, ty, 1, 4)?;
        let ty = Ty { module: 0, id: world.made[ty].0 };
        let values = world.memory.values.clone();
        let target = FakeTarget::new(world.layouts, world.memory, 0);
        let program = Program::new(&target);
        for name in TYPES {
            let Ok(Some(found)) = (Value { ty, address }).find_through_pointers(&program, name)
            else {
                continue;
            };
            let layout = found.layout(&program).expect("a type of the world");
            assert_eq!(&*layout.name, name);
            let end = found.address + layout.size;
            let is_in = |value: &Range<u64>| value.start <= found.address && end <= value.end;
            assert!(values.iter().any(is_in), "{name}: {found:x?} of {values:x?}");
        }
        Ok(())
    });
}

/// Layouts that contradict themselves: types within themselves, offsets without end, variants of
/// any type.
fn hostile(u: &mut Unstructured<'_>) -> Result<(FakeLayouts, u64)> {
    let mut layouts = FakeLayouts::new();
    let count = u.int_in_range(1..=12)?;
    for _ in 0..count {
        let name = *u.choose(&TYPES)?;
        let size = number(u)?;
        // One that does not exist is among them.
        let ty = |u: &mut Unstructured<'_>| Ok(TypeId(u.int_in_range(0..=count)?));
        match u.int_in_range(0..=5)? {
            0 => {
                let mut variants = Vec::new();
                for _ in 0..u.int_in_range(0..=3)? {
                    let values =
                        if u.arbitrary()? { None } else { Some(vec![u.int_in_range(0..=3)?]) };
                    variants.push(("Suspend0", values, ty(u)?, None));
                }
                let place = if u.arbitrary()? { Some((number(u)?, u.arbitrary()?)) } else { None };
                layouts.enumeration(name, size, place, &variants);
            }
            1 => {
                layouts.array(ty(u)?, number(u)?);
            }
            2 => {
                let target = ty(u)?;
                layouts.pointer(name, Some(target));
            }
            3 => {
                layouts.integer(size.min(1 << 60));
            }
            _ => {
                let mut members = Vec::new();
                for _ in 0..u.int_in_range(0..=4)? {
                    members.push((*u.choose(&MEMBERS)?, number(u)?, ty(u)?));
                }
                layouts.structure(name, size, &members);
            }
        }
    }
    Ok((layouts, count))
}

/// A small number, or one that is too large for everything.
fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=9)? {
        0 => u.arbitrary()?,
        1 => u64::MAX - u64::from(u.arbitrary::<u8>()?),
        _ => u.int_in_range(0..=32)?,
    })
}

/// A page whose words are mostly addresses in it.
fn page(u: &mut Unstructured<'_>) -> Result<FakeMemory> {
    let mut memory = FakeMemory::new().with(0x1000, vec![0; 0x1000]);
    for word in 0..0x40 {
        let value = if u.arbitrary()? { 0x1000 + u.int_in_range(0..=0x200)? } else { number(u)? };
        memory.put_u64(0x1000 + 8 * word, value);
    }
    Ok(memory)
}

#[test]
fn contradictory_layouts_are_read_without_panic() {
    arbtest(|u| {
        let (layouts, count) = hostile(u)?;
        let target = FakeTarget::new(layouts, page(u)?, 0);
        let program = Program::new(&target);
        for id in 0..count {
            let address = 0x1000 + u.int_in_range(0..=0x100)?;
            read(&program, Value { ty: Ty { module: 0, id: TypeId(id) }, address });
        }
        Ok(())
    });
}

#[test]
fn printing_is_bounded_by_its_limits() {
    const LONGEST_NAME: usize = 80;
    arbtest(|u| {
        let (layouts, count) = hostile(u)?;
        let memory = page(u)?;
        let target = FakeTarget::new(layouts, &memory, 0);
        let program = Program::new(&target);
        let limits = Limits {
            depth: u.int_in_range(0..=6)?,
            elements: u.int_in_range(0..=10)?,
            text: u.int_in_range(0..=100)?,
            nodes: u.int_in_range(0..=100)?,
        };
        let id = TypeId(u.int_in_range(0..=count)?);
        let value = Value { ty: Ty { module: 0, id }, address: 0x1000 };
        let text = variables::value(&program, LIBRARIES, value, limits);
        // A node has a name, and its fields' names even where no node is left for them; a byte of
        // text is at most `\u{10ffff}`.
        let node = LONGEST_NAME * (2 + limits.elements as usize) + 10 * limits.text as usize;
        let most = (limits.nodes + 1) * node;
        assert!(text.len() <= most, "{} of {most} bytes: {text}", text.len());
        Ok(())
    });
}
