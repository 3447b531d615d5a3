//! A bug here must not look like a bug of the debugger, nor hide.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use crate::output::escaped;

/// Where the last panic was, and what it said.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics off the terminal, and remembers them for [`apology`]. This module has a Rust
/// runtime of its own, so no other panic is touched.
pub(crate) fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let text = escaped(&info.to_string());
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }));
    });
}

/// What to tell the user about the last panic.
pub(crate) fn apology() -> String {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    format!(
        "This is a bug in unhang ({}): please report it, with what you typed and the output of \
         `async layouts`.",
        last.as_deref().unwrap_or("a panic")
    )
}
