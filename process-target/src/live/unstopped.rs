//! Thread pointers of a process that is not stopped.
//!
//! Registers can only be read of a thread that stands still. But `/proc` tells where a waiting
//! thread has its stack, and the C libraries put a thread's control block, which the thread
//! pointer points at, above its stack. On x86-64 a control block is known by its first word, its
//! own address ("ELF Handling For Thread-Local Storage", 3.4.6), and by the thread's id, which
//! glibc and musl both keep near its beginning.

use runtime_layouts::memory::MemoryReader;

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
    tid: u64,
    stack_pointer: u64,
    mappings: &Mappings,
    memory: &dyn MemoryReader,
) -> Option<u64> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let stack = mappings.at(stack_pointer)?;
    let end = stack.end.min(stack_pointer.saturating_add(LONGEST_STACK));
    control_block(tid, stack_pointer & !7, end, memory).or_else(|| {
        // The first thread's stack comes from the kernel, its control block from the loader.
        let mut left = LONGEST_SEARCH;
        mappings.iter().filter(|mapping| mapping.is_data && !mapping.is_file()).find_map(|m| {
            let length = (m.end - m.start).min(BEGINNING).min(left);
            left -= length;
            control_block(tid, m.start, m.start + length, memory)
        })
    })
}

/// The control block of that thread in this range.
fn control_block(tid: u64, start: u64, end: u64, memory: &dyn MemoryReader) -> Option<u64> {
    let id = u32::try_from(tid).ok()?.to_le_bytes();
    let mut at = start;
    let mut chunk = vec![0; CHUNK];
    while at < end {
        let length = usize::try_from(end - at).map_or(CHUNK, |left| left.min(CHUNK));
        let bytes = &mut chunk[..length];
        if memory.read(at, bytes).is_ok() {
            let own = (at..).step_by(8).zip(bytes.chunks_exact(8));
            let candidates = own.filter(|(address, word)| address.to_le_bytes() == **word);
            for (address, _) in candidates {
                let mut block = [0; ID_WITHIN];
                let has_id = memory.read(address, &mut block).is_ok()
                    && block.chunks_exact(4).any(|word| word == id);
                if has_id {
                    return Some(address);
                }
            }
        }
        at += length as u64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mappings::Mapping;
    use runtime_layouts::fake::FakeMemory;

    fn mapping(start: u64, end: u64) -> Mapping {
        Mapping { start, end, offset: 0, is_data: true, path: String::new() }
    }

    #[cfg(target_arch = "x86_64")]
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
        let found = |tid, stack| thread_pointer(tid, stack, &mappings, &memory);
        assert_eq!(found(8, 0x10_0800), Some(0x10_2000));
        assert_eq!(found(7, 0x10_0800), Some(0x10_1000));
        assert_eq!(found(7, 0x50_0800), Some(0x10_1000), "in another mapping");
        assert_eq!(found(9, 0x10_0800), None);
        assert_eq!(found(8, 0x90_0000), None, "no stack");
    }
}
