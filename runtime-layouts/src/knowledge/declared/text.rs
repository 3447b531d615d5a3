//! Texts of declarations that live as long as the program, as those in its own source do: what is
//! declared is known for good, and each text is kept once.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;

/// A text that was kept.
pub(crate) type Leaked = &'static str;

/// That text, for good. The same text is the same place.
pub(super) fn leaked(text: &str) -> Leaked {
    static KNOWN: Mutex<Option<FxHashSet<Leaked>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    match known.get(text) {
        Some(same) => same,
        None => {
            let new: Leaked = Box::leak(text.into());
            known.insert(new);
            new
        }
    }
}

/// Things, for good.
pub(super) fn leaked_all<T>(things: Vec<T>) -> &'static [T] {
    Box::leak(things.into_boxed_slice())
}
