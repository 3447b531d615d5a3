//! Line tables: the source line of an address.
//!
//! A native stack asks for few addresses. addr2line reads the line table of the unit around each of
//! them, and reads nothing before the first question.

use std::sync::{Mutex, OnceLock, PoisonError};

use gimli::{EndianReader, RunTimeEndian};

use crate::object::object_file::ObjectFile;
use crate::object::shared_bytes::SharedBytes;

type Context = addr2line::Context<EndianReader<RunTimeEndian, SharedBytes>>;

/// The line tables of one object.
#[derive(Default)]
pub(crate) struct LineTables {
    /// `None` when addr2line cannot read the unit headers.
    context: OnceLock<Option<Mutex<Context>>>,
}

impl LineTables {
    /// The source file and line of the code at an address; `None` when the line tables do not cover
    /// it. `object` is always the same object.
    pub(crate) fn line_at(&self, object: &ObjectFile, pc: u64) -> Option<(String, u32)> {
        let context = self.context.get_or_init(|| {
            // A skeleton unit keeps its line table, so the program's own sections have all of them.
            let dwarf = object.own_sections().shared_dwarf(object.endian);
            addr2line::Context::from_dwarf(dwarf).ok().map(Mutex::new)
        });
        let context = context.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let location = context.find_location(pc).ok()??;
        Some((location.file?.to_owned(), location.line.filter(|&line| line != 0)?))
    }
}
