//! Expectations: the names that unhang looks for in blocking.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, newest, with};

/// The limit was in `Executor` until 1.3.
pub(super) const INNER: Expectation = Expectation {
    what: "the threads and the queue of a pool for blocking work",
    kind: Kind::Type,
    spellings: &[with(newest("blocking::Inner", "1.3"), &["idle_count", "thread_count", "queue"])],
    source: "blocking/src/lib.rs",
    optional: true,
    instead: None,
};

pub(super) const EXPECTATIONS: &[Expectation] = &[INNER];

pub(super) const NAMED_TYPES: &[NamedTypes] = &[NamedTypes::of(&INNER)];
