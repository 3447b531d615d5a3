//! The public paths of items that tokio-util defines in private modules.

/// Private paths and the public ones that export the same items; longer private paths first.
///
/// Source: the `mod` and `pub use` lines of `tokio-util/src/{codec,future,io,sync,task,time}`
/// (0.7.20).
pub(super) const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("tokio_util::sync::cancellation_token::guard::", "tokio_util::sync::"),
    ("tokio_util::sync::cancellation_token::", "tokio_util::sync::"),
    ("tokio_util::sync::mpsc::", "tokio_util::sync::"),
    ("tokio_util::sync::poll_semaphore::", "tokio_util::sync::"),
    ("tokio_util::sync::reusable_box::", "tokio_util::sync::"),
    ("tokio_util::task::abort_on_drop::", "tokio_util::task::"),
    ("tokio_util::task::join_map::", "tokio_util::task::"),
    ("tokio_util::task::join_queue::", "tokio_util::task::"),
    ("tokio_util::task::spawn_pinned::", "tokio_util::task::"),
    ("tokio_util::task::task_tracker::", "tokio_util::task::"),
    ("tokio_util::codec::framed::", "tokio_util::codec::"),
    ("tokio_util::codec::framed_read::", "tokio_util::codec::"),
    ("tokio_util::codec::framed_write::", "tokio_util::codec::"),
];
