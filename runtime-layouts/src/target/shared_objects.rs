//! The shared objects of a process, those loaded by `dlopen` included.
//!
//! A plugin, an extension module of Python or an addon of Node may contain a runtime of its own.
//! Every front end finds them in the process's memory, in the list that the dynamic linker keeps
//! for debuggers.
//!
//! Source: `DT_DEBUG` of the System V ABI, and `<link.h>`: `struct r_debug` and `struct link_map`
//! (glibc 2.36, musl 1.2.3).

use std::collections::HashSet;
use std::sync::Arc;

use super::Module;
use super::elf_image::Image;
use crate::layout::source::LayoutSource;
use crate::memory::word_format::WordFormat;
use crate::memory::{MemoryReader, ReadError};

/// Where the first entry is in `struct r_debug`, and the members of `struct link_map`, in pointers.
const R_MAP: u64 = 1;
const L_ADDR: u64 = 0;
const L_NAME: u64 = 1;
const L_NEXT: u64 = 3;

/// More libraries than any process has are not believed.
const MAX_LIBRARIES: usize = 10_000;
const LONGEST_PATH: usize = 4096;

/// A shared object that a process has loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedObject {
    /// Its path as the process opened it: relative to what was its working directory then, or
    /// absolute.
    pub path: String,
    /// What was added to the file's addresses, modulo 2^64.
    pub load_bias: u64,
}

/// The libraries of a process, in the order in which they were loaded; empty for a program that is
/// linked statically, and when memory does not show them. Those that were found so far when
/// `interrupted` says that the user asked to stop.
#[must_use]
pub fn shared_objects(
    executable: &Image,
    memory: &dyn MemoryReader,
    interrupted: &dyn Fn() -> bool,
) -> Vec<SharedObject> {
    let list = LinkMap { memory, words: executable.words };
    let mut found = Vec::new();
    let Some(debug) = executable.debugger_rendezvous(memory) else { return found };
    let mut seen = HashSet::new();
    let mut entry = list.member(debug, R_MAP).unwrap_or(0);
    while entry != 0 && seen.len() < MAX_LIBRARIES && seen.insert(entry) && !interrupted() {
        // An entry that cannot be read ends the list; those before it are right.
        let Ok((library, next)) = list.entry(entry) else { break };
        // The program has no name there, and the kernel's own object is no file.
        found.extend(library.filter(|library| library.path.contains('/')));
        entry = next;
    }
    found
}

struct LinkMap<'m> {
    memory: &'m dyn MemoryReader,
    words: WordFormat,
}

impl LinkMap<'_> {
    /// The member of a struct of pointers.
    fn member(&self, at: u64, index: u64) -> Result<u64, ReadError> {
        let address = at.wrapping_add(self.words.pointers_size(index));
        self.words.read_pointer(self.memory, address)
    }

    /// A library, if its name can be read, and the address of the next entry.
    fn entry(&self, at: u64) -> Result<(Option<SharedObject>, u64), ReadError> {
        let load_bias = self.member(at, L_ADDR)?;
        let name = self.member(at, L_NAME)?;
        let next = self.member(at, L_NEXT)?;
        let path = if name == 0 { Some(String::new()) } else { self.text(name) };
        Ok((path.map(|path| SharedObject { path, load_bias }), next))
    }

    /// A string that ends with a zero; in steps that do not cross into pages behind it.
    fn text(&self, address: u64) -> Option<String> {
        const STEP: u64 = 64;
        let mut text = Vec::new();
        let mut at = address;
        while text.len() < LONGEST_PATH {
            let mut bytes = [0; STEP as usize];
            let bytes = &mut bytes[..(STEP - at % STEP) as usize];
            self.memory.read(at, bytes).ok()?;
            if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&bytes[..end]);
                return String::from_utf8(text).ok();
            }
            text.extend_from_slice(bytes);
            at = at.wrapping_add(bytes.len() as u64);
        }
        None
    }
}

/// What is known of the file of a library.
pub enum LibraryFile {
    /// It is here, and may have a runtime in it.
    Layouts(Arc<dyn LayoutSource>),
    /// It is here, and no runtime is in it.
    WithoutRuntime,
    /// It is not on this machine.
    Missing,
}

impl LibraryFile {
    /// What was found in a file that is here.
    #[must_use]
    pub fn found(layouts: Option<Arc<dyn LayoutSource>>) -> Self {
        layouts.map_or(Self::WithoutRuntime, Self::Layouts)
    }
}

/// How the names of libraries begin that have thread-local storage, and certainly no runtime: those
/// of the system.
const OF_SYSTEM: [&str; 5] = ["libc.", "libc-", "ld-musl-", "libresolv", "libstdc++."];

/// The libraries that have an async runtime in them, each with the layouts that `open` has for it;
/// and a sentence for each of them that is not the file that was loaded, or that may be one and is
/// not here.
pub fn with_a_runtime(
    libraries: &[SharedObject],
    memory: &dyn MemoryReader,
    has_runtime: &dyn Fn(&dyn LayoutSource) -> bool,
    open: &mut dyn FnMut(&SharedObject) -> LibraryFile,
) -> (Vec<Module>, Vec<String>) {
    let mut modules = Vec::new();
    let mut problems = Vec::new();
    for library in libraries {
        let layouts = match open(library) {
            LibraryFile::Layouts(layouts) => layouts,
            LibraryFile::WithoutRuntime => continue,
            LibraryFile::Missing => {
                let name = library.path.rsplit('/').next().unwrap_or_default();
                let is_systems = OF_SYSTEM.iter().any(|beginning| name.starts_with(beginning));
                let image = Image::at(library.load_bias, memory);
                if !is_systems && image.is_none_or(|image| image.has_thread_storage()) {
                    problems.push(format!(
                        "{} is not here: a runtime in it would not be shown",
                        library.path
                    ));
                }
                continue;
            }
        };
        // A runtime keeps thread-local storage.
        if layouts.facts().tls.is_none() || !has_runtime(&*layouts) {
            continue;
        }
        let facts = layouts.facts();
        let running = Image::at(library.load_bias, memory).and_then(|image| image.build_id(memory));
        match (&running, &facts.build_id) {
            (Some(running), Some(file)) if running != file => problems.push(format!(
                "{} is not the file that the process loaded (build id {file}, but the process has \
                 {running}): its tasks are not shown",
                library.path
            )),
            _ => modules.push(Module { load_bias: library.load_bias, layouts }),
        }
    }
    (modules, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;

    const BASE: u64 = 0x5000;

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// An executable's headers, with its dynamic section and the linker's list behind them.
    fn process() -> FakeMemory {
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[32..40].copy_from_slice(&64_u64.to_le_bytes());
        header[54..56].copy_from_slice(&56_u16.to_le_bytes());
        header[56..58].copy_from_slice(&2_u16.to_le_bytes());
        let mut load = vec![0; 56];
        load[0] = 1; // PT_LOAD
        let mut dynamic = vec![0; 56];
        dynamic[0] = 2; // PT_DYNAMIC
        dynamic[16..24].copy_from_slice(&0x100_u64.to_le_bytes());
        dynamic[40..48].copy_from_slice(&48_u64.to_le_bytes());
        dynamic[8] = 1; // Its offset in the file.
        header.extend(load);
        header.extend(dynamic);
        FakeMemory::new()
            .with(BASE, header)
            .with(BASE + 0x100, words(&[1, 7, 21, 0x9000, 0, 0]))
            .with(0x9000, words(&[1, 0xa000]))
            .with(0xa000, words(&[BASE, 0xb000, 0, 0xa100]))
            .with(0xa100, words(&[0x7000_0000, 0xb040, 0, 0xa200]))
            // A list that leads back into itself.
            .with(0xa200, words(&[0x8000_0000, 0xb080, 0, 0xa100]))
            .with(0xb000, vec![0; 64])
            .with(0xb040, {
                let mut name = b"/lib/libplugin.so".to_vec();
                name.resize(64, 0);
                name
            })
            .with(0xb080, {
                let mut name = b"linux-vdso.so.1".to_vec();
                name.resize(64, 0);
                name
            })
    }

    #[test]
    fn the_linkers_list_is_read() {
        let memory = process();
        let image = Image::at(BASE, &memory).expect("headers");
        let found = shared_objects(&image, &memory, &|| false);
        let plugin = SharedObject { path: "/lib/libplugin.so".into(), load_bias: 0x7000_0000 };
        assert_eq!(found, [plugin]);
        assert_eq!(shared_objects(&image, &memory, &|| true), [], "the user asked to stop");
    }

    #[test]
    fn a_name_that_is_none_ends_no_list() {
        let mut memory = process();
        memory.put(0xa000, words(&[BASE, u64::MAX - 8]));
        memory.put(0xa200, words(&[u64::MAX, 0xb040, 0, u64::MAX - 4]));
        let image = Image::at(BASE, &memory).expect("headers");
        let biases: Vec<u64> =
            shared_objects(&image, &memory, &|| false).iter().map(|it| it.load_bias).collect();
        assert_eq!(biases, [0x7000_0000, u64::MAX], "up to the entry that cannot be read");
    }

    #[test]
    fn a_list_without_an_end_is_left() {
        let mut memory = process();
        let count = MAX_LIBRARIES as u64 + 10;
        let entries = (0..count).flat_map(|i| words(&[i, 0xb040, 0, 0x10_0000 + 32 * (i + 1)]));
        memory.put(0x10_0000, entries.collect::<Vec<u8>>());
        memory.put(0x9000, words(&[1, 0x10_0000]));
        let image = Image::at(BASE, &memory).expect("headers");
        assert_eq!(shared_objects(&image, &memory, &|| false).len(), MAX_LIBRARIES);
    }
}
