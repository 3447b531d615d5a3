//! Progress reports of an extraction.

/// The stages of an extraction, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Reading the units; counts units.
    Units,
    /// Following types; counts types, whose total is unknown.
    Types,
    /// Merging equal types; counts the classes that are checked again.
    Merging,
}

/// Receives progress reports. `()` ignores them.
pub trait Progress: Sync {
    /// A stage begins; `total` is the count that it ends with, if known.
    fn start(&self, stage: Stage, total: Option<u64>);
    /// The count has advanced by this much.
    fn advance(&self, count: u64);
}

impl Progress for () {
    fn start(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
