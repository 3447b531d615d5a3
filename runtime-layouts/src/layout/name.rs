//! Names as the source spells them.

/// A name in two lengths.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DisplayName {
    /// Generic arguments shortened to their last path segment, or to `…` when they are long.
    pub short: String,
    /// Everything whole.
    pub full: String,
}
