//! A file as the program that runs: whether it is, and where it was loaded.

use std::sync::Arc;

use super::Module;
use super::auxiliary::AuxiliaryVector;
use crate::layout::source::LayoutSource;
use crate::memory::MemoryReader;

/// Why a file's layouts cannot serve for a process.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTheProgram {
    /// The process runs another build of it.
    #[error("it has build id {file}, but the process runs {running}")]
    OtherBuild {
        /// The file's build id.
        file: String,
        /// The build id that the process has in its memory.
        running: String,
    },
    /// Neither the auxiliary vector nor the front says where it was loaded.
    #[error("nothing says at which address it was loaded")]
    NoLoadAddress,
}

impl Module {
    /// The executable of a process, from the layouts of its file.
    ///
    /// The build id is compared where both sides have one. `load_bias` is what the front itself
    /// knows; the auxiliary vector goes before it.
    ///
    /// # Errors
    /// When the process runs another file, or nothing says where it was loaded.
    pub fn of_program(
        layouts: Arc<dyn LayoutSource>,
        auxiliary: &AuxiliaryVector,
        memory: &dyn MemoryReader,
        load_bias: Option<u64>,
    ) -> Result<Self, NotTheProgram> {
        let facts = layouts.facts();
        let running = auxiliary
            .program_headers()
            .and_then(|headers| headers.build_id(memory, facts.big_endian, load_bias));
        if let Some(running) = running
            && let Some(file) = &facts.build_id
            && running != *file
        {
            return Err(NotTheProgram::OtherBuild { file: file.clone(), running });
        }
        let by_entry = auxiliary.entry().map(|entry| entry.wrapping_sub(facts.entry.0));
        let load_bias = by_entry.or(load_bias).ok_or(NotTheProgram::NoLoadAddress)?;
        Ok(Self { load_bias, layouts })
    }
}
