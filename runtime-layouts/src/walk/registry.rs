//! The runtimes that are known: one line each.

use super::Inspection;

/// What a runtime's folder offers.
pub(crate) struct Knowledge {
    /// Finds its runtimes and tasks in the target and adds them to the inspection.
    pub(crate) discover: fn(&mut Inspection<'_>),
    /// Private paths of the library and the public ones that export the same items.
    pub(crate) public_paths: &'static [(&'static str, &'static str)],
}

/// Every runtime that is known.
pub(crate) const RUNTIMES: &[Knowledge] = &[crate::tokio::KNOWLEDGE];

/// The public paths of all of them.
pub(crate) fn public_paths() -> Vec<(&'static str, &'static str)> {
    RUNTIMES.iter().flat_map(|runtime| runtime.public_paths.iter().copied()).collect()
}
