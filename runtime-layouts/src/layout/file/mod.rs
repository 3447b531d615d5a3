//! The layout file: a source of layouts for programs without debug information.
//!
//! `unhang extract` writes one for a build; it is small enough to keep beside a stripped binary.
//!
//! # The format, version 7
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `unhangLF` |
//! | 2 | version, little-endian, as all numbers here |
//! | 2 | length of the build id in bytes; 0 when the object has none |
//! | … | the build id |
//! | … | [`Tables`] in postcard's encoding, compressed: see [`compressed`](super::compressed) |
//!
//! A reader refuses other versions: a layout file is made again by one command. The file comes
//! from elsewhere and is not trusted: every index is checked when it is opened, and what it claims
//! to hold is bounded by what it is.

mod check;
mod source;
mod tables;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use self::check::check;
pub use self::tables::{
    FunctionNumber, StoredFrame, StoredFunction, StoredKind, StoredLocation, StoredMember,
    StoredPlacedVariable, StoredThreadLocal, StoredType, StoredVariant, StringNumber, Tables,
    TypeNumber,
};
use super::compressed::{MAX_UNCOMPRESSED, compress, decompress};
use super::source::KnowledgeText;
use super::{Function, SourceFile, Type};

const MAGIC: &[u8; 8] = b"unhangLF";
const VERSION: u16 = 7;
/// zstd's own choice. More takes as long as a good part of what comes before, to save a tenth of a
/// file that is small anyway.
const COMPRESSION: i32 = 3;

/// Why a layout file cannot be used. Each is one sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum LayoutFileError {
    /// The file cannot be read.
    #[error("cannot read the layout file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The first bytes are another format's.
    #[error("this is not a layout file: make one with `unhang extract`")]
    Foreign,
    /// Written by another version.
    #[error(
        "this layout file has version {0}, and this unhang reads version {VERSION}: make it again \
         with `unhang extract`"
    )]
    OtherVersion(u16),
    /// Damaged, or made up.
    #[error("this layout file is damaged ({0}): make it again with `unhang extract`")]
    Damaged(String),
}

/// A layout file in memory, which answers as the debug information would.
pub struct LayoutFile {
    tables: Tables,
    path: String,
    types: Vec<OnceLock<Arc<Type>>>,
    functions: Vec<OnceLock<Arc<Function>>>,
    files: Vec<OnceLock<Arc<SourceFile>>>,
    names: OnceLock<HashMap<StringNumber, Vec<TypeNumber>>>,
    string_numbers: OnceLock<HashMap<Box<str>, StringNumber>>,
}

impl LayoutFile {
    /// Opens a layout file.
    ///
    /// # Errors
    /// When it cannot be read, is none, has another version, or is damaged.
    pub fn open(path: &Path) -> Result<Self, LayoutFileError> {
        let bytes = std::fs::read(path)
            .map_err(|error| LayoutFileError::Unreadable { path: path.to_owned(), error })?;
        let mut file = Self::from_bytes(&bytes)?;
        file.path = path.display().to_string();
        Ok(file)
    }

    /// Reads a layout file that is in memory.
    ///
    /// # Errors
    /// When it is none, has another version, or is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LayoutFileError> {
        let damaged = |what: &str| LayoutFileError::Damaged(what.to_owned());
        let short = || damaged("it ends early");
        let rest = bytes.strip_prefix(MAGIC).ok_or(LayoutFileError::Foreign)?;
        let (version, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(LayoutFileError::OtherVersion(version));
        }
        let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (build_id, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        let tables = decompress(rest).map_err(LayoutFileError::Damaged)?;
        let tables: Tables = postcard::from_bytes(&tables)
            .map_err(|error| LayoutFileError::Damaged(error.to_string()))?;
        let file = Self::new(tables)?;
        if file.tables.facts.build_id.clone().unwrap_or_default() != hex::encode(build_id) {
            return Err(damaged("it names two build ids"));
        }
        Ok(file)
    }

    /// Takes tables that were just made.
    ///
    /// # Errors
    /// When they refer to what they do not hold, or are not sorted as they should be.
    pub fn new(tables: Tables) -> Result<Self, LayoutFileError> {
        check(&tables).map_err(|what| LayoutFileError::Damaged(what.to_owned()))?;
        fn slots<T>(count: usize) -> Vec<OnceLock<T>> {
            (0..count).map(|_| OnceLock::new()).collect()
        }
        Ok(LayoutFile {
            path: String::new(),
            types: slots(tables.types.len()),
            functions: slots(tables.functions.len()),
            files: slots(tables.files.len()),
            names: OnceLock::new(),
            string_numbers: OnceLock::new(),
            tables,
        })
    }

    /// Adds texts that declare what its types are.
    pub fn add_knowledge(&mut self, texts: impl IntoIterator<Item = KnowledgeText>) {
        self.tables.knowledge.extend(texts);
    }

    /// What the file holds.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// When the tables are longer than a reader accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LayoutFileError> {
        let damaged = |what: String| LayoutFileError::Damaged(what);
        let plain =
            postcard::to_extend(&self.tables, Vec::with_capacity(2 * self.tables.strings.len()))
                .map_err(|error| damaged(error.to_string()))?;
        if plain.len() as u64 > MAX_UNCOMPRESSED {
            return Err(damaged(format!("{} bytes are too many", plain.len())));
        }
        let build_id = self.tables.facts.build_id.as_deref().unwrap_or_default();
        let build_id = hex::decode(build_id)
            .map_err(|_| damaged("the build id is not hexadecimal".to_owned()))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((build_id.len() as u16).to_le_bytes());
        bytes.extend(build_id);
        bytes.extend(compress(&plain, COMPRESSION).map_err(|error| damaged(error.to_string()))?);
        Ok(bytes)
    }
}
