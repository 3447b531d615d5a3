//! The files of the cache: one for each program.
//!
//! # Format
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `unhangAN` |
//! | 8 | [`WRITER`], little-endian |
//! | … | the program's identity and the answers, encoded by postcard and [`compressed`] |
//!
//! [`compressed`]: runtime_layouts::layout::compressed

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runtime_layouts::layout::compressed::{compress, decompress};

use super::answers::{Answers, ProgramIdentity};
use crate::object::object_file::ObjectFile;
use crate::object::shared_bytes::SharedBytes;

/// The environment variable that sets the cache folder; empty for no cache.
pub const CACHE_VARIABLE: &str = "UNHANG_CACHE";

const MAGIC: &[u8; 8] = b"unhangAN";

/// A hash of the code that gives answers. Answers of other code may differ, and are ignored.
const WRITER: u64 = match u64::from_str_radix(env!("UNHANG_WRITER"), 16) {
    Ok(writer) => writer,
    Err(_) => panic!("the build script writes a hexadecimal number"),
};

/// A fast level, since the user waits for a file to be written.
const COMPRESSION: i32 = 1;
/// The most bytes of one program's answers, before compression. A file that would be larger is
/// removed.
const MAX_UNCOMPRESSED: usize = 64 << 20;
/// The most files in the folder, and the most bytes of all files. The least recently used are
/// removed.
const MAX_FILES: usize = 200;
const MAX_BYTES: u64 = 256 << 20;
/// The extension of the files.
const SUFFIX: &str = "answers";

/// The folder of the cache.
#[derive(Clone, Debug)]
pub struct AnswerStore {
    folder: PathBuf,
}

/// Identifies a program. Programs that only differ in their debug information have the same build
/// id, but not the same length.
pub(super) struct ProgramKey {
    build_id: String,
    length: usize,
}

impl ProgramKey {
    /// `None` when the file cannot be read, or has no build id.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let bytes = SharedBytes::map(path).ok()?;
        let length = bytes.len();
        Some(Self { build_id: ObjectFile::build_id_of(bytes)?, length })
    }
}

impl AnswerStore {
    /// The user's cache: the folder in [`CACHE_VARIABLE`], else `unhang` in the user's cache
    /// directory. `None` when the variable is empty, when there is no such directory, and when the
    /// folder belongs to another user, as under `sudo`.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let (folder, base) = match std::env::var_os(CACHE_VARIABLE) {
            Some(folder) if folder.is_empty() => return None,
            Some(folder) => (PathBuf::from(&folder), PathBuf::from(folder)),
            None => {
                let base = dirs::cache_dir()?;
                (base.join("unhang"), base)
            }
        };
        // The owner of the folder, or of its nearest existing ancestor.
        let owner = folder.ancestors().chain([&*base]).find_map(|path| fs::metadata(path).ok())?;
        (owner.uid() == fs::metadata("/proc/self").ok()?.uid()).then_some(Self { folder })
    }

    fn file(&self, key: &ProgramKey) -> PathBuf {
        self.folder.join(format!("{}-{:x}.{SUFFIX}", key.build_id, key.length))
    }

    /// The answers for a program; `None` when there are none that can be relied on.
    pub(super) fn load(&self, key: &ProgramKey) -> Option<(ProgramIdentity, Answers)> {
        let path = self.file(key);
        let bytes = fs::read(&path).ok()?;
        let (writer, compressed) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u64::from_le_bytes(*writer) != WRITER {
            return None;
        }
        let (identity, answers): (ProgramIdentity, Answers) =
            postcard::from_bytes(&decompress(compressed).ok()?).ok()?;
        let is_of_program = identity.facts.build_id.as_deref() == Some(&*key.build_id);
        if !is_of_program || !identity.is_current() {
            return None;
        }
        // The modification time says when a file was last used. Where it cannot be set, the file is
        // only removed sooner.
        let _ = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some((identity, answers))
    }

    /// Writes the answers. Errors are ignored: without a file the next look just takes longer.
    pub(super) fn save(&self, key: &ProgramKey, identity: &ProgramIdentity, answers: &Answers) {
        let _ = self.try_save(key, identity, answers);
    }

    fn try_save(
        &self,
        key: &ProgramKey,
        identity: &ProgramIdentity,
        answers: &Answers,
    ) -> std::io::Result<()> {
        let plain = postcard::to_stdvec(&(identity, answers)).map_err(std::io::Error::other)?;
        let path = self.file(key);
        if plain.len() > MAX_UNCOMPRESSED {
            return fs::remove_file(path);
        }
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(MAGIC)?;
        file.write_all(&WRITER.to_le_bytes())?;
        file.write_all(&compress(&plain, COMPRESSION)?)?;
        // Other processes see the old file or the new one, never half of one.
        file.persist(path)?;
        self.make_room()
    }

    /// Removes the least recently used files until the limits hold.
    fn make_room(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|suffix| suffix == SUFFIX)
                && let Ok(metadata) = fs::metadata(&path)
            {
                files.push((metadata.modified()?, metadata.len(), path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        let mut count = files.len();
        for (_, length, path) in files {
            if count <= MAX_FILES && bytes <= MAX_BYTES {
                break;
            }
            fs::remove_file(path)?;
            count -= 1;
            bytes -= length;
        }
        Ok(())
    }
}
