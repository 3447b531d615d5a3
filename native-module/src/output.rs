//! Text on its way to the debugger's terminal.

use std::io::{self, Write};

use crate::failure::Failure;

/// Text is handed on when so many bytes are there: often enough to show progress and to notice
/// Ctrl-C, seldom enough that the calls cost nothing.
const CHUNK: usize = 8 << 10;

/// Collects text and hands it on in whole lines, long ones in parts.
pub(crate) struct ChunkWriter<W> {
    pending: Vec<u8>,
    write: W,
}

impl<W: FnMut(&str) -> Result<(), Failure>> ChunkWriter<W> {
    /// A writer that hands its chunks to `write`.
    pub(crate) fn new(write: W) -> Self {
        Self { pending: Vec::new(), write }
    }

    fn hand_on(&mut self, length: usize) -> io::Result<()> {
        let chunk: Vec<u8> = self.pending.drain(..length).collect();
        if chunk.is_empty() { Ok(()) } else { Ok((self.write)(&String::from_utf8_lossy(&chunk))?) }
    }
}

impl<W: FnMut(&str) -> Result<(), Failure>> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK {
            // Not inside a line, unless it is so long (JSON is one line): then not inside a
            // character, which starts at a byte that is not 10xxxxxx.
            let line = self.pending.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
            let character = || self.pending.iter().rposition(|byte| byte & 0xc0 != 0x80);
            if let Some(end) = line.or_else(character) {
                self.hand_on(end)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on(self.pending.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_on_whole_lines() {
        let mut chunks = Vec::new();
        let mut out = ChunkWriter::new(|text: &str| {
            chunks.push(text.to_owned());
            Ok(())
        });
        let mut whole = String::new();
        for i in 0..10_000 {
            writeln!(out, "línea {i}").expect("written");
            whole += &format!("línea {i}\n");
        }
        write!(out, "the end").expect("written");
        out.flush().expect("written");
        out.flush().expect("nothing left");
        assert!(chunks.len() > 10);
        let (last, lines) = chunks.split_last().expect("chunks");
        assert!(lines.iter().all(|c| c.ends_with('\n') && c.len() < 2 * CHUNK));
        assert!(last.ends_with("the end"));
        assert_eq!(chunks.concat(), whole + "the end");
    }

    #[test]
    fn a_long_line_is_handed_on_in_parts() {
        let mut chunks = Vec::new();
        let mut out = ChunkWriter::new(|text: &str| {
            chunks.push(text.to_owned());
            Ok(())
        });
        let whole = "línea ".repeat(10_000);
        for bytes in whole.as_bytes().chunks(3) {
            out.write_all(bytes).expect("written");
        }
        out.flush().expect("written");
        assert!(chunks.iter().all(|chunk| chunk.len() < 2 * CHUNK));
        assert_eq!(chunks.concat(), whole);
    }

    #[test]
    fn a_failure_ends_the_writing() {
        let mut out = ChunkWriter::new(|_: &str| Err(Failure::Quit));
        let error = (0..CHUNK).find_map(|i| writeln!(out, "{i}").err()).expect("fails");
        assert_eq!(Failure::from(error), Failure::Quit);
    }
}
