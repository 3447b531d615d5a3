//! Borrowed strings: an address and a length.

use super::Printer;
use crate::layout::Type;
use crate::value::{Value, ValueError};

/// Prints `&str`, `Box<str>`, `&Path`, `&OsStr` and `&CStr`; `false` for all others.
pub(super) fn borrowed(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
) -> Result<bool, ValueError> {
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
    printer.text(start, length.saturating_sub(u64::from(is_c)), "")?;
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
