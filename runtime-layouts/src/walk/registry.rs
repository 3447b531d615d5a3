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

/// Where the standard library exports what `core` defines in private modules
/// (`library/core/src/future/mod.rs`, Rust 1.95).
const STANDARD_PATHS: &[(&str, &str)] = &[
    ("core::future::pending::", "std::future::"),
    ("core::future::poll_fn::", "std::future::"),
    ("core::future::ready::", "std::future::"),
    ("core::future::async_drop::", "std::future::"),
    ("core::future::join::", "std::future::"),
];

/// The public paths of all of them, and of the standard library.
pub(crate) fn public_paths() -> Vec<(&'static str, &'static str)> {
    let runtimes = RUNTIMES.iter().flat_map(|runtime| runtime.public_paths);
    STANDARD_PATHS.iter().chain(runtimes).copied().collect()
}
