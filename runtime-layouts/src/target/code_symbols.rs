//! Names of functions in loaded objects, by the dynamic symbols that the loader left in memory.
//!
//! For code without debug information, such as that of a C library. No file is read, so that every
//! front has the same names.
//!
//! Source: the System V ABI, "Dynamic Linking"; `DT_GNU_HASH` as `elf/dl-lookup.c` reads it (glibc 2.36).

use std::ops::Range;

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, STT_FUNC, STT_GNU_IFUNC};
use object::pod::slice_from_all_bytes;
use object::read::elf::{FileHeader, Sym};

use super::elf_image::Image;
use super::shared_objects::shared_objects;
use crate::memory::MemoryReader;

/// Tags of the dynamic section, from `elf.h`.
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_SONAME: u64 = 14;
const DT_GNU_HASH: u64 = 0x6fff_fef5;

/// More symbols, and longer tables of names, are not believed.
const MAX_SYMBOLS: u64 = 1 << 20;
const LONGEST_STRINGS: u64 = 64 << 20;
const LONGEST_NAME: usize = 512;

/// What code of a loaded object is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct CodeName<'s> {
    /// The function, as the object exports it; `None` for one that it does not export.
    pub function: Option<&'s str>,
    /// The object's own name (`DT_SONAME`); `None` where it has none, as most executables.
    pub object: Option<&'s str>,
}

/// The objects that were asked about, each read once.
#[derive(Debug, Default)]
pub struct CodeSymbols {
    /// Where the program and its libraries begin, lowest first; `None` before anything was asked.
    starts: Option<Vec<u64>>,
    /// The addresses of each object, with what it exports; `None` where no object was found.
    known: Vec<(Range<u64>, Option<DynamicSymbols>)>,
}

impl CodeSymbols {
    /// What the code at an address is called, as far as memory shows that, in a program whose executable
    /// begins at `executable`.
    pub fn at(&mut self, memory: &dyn MemoryReader, executable: u64, address: u64) -> CodeName<'_> {
        let known = self.known.iter().position(|(range, _)| range.contains(&address));
        let known = known.unwrap_or_else(|| {
            let starts = self.starts.get_or_insert_with(|| starts(memory, executable));
            self.known.push(find(memory, starts, address));
            self.known.len() - 1
        });
        self.known[known].1.as_ref().map(|symbols| symbols.at(address)).unwrap_or_default()
    }
}

/// Where the objects of a program begin, lowest first, by the list that the dynamic linker keeps.
fn starts(memory: &dyn MemoryReader, executable: u64) -> Vec<u64> {
    let libraries =
        Image::at(executable, memory).map(|image| shared_objects(&image, memory, &|| false));
    let libraries = libraries.into_iter().flatten().map(|library| library.load_bias);
    let mut starts: Vec<u64> = libraries.chain([executable]).collect();
    starts.sort_unstable();
    starts
}

/// The object that an address lies in.
fn find(
    memory: &dyn MemoryReader,
    starts: &[u64],
    address: u64,
) -> (Range<u64>, Option<DynamicSymbols>) {
    let below = starts.partition_point(|start| *start <= address);
    let image = starts[..below].last().and_then(|start| Image::at(*start, memory));
    match image.filter(|image| image.extent().contains(&address)) {
        Some(image) => (image.extent(), DynamicSymbols::of(&image, memory)),
        None => (address..address.saturating_add(1), None),
    }
}

/// The functions that an object exports.
#[derive(Debug)]
struct DynamicSymbols {
    object: Option<String>,
    /// By address; those of one address one behind the other.
    functions: Vec<Function>,
    names: Vec<u8>,
}

/// A function that is exported.
#[derive(Debug)]
struct Function {
    code: Range<u64>,
    /// Where its name begins.
    name: usize,
}

impl DynamicSymbols {
    /// Those of an object in memory; `None` where it exports nothing that can be read.
    fn of(image: &Image, memory: &dyn MemoryReader) -> Option<Self> {
        match image.words.pointer_size {
            4 => Self::of_class::<FileHeader32<Endianness>>(image, memory),
            _ => Self::of_class::<FileHeader64<Endianness>>(image, memory),
        }
    }

    fn of_class<Elf>(image: &Image, memory: &dyn MemoryReader) -> Option<Self>
    where
        Elf: FileHeader<Endian = Endianness>,
    {
        let dynamic = image.dynamic(memory);
        let value = |tag| dynamic.iter().find(|entry| entry.0 == tag).map(|entry| entry.1);
        // Some loaders write addresses of the process over those of the file.
        let extent = image.extent();
        let live = |tag| {
            let address = value(tag)?;
            let moved = address.wrapping_add(image.load_bias);
            Some(if extent.contains(&address) { address } else { moved })
        };
        let count = live(DT_GNU_HASH)
            .and_then(|hash| symbols_of_gnu_hash(image, memory, hash))
            // `nbucket`, `nchain`: as many as there are symbols.
            .or_else(|| number(image, memory, live(DT_HASH)?.wrapping_add(4)))?;
        let read = |at, size: u64| {
            let mut bytes = vec![0; usize::try_from(size).ok()?];
            memory.read(at, &mut bytes).ok()?;
            Some(bytes)
        };
        let size = size_of::<Elf::Sym>() as u64;
        let symbols = read(live(DT_SYMTAB)?, count.min(MAX_SYMBOLS) * size)?;
        let names = read(live(DT_STRTAB)?, value(DT_STRSZ)?.min(LONGEST_STRINGS))?;
        let symbols: &[Elf::Sym] = slice_from_all_bytes(&symbols).ok()?;
        let endian = image.endian();
        let function = |symbol: &Elf::Sym| {
            let is_function = [STT_FUNC, STT_GNU_IFUNC].contains(&symbol.st_type());
            let value: u64 = symbol.st_value(endian).into();
            let start = value.wrapping_add(image.load_bias);
            let end = start.saturating_add(symbol.st_size(endian).into());
            let name = usize::try_from(symbol.st_name(endian)).ok()?;
            (is_function && value != 0).then_some(Function { code: start..end, name })
        };
        let mut functions: Vec<Function> = symbols.iter().filter_map(function).collect();
        functions.sort_by_key(|function| function.code.start);
        let object = value(DT_SONAME).and_then(|at| name_at(&names, usize::try_from(at).ok()?));
        Some(Self { object: object.map(str::to_string), functions, names })
    }

    /// What the code there is called.
    fn at(&self, address: u64) -> CodeName<'_> {
        CodeName { function: self.function_at(address), object: self.object.as_deref() }
    }

    /// The function that an address lies in, by the plainest of its names: `poll` of `__poll` and
    /// `poll`.
    fn function_at(&self, address: u64) -> Option<&str> {
        let end = self.functions.partition_point(|function| function.code.start <= address);
        let start = self.functions[..end].last()?.code.start;
        let same = self.functions[..end].iter().rev().take_while(|it| it.code.start == start);
        let around = same.filter(|function| function.code.contains(&address));
        let names = around.filter_map(|function| name_at(&self.names, function.name));
        names
            .min_by_key(|name| (name.len() - name.trim_start_matches('_').len(), name.len(), *name))
    }
}

/// How many symbols an object has, by the table in which the loader looks them up: the last of the
/// chain that begins last.
fn symbols_of_gnu_hash(image: &Image, memory: &dyn MemoryReader, hash: u64) -> Option<u64> {
    let word = |index: u64| number(image, memory, hash.wrapping_add(index.wrapping_mul(4)));
    let (buckets, first, bloom) = (word(0)?, word(1)?, word(2)?);
    if buckets.max(bloom) > MAX_SYMBOLS {
        return None;
    }
    let start = 4 + image.words.pointers_size(bloom) / 4;
    let mut bytes = vec![0; usize::try_from(buckets * 4).ok()?];
    memory.read(hash.wrapping_add(start * 4), &mut bytes).ok()?;
    let (numbers, _) = bytes.as_chunks::<4>();
    let mut last = numbers.iter().map(|bytes| image.words.number(bytes)).max()?;
    if last < first {
        return Some(first);
    }
    // A hash with its lowest bit set ends a chain.
    while word(start + buckets + (last - first))? & 1 == 0 {
        last += 1;
        if last > MAX_SYMBOLS {
            return None;
        }
    }
    Some(last + 1)
}

/// A number of four bytes.
fn number(image: &Image, memory: &dyn MemoryReader, at: u64) -> Option<u64> {
    image.words.read(memory, at, 4).ok()
}

/// The name that begins there; `None` where it is none that can be printed.
fn name_at(names: &[u8], at: usize) -> Option<&str> {
    let name = names.get(at..)?;
    let name = &name[..name.iter().take(LONGEST_NAME).position(|byte| *byte == 0)?];
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(name).ok().filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;

    const BASE: u64 = 0x40_0000;
    const NAMES: &[u8] = b"\0libc.so.6\0__poll\0poll\0environ\0\x1b[2J\0";
    /// Where the addresses of the dynamic section's entries are, as the loader left them.
    const DYNAMIC: u64 = 0x200;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// A symbol of a kind (`STT_FUNC` is 2) with its name, address and size.
    fn symbol(name: u32, kind: u8, address: u64, size: u64) -> Vec<u8> {
        let mut symbol = name.to_le_bytes().to_vec();
        symbol.extend([kind, 0, 1, 0]);
        symbol.extend(bytes(&[address, size]));
        symbol
    }

    /// A library with `poll` in it, and the table by which its symbols are counted.
    fn library(table: u64) -> FakeMemory {
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[32..40].copy_from_slice(&64_u64.to_le_bytes());
        header[54..58].copy_from_slice(&[56, 0, 2, 0]);
        // `PT_LOAD` of two pages, `PT_DYNAMIC`.
        header.extend(bytes(&[5 << 32 | 1, 0, 0, 0, 0x2000, 0x2000, 0x1000]));
        header.extend(bytes(&[6 << 32 | 2, DYNAMIC, DYNAMIC, DYNAMIC, 96, 96, 8]));
        let hash = if table == DT_HASH { 0x500 } else { 0x600 };
        let size = NAMES.len() as u64;
        let dynamic = [DT_SONAME, 1, DT_SYMTAB, 0x300, DT_STRTAB, BASE + 0x400, DT_STRSZ, size];
        let symbols = [
            symbol(0, 0, 0, 0),
            symbol(11, 2, 0x1800, 0x40),
            symbol(18, 2, 0x1800, 0x40),
            symbol(23, 1, 0x1900, 8),
            symbol(31, 2, 0x1a00, 0x10),
        ];
        FakeMemory::new()
            .with(BASE, vec![0; 0x2000])
            .with(BASE, header)
            .with(BASE + DYNAMIC, bytes(&[&dynamic[..], &[table, hash, 0, 0]].concat()))
            .with(BASE + 0x300, symbols.concat())
            .with(BASE + 0x400, NAMES.to_vec())
            .with(BASE + 0x500, numbers(&[1, 5]))
            // One bucket, whose chain of four begins at the first symbol.
            .with(BASE + 0x600, numbers(&[1, 1, 1, 0, 0, 0, 1, 2, 4, 6, 9]))
    }

    fn name(memory: &FakeMemory, address: u64) -> (Option<String>, Option<String>) {
        let mut symbols = CodeSymbols::default();
        let name = symbols.at(memory, BASE, address);
        (name.function.map(str::to_string), name.object.map(str::to_string))
    }

    #[test]
    fn a_function_has_the_plainest_of_its_names() {
        for table in [DT_HASH, DT_GNU_HASH] {
            let memory = library(table);
            let of = |address| name(&memory, BASE + address);
            let libc = || Some("libc.so.6".to_string());
            assert_eq!(of(0x1800), (Some("poll".into()), libc()));
            assert_eq!(of(0x183f), (Some("poll".into()), libc()));
            assert_eq!(of(0x1840), (None, libc()), "behind it");
            assert_eq!(of(0x1900), (None, libc()), "a variable");
            assert_eq!(of(0x1a00), (None, libc()), "what cannot be printed is no name");
        }
    }

    #[test]
    fn code_of_no_object_has_no_name() {
        assert_eq!(name(&library(DT_HASH), BASE + 0x2000), (None, None));
        assert_eq!(name(&FakeMemory::new(), 0), (None, None));
        assert_eq!(name(&FakeMemory::new(), u64::MAX), (None, None));
    }

    #[test]
    fn damaged_tables_do_no_harm() {
        for table in [DT_HASH, DT_GNU_HASH] {
            let whole = library(table);
            let mut bytes = vec![0; 0x640];
            whole.read(BASE, &mut bytes).expect("it is there");
            for at in (0..bytes.len()).filter(|at| bytes[*at] != 0) {
                for value in [0, 0x7f, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    damaged.resize(0x2000, 0);
                    name(&FakeMemory::new().with(BASE, damaged), BASE + 0x1800);
                }
            }
        }
    }
}
