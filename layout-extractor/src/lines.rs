//! LINES: the functions and source lines at a program counter, for native stacks.
//!
//! A native stack asks for few addresses, in threads that have nothing to do with async code too;
//! addr2line reads what those need, from the line tables, and nothing is read before the first
//! question.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use addr2line::{LookupContinuation, LookupResult};
use gimli::{EndianReader, RunTimeEndian};
use runtime_layouts::layout::StaticAddress;

use crate::mapping::SharedBytes;
use crate::source::DwarfSource;

type Reader = EndianReader<RunTimeEndian, SharedBytes>;

/// One function at a program counter: the physical one, or one that was inlined into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineFrame {
    /// The demangled name without the hash; `None` when nothing names it.
    pub function: Option<Arc<str>>,
    /// The whole path of the source file; `None` when the line tables do not say.
    pub file: Option<Arc<str>>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// Whether it was inlined into the next frame of the list.
    pub is_inlined: bool,
}

/// What answers questions about lines, made with the first of them.
#[derive(Default)]
pub(crate) struct Lines {
    /// `None` when the debug information is too broken to start with.
    context: OnceLock<Option<Mutex<addr2line::Context<Reader>>>>,
    symbols: OnceLock<Vec<FunctionSymbol>>,
}

/// A function of the symbol table.
pub(crate) struct FunctionSymbol {
    pub(crate) address: u64,
    /// Bytes; 0 when the table does not say.
    pub(crate) size: u64,
    pub(crate) name: Box<[u8]>,
}

impl DwarfSource {
    /// The functions at this program counter, the innermost inlined one first; empty when neither
    /// debug information nor symbols know the address.
    ///
    /// For a frame that is not the innermost of a thread, ask for the return address minus one.
    #[must_use]
    pub fn source_lines(&self, pc: StaticAddress) -> Vec<LineFrame> {
        let mut frames = self.described_lines(pc.0).unwrap_or_default();
        let symbol = || self.symbol_name(pc.0);
        match frames.last_mut() {
            // Line tables alone name no function.
            Some(physical) if physical.function.is_none() => physical.function = symbol(),
            Some(_) => {}
            None => frames.extend(symbol().map(|function| LineFrame {
                function: Some(function),
                file: None,
                line: None,
                is_inlined: false,
            })),
        }
        frames
    }

    /// The file and line that the machine code at an address comes from.
    pub(crate) fn line_at(&self, pc: u64) -> Option<(String, u32)> {
        let context = self.line_context()?;
        let location = context.find_location(pc).ok()??;
        Some((location.file?.to_owned(), location.line.filter(|&line| line != 0)?))
    }

    fn line_context(&self) -> Option<MutexGuard<'_, addr2line::Context<Reader>>> {
        let context = self.lines.context.get_or_init(|| {
            let endian = self.object.endian;
            let dwarf = self.object.own_sections().shared_dwarf(endian);
            addr2line::Context::from_dwarf(dwarf).ok().map(Mutex::new)
        });
        Some(context.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn described_lines(&self, pc: u64) -> Option<Vec<LineFrame>> {
        let context = self.line_context()?;
        let mut found = self.loaded(context.find_frames(pc)).ok()?;
        let mut frames = Vec::new();
        // A frame that cannot be read ends the list; those before it are right.
        while let Ok(Some(frame)) = found.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let location = frame.location.as_ref();
            frames.push(LineFrame {
                function: name.map(|name| demangled(&name)),
                file: location.and_then(|at| at.file).map(Arc::from),
                line: location.and_then(|at| at.line).filter(|&line| line != 0),
                is_inlined: true,
            });
        }
        if let Some(physical) = frames.last_mut() {
            physical.is_inlined = false;
        }
        Some(frames)
    }

    /// The end of a lookup that may need units which are in other files.
    fn loaded<L: LookupContinuation<Buf = Reader>>(&self, lookup: LookupResult<L>) -> L::Output {
        let mut at = lookup;
        loop {
            at = match at {
                LookupResult::Output(found) => return found,
                LookupResult::Load { load, continuation } => {
                    let reader = |bytes| Reader::new(bytes, self.object.endian);
                    let file = self.object.split.as_ref().and_then(|split| {
                        split.file(&self.object.sections, load.dwo_id, &load.parent, reader)
                    });
                    continuation.resume(file.map(Arc::new))
                }
            }
        }
    }

    /// The name of the function symbol that holds an address.
    fn symbol_name(&self, address: u64) -> Option<Arc<str>> {
        let symbols = self.lines.symbols.get_or_init(|| self.object.function_symbols());
        let after = symbols.partition_point(|symbol| symbol.address <= address);
        let symbol = symbols.get(after.checked_sub(1)?)?;
        let is_within = symbol.size == 0 || address - symbol.address < symbol.size;
        is_within.then(|| demangled(&String::from_utf8_lossy(&symbol.name)))
    }
}

fn demangled(name: &str) -> Arc<str> {
    match rustc_demangle::try_demangle(name) {
        Ok(name) => format!("{name:#}").into(),
        Err(_) => name.into(),
    }
}
