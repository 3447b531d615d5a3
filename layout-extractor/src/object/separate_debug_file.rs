//! Separate debug files: debug information that was moved out of the program.
//!
//! Distributions and `objcopy --only-keep-debug` produce them. The program keeps a build id and,
//! optionally, the file's name in `.gnu_debuglink`. Sources: "Debugging Information in Separate
//! Files" in gdb's manual (18.1), and `debuginfod-find(1)` for the cache.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::object_file::ObjectFile;

/// The folder that distributions use.
const GLOBAL: &str = "/usr/lib/debug";

/// The folders that are searched, besides the program's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DebugFolders {
    global: PathBuf,
    /// The cache of debuginfod's client. Files that another debugger fetched are used; nothing is
    /// fetched.
    cache: Option<PathBuf>,
}

impl DebugFolders {
    /// The folders of this machine.
    pub(crate) fn of_machine() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = variable("DEBUGINFOD_CACHE_PATH")
            .map(PathBuf::from)
            .or_else(|| Some(dirs::cache_dir()?.join("debuginfod_client")));
        Self { global: PathBuf::from(GLOBAL), cache }
    }

    /// The existing files that may hold a program's debug information, the likeliest first: by its
    /// hexadecimal build id, and by the name in its `.gnu_debuglink`.
    fn candidates(
        &self,
        program: &Path,
        build_id: Option<&str>,
        link: Option<&[u8]>,
    ) -> Vec<PathBuf> {
        let mut found = Vec::new();
        if let Some((first, rest)) = build_id.and_then(|id| id.split_at_checked(2)) {
            let file = format!(".build-id/{first}/{rest}.debug");
            found.push(self.global.join(file));
        }
        // Only a plain name is accepted: a path could lead anywhere.
        let name =
            link.map(OsStr::from_bytes).filter(|name| Path::new(name).file_name() == Some(name));
        let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
        if let (Some(name), Some(folder)) = (name, program.parent()) {
            let below_root = folder.strip_prefix("/").unwrap_or(folder);
            let beside = folder.join(name);
            found.extend((beside != program).then_some(beside));
            found.push(folder.join(".debug").join(name));
            found.push(self.global.join(below_root).join(name));
        }
        if let (Some(cache), Some(id)) = (&self.cache, build_id) {
            found.push(cache.join(id).join("debuginfo"));
        }
        found.retain(|file| file.is_file());
        found
    }
}

/// Finds the separate debug file of a program; `None` when there is none of the same build.
pub(crate) fn find(program: &ObjectFile, folders: &DebugFolders) -> Option<ObjectFile> {
    let link = program.debug_link();
    let name = link.as_ref().map(|(name, _)| name.as_slice());
    let build_id = program.facts.build_id.as_deref();
    folders.candidates(&program.path, build_id, name).into_iter().find_map(|candidate| {
        let file = ObjectFile::open_alone(&candidate).ok()?;
        let is_same = match (build_id, &file.facts.build_id) {
            (Some(own), Some(other)) => own == other,
            // Without a build id the checksum of the link decides.
            _ => link.as_ref().is_some_and(|(_, checksum)| *checksum == file.checksum()),
        };
        (is_same && file.has_debug_information()).then_some(file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_those_of_gdb() {
        let root = std::env::temp_dir().join(format!("unhang-separate-{}", std::process::id()));
        let folders = DebugFolders { global: root.join("global"), cache: Some(root.join("cache")) };
        let bin = root.join("bin");
        let below = bin.strip_prefix("/").expect("absolute");
        let files = [
            root.join("global/.build-id/ab/cdef.debug"),
            bin.join("app.debug"),
            bin.join(".debug/app.debug"),
            root.join("global").join(below).join("app.debug"),
            root.join("cache/abcdef/debuginfo"),
        ];
        for file in files.iter().chain([&bin.join("app")]) {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            std::fs::write(file, b"").expect("written");
        }
        let of = |id, name| folders.candidates(&bin.join("app"), id, name);
        let all = of(Some("abcdef"), Some(b"app.debug".as_slice()));
        let by_id = of(Some("abcdef"), None);
        let itself = of(None, Some(b"app".as_slice()));
        let elsewhere = of(None, Some(b"../bin/app.debug".as_slice()));
        let nothing = of(Some(""), None);
        std::fs::remove_dir_all(&root).expect("removed");
        assert_eq!(all, files);
        assert_eq!(by_id, [&files[0], &files[4]].map(Clone::clone));
        assert_eq!(itself, Vec::<PathBuf>::new());
        assert_eq!(elsewhere, Vec::<PathBuf>::new());
        assert_eq!(nothing, Vec::<PathBuf>::new());
    }
}
