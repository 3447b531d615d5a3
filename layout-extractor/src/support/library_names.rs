//! Names of libraries that the extractor looks for itself, gathered in one place.
//!
//! The walker asks for everything else by name, and knows those names:
//! [`runtime_layouts::expected`].

use runtime_layouts::layout::source::PolledAs;

/// The crate whose types show that a program has enough debug information.
pub(crate) const RUNTIME: &str = "tokio";

/// A thread-local variable of [`RUNTIME`] whose description needs the types of that crate.
pub(crate) const RUNTIME_ROOT: &str = "tokio::runtime::context::CONTEXT";

/// Crates whose thread-local variables a debugger looks up by name.
pub(crate) const CRATES_WITH_THREAD_LOCALS: [&str; 1] = ["tokio"];

/// Crates whose own types a debugger looks up by name. Their own units describe those types.
pub(crate) const CRATES_WITH_NAMED_TYPES: [&str; 2] = ["tokio", "parking_lot_core"];

/// The functions in a task's vtable that poll it, without generic arguments.
pub(crate) const TASK_POLLS: [&str; 1] = ["tokio::runtime::task::raw::poll"];

/// How the names of functions begin that keep a future on the stack.
pub(crate) const BLOCK_ON: &[u8] = b"block_on";

/// How the names begin that questions search for among all functions: bodies of closures and async
/// fns, polls of futures and tasks, and `block_on`.
pub(crate) const SEARCHED_BEGINNINGS: [&[u8]; 3] = [b"{", b"poll", BLOCK_ON];

/// Traits with a `poll` function, by path.
pub(crate) const POLLED_TRAITS: [(&str, PolledAs); 2] = [
    ("core::future::future::Future", PolledAs::Future),
    ("futures_core::stream::Stream", PolledAs::Stream),
];

/// The ends of the names of their vtables.
pub(crate) const POLLED_VTABLES: [&[u8]; 2] = [b"::Future>::{vtable}", b"::Stream>::{vtable}"];
