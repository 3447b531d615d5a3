//! How functions and vtables are named by which futures are polled, whatever the library. What a
//! library has beyond that, [`runtime_layouts::libraries`] says.

use runtime_layouts::layout::source::PolledAs;

/// How the names of functions begin that keep a future on the stack.
pub(crate) const BLOCK_ON: &[u8] = b"block_on";

/// How the names begin that questions search for among all functions: bodies of closures and async
/// fns, polls of futures and tasks, and `block_on`.
pub(crate) const SEARCHED_BEGINNINGS: [&[u8]; 4] = [b"{", b"poll", b"run", BLOCK_ON];

/// Traits with a `poll` function, by path.
pub(crate) const POLLED_TRAITS: [(&str, PolledAs); 2] = [
    ("core::future::future::Future", PolledAs::Future),
    ("futures_core::stream::Stream", PolledAs::Stream),
];

/// The ends of the names of their vtables.
pub(crate) const POLLED_VTABLES: [&[u8]; 2] = [b"::Future>::{vtable}", b"::Stream>::{vtable}"];

#[cfg(test)]
mod tests {
    use runtime_layouts::libraries::LIBRARIES;

    use super::SEARCHED_BEGINNINGS;
    use crate::questions::static_variables::own_name;

    #[test]
    fn what_polls_the_tasks_of_each_runtime_is_found_by_its_name() {
        for poll in LIBRARIES.runtimes().flat_map(|(_, runtime)| runtime.task_polls) {
            let name = own_name(poll).as_bytes();
            let is_searched =
                SEARCHED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
            assert!(is_searched, "{poll}");
        }
    }
}
