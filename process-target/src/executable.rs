//! The layouts of the executable, and proof that they belong to the running program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use layout_extractor::{find_knowledge, open_library, open_program, open_twin};
use runtime_layouts::layout::source::{KnowledgeText, LayoutSource};
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::Module;
use runtime_layouts::target::auxiliary_vector::AuxiliaryVector;
use runtime_layouts::target::processors::{self, Processor};
use runtime_layouts::target::program::RunningProgram;
use runtime_layouts::target::shared_objects::{LibraryFile, SharedObject};

use crate::TargetError;

/// What a process or core file is to be understood with.
pub(crate) struct Executable {
    /// Its layouts, where they are loaded.
    pub(crate) module: Module,
    /// What the process itself says about it.
    running: RunningProgram,
    /// What it was compiled for.
    pub(crate) processor: &'static Processor,
}

/// Which of the two the executable is of, for sentences.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Process,
    Core,
}

/// Where the layouts of an executable come from.
#[derive(Clone)]
pub enum Layouts {
    /// From its own debug information, or from a layout file that is found in the usual places or in
    /// these folders.
    Found(Vec<PathBuf>),
    /// From here, whatever the executable has.
    Given(Arc<dyn LayoutSource>),
    /// From this twin: another build of the same sources, with debug information.
    Twin(PathBuf),
}

impl Default for Layouts {
    fn default() -> Self {
        Self::Found(Vec::new())
    }
}

impl Layouts {
    /// Those of an executable.
    ///
    /// # Errors
    /// When the file cannot be read or is no executable.
    pub(crate) fn of(&self, path: &Path) -> Result<Arc<dyn LayoutSource>, TargetError> {
        match self {
            Self::Given(layouts) => Ok(layouts.clone()),
            Self::Twin(twin) => Ok(open_twin(path, twin)?),
            Self::Found(folders) => Ok(open_program(path, folders)?),
        }
    }

    /// Those of a library; `None` when it cannot be read, and when no runtime is in it.
    pub(crate) fn of_library(&self, path: &Path) -> Option<Arc<dyn LayoutSource>> {
        let folders = match self {
            Self::Found(folders) => folders.as_slice(),
            Self::Given(_) | Self::Twin(_) => &[],
        };
        open_library(path, folders)
    }
}

/// The texts that were given, and those that are found in files for a program.
pub(crate) fn with_found(given: &[KnowledgeText], program: &Path) -> Vec<KnowledgeText> {
    let mut all = given.to_vec();
    all.extend(find_knowledge(program));
    all
}

/// The executable with these layouts; `path` is for messages.
///
/// # Errors
/// When the process runs another program, or one for a processor that is not known.
pub(crate) fn executable(
    path: &Path,
    layouts: Arc<dyn LayoutSource>,
    of: Of,
    auxiliary: AuxiliaryVector,
    memory: &dyn MemoryReader,
) -> Result<Executable, TargetError> {
    let machine = layouts.facts().machine;
    let processor = processors::of(layouts.facts()).ok_or(TargetError::Processor { machine })?;
    let running = RunningProgram::new(auxiliary, None, None, memory);
    let module = running.module(layouts).map_err(|reason| {
        let (subject, remedy) = match of {
            Of::Process => ("runs", "give the layout file of the build that runs"),
            Of::Core => ("dumped this core", "give the right one with `--exe`"),
        };
        TargetError::NotTheProgram { path: path.to_owned(), subject, reason, remedy }
    })?;
    Ok(Executable { module, running, processor })
}

impl Executable {
    /// The executable, and behind it the libraries that have a runtime of their own; and a sentence
    /// for each library that is not what was loaded. `open` has the layouts of a library.
    pub(crate) fn modules(
        &self,
        memory: &dyn MemoryReader,
        interrupted: &dyn Fn() -> bool,
        open: &mut dyn FnMut(&SharedObject) -> Option<Arc<dyn LayoutSource>>,
    ) -> (Vec<Module>, Vec<String>) {
        let has_runtime = |layouts: &dyn LayoutSource| LIBRARIES.has_runtime(layouts);
        // Whoever reads the memory of a core file tells what is not here.
        let mut open = |library: &SharedObject| LibraryFile::found(open(library));
        let (libraries, problems) =
            self.running.libraries(memory, interrupted, &has_runtime, &mut open);
        (std::iter::once(self.module.clone()).chain(libraries).collect(), problems)
    }
}
