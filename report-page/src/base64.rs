//! Base64, as it is written.

use std::io::{self, Write};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// So many bytes are given on at once.
const CHUNK: usize = 3 << 12;

/// Writes what it is given as Base64.
pub(crate) struct Base64<'w> {
    out: &'w mut dyn Write,
    waiting: Vec<u8>,
}

impl<'w> Base64<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, waiting: Vec::with_capacity(CHUNK) }
    }

    /// Writes what is left, with its padding.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_out(self.waiting.len())
    }

    /// Writes so many of the bytes that wait: a multiple of three, or all.
    fn write_out(&mut self, count: usize) -> io::Result<()> {
        let mut text = Vec::with_capacity(count.div_ceil(3) * 4);
        for bytes in self.waiting[..count].chunks(3) {
            let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or(0));
            let group = at(0) << 16 | at(1) << 8 | at(2);
            for place in 0..4 {
                let letter = LETTERS[(group >> (18 - 6 * place)) as usize & 63];
                text.push(if place > bytes.len() { b'=' } else { letter });
            }
        }
        self.waiting.drain(..count);
        self.out.write_all(&text)
    }
}

impl Write for Base64<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = &bytes[..bytes.len().min(CHUNK)];
        self.waiting.extend_from_slice(taken);
        if self.waiting.len() >= CHUNK {
            self.write_out(self.waiting.len() / 3 * 3)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8], at_once: usize) -> String {
        let mut text = Vec::new();
        let mut base64 = Base64::new(&mut text);
        bytes.chunks(at_once).for_each(|part| base64.write_all(part).expect("a vector"));
        base64.finish().expect("a vector");
        String::from_utf8(text).expect("letters")
    }

    #[test]
    fn bytes_become_letters() {
        // RFC 4648, section 10.
        let cases = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, expected) in cases.into_iter().enumerate() {
            assert_eq!(encoded(&b"foobar"[..length], 1), expected);
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xfe], 3), "+//+");
    }

    #[test]
    fn how_much_is_written_at_once_does_not_matter() {
        let bytes: Vec<u8> = (0..40_000_u32).map(|number| (number * 7 % 251) as u8).collect();
        let whole = encoded(&bytes, bytes.len());
        assert_eq!(whole.len(), bytes.len().div_ceil(3) * 4);
        for at_once in [1, 2, 1000, CHUNK, CHUNK + 1] {
            assert_eq!(encoded(&bytes, at_once), whole);
        }
    }
}
