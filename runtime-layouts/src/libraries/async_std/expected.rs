//! Expectations: the names that unhang looks for in async-std.

use crate::knowledge::expectation::{Expectation, Kind, newest, with};

/// Whether an operation on a file is under way, and who waits for it.
pub(super) const LOCK: Expectation = Expectation {
    what: "the lock of a file",
    kind: Kind::Type,
    spellings: &[with(newest("async_std::fs::file::LockState<", "1.12"), &["locked", "wakers"])],
    source: "async-std/src/fs/file.rs",
    optional: true,
    instead: None,
};
