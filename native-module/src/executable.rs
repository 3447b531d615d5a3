//! The program that runs: its layouts, where it was loaded, and whether the file on disk is it.

use std::path::PathBuf;
use std::sync::Arc;

use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::Module;
use runtime_layouts::target::auxiliary::{AuxiliaryVector, ProgramHeaders};
use runtime_layouts::target::libraries::{Library, libraries, with_a_runtime};
use runtime_layouts::target::program::NotTheProgram;

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
    /// Where its program headers are in memory; `None` when nothing says it.
    headers: Option<ProgramHeaders>,
    /// What is odd about it, in a sentence.
    pub(crate) note: Option<String>,
}

/// What the process and the debugger say about the program, without a look at any file.
struct Evidence {
    known: Option<adapter::Module>,
    auxiliary: AuxiliaryVector,
    /// The program headers in the process's memory, and the build id there.
    headers: Option<ProgramHeaders>,
    build_id: Option<String>,
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
    let mut evidence = Evidence::gather(adapter, memory)?;
    let headers = evidence.headers.take();
    let path = || evidence.known.as_ref().map_or(String::new(), |known| known.path.clone());
    if let Some(layouts) = evidence.build_id.as_deref().and_then(|id| sources.file(id)) {
        return Ok(Executable {
            path: path(),
            module: evidence.place(layouts, &path())?,
            headers,
            note: None,
        });
    }
    let first = match &evidence.known {
        Some(known) => evidence.open(&known.path, sources),
        None => Err(Failure::sentence(
            "The debugger does not know which executable the process runs: name it with \
             `file PATH`.",
        )),
    };
    let reason = match first {
        Ok(module) => return Ok(Executable { path: path(), module, headers, note: None }),
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
    Ok(match evidence.known {
        None => Executable { path: held, module, headers, note: None },
        Some(known) => Executable {
            path: known.path,
            module,
            headers,
            note: Some(format!(
                "{reason} The tasks shown are right: they come from {held}. The debugger's own \
                 view of the stacks may be wrong."
            )),
        },
    })
}

impl Executable {
    /// The libraries that have a runtime of their own; and a sentence for each that is not what was
    /// loaded.
    pub(crate) fn libraries(
        &self,
        process: &Process,
        sources: &mut Sources,
        memory: &dyn MemoryReader,
    ) -> (Vec<Module>, Vec<String>) {
        let Some(headers) = &self.headers else { return Default::default() };
        let big_endian = self.module.layouts.facts().big_endian;
        let loaded = libraries(headers, memory, big_endian, Some(self.module.load_bias));
        let folder = process
            .pid
            .filter(|_| process.is_local && !process.is_core)
            .map_or_else(PathBuf::new, |pid| PathBuf::from(format!("/proc/{pid}/cwd")));
        let mut open = |library: &Library| {
            // An absolute path stays what it is.
            let layouts = sources.library(&folder.join(&library.path))?;
            let loaded = layouts.facts().build_id.as_deref().and_then(|id| sources.file(id));
            Some(loaded.unwrap_or(layouts))
        };
        with_a_runtime(&loaded, memory, &|layouts| LIBRARIES.has_runtime(layouts), &mut open)
    }
}

impl Evidence {
    fn gather(adapter: &Adapter, memory: &dyn MemoryReader) -> Result<Self, Failure> {
        let known = adapter.modules()?.into_iter().next();
        let auxiliary = AuxiliaryVector::new(adapter.auxiliary_vector()?);
        // Every processor in the table is little-endian.
        let big_endian = false;
        let header = known.as_ref().and_then(|known| known.header);
        let headers = header
            .and_then(|header| ProgramHeaders::of(header, memory, big_endian))
            .or_else(|| auxiliary.program_headers());
        let build_id = headers.as_ref().and_then(|headers| {
            headers.build_id(memory, big_endian, known.as_ref().and_then(|k| k.load_bias))
        });
        Ok(Self { known, auxiliary, headers, build_id })
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
        let by_debugger = self.known.as_ref().and_then(|known| known.load_bias);
        Module::of_program(layouts, self.build_id.clone(), &self.auxiliary, by_debugger).map_err(
            |reason| {
                let path = escaped(path);
                Failure::Sentence(match reason {
                    NotTheProgram::OtherBuild { file, running } => format!(
                        "{path} is not the program that runs (build id {file}, but the process \
                         has {running}): it was probably rebuilt. Name the right file with `file \
                         PATH`."
                    ),
                    NotTheProgram::NoLoadAddress => format!(
                        "The debugger does not say where {path} was loaded: it gives neither the \
                         auxiliary vector nor a load address."
                    ),
                })
            },
        )
    }
}
