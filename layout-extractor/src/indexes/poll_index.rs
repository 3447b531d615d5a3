//! The `poll` functions of one unit, and those that the symbol table lists.

use runtime_layouts::knowledge::Libraries;
use runtime_layouts::layout::source::PolledAs;
use rustc_hash::FxHashMap;

use crate::support::polled_names::POLLED_TRAITS;
use crate::support::rust_path::{qualified_path_parts, split_last_segment, strip_arguments};

/// The `poll` functions of one unit.
#[derive(Default)]
pub(crate) struct PollIndex {
    /// By the full name of the type that is polled.
    pub(crate) by_name: FxHashMap<Box<str>, PollEntry>,
}

impl PollIndex {
    /// All of them, each with the full name of the type that it polls.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &PollEntry)> {
        self.by_name.iter().map(|(name, poll)| (&**name, poll))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct PollEntry {
    pub(crate) polled_as: PolledAs,
    /// Its entry in `.debug_info`.
    pub(crate) function: u64,
}

/// The types whose `poll` has a symbol: paths without generic arguments.
pub(crate) struct PolledSymbols(pub(crate) FxHashMap<Box<str>, PolledAs>);

/// The trait whose `poll` a mangled name is, legacy or v0; `None` for other functions. Trait
/// functions are named `<T as Trait>::poll`, so the symbol has the trait's path.
pub(crate) fn polled_in_symbol(mangled: &str) -> Option<PolledAs> {
    if !mangled.contains("poll") {
        return None;
    }
    let plain = format!("{:#}", rustc_demangle::try_demangle(mangled).ok()?);
    polled_self(&plain).map(|(_, polled_as)| polled_as)
}

/// The type and trait of a demangled `<T as Trait>::poll`.
pub(crate) fn polled_self(plain: &str) -> Option<(&str, PolledAs)> {
    let (of, function) = split_last_segment(plain);
    let expected = match strip_arguments(function) {
        "poll" => PolledAs::Future,
        "poll_next" => PolledAs::Stream,
        _ => return None,
    };
    let (ty, polled) = qualified_path_parts(of)?;
    (polled_trait(polled)? == expected).then_some((ty, expected))
}

/// Whether a mangled name is that of a function by which an object is polled that streams.
pub(crate) fn streams_in_symbol(mangled: &str, libraries: Libraries) -> bool {
    let Ok(symbol) = rustc_demangle::try_demangle(mangled) else { return false };
    let plain = format!("{symbol:#}");
    let (of, function) = split_last_segment(&plain);
    let Some((_, of)) = qualified_path_parts(of) else { return false };
    let (of, function) = (strip_arguments(of), strip_arguments(function));
    libraries.streaming().any(|known| known.path == of && known.polls.contains(&function))
}

/// The polled trait with this path, if it is one.
pub(crate) fn polled_trait(path: &str) -> Option<PolledAs> {
    let path = strip_arguments(path);
    POLLED_TRAITS.into_iter().find(|(known, _)| *known == path).map(|(_, polled_as)| polled_as)
}
