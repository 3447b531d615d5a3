//! How functions and vtables are named by which futures are polled, whatever the library. What a
//! library has beyond that, [`runtime_layouts::libraries`] says.

use runtime_layouts::layout::source::PolledAs;

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
