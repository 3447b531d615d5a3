//! The public paths of items that tokio defines in private modules.

/// Private paths and the public ones that export the same items; longer private paths first.
///
/// Source: the `mod` and `pub use` lines of `tokio/src/{sync,time,task,net,io,process,signal,fs}`
/// (tokio 1.54.1).
pub(super) const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("tokio::sync::rwlock::owned_read_guard::", "tokio::sync::"),
    ("tokio::sync::rwlock::owned_write_guard::", "tokio::sync::"),
    ("tokio::sync::rwlock::read_guard::", "tokio::sync::"),
    ("tokio::sync::rwlock::write_guard::", "tokio::sync::"),
    ("tokio::sync::mutex::", "tokio::sync::"),
    ("tokio::sync::rwlock::", "tokio::sync::"),
    ("tokio::sync::semaphore::", "tokio::sync::"),
    ("tokio::sync::notify::", "tokio::sync::futures::"),
    ("tokio::sync::barrier::", "tokio::sync::"),
    ("tokio::sync::once_cell::", "tokio::sync::"),
    ("tokio::sync::set_once::", "tokio::sync::"),
    ("tokio::sync::mpsc::bounded::", "tokio::sync::mpsc::"),
    ("tokio::sync::mpsc::unbounded::", "tokio::sync::mpsc::"),
    ("tokio::time::sleep::", "tokio::time::"),
    // Until 1.21.
    ("tokio::time::driver::sleep::", "tokio::time::"),
    ("tokio::time::interval::", "tokio::time::"),
    ("tokio::time::timeout::", "tokio::time::"),
    ("tokio::runtime::task::join::", "tokio::task::"),
    ("tokio::task::join_set::", "tokio::task::"),
    ("tokio::task::local::", "tokio::task::"),
    ("tokio::task::spawn::", "tokio::task::"),
    ("tokio::task::coop::consume_budget::", "tokio::task::coop::"),
    ("tokio::task::yield_now::", "tokio::task::"),
    ("tokio::net::tcp::listener::", "tokio::net::"),
    ("tokio::net::tcp::stream::", "tokio::net::"),
    ("tokio::net::tcp::socket::", "tokio::net::"),
    ("tokio::net::udp::", "tokio::net::"),
    ("tokio::net::unix::listener::", "tokio::net::"),
    ("tokio::net::unix::stream::", "tokio::net::"),
    ("tokio::io::util::async_read_ext::", "tokio::io::"),
    ("tokio::io::util::async_write_ext::", "tokio::io::"),
    ("tokio::io::util::async_buf_read_ext::", "tokio::io::"),
];
