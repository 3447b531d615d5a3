//! The buffers of bytes, printed by their contents.
//!
//! Source: `bytes/src/{bytes,bytes_mut}.rs` (1.11).

use crate::knowledge::notation::{Notation, Shown};
use crate::knowledge::{Library, ValuePrinter};
use crate::value::ValueError;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library { printers: &[PRINTERS], ..Library::named("bytes") };

const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("bytes::bytes::Bytes", buffer),
    ValuePrinter::of("bytes::bytes_mut::BytesMut", buffer),
];

/// Both have `ptr` and `len`.
fn buffer(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let start = shown.program.read_pointer(shown.member("ptr")?.address)?;
    Ok(Some(Notation::Quoted { start, length: shown.number("len")?, prefix: "b" }))
}
