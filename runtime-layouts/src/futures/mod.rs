//! FUTURES: the crates of futures-rs.

mod names;

use crate::walk::registry::Knowledge;

/// What this folder offers to the walk.
pub(crate) const KNOWLEDGE: Knowledge = Knowledge {
    discover: None,
    public_paths: names::PUBLIC_PATHS,
    resources: &[],
    guards: &[],
    handles: &[],
};
