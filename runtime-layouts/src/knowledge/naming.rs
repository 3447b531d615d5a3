//! How resources are named.

use std::borrow::Cow;

use crate::value::{Program, Value, ValueError};

/// `1 sender`, `2 senders`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `mpsc<Order>` from an end of type `Receiver<Order>`.
pub(crate) fn generic_name(
    word: &'static str,
    end: Value,
    program: &Program<'_>,
) -> Result<Cow<'static, str>, ValueError> {
    let arguments = program.arguments_of(end.ty)?;
    Ok(if arguments.is_empty() { word.into() } else { [word, arguments].concat().into() })
}
