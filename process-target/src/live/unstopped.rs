//! Thread pointers of a process that is still running.
//!
//! Registers can only be read of a thread that stands still. But `/proc` tells where a waiting
//! thread has its stack, and the C libraries put a thread's control block, which the thread
//! pointer points at, above its stack. Where a control block begins with its own address, it is
//! known by that, and by the thread's id, which glibc and musl both keep near its beginning.

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::processors::Processor;

use crate::mappings::Mappings;

/// A control block holds the id of its thread within so many bytes: at 0x2d0 in glibc 2.36, at
/// 0x30 in musl 1.2.
const ID_WITHIN: usize = 0x400;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Bytes that are searched for one thread at most: the largest stacks that are usual.
const LONGEST_STACK: u64 = 16 << 20;
/// Of a mapping that is no stack, so many bytes at its beginning are searched.
const BEGINNING: u64 = 1 << 20;
/// All of that together.
const LONGEST_SEARCH: u64 = 64 << 20;

/// The thread pointer of a thread whose stack pointer is known; `None` when it is not found.
pub(super) fn thread_pointer(
    processor: &Processor,
    tid: u64,
    stack_pointer: u64,
    mappings: &Mappings,
    memory: &dyn MemoryReader,
) -> Option<u64> {
    if !processor.storage.starts_with_its_address {
        return None;
    }
    let search = Search { words: processor.words, tid, memory };
    let stack = mappings.at(stack_pointer)?;
    let end = stack.end.min(stack_pointer.saturating_add(LONGEST_STACK));
    search.control_block(stack_pointer, end).or_else(|| {
        // The first thread's stack comes from the kernel, its control block from the loader.
        let mut left = LONGEST_SEARCH;
        mappings.iter().filter(|mapping| mapping.is_data && !mapping.is_file()).find_map(|m| {
            let length = m.end.saturating_sub(m.start).min(BEGINNING).min(left);
            left -= length;
            search.control_block(m.start, m.start.saturating_add(length))
        })
    })
}

/// What is looked for, and where.
struct Search<'m> {
    words: WordFormat,
    tid: u64,
    memory: &'m dyn MemoryReader,
}

impl Search<'_> {
    /// The control block of the thread in this range, at an address that is a multiple of a pointer's
    /// size.
    fn control_block(&self, start: u64, end: u64) -> Option<u64> {
        let width = u64::from(self.words.pointer_size).max(1);
        let mut at = start - start % width;
        let mut chunk = vec![0; CHUNK];
        while at < end {
            let length = usize::try_from(end - at).map_or(CHUNK, |left| left.min(CHUNK));
            let bytes = &mut chunk[..length];
            if self.memory.read(at, bytes).is_ok() {
                let found = self.words.pointers(bytes).zip(0..).find(|(word, index)| {
                    let address = at.wrapping_add(self.words.pointers_size(*index));
                    *word == address && self.has_id(address)
                });
                if let Some((address, _)) = found {
                    return Some(address);
                }
            }
            at = at.saturating_add(length as u64);
        }
        None
    }

    /// Whether the thread's id is near the beginning of a control block.
    fn has_id(&self, block: u64) -> bool {
        let mut bytes = [0; ID_WITHIN];
        let is_there = self.memory.read(block, &mut bytes).is_ok();
        is_there && bytes.chunks_exact(4).any(|id| self.words.number(id) == self.tid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mappings::Mapping;
    use runtime_layouts::fake::FakeMemory;
    use runtime_layouts::fake::processor::{NARROW, WIDE};

    fn mapping(start: u64, end: u64) -> Mapping {
        Mapping { start, end, offset: 0, is_data: true, path: String::new() }
    }

    #[test]
    fn finds_the_control_block_of_the_right_thread() {
        let mut stack = vec![0; 0x4000];
        for (at, tid) in [(0x1000, 7_u32), (0x2000, 8)] {
            stack[at..at + 8].copy_from_slice(&(0x10_0000 + at as u64).to_le_bytes());
            stack[at + 0x2d0..at + 0x2d4].copy_from_slice(&tid.to_le_bytes());
        }
        let memory = FakeMemory::new().with(0x10_0000, stack).with(0x50_0000, vec![0; 0x1000]);
        let mappings =
            Mappings::new(vec![mapping(0x10_0000, 0x10_4000), mapping(0x50_0000, 0x50_1000)]);
        let found = |tid, stack| thread_pointer(&WIDE, tid, stack, &mappings, &memory);
        assert_eq!(found(8, 0x10_0800), Some(0x10_2000));
        assert_eq!(found(7, 0x10_0800), Some(0x10_1000));
        assert_eq!(found(7, 0x50_0800), Some(0x10_1000), "in another mapping");
        assert_eq!(found(9, 0x10_0800), None);
        assert_eq!(found(8, 0x90_0000), None, "no stack");
        let other = thread_pointer(&NARROW, 8, 0x10_0800, &mappings, &memory);
        assert_eq!(other, None, "nothing tells a control block there");
    }

    #[test]
    fn mappings_at_the_end_of_the_address_space_do_no_harm() {
        let memory = FakeMemory::new();
        let all = vec![mapping(0, u64::MAX), mapping(u64::MAX - 8, u64::MAX), mapping(9, 8)];
        let mappings = Mappings::new(all);
        for stack in [1, u64::MAX - 9, u64::MAX - 1] {
            assert_eq!(thread_pointer(&WIDE, 8, stack, &mappings, &memory), None);
        }
    }
}
