//! The bodies of `http-body`, which stream: a boxed one may have futures in it.
//!
//! Source: `http-body/src/lib.rs` (1.1.0; 0.4.5 polls by another function).

use crate::knowledge::{Library, StreamingTrait};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    streaming: &[StreamingTrait {
        path: "http_body::Body",
        // Since 1.0, and before.
        polls: &["poll_frame", "poll_data"],
        keeps_its_own: false,
    }],
    ..Library::named("http-body")
};
