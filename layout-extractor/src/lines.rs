//! The source line at an address, from the line tables.
//!
//! A native stack asks for few addresses; addr2line reads the line table of the unit that holds
//! each, and nothing before the first question.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use gimli::{EndianReader, RunTimeEndian};

use crate::mapping::SharedBytes;
use crate::source::DwarfSource;

type Context = addr2line::Context<EndianReader<RunTimeEndian, SharedBytes>>;

/// The line tables of one object.
#[derive(Default)]
pub(crate) struct Lines {
    /// `None` when the debug information is too broken to start with.
    context: OnceLock<Option<Mutex<Context>>>,
}

impl DwarfSource {
    /// The file and line that the machine code at an address comes from; `None` when the line tables
    /// do not say.
    pub(crate) fn line_at(&self, pc: u64) -> Option<(String, u32)> {
        let context = self.line_context()?;
        let location = context.find_location(pc).ok()??;
        Some((location.file?.to_owned(), location.line.filter(|&line| line != 0)?))
    }

    fn line_context(&self) -> Option<MutexGuard<'_, Context>> {
        let context = self.lines.context.get_or_init(|| {
            // A skeleton has the line table of its unit, so the program's own sections are enough.
            let dwarf = self.object.own_sections().shared_dwarf(self.object.endian);
            addr2line::Context::from_dwarf(dwarf).ok().map(Mutex::new)
        });
        Some(context.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
