//! dSYM bundles: debug information that `dsymutil` linked, in a folder beside the program.
//!
//! Sources: "dsymutil" in LLVM's documentation (22), and where lldb looks
//! (`lldb/source/Symbol/LocateSymbolFileMacOSX.cpp`).

use std::path::{Path, PathBuf};

use super::super::object_file::ObjectFile;

/// Where a bundle has its files.
const INSIDE: &str = "Contents/Resources/DWARF";

/// More files than that are in no bundle.
const MAX_FILES: usize = 64;

/// More folders than that are around no program of a bundle: `App.app/Contents/MacOS/App`.
const MAX_FOLDERS: usize = 4;

/// The debug information of a program in the bundles beside it, and a sentence for each file there
/// that is of another build.
pub(crate) fn find(program: &ObjectFile) -> (Option<ObjectFile>, Vec<String>) {
    let mut others = Vec::new();
    for file in candidates(&program.path) {
        let Ok(found) = ObjectFile::open_alone(&file) else { continue };
        if !found.has_debug_information() {
            continue;
        }
        if found.facts.build_id.is_some() && found.facts.build_id == program.facts.build_id {
            return (Some(found), Vec::new());
        }
        let id = |of: &ObjectFile| of.facts.build_id.clone().unwrap_or_else(|| "none".to_owned());
        others.push(format!(
            "{} was ignored: it is of another build (UUID {}, and the program has {})",
            file.display(),
            id(&found),
            id(program)
        ));
    }
    (None, others)
}

/// The files in the bundles that may be a program's: `PROGRAM.dSYM`, or that of an application
/// around it. Their names may be others, as cargo's are.
fn candidates(program: &Path) -> Vec<PathBuf> {
    let real = program.canonicalize().ok().filter(|real| real != program);
    let mut found: Vec<PathBuf> = Vec::new();
    for path in [Some(program), real.as_deref()].into_iter().flatten() {
        let around = path.ancestors().skip(1).take(MAX_FOLDERS);
        let around = around.filter(|folder| folder.extension().is_some());
        for bundle in std::iter::once(path).chain(around) {
            let Some(name) = bundle.file_name() else { continue };
            let mut name = name.to_owned();
            name.push(".dSYM");
            let folder = bundle.with_file_name(name).join(INSIDE);
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let files = entries.take(MAX_FILES).filter_map(|entry| Some(entry.ok()?.path()));
            found.extend(files.filter(|file| file.is_file()));
        }
    }
    found.sort();
    found.dedup();
    found
}
