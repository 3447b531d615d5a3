//! The program of a process: what its memory says about it, whether a file is that program, and its
//! load bias.

use std::sync::Arc;

use super::Module;
use super::auxiliary_vector::AuxiliaryVector;
use super::elf_image::Image;
use super::mac;
use super::shared_objects::{LibraryFile, SharedObject, shared_objects, with_a_runtime};
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
    #[error("its load address is unknown")]
    NoLoadAddress,
}

/// What a process says about the program that it runs, without a look at any file.
pub struct RunningProgram {
    auxiliary: AuxiliaryVector,
    /// `None` when nothing says where its headers are.
    image: Option<Image>,
    build_id: Option<String>,
    /// As the front has it.
    load_bias: Option<u64>,
}

impl RunningProgram {
    /// What the auxiliary vector says, and what the front itself knows: where the header of the
    /// executable is, and what was added to the file's addresses. The vector goes before `load_bias`.
    #[must_use]
    pub fn new(
        auxiliary: AuxiliaryVector,
        header: Option<u64>,
        load_bias: Option<u64>,
        memory: &dyn MemoryReader,
    ) -> Self {
        let image = header
            .and_then(|header| Image::at(header, memory))
            .or_else(|| auxiliary.executable(memory, load_bias));
        let build_id = image.as_ref().and_then(|image| image.build_id(memory));
        let build_id = build_id.or_else(|| mac::uuid(header?, memory));
        Self { auxiliary, image, build_id, load_bias }
    }

    /// Its build id as the process has it in its memory; `None` when memory does not show one.
    #[must_use]
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// The program as a module, from the layouts of its file. The build ids of the two are compared
    /// where both have one.
    ///
    /// # Errors
    /// When the process runs another file, or nothing says where it was loaded.
    pub fn module(&self, layouts: Arc<dyn LayoutSource>) -> Result<Module, NotTheProgram> {
        let facts = layouts.facts();
        if let Some(running) = &self.build_id
            && let Some(file) = &facts.build_id
            && running != file
        {
            let (file, running) = (file.clone(), running.clone());
            return Err(NotTheProgram::OtherBuild { file, running });
        }
        let by_entry = self.auxiliary.entry().map(|entry| entry.wrapping_sub(facts.entry.0));
        // Without an operating system nothing is loaded, and nobody needs to say where.
        let linked = facts.is_fixed.then_some(0);
        let load_bias = by_entry.or(self.load_bias).or(linked);
        let load_bias = load_bias.ok_or(NotTheProgram::NoLoadAddress)?;
        Ok(Module { load_bias, layouts })
    }

    /// The libraries that have a runtime of their own, which `has_runtime` tells by their layouts, and
    /// a sentence for each of them that is not the file that was loaded, or not here. `open` has the
    /// layouts of a library; nothing more is asked of it once `interrupted` says that the user asked
    /// to stop.
    pub fn libraries(
        &self,
        memory: &dyn MemoryReader,
        interrupted: &dyn Fn() -> bool,
        has_runtime: &dyn Fn(&dyn LayoutSource) -> bool,
        open: &mut dyn FnMut(&SharedObject) -> LibraryFile,
    ) -> (Vec<Module>, Vec<String>) {
        let Some(image) = &self.image else { return Default::default() };
        let loaded = shared_objects(image, memory, interrupted);
        with_a_runtime(&loaded, memory, has_runtime, &mut |library| {
            if interrupted() { LibraryFile::WithoutRuntime } else { open(library) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory};

    const AT_ENTRY: u64 = 9;

    #[test]
    fn the_auxiliary_vector_says_where_it_was_loaded() {
        let layouts: Arc<dyn LayoutSource> = Arc::new(FakeLayouts::default());
        let entry = layouts.facts().entry.0;
        let told = AuxiliaryVector::new(HashMap::from([(AT_ENTRY, entry + 0x5000)]));
        let untold = AuxiliaryVector::new(HashMap::new());
        let bias = |auxiliary: &AuxiliaryVector, known| {
            let memory = FakeMemory::new();
            let running = RunningProgram::new(auxiliary.clone(), None, known, &memory);
            running.module(layouts.clone()).map(|module| module.load_bias)
        };
        assert_eq!(bias(&told, Some(7)), Ok(0x5000));
        assert_eq!(bias(&untold, Some(7)), Ok(7));
        assert_eq!(bias(&untold, None), Err(NotTheProgram::NoLoadAddress));
    }
}
