//! A program's layouts, wherever they are: in its own debug information, or in a layout file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;

use crate::elf::OpenError;
use crate::source::DwarfSource;

/// The environment variable with the folders of layout files, as `PATH` has folders of programs.
pub const FOLDERS: &str = "UNHANG_LAYOUTS";

/// Opens a program. Where its own debug information lacks types, they are looked for in
/// `PROGRAM.unhang` beside it, and in `BUILD-ID.unhang` and `PROGRAM.unhang` in the folders of [`FOLDERS`]. Each must have the
/// program's build id; one that has another is passed over, and
/// [`LayoutSource::provenance`] says so.
///
/// # Errors
/// When the program cannot be read, or is no linked ELF object.
pub fn open_program(path: &Path) -> Result<Arc<dyn LayoutSource>, OpenError> {
    let own = DwarfSource::open(path)?;
    if own.provenance().lack.is_none() {
        return Ok(Arc::new(own));
    }
    let Some(build_id) = own.facts().build_id.clone() else { return Ok(Arc::new(own)) };
    let folders = std::env::var_os(FOLDERS).unwrap_or_default();
    for candidate in layout_files(path, &build_id, &folders) {
        match LayoutFile::open(&candidate) {
            Ok(file) if file.facts().build_id.as_deref() == Some(&*build_id) => {
                return Ok(Arc::new(file));
            }
            Ok(_) => own.passed_over(&format!(
                "{} was passed over: it is of another build",
                candidate.display()
            )),
            Err(error) => {
                own.passed_over(&format!("{} was passed over: {error}", candidate.display()))
            }
        }
    }
    Ok(Arc::new(own))
}

/// The layout files that there are for a program.
fn layout_files(path: &Path, build_id: &str, folders: &OsString) -> Vec<PathBuf> {
    let Some(name) = path.file_name() else { return Vec::new() };
    let with_suffix = |name: &std::ffi::OsStr| {
        let mut name = name.to_owned();
        name.push(".unhang");
        name
    };
    let mut found = vec![path.with_file_name(with_suffix(name))];
    for folder in std::env::split_paths(folders).filter(|folder| !folder.as_os_str().is_empty()) {
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
        let found = layout_files(&program, "ab12", &folder.clone().into_os_string());
        let nowhere = layout_files(&program, "ab12", &OsString::new());
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(found, files);
        assert_eq!(nowhere, files[..1]);
    }
}
