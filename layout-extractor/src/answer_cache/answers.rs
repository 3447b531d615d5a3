//! What the cache stores for a program: every question that was asked, with its answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use runtime_layouts::layout::source::{
    KnowledgeText, ObjectFacts, Poll, Provenance, StaticVariable, ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId,
};
use serde::{Deserialize, Serialize};

use crate::support::concurrent_cache::ConcurrentCache;

/// The program that answers are about, and the files that they were read from.
#[derive(Serialize, Deserialize)]
pub(super) struct ProgramIdentity {
    pub(super) facts: ObjectFacts,
    pub(super) form: String,
    /// The separate and split files that were read.
    others: Vec<FileStamp>,
}

/// What changes when a file is replaced.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct FileStamp {
    path: PathBuf,
    /// Bytes.
    length: u64,
    /// Seconds and nanoseconds since 1970; `None` when the system does not say.
    modified: Option<(u64, u32)>,
}

/// Every question that was asked, with its answer: see
/// [`LayoutSource`](runtime_layouts::layout::source::LayoutSource).
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Answers {
    pub(super) knowledge: ConcurrentCache<(), Vec<KnowledgeText>>,
    pub(super) types: ConcurrentCache<TypeId, Arc<Type>>,
    pub(super) functions: ConcurrentCache<StaticAddress, Vec<Arc<Function>>>,
    pub(super) vtables: ConcurrentCache<StaticAddress, Vec<TypeId>>,
    pub(super) named: ConcurrentCache<(Box<str>, Option<TypeId>), Vec<TypeId>>,
    pub(super) thread_locals: ConcurrentCache<Box<str>, Vec<ThreadLocal>>,
    pub(super) static_variables: ConcurrentCache<Box<str>, Vec<StaticVariable>>,
    pub(super) bodies: ConcurrentCache<TypeId, Option<Arc<Function>>>,
    pub(super) invoked: ConcurrentCache<(TypeId, u64), Option<SourceLocation>>,
    pub(super) polls: ConcurrentCache<TypeId, Option<Poll>>,
    pub(super) variables: ConcurrentCache<StaticAddress, Vec<PlacedVariable>>,
    pub(super) calls: ConcurrentCache<StaticAddress, Vec<Call>>,
    pub(super) has_function: ConcurrentCache<Box<str>, bool>,
    pub(super) may_have_function: ConcurrentCache<Box<str>, bool>,
}

impl ProgramIdentity {
    /// `None` when one of the other files no longer exists.
    pub(super) fn new(
        facts: &ObjectFacts,
        provenance: &Provenance,
        others: &[PathBuf],
    ) -> Option<Self> {
        let others: Option<Vec<FileStamp>> =
            others.iter().map(|path| FileStamp::of(path)).collect();
        Some(Self { facts: facts.clone(), form: provenance.form.clone(), others: others? })
    }

    /// Whether the other files are unchanged.
    pub(super) fn is_current(&self) -> bool {
        self.others.iter().all(|known| FileStamp::of(&known.path).as_ref() == Some(known))
    }
}

impl FileStamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
        let modified = metadata.modified().ok().and_then(since);
        Some(Self {
            path: path.to_owned(),
            length: metadata.len(),
            modified: modified.map(|time| (time.as_secs(), time.subsec_nanos())),
        })
    }
}
