//! Finds the layouts of a program: in its debug information, in a layout file, or in the answer
//! cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::target::processors;

use crate::answer_cache::cached_source::{CachedSource, with_answer_cache};
use crate::answer_cache::store::AnswerStore;
use crate::object::object_file::OpenError;
use crate::object::open::has_tls_and_text;
use crate::questions::source::DwarfSource;

/// The environment variable with the folders of layout files, as `PATH` has folders of programs.
pub const LAYOUTS_VARIABLE: &str = "UNHANG_LAYOUTS";

/// The section of a program that a layout file can be embedded in.
pub const LAYOUT_SECTION: &str = ".unhang";

/// Opens the layouts of a program.
///
/// If its debug information lacks types, layout files are tried: the program's section
/// [`LAYOUT_SECTION`], `PROGRAM.unhang` beside it, and `BUILD-ID.unhang` and `PROGRAM.unhang` in
/// `folders` and in those of [`LAYOUTS_VARIABLE`]. A layout file of another build is rejected, and
/// [`LayoutSource::provenance`] says so.
///
/// What the debug information answers is cached for the user: see
/// [`AnswerStore::of_user`](crate::AnswerStore::of_user).
///
/// # Errors
/// When the program cannot be read, or is no linked object.
///
/// # Example
///
/// ```
/// use layout_extractor::open_program;
/// use runtime_layouts::layout::source::LayoutSource;
///
#[doc = include_str!("../doc/compile.txt")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // `compile` runs `rustc -g`.
/// let (_folder, program) = compile(
///     "struct Point { x: u32, y: u32 }
///      fn main() { std::hint::black_box(&Point { x: 1, y: 2 }); }",
/// )?;
/// let layouts = open_program(&program, &[])?;
/// assert_eq!(layouts.provenance().lack, None);
/// let point = layouts.type_at(layouts.types_named("app::Point", None)?[0])?;
/// assert_eq!(point.member("y").map(|member| member.offset), Some(4));
/// # Ok(())
/// # }
/// ```
pub fn open_program(path: &Path, folders: &[PathBuf]) -> Result<Arc<dyn LayoutSource>, OpenError> {
    let store = AnswerStore::of_user();
    if let Some(known) = store.as_ref().and_then(|store| CachedSource::load_cached(store, path)) {
        return Ok(Arc::new(known));
    }
    let own = DwarfSource::open(path)?;
    if own.provenance().lack.is_none() {
        return Ok(match &store {
            Some(store) => with_answer_cache(store, path, own),
            None => Arc::new(own),
        });
    }
    let Some(build_id) = own.facts().build_id.clone() else { return Ok(Arc::new(own)) };
    let listed = std::env::var_os(LAYOUTS_VARIABLE).unwrap_or_default();
    let folders: Vec<PathBuf> =
        folders.iter().cloned().chain(std::env::split_paths(&listed)).collect();
    let embedded = own
        .section(LAYOUT_SECTION)
        .map(|bytes| (format!("its section {LAYOUT_SECTION}"), LayoutFile::from_bytes(&bytes)));
    let files = layout_files(path, &build_id, &folders);
    let files = files.iter().map(|file| (file.display().to_string(), LayoutFile::open(file)));
    for (name, file) in embedded.into_iter().chain(files) {
        match file {
            Ok(file) if file.facts().build_id.as_deref() == Some(&*build_id) => {
                return Ok(Arc::new(file));
            }
            Ok(file) => {
                let other = processors::of(file.facts()).map(|processor| processor.name);
                let own_name = processors::of(own.facts()).map(|processor| processor.name);
                own.reject_file(&match other {
                    Some(other) if Some(other) != own_name => {
                        format!("{name} was ignored: it is of a program for {other}")
                    }
                    _ => format!("{name} was ignored: it is from another build"),
                });
            }
            Err(error) => own.reject_file(&format!("{name} was ignored: {error}")),
        }
    }
    Ok(Arc::new(own))
}

/// Opens a library as [`open_program`] opens a program, if it may contain an async runtime: if it
/// has thread-local storage, and the text of a runtime among its constants. Most libraries are ruled
/// out by that, without a look at their debug information.
///
/// `None` when it is ruled out, and when it cannot be read.
#[must_use]
pub fn open_library(path: &Path, folders: &[PathBuf]) -> Option<Arc<dyn LayoutSource>> {
    let texts: Vec<&[u8]> = LIBRARIES.runtimes().map(|(_, runtime)| runtime.text).collect();
    has_tls_and_text(path, &texts).then(|| open_program(path, folders).ok())?
}

/// Whether a program may contain the runtime that has that text among its constants; `true` when it
/// cannot be read.
#[must_use]
pub fn may_have(path: &Path, text: &[u8]) -> bool {
    !path.is_file() || has_tls_and_text(path, &[text])
}

/// The layout files that there are for a program.
fn layout_files(path: &Path, build_id: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let Some(name) = path.file_name() else { return Vec::new() };
    let with_suffix = |name: &std::ffi::OsStr| {
        let mut name = name.to_owned();
        name.push(".unhang");
        name
    };
    let mut found = vec![path.with_file_name(with_suffix(name))];
    for folder in folders.iter().filter(|folder| !folder.as_os_str().is_empty()) {
        found.push(folder.join(format!("{build_id}.unhang")));
        found.push(folder.join(with_suffix(name)));
    }
    found.retain(|file| file.is_file());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_files_are_beside_the_program_and_in_the_folders() {
        let folder = std::env::temp_dir().join(format!("unhang-layouts-{}", std::process::id()));
        let deployed = folder.join("bin");
        std::fs::create_dir_all(&deployed).expect("a folder");
        let program = deployed.join("app");
        let files = [deployed.join("app.unhang"), folder.join("ab12.unhang")];
        for file in &files {
            std::fs::write(file, b"").expect("written");
        }
        let found = layout_files(&program, "ab12", std::slice::from_ref(&folder));
        let nowhere = layout_files(&program, "ab12", &[]);
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(found, files);
        assert_eq!(nowhere, files[..1]);
    }
}
