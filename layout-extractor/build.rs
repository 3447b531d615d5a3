//! Gives the code that answers questions about layouts a number, so that answers which were kept by
//! other code are known.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The code that says what an answer is, beside the crate's own.
const LAYOUTS: &str = "../runtime-layouts/src/layout";

fn main() {
    let mut files = BTreeMap::new();
    for folder in ["src", LAYOUTS] {
        println!("cargo::rerun-if-changed={folder}");
        read(Path::new(folder), &mut files);
    }
    let mut hasher = DefaultHasher::new();
    // Of a published crate, what it depends on is not at hand: there the version says it.
    std::env::var_os("CARGO_PKG_VERSION").hash(&mut hasher);
    files.hash(&mut hasher);
    println!("cargo::rustc-env=UNHANG_WRITER={:x}", hasher.finish());
}

fn read(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read(&path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path, bytes);
        }
    }
}
