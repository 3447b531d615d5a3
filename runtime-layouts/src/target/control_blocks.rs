//! Thread pointers where nobody tells them.
//!
//! The registers of a running thread cannot be read, lldb (19 to 23.1) has none with the thread pointer
//! of i686, and gcore of gdb 13.1 leaves it out of core files. But the C libraries put a thread's
//! control block, which the thread pointer points at, above the thread's stack. Where a control block
//! begins with its own address, it is known by that, by its neighbour's, and by the thread's id.

use std::cell::Cell;
use std::ops::Range;

use super::processors::Processor;
use crate::memory::MemoryReader;

/// A control block holds the id of its thread within so many bytes: at 0x2d0 in glibc 2.36, at
/// 0x30 in musl 1.2.
const ID_WITHIN: usize = 0x400;
/// Pointers from the beginning of a control block to one that points at a control block: at the same
/// one in glibc (2.36, `sysdeps/x86_64/nptl/tls.h`, `tcbhead_t::self`), at that of the thread before it
/// in musl (1.2, `src/internal/pthread_impl.h`, `struct pthread::prev`).
const NEIGHBOUR: i64 = 2;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// The same where nobody says where memory ends: a page.
const PAGE: usize = 4 << 10;
/// Bytes that are searched above the stack pointer at most: the largest stacks that are usual.
const LONGEST_STACK: u64 = 16 << 20;
/// The same where nobody says how far a stack reaches.
const UNKNOWN_STACK: u64 = 1 << 20;
/// Of memory that is no stack, so many bytes at its beginning are searched.
const BEGINNING: u64 = 1 << 20;
/// All of that together, for all threads.
const LONGEST_SEARCH: u64 = 64 << 20;

/// The control blocks of a process's threads.
pub struct ControlBlocks<'m> {
    processor: &'static Processor,
    /// What can be read and written and shows no file, by address; empty where nobody says it.
    areas: Vec<Range<u64>>,
    memory: &'m dyn MemoryReader,
    /// Whether the user asked to stop.
    interrupted: &'m dyn Fn() -> bool,
    /// Bytes that may yet be searched beside stacks.
    left: Cell<u64>,
}

impl<'m> ControlBlocks<'m> {
    /// Those in a process with these ranges of memory that can be read and written and show no file,
    /// in any order; none where that is not known. Nothing more is found once it is `interrupted`.
    #[must_use]
    pub fn new(
        processor: &'static Processor,
        mut areas: Vec<Range<u64>>,
        memory: &'m dyn MemoryReader,
        interrupted: &'m dyn Fn() -> bool,
    ) -> Self {
        areas.sort_by_key(|area| area.start);
        Self { processor, areas, memory, interrupted, left: Cell::new(LONGEST_SEARCH) }
    }

    /// The thread pointer of the thread with this id of the kernel's and this stack pointer; `None`
    /// when it is not found. Without ranges of memory that of a first thread never is.
    #[must_use]
    pub fn thread_pointer(&self, tid: u64, stack_pointer: u64) -> Option<u64> {
        if !self.processor.storage.starts_with_its_address {
            return None;
        }
        if self.areas.is_empty() {
            let end = stack_pointer.saturating_add(UNKNOWN_STACK);
            return self.search(tid, stack_pointer, end, PAGE);
        }
        let stack = self.areas.iter().find(|area| area.contains(&stack_pointer))?;
        let end = stack.end.min(stack_pointer.saturating_add(LONGEST_STACK));
        self.search(tid, stack_pointer, end, CHUNK).or_else(|| {
            // The first thread's stack comes from the kernel, its control block from the loader.
            self.areas.iter().find_map(|area| {
                let length = area.end.saturating_sub(area.start).min(BEGINNING);
                let length = length.min(self.left.get());
                self.left.set(self.left.get() - length);
                self.search(tid, area.start, area.start.saturating_add(length), CHUNK)
            })
        })
    }

    /// The control block of the thread in this range, at an address that is a multiple of a pointer's
    /// size. Read in steps that end at multiples of a page.
    fn search(&self, tid: u64, start: u64, end: u64, step: usize) -> Option<u64> {
        let words = self.processor.words;
        let width = u64::from(words.pointer_size).max(1);
        let mut at = start - start % width;
        let mut buffer = vec![0; step];
        while at < end && !(self.interrupted)() {
            let in_page = usize::try_from(at % PAGE as u64).unwrap_or(0);
            let length = usize::try_from(end - at).map_or(step, |left| left.min(step - in_page));
            let bytes = &mut buffer[..length];
            if self.memory.read(at, bytes).is_ok() {
                let mut found = words
                    .pointers(bytes)
                    .zip(0..)
                    .filter(|(word, index)| *word == at.wrapping_add(words.pointers_size(*index)));
                if let Some((block, _)) = found.find(|(block, _)| self.is_block_of(tid, *block)) {
                    return Some(block);
                }
            } else if self.areas.is_empty() {
                // Here the stack ends.
                return None;
            }
            at = at.saturating_add(length as u64);
        }
        None
    }

    /// Whether what begins with its own address is the control block of the thread.
    fn is_block_of(&self, tid: u64, block: u64) -> bool {
        let words = self.processor.words;
        let pointer = |address| words.read_pointer(self.memory, address).ok();
        let neighbour = pointer(words.step(block, NEIGHBOUR));
        let mut bytes = [0; ID_WITHIN];
        neighbour.is_some_and(|neighbour| pointer(neighbour) == Some(neighbour))
            && self.memory.read(block, &mut bytes).is_ok()
            && bytes.chunks_exact(4).any(|id| words.number(id) == tid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;
    use crate::fake::processor::{NARROW, WIDE};

    const STACK: u64 = 0x10_0000;

    /// Two stacks' worth of memory, one after the other, with the control blocks of threads 7 and 8.
    fn memory() -> FakeMemory {
        let mut stack = vec![0; 0x4000];
        let mut put = |at: usize, bytes: &[u8]| stack[at..at + bytes.len()].copy_from_slice(bytes);
        for (at, tid) in [(0x1000, 7_u32), (0x2000, 8)] {
            let own = (STACK + at as u64).to_le_bytes();
            put(at, &own);
            put(at + 0x10, &own);
            put(at + 0x2d0, &tid.to_le_bytes());
        }
        // An empty list is its own neighbour, but nothing's control block.
        put(0x900, &(STACK + 0x900).to_le_bytes());
        put(0x908, &(STACK + 0x900).to_le_bytes());
        put(0x920, &7_u32.to_le_bytes());
        FakeMemory::new().with(STACK, stack).with(0x50_0000, vec![0; 0x1000])
    }

    #[test]
    fn finds_the_control_block_of_the_right_thread() {
        let memory = memory();
        let areas = vec![0x50_0000..0x50_1000, STACK..STACK + 0x4000];
        let found = |tid, stack| {
            ControlBlocks::new(&WIDE, areas.clone(), &memory, &|| false).thread_pointer(tid, stack)
        };
        assert_eq!(found(8, 0x10_0800), Some(0x10_2000));
        assert_eq!(found(7, 0x10_0800), Some(0x10_1000));
        assert_eq!(found(7, 0x50_0800), Some(0x10_1000), "in another range");
        assert_eq!(found(9, 0x10_0800), None);
        assert_eq!(found(8, 0x90_0000), None, "no stack");
        let other = ControlBlocks::new(&NARROW, areas.clone(), &memory, &|| false);
        assert_eq!(other.thread_pointer(8, 0x10_0800), None, "nothing tells a control block there");
        let given_up = ControlBlocks::new(&WIDE, areas.clone(), &memory, &|| true);
        assert_eq!(given_up.thread_pointer(8, 0x10_0800), None, "the user asked to stop");
    }

    #[test]
    fn without_ranges_a_stack_ends_where_nothing_can_be_read() {
        let memory = memory();
        let blocks = ControlBlocks::new(&WIDE, Vec::new(), &memory, &|| false);
        let found = |tid, stack| blocks.thread_pointer(tid, stack);
        assert_eq!(found(8, 0x10_0808), Some(0x10_2000));
        assert_eq!(found(8, 0x10_2008), None, "below the stack pointer");
        assert_eq!(found(7, 0x50_0800), None, "in another range");
    }

    #[test]
    fn ranges_at_the_end_of_the_address_space_do_no_harm() {
        let memory = FakeMemory::new();
        let areas = vec![0..u64::MAX, u64::MAX - 8..u64::MAX, Range { start: 9, end: 8 }];
        for areas in [areas, Vec::new()] {
            for stack in [1, u64::MAX - 9, u64::MAX - 1] {
                let blocks = ControlBlocks::new(&WIDE, areas.clone(), &memory, &|| false);
                assert_eq!(blocks.thread_pointer(8, stack), None);
            }
        }
    }
}
