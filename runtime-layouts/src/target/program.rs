//! A file as the program that runs: whether it is, and where it was loaded.

use std::sync::Arc;

use super::Module;
use super::auxiliary::AuxiliaryVector;
use crate::layout::source::LayoutSource;

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
    /// `running` is the build id that the process has in its memory (of
    /// [`ProgramHeaders`](super::auxiliary::ProgramHeaders)); it is compared where both sides have
    /// one. `load_bias` is what the front itself knows; the auxiliary vector goes before it.
    ///
    /// # Errors
    /// When the process runs another file, or nothing says where it was loaded.
    pub fn of_program(
        layouts: Arc<dyn LayoutSource>,
        running: Option<String>,
        auxiliary: &AuxiliaryVector,
        load_bias: Option<u64>,
    ) -> Result<Self, NotTheProgram> {
        let facts = layouts.facts();
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fake::FakeLayouts;
    use crate::target::auxiliary::AuxiliaryVector;

    const AT_ENTRY: u64 = 9;

    #[test]
    fn the_auxiliary_vector_says_where_it_was_loaded() {
        let layouts: Arc<dyn LayoutSource> = Arc::new(FakeLayouts::default());
        let entry = layouts.facts().entry.0;
        let told = AuxiliaryVector::new(HashMap::from([(AT_ENTRY, entry + 0x5000)]));
        let untold = AuxiliaryVector::new(HashMap::new());
        let bias = |auxiliary, known| {
            Module::of_program(layouts.clone(), None, auxiliary, known).map(|m| m.load_bias)
        };
        assert_eq!(bias(&told, Some(7)), Ok(0x5000));
        assert_eq!(bias(&untold, Some(7)), Ok(7));
        assert_eq!(bias(&untold, None), Err(NotTheProgram::NoLoadAddress));
    }
}
