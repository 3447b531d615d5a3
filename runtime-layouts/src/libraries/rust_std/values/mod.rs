//! Notations of values of the standard library, and of crates used in place of parts of it.

mod addresses;
pub(super) mod maps;
mod pointers;
mod sequences;
mod text;
mod times;
mod wrappers;

pub(crate) use self::addresses::socket_address;
pub(crate) use self::times::instant;
use crate::knowledge::ValuePrinter;

/// All of them.
pub(super) const PRINTERS: &[&[ValuePrinter]] = &[
    text::PRINTERS,
    wrappers::PRINTERS,
    times::PRINTERS,
    addresses::PRINTERS,
    pointers::PRINTERS,
    sequences::PRINTERS,
    maps::PRINTERS,
];
