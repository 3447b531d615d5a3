//! THE STORE: one file a program, in the user's cache.
//!
//! # The format
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `unhangAN` |
//! | 8 | [`WRITER`], little-endian |
//! | … | what the program is and the answers in postcard's encoding, sealed: see [`sealed`](runtime_layouts::layout::sealed) |

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object::Object;
use runtime_layouts::layout::sealed::{seal, unseal};
use runtime_layouts::layout::source::build_id_text;

use super::answers::{About, Answers};
use crate::mapping::SharedBytes;

/// The environment variable with the folder to keep answers in; empty to keep none.
pub const CACHE: &str = "UNHANG_CACHE";

const MAGIC: &[u8; 8] = b"unhangAN";

/// What wrote a file: a hash of the code that gives answers. Another's answers may differ.
const WRITER: u64 = match u64::from_str_radix(env!("UNHANG_WRITER"), 16) {
    Ok(writer) => writer,
    Err(_) => panic!("the build script writes a hexadecimal number"),
};

/// What is quick to compress: a file is written at the end of a look, while the user waits.
const COMPRESSION: i32 = 1;
/// Bytes of one program's answers, before compression. With more, it is begun anew.
const MOST_PLAIN: usize = 64 << 20;
/// Files in the folder, and bytes of all of them. Those that were not used for longest go first.
const MOST_FILES: usize = 200;
const MOST_BYTES: u64 = 256 << 20;
/// What the names of the files end with.
const SUFFIX: &str = "answers";

/// Where answers are kept.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Which program answers are of. Programs that differ in nothing but their debug information have
/// the same build id, but not the same length.
pub(super) struct Key {
    build_id: String,
    length: usize,
}

impl Key {
    /// `None` when the file cannot be read, or has no build id.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let bytes = SharedBytes::map(path).ok()?;
        let build_id = object::File::parse(&*bytes).ok()?.build_id().ok()??.to_vec();
        Some(Self { build_id: build_id_text(&build_id), length: bytes.len() })
    }
}

impl Store {
    /// The user's: the folder of [`CACHE`], else `unhang` in the user's cache. `None` when the user
    /// wants none or has no such folder, and when the folder is another user's, as under `sudo`.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let (folder, base) = match std::env::var_os(CACHE) {
            Some(folder) if folder.is_empty() => return None,
            Some(folder) => (PathBuf::from(&folder), PathBuf::from(folder)),
            None => {
                let base = dirs::cache_dir()?;
                (base.join("unhang"), base)
            }
        };
        // Of the folder itself, or of the nearest one above it that there is.
        let owner = folder.ancestors().chain([&*base]).find_map(|path| fs::metadata(path).ok())?;
        (owner.uid() == fs::metadata("/proc/self").ok()?.uid()).then_some(Self { folder })
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}-{:x}.{SUFFIX}", key.build_id, key.length))
    }

    /// What is kept of a program; `None` when that is nothing, or not to be relied on.
    pub(super) fn load(&self, key: &Key) -> Option<(About, Answers)> {
        let path = self.file(key);
        let bytes = fs::read(&path).ok()?;
        let (writer, sealed) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u64::from_le_bytes(*writer) != WRITER {
            return None;
        }
        let (about, answers): (About, Answers) =
            postcard::from_bytes(&unseal(sealed).ok()?).ok()?;
        let is_of_program = about.facts.build_id.as_deref() == Some(&*key.build_id);
        if !is_of_program || !about.is_current() {
            return None;
        }
        // When it was used last is when it was written last, or this. If the system does not let
        // that be noted, the file goes sooner.
        let _ = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some((about, answers))
    }

    /// Keeps what was answered. Where it cannot be kept, the next look takes as long as this one;
    /// nobody needs to be told.
    pub(super) fn save(&self, key: &Key, about: &About, answers: &Answers) {
        let _ = self.try_save(key, about, answers);
    }

    fn try_save(&self, key: &Key, about: &About, answers: &Answers) -> std::io::Result<()> {
        let plain = postcard::to_stdvec(&(about, answers)).map_err(std::io::Error::other)?;
        let path = self.file(key);
        if plain.len() > MOST_PLAIN {
            return fs::remove_file(path);
        }
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(MAGIC)?;
        file.write_all(&WRITER.to_le_bytes())?;
        file.write_all(&seal(&plain, COMPRESSION)?)?;
        // Others see the old file or the new one, never a half.
        file.persist(path)?;
        self.make_room()
    }

    /// Removes what was not used for longest, as long as there is too much.
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
            if count <= MOST_FILES && bytes <= MOST_BYTES {
                break;
            }
            fs::remove_file(path)?;
            count -= 1;
            bytes -= length;
        }
        Ok(())
    }
}
