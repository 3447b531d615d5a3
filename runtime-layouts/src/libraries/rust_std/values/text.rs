//! Owned strings. The printer itself knows borrowed ones, such as `&str`, by their two words.

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown, find};
use crate::layout::{Type, TypeKind};
use crate::value::ValueError;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("alloc::string::String", owned),
    ValuePrinter::of("std::path::PathBuf", owned),
    ValuePrinter::of("std::ffi::os_str::OsString", owned),
    ValuePrinter::of("alloc::ffi::c_str::CString", terminated),
];

fn owned(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    buffer(shown, 0)
}

/// The last byte is a terminator.
fn terminated(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    buffer(shown, 1)
}

/// A buffer of bytes somewhere inside: a `Vec<u8>`, or a boxed slice.
fn buffer(shown: &Shown<'_>, terminator: u64) -> Result<Option<Notation>, ValueError> {
    let program = shown.program;
    let (start, length) = match shown.find(&mut |ty| ty.name.starts_with("alloc::vec::Vec<u8"))? {
        Some(vector) => {
            let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
            let Some(pointer) = find(program, vector, &mut is_pointer)? else {
                return Ok(None);
            };
            (pointer.address, vector.member(program, "len")?)
        }
        None => {
            let slice = shown.find(&mut |ty| ty.member("data_ptr").is_some())?;
            let Some(slice) = slice else { return Ok(None) };
            let data = slice.member(program, "data_ptr")?;
            (data.address, slice.member(program, "length")?)
        }
    };
    let start = program.read_pointer(start)?;
    let length = length.unsigned(program)?.saturating_sub(terminator);
    Ok(Some(Notation::Quoted { start, length, prefix: "" }))
}
