//! The memory of a core file: its own bytes, and the mapped files for the parts that it omits.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use runtime_layouts::memory::{MemoryReader, ReadError};

use super::notes::Segment;

/// A range of addresses with the file that holds its bytes.
#[derive(Clone, Debug)]
struct Region {
    start: u64,
    end: u64,
    file: Arc<File>,
    /// Where the byte at `start` is.
    offset: u64,
}

/// Bytes of a process from several files.
#[derive(Clone, Debug, Default)]
pub(super) struct CoreMemory {
    /// By address; they do not overlap.
    regions: Vec<Region>,
}

/// What a core file should hold and does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Truncation {
    /// Its length in bytes.
    pub(super) length: u64,
    /// What its length should be by its own headers.
    pub(super) expected: u64,
}

impl CoreMemory {
    /// The bytes that the core file itself holds, and whether some are missing.
    pub(super) fn of_core(
        file: &Arc<File>,
        length: u64,
        segments: &[Segment],
    ) -> (Self, Option<Truncation>) {
        let mut memory = Self::default();
        for segment in segments {
            let there = length.saturating_sub(segment.offset).min(segment.written);
            memory.add(segment.start, segment.start.saturating_add(there), file, segment.offset);
        }
        let written = segments.iter().filter(|segment| segment.written > 0);
        let expected = written.map(|s| s.offset.saturating_add(s.written)).max().unwrap_or(0);
        (memory, (expected > length).then_some(Truncation { length, expected }))
    }

    /// Adds what is not there yet of `start..end`, whose first byte is at `offset` of a file.
    pub(super) fn add(&mut self, start: u64, end: u64, file: &Arc<File>, offset: u64) {
        let mut at = start;
        let first = self.regions.partition_point(|region| region.end <= start);
        let mut gaps = Vec::new();
        for region in &self.regions[first..] {
            if region.start >= end {
                break;
            }
            if at < region.start {
                gaps.push((at, region.start));
            }
            at = at.max(region.end);
        }
        if at < end {
            gaps.push((at, end));
        }
        for (from, to) in gaps {
            let place = self.regions.partition_point(|region| region.start < from);
            let region = Region {
                start: from,
                end: to,
                file: file.clone(),
                offset: offset.saturating_add(from - start),
            };
            self.regions.insert(place, region);
        }
    }

    /// Whether every byte of the range is there.
    pub(super) fn has(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            match self.region(at) {
                Some(region) => at = region.end,
                None => return false,
            }
        }
        true
    }

    fn region(&self, address: u64) -> Option<&Region> {
        let after = self.regions.partition_point(|region| region.start <= address);
        self.regions[..after].last().filter(|region| address < region.end)
    }
}

impl MemoryReader for CoreMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let error = ReadError { address, length: buffer.len() };
        let (mut at, mut rest) = (address, buffer);
        while !rest.is_empty() {
            let region = self.region(at).ok_or(error)?;
            let here = usize::try_from(region.end - at).unwrap_or(usize::MAX).min(rest.len());
            let (part, more) = rest.split_at_mut(here);
            let offset = region.offset.checked_add(at - region.start).ok_or(error)?;
            region.file.read_exact_at(part, offset).map_err(|_| error)?;
            at = at.wrapping_add(here as u64);
            rest = more;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Arc::new(file)
    }

    fn segment(start: u64, end: u64, offset: u64, written: u64) -> Segment {
        let (is_writable, is_executable) = (false, false);
        Segment { start, end, offset, written, is_writable, is_executable }
    }

    #[test]
    fn what_the_core_left_out_comes_from_files() {
        let core = file(&[1; 32]);
        let segments = [segment(0x100, 0x120, 0, 16), segment(0x120, 0x130, 16, 16)];
        let (mut memory, truncation) = CoreMemory::of_core(&core, 32, &segments);
        assert_eq!(truncation, None);
        assert!(!memory.has(0x100, 0x130));
        memory.add(0x108, 0x128, &file(&(0..32).collect::<Vec<u8>>()), 0);
        assert!(memory.has(0x100, 0x130));
        let mut buffer = [0; 0x30];
        memory.read(0x100, &mut buffer).expect("there");
        assert_eq!(buffer[..16], [1; 16]);
        assert_eq!(buffer[16..32], (8..24).collect::<Vec<u8>>()[..], "the file, at its place");
        assert_eq!(buffer[32..], [1; 16], "the core's own bytes go first");
        assert!(memory.read(0x0ff, &mut buffer[..2]).is_err());
        assert!(memory.read(0x12f, &mut buffer[..2]).is_err());
    }

    #[test]
    fn a_truncated_core_has_what_is_there() {
        let segments = [segment(0x100, 0x110, 0, 16), segment(0x200, 0x240, 16, 64)];
        let (memory, truncation) = CoreMemory::of_core(&file(&[3; 24]), 24, &segments);
        assert_eq!(truncation, Some(Truncation { length: 24, expected: 80 }));
        let mut buffer = [0; 8];
        memory.read(0x200, &mut buffer).expect("the first half");
        assert!(memory.read(0x208, &mut buffer).is_err());
    }
}
