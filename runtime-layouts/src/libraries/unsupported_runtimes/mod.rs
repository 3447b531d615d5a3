//! Runtimes of which the tasks are not read: what their threads block on is all that is shown.
//!
//! Looked at: monoio 0.2.4, glommio 0.9.0, compio 0.19.2 (compio-runtime, compio-executor 0.1.4).

use crate::knowledge::Library;

/// What is known of them.
pub(crate) const LIBRARY: Library = Library {
    unsupported_runtimes: &["monoio", "glommio", "compio_runtime", "compio_executor"],
    ..Library::named("unsupported-runtimes")
};
