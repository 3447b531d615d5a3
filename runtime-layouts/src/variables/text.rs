//! Texts: `str`, `String`, paths, C strings, and strings of bytes.

use super::{Printer, find};
use crate::layout::{Type, TypeKind};
use crate::value::{Value, ValueError};

/// Prints a text type; `false` for all others.
pub(super) fn special(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    path: &str,
) -> Result<bool, ValueError> {
    match path {
        "alloc::string::String"
        | "std::path::PathBuf"
        | "std::ffi::os_str::OsString"
        | "alloc::ffi::c_str::CString" => owned(printer, value, path.ends_with("::CString")),
        "bytes::bytes::Bytes" | "bytes::bytes_mut::BytesMut" => bytes(printer, value),
        _ => borrowed(printer, value, layout),
    }
}

/// A buffer of bytes somewhere inside: a `Vec<u8>`, or a boxed slice.
fn owned(printer: &mut Printer<'_>, value: Value, is_c: bool) -> Result<bool, ValueError> {
    let program = printer.program;
    let vector = find(program, value, &mut |ty| ty.name.starts_with("alloc::vec::Vec<u8"))?;
    if let Some(vector) = vector {
        let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
        let Some(pointer) = find(program, vector, &mut is_pointer)? else { return Ok(false) };
        let start = program.read_pointer(pointer.address)?;
        let length = vector.member(program, "len")?.unsigned(program)?;
        printer.text(start, length - u64::from(is_c && length > 0), "")?;
        return Ok(true);
    }
    match find(program, value, &mut |ty| ty.member("data_ptr").is_some())? {
        Some(slice) => fat(printer, slice, is_c),
        None => Ok(false),
    }
}

/// `bytes/src/{bytes,bytes_mut}.rs` (1.11): `ptr` and `len`.
fn bytes(printer: &mut Printer<'_>, value: Value) -> Result<bool, ValueError> {
    let program = printer.program;
    let start = program.read_pointer(value.member(program, "ptr")?.address)?;
    let length = value.member(program, "len")?.unsigned(program)?;
    printer.text(start, length, "b")?;
    Ok(true)
}

/// `&str`, `Box<str>`, `&Path`, `&OsStr`, `&CStr`.
fn borrowed(printer: &mut Printer<'_>, value: Value, layout: &Type) -> Result<bool, ValueError> {
    let target = ["&mut ", "&", "alloc::boxed::Box<", "*const ", "*mut "]
        .iter()
        .find_map(|prefix| layout.name.strip_prefix(prefix));
    let target = target.map(|name| name.split(',').next().unwrap_or(name).trim_end_matches('>'));
    let texts = ["str", "std::path::Path", "std::ffi::os_str::OsStr", "core::ffi::c_str::CStr"];
    match target {
        Some(target) if texts.contains(&target) && layout.member("length").is_some() => {
            fat(printer, value, target.ends_with("::CStr"))
        }
        _ => Ok(false),
    }
}

/// `is_c`: the last byte is a terminator.
fn fat(printer: &mut Printer<'_>, value: Value, is_c: bool) -> Result<bool, ValueError> {
    let program = printer.program;
    let start = program.read_pointer(value.member(program, "data_ptr")?.address)?;
    let length = value.member(program, "length")?.unsigned(program)?;
    printer.text(start, length - u64::from(is_c && length > 0), "")?;
    Ok(true)
}

impl Printer<'_> {
    /// Bytes as a quoted text, escaped; what is no UTF-8 as `\x`.
    pub(super) fn text(&mut self, start: u64, length: u64, prefix: &str) -> Result<(), ValueError> {
        let shown = length.min(self.limits.text);
        let mut bytes = vec![0_u8; usize::try_from(shown).unwrap_or(0)];
        self.program.target().memory().read(start, &mut bytes)?;
        // Not in the middle of a character.
        let bytes = match std::str::from_utf8(&bytes) {
            Err(error) if shown < length && error.error_len().is_none() => {
                &bytes[..error.valid_up_to()]
            }
            _ => &bytes,
        };
        self.out.push_str(prefix);
        self.out.push('"');
        for chunk in bytes.utf8_chunks() {
            let quoted = format!("{:?}", chunk.valid());
            self.out.push_str(&quoted[1..quoted.len() - 1]);
            for byte in chunk.invalid() {
                self.out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        self.out.push('"');
        if shown < length {
            self.out.push_str(&format!("… ({length} bytes)"));
        }
        Ok(())
    }
}
