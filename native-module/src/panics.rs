//! A bug here must not look like a bug of the debugger, nor hide.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};

use crate::failure::Failure;
use report_text::text::style::escaped;

/// Where the last panic was, and what it said.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics off the terminal, and remembers them for [`guarded`]. This module has a Rust
/// runtime of its own, so no other panic is touched.
pub(crate) fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let text = escaped(&info.to_string().replace('\n', " ")).into_owned();
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }));
    });
}

/// Does something; a panic becomes one sentence that asks for a bug report.
pub(crate) fn guarded<T>(what: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|_| {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(Failure::Sentence(format!(
            "This is a bug in unhang ({}): please report it with the command that you typed and \
             the output of `async layouts`.",
            last.as_deref().unwrap_or("a panic")
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_sentence() {
        remember();
        let answer: Result<(), _> = guarded(|| panic!("two\nlines"));
        let text = answer.expect_err("it panicked").to_string();
        assert!(text.starts_with("This is a bug in unhang (panicked at "), "{text}");
        assert!(text.contains("panics.rs") && text.contains("two lines"), "{text}");
        assert_eq!(guarded(|| Ok(7)), Ok(7));
    }
}
