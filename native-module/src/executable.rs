//! The program that runs: its layouts, where it was loaded, and whether the file on disk is it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::Module;
use runtime_layouts::target::auxiliary_vector::AuxiliaryVector;
use runtime_layouts::target::program::{NotTheProgram, RunningProgram};
use runtime_layouts::target::shared_objects::{LibraryFile, SharedObject};

use crate::adapter::{self, Adapter, Process};
use crate::failure::Failure;
use crate::sources::Sources;
use report_text::text::style::escaped;

/// The program that runs.
pub(crate) struct Executable {
    /// Its path as the debugger has it.
    pub(crate) path: String,
    /// Its layouts and where it was loaded.
    pub(crate) module: Module,
    /// What the process says about it.
    running: RunningProgram,
    /// What is odd about it, in a sentence.
    pub(crate) note: Option<String>,
}

/// What the process and the debugger say about the program, without a look at any file.
struct Evidence {
    known: Option<adapter::Module>,
    running: RunningProgram,
}

/// Finds the program that runs, and its layouts: in a layout file that was loaded for it, else in
/// the file that the debugger names, else in the file that a live process holds on to.
///
/// # Errors
/// When the debugger does not know the executable, when its file cannot be read, or when the file
/// is not the program that runs.
pub(crate) fn find(
    adapter: &Adapter,
    process: &Process,
    sources: &mut Sources,
    memory: &dyn MemoryReader,
) -> Result<Executable, Failure> {
    let evidence = Evidence::gather(adapter, memory)?;
    let path = evidence.known.as_ref().map_or(String::new(), |known| known.path.clone());
    if let Some(layouts) = evidence.running.build_id().and_then(|id| sources.file(id)) {
        let module = evidence.place(layouts, &path)?;
        return Ok(Executable { path, module, running: evidence.running, note: None });
    }
    let first = match &evidence.known {
        Some(known) => evidence.open(&known.path, sources),
        None => Err(Failure::sentence(
            "The debugger does not know which executable the process runs: specify it with `file \
             PATH`.",
        )),
    };
    let reason = match first {
        Ok(module) => {
            return Ok(Executable { path, module, running: evidence.running, note: None });
        }
        Err(Failure::Sentence(reason)) => reason,
        Err(end) => return Err(end),
    };
    // A live process holds on to its file, even when that was rebuilt or deleted since, and when
    // it lives in another mount namespace.
    let held = process
        .pid
        .filter(|_| process.is_local && !process.is_core)
        .map(|pid| format!("/proc/{pid}/exe"))
        .and_then(|held| Some((evidence.open(&held, sources).ok()?, held)));
    let Some((module, held)) = held else { return Err(Failure::Sentence(reason)) };
    let running = evidence.running;
    Ok(match evidence.known {
        None => Executable { path: held, module, running, note: None },
        Some(known) => Executable {
            path: known.path,
            module,
            running,
            note: Some(format!(
                "{reason} The tasks shown are correct: they come from {held}. The debugger's own \
                 view of the stacks may be wrong."
            )),
        },
    })
}

impl Executable {
    /// The libraries that have a runtime of their own; and a sentence for each that is not what was
    /// loaded, or not here.
    pub(crate) fn libraries(
        &self,
        adapter: &Adapter,
        process: &Process,
        sources: &mut Sources,
        memory: &dyn MemoryReader,
        interrupted: &dyn Fn() -> bool,
    ) -> (Vec<Module>, Vec<String>) {
        let folder = process
            .pid
            .filter(|_| process.is_local && !process.is_core)
            .map_or_else(PathBuf::new, |pid| PathBuf::from(format!("/proc/{pid}/cwd")));
        // What the debugger cannot say is found by its path.
        let files: Vec<PathBuf> = adapter.files().unwrap_or_default();
        let mut open = |library: &SharedObject| {
            // An absolute path stays what it is.
            let own = folder.join(&library.path);
            let Some(path) = file_of(library, own, &files) else { return LibraryFile::Missing };
            let layouts = sources.library(&path).map(|layouts| {
                let loaded = layouts.facts().build_id.as_deref().and_then(|id| sources.file(id));
                loaded.unwrap_or(layouts)
            });
            LibraryFile::found(layouts)
        };
        let has_runtime = |layouts: &dyn LayoutSource| LIBRARIES.has_runtime(layouts);
        self.running.libraries(memory, interrupted, &has_runtime, &mut open)
    }
}

/// The file of a library on this machine: where the debugger found it for the path that the process
/// opened, which may be below another root; at that path; or whatever of that name the debugger has.
fn file_of(library: &SharedObject, own: PathBuf, files: &[PathBuf]) -> Option<PathBuf> {
    let opened = Path::new(library.path.trim_start_matches('/'));
    let name = opened.file_name()?;
    let ending_with = |end: &Path| files.iter().find(|path| path.ends_with(end)).cloned();
    let found = ending_with(opened).into_iter().chain([own]).chain(ending_with(name.as_ref()));
    found.into_iter().find(|path| path.is_file())
}

impl Evidence {
    fn gather(adapter: &Adapter, memory: &dyn MemoryReader) -> Result<Self, Failure> {
        let known = adapter.modules()?.into_iter().next();
        let auxiliary = AuxiliaryVector::new(adapter.auxiliary_vector()?);
        let header = known.as_ref().and_then(|known| known.header);
        let load_bias = known.as_ref().and_then(|known| known.load_bias);
        Ok(Self { known, running: RunningProgram::new(auxiliary, header, load_bias, memory) })
    }

    /// Opens a file as the program that runs.
    fn open(&self, path: &str, sources: &mut Sources) -> Result<Module, Failure> {
        let layouts = sources.program(path.as_ref())?;
        // Memory may not show the build id, but then the file's own is the best guess.
        let file = layouts.facts().build_id.as_deref().and_then(|id| sources.file(id));
        self.place(file.unwrap_or(layouts), path)
    }

    /// The program that runs, if these layouts are its own; `path` is for messages.
    fn place(&self, layouts: Arc<dyn LayoutSource>, path: &str) -> Result<Module, Failure> {
        self.running.module(layouts).map_err(|reason| {
            let path = escaped(path);
            Failure::Sentence(match reason {
                NotTheProgram::OtherBuild { file, running } => format!(
                    "{path} is not the running program (build id {file}, but the process has \
                     {running}): it was probably rebuilt. Specify the right file with `file \
                     PATH`."
                ),
                NotTheProgram::NoLoadAddress => format!(
                    "The debugger does not say where {path} was loaded: it provides neither the \
                     auxiliary vector nor a load address."
                ),
            })
        })
    }
}
