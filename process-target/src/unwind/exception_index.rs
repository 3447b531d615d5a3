//! `.ARM.exidx` and `.ARM.extab` in memory: how Arm's 32-bit programs find a function's caller.
//!
//! Source: "Exception Handling ABI for the Arm Architecture" (IHI 0038, 2023Q3), 6 and 10.

use std::ops::Range;

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::elf_image::Image;
use runtime_layouts::target::processors::Processor;

use super::{Caller, Registers};

/// Bytes of a row: where a function begins, and what it does.
const ROW: u64 = 8;
/// Instead of what a function does: nobody called it.
const CANNOT_UNWIND: u64 = 1;
/// In the first word: the instructions are here, and no personality routine is named.
const COMPACT: u64 = 1 << 31;

/// The DWARF numbers, which the instructions have too.
const STACK_POINTER: u16 = 13;
const LINK: u16 = 14;
const PROGRAM_COUNTER: u16 = 15;

/// `svc #0`, as Thumb and as Arm code has it.
const SYSTEM_CALL_OF_THUMB: [u8; 2] = [0x00, 0xdf];
const SYSTEM_CALL_OF_ARM: [u8; 4] = [0x00, 0x00, 0x00, 0xef];

/// The caller of the frame with these registers, by the row for an address in its function; `None`
/// when there is none, or it is broken.
///
/// The instructions hold where the function calls another one. So in the innermost frame they are
/// believed where it asks the kernel alone, as gdb does it (16.2, `arm_exidx_unwind_sniffer`):
/// elsewhere it may not have built its frame yet.
pub(super) fn caller(
    image: &Image,
    processor: &Processor,
    registers: &Registers,
    (lookup, is_innermost): (u64, bool),
    memory: &dyn MemoryReader,
) -> Option<Caller> {
    let table = image.segment(processor.calls.exception_index?)?;
    if is_innermost && !asks_the_kernel(lookup, memory) {
        return None;
    }
    let words = Words { memory, format: processor.words };
    let row = words.row(&table, lookup)?;
    let what = words.at(row.wrapping_add(4))?;
    if what == CANNOT_UNWIND {
        return Some(Caller { frame_address: None, registers: None, is_signal_frame: false });
    }
    let mut stack = Stack {
        at: registers.get(STACK_POINTER)?,
        registers: registers.iter().filter(|(number, _)| processor.is_preserved(*number)).collect(),
        returns_to: registers.get(LINK),
        words: &words,
    };
    stack.run(&words.instructions(row.wrapping_add(4), what)?)?;
    let Stack { at, mut registers, returns_to, .. } = stack;
    registers.set(PROGRAM_COUNTER, processor.code_address(returns_to?));
    registers.set(STACK_POINTER, at);
    let registers = Some(registers);
    Some(Caller { frame_address: Some(at), registers, is_signal_frame: false })
}

/// Memory in words of four bytes.
struct Words<'m> {
    memory: &'m dyn MemoryReader,
    format: WordFormat,
}

impl Words<'_> {
    fn at(&self, address: u64) -> Option<u64> {
        self.format.read(self.memory, address, 4).ok()
    }

    /// Where a word with a distance of 31 bits leads to, counted from itself.
    fn place(&self, address: u64) -> Option<u64> {
        let word = u32::try_from(self.at(address)?).ok()?;
        let distance = (word << 1).cast_signed() >> 1;
        Some(address.wrapping_add_signed(distance.into()) & u64::from(u32::MAX))
    }

    /// The last row that begins at or before the address.
    fn row(&self, table: &Range<u64>, address: u64) -> Option<u64> {
        let row = |index: u64| table.start.wrapping_add(index * ROW);
        let (mut low, mut high) = (0, table.end.checked_sub(table.start)? / ROW);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.place(row(middle))? <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(row(low.checked_sub(1)?))
    }

    /// The instructions of a function; `what` is the second word of its row, at that address.
    fn instructions(&self, at: u64, what: u64) -> Option<Vec<u8>> {
        if what & COMPACT != 0 {
            return instructions_of_three(what);
        }
        let at = self.place(at)?;
        let first = self.at(at)?;
        // A routine of the language's own: behind the way to it is the number of words that follow,
        // and then what the ABI's routines have, as gcc and LLVM write it.
        let (first, at, in_front) = match first >> 24 {
            0x80 => return instructions_of_three(first),
            0x81 | 0x82 => (first, at, 2),
            0x83.. => return None,
            _ => (self.at(at.wrapping_add(4))?, at.wrapping_add(4), 1),
        };
        let own = u32::try_from(first).ok()?.to_be_bytes();
        let mut bytes = own[in_front..].to_vec();
        for index in 1..=u64::from(own[in_front - 1]) {
            let word = u32::try_from(self.at(at.wrapping_add(4 * index))?).ok()?;
            bytes.extend(word.to_be_bytes());
        }
        Some(bytes)
    }
}

/// Whether the thread is at a system call, or behind it: the kernel goes back to it where one is to
/// be asked for again.
fn asks_the_kernel(pc: u64, memory: &dyn MemoryReader) -> bool {
    let has = |at: Option<u64>, code: &[u8]| {
        let mut found = vec![0; code.len()];
        at.is_some_and(|at| memory.read(at, &mut found).is_ok() && found == code)
    };
    let (thumb, arm) = (&SYSTEM_CALL_OF_THUMB, &SYSTEM_CALL_OF_ARM);
    has(pc.checked_sub(2), thumb)
        || has(pc.checked_sub(4), arm)
        || has(Some(pc), thumb)
        || has(Some(pc), arm)
}

/// Those of the ABI's first routine, which has room for no more.
fn instructions_of_three(word: u64) -> Option<Vec<u8>> {
    let [.., routine, a, b, c] = word.to_be_bytes();
    (routine == 0x80).then(|| vec![a, b, c])
}

/// What the instructions work on.
struct Stack<'w> {
    /// The virtual stack pointer.
    at: u64,
    registers: Registers,
    returns_to: Option<u64>,
    words: &'w Words<'w>,
}

impl Stack<'_> {
    /// Runs the instructions to their end; `None` where they say that there is no way, and for those
    /// that are spare.
    fn run(&mut self, mut left: &[u8]) -> Option<()> {
        while let Some(code) = next(&mut left) {
            let low = u16::from(code & 0xf);
            match code {
                0x00..=0x3f => self.skip(u64::from(code & 0x3f) * 4 + 4),
                0x40..=0x7f => self.at = self.at.wrapping_sub(u64::from(code & 0x3f) * 4 + 4),
                0x80..=0x8f => {
                    let mask = low << 8 | u16::from(next(&mut left)?);
                    // Of no register at all: "refuse to unwind".
                    (mask != 0).then_some(())?;
                    self.pop((4..16).filter(|number| mask >> (number - 4) & 1 != 0))?;
                }
                0x9d | 0x9f => return None,
                0x90..=0x9f => self.at = self.registers.get(low)?,
                0xa0..=0xa7 => self.pop(4..=4 + (low & 7))?,
                0xa8..=0xaf => self.pop((4..=4 + (low & 7)).chain([LINK]))?,
                // Finish.
                0xb0 => return Some(()),
                0xb1 => {
                    let mask = next(&mut left).filter(|mask| (1..0x10).contains(mask))?;
                    self.pop((0..4).filter(|number| mask >> number & 1 != 0))?;
                }
                0xb2 => self.skip(leb128(&mut left)? * 4 + 0x204),
                // Registers of floating point, which nobody asks for: of eight bytes each, and in
                // the old form with a word behind them.
                0xb3 => self.skip(doubles(next(&mut left)?) + 4),
                0xb8..=0xbf => self.skip(u64::from(low & 7) * 8 + 12),
                0xc8 | 0xc9 => self.skip(doubles(next(&mut left)?)),
                0xd0..=0xd7 => self.skip(u64::from(low & 7) * 8 + 8),
                // A signature of the return address (`0xb4`), what it was made with (`0xb5`),
                // registers of iWMMXt, and codes that mean nothing yet.
                _ => return None,
            }
        }
        Some(())
    }

    fn skip(&mut self, bytes: u64) {
        self.at = self.at.wrapping_add(bytes);
    }

    /// Takes registers from the stack, in the order of their numbers.
    fn pop(&mut self, numbers: impl Iterator<Item = u16>) -> Option<()> {
        let mut stack = None;
        for number in numbers {
            let value = self.words.at(self.at)?;
            self.skip(4);
            match number {
                STACK_POINTER => stack = Some(value),
                LINK | PROGRAM_COUNTER => self.returns_to = Some(value),
                _ => self.registers.set(number, value),
            }
        }
        self.at = stack.unwrap_or(self.at);
        Some(())
    }
}

/// Bytes of a range of registers of floating point: the first one's number, and how many follow.
fn doubles(range: u8) -> u64 {
    (u64::from(range & 0xf) + 1) * 8
}

fn next(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// A number of at most five groups of seven bits, the lowest first.
fn leb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for group in 0..5 {
        let byte = next(bytes)?;
        value |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use runtime_layouts::fake::FakeMemory;
    use runtime_layouts::target::NativeFrame;
    use runtime_layouts::target::processors::ALL;

    use super::super::Unwinder;
    use super::*;
    use crate::mappings::{Mapping, Mappings};

    const BASE: u32 = 0x40_0000;
    const INDEX: u32 = 0x100;
    const STACK: u32 = 0x70_0000;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A program whose functions of 0x100 bytes, from 0x1000 on, have these second words in the
    /// index, which is followed by those words.
    fn image(functions: &[u32], further: &[u32]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
        bytes.resize(16, 0);
        // ET_DYN, EM_ARM, version; program headers at 52; two of 32 bytes.
        bytes.extend(words(&[3 | 40 << 16, 1, 0, 52, 0, 0, 52 | 32 << 16, 2 | 40 << 16, 0]));
        // PT_LOAD of everything; PT_ARM_EXIDX.
        bytes.extend(words(&[1, 0, 0, 0, 0x2000, 0x2000, 5, 0x1000]));
        let size = functions.len() as u32 * 8;
        bytes.extend(words(&[0x7000_0001, INDEX, INDEX, INDEX, size, size, 4, 4]));
        bytes.resize(INDEX as usize, 0);
        for (index, what) in (0..).zip(functions) {
            let row = INDEX + 8 * index;
            bytes.extend(words(&[(0x1000 + 0x100 * index).wrapping_sub(row) & !(1 << 31), *what]));
        }
        bytes.extend(words(further));
        bytes.resize(0x2000, 0);
        // Each function asks the kernel at its tenth byte.
        for index in 0..functions.len() {
            bytes[0x1000 + 0x100 * index + 0x10..][..2].copy_from_slice(&SYSTEM_CALL_OF_THUMB);
        }
        bytes
    }

    fn frames(image: Vec<u8>, stack: &[u32], registers: &[(u16, u32)]) -> Vec<NativeFrame> {
        let arm = ALL.iter().find(|processor| processor.name == "arm").expect("known");
        let mapping = |start: u32, path: &str| Mapping {
            start: start.into(),
            end: u64::from(start) + 0x2000,
            offset: 0,
            is_data: false,
            path: path.to_owned(),
        };
        let mappings = Mappings::new(vec![mapping(BASE, "/program"), mapping(STACK, "[stack]")]);
        let memory = FakeMemory::new().with(BASE.into(), image).with(STACK.into(), words(stack));
        let registers = registers.iter().map(|(number, value)| (*number, u64::from(*value)));
        Unwinder::new(arm, mappings, None).frames(&registers.collect(), &memory, 10)
    }

    /// One function says all in its row, the next one elsewhere, behind a routine of the language's
    /// own; and nobody called the third.
    #[test]
    fn registers_come_from_the_stack() {
        let elsewhere = 2 * 8 - 4;
        // vsp += 8, pop {r4, r7, lr}.
        let functions = [0x8001_8409, elsewhere, CANNOT_UNWIND as u32];
        // A word more; pop {r4, r5}, pop {r12, lr}.
        let further = [0x1234, 0x01a1_8500, 0xb0b0_b0b0];
        let stack = [1, 2, 0x44, 0x77, BASE + 0x1121, 0x444, 0x555, 0xb0b, BASE + 0x1231, 5];
        let known = [(15, BASE + 0x1012), (13, STACK), (14, 3), (4, 4), (8, 8), (0, 9)];
        let found = frames(image(&functions, &further), &stack, &known);
        let pcs: Vec<u64> = found.iter().map(|frame| frame.pc.get() - u64::from(BASE)).collect();
        assert_eq!(pcs, [0x1012, 0x1120, 0x1230], "without the bit that says Thumb");
        assert_eq!(found[0].frame_address, Some(u64::from(STACK) + 20));
        let known = [4, 7, 8, 0, 13].map(|number| found[1].register(number));
        let stack = Some(u64::from(STACK) + 20);
        assert_eq!(known, [Some(0x44), Some(0x77), Some(8), None, stack]);
        assert_eq!([4, 5].map(|number| found[2].register(number)), [Some(0x444), Some(0x555)]);
        assert_eq!(found[2].frame_address, None, "the outermost");
    }

    #[test]
    fn the_innermost_frame_is_believed_at_a_system_call_alone() {
        let functions = [0x80b0_b0b0, CANNOT_UNWIND as u32];
        let length = |pc: u32| {
            let known = [(15, BASE + pc), (13, STACK), (14, BASE + 0x1111)];
            frames(image(&functions, &[]), &[], &known).len()
        };
        assert_eq!([0x1010, 0x1012, 0x100e, 0x1020].map(length), [2, 2, 1, 1]);
    }

    #[test]
    fn each_instruction_does_what_the_table_says() {
        let memory = FakeMemory::new().with(STACK.into(), words(&[1, 2, 3, 4]));
        let format = WordFormat { pointer_size: 4, big_endian: false };
        let words = Words { memory: &memory, format };
        let after = |code: &[u8]| {
            let registers = [(7, 0x1234)].into_iter().collect();
            let mut stack = Stack { at: STACK.into(), registers, returns_to: None, words: &words };
            stack.run(code)?;
            Some((stack.at.wrapping_sub(STACK.into()), stack.returns_to, stack.registers.get(4)))
        };
        assert_eq!(after(&[0x3f, 0xb0, 0x80]), Some((256, None, None)), "what follows is padding");
        assert_eq!(after(&[0x01, 0x40]), Some((4, None, None)));
        assert_eq!(after(&[0x97]), Some((0x1234_u64.wrapping_sub(STACK.into()), None, None)));
        assert_eq!(after(&[0xa9]), Some((12, Some(3), Some(1))));
        assert_eq!(after(&[0x84, 0x01]), Some((8, Some(2), Some(1))));
        assert_eq!(after(&[0x88, 0x00]), Some((4, Some(1), None)), "pc itself");
        assert_eq!(after(&[0x82, 0x00]), Some((1_u64.wrapping_sub(STACK.into()), None, None)));
        assert_eq!(after(&[0xb1, 0x0c]), Some((8, None, None)));
        assert_eq!(after(&[0xb2, 0x81, 0x01]), Some((0x204 + 129 * 4, None, None)));
        assert_eq!(after(&[0xb3, 0x81]), Some((20, None, None)));
        assert_eq!(after(&[0xc9, 0x81]), Some((16, None, None)));
        assert_eq!(
            [after(&[0xb9]), after(&[0xd1])].map(|it| it.map(|it| it.0)),
            [Some(20), Some(16)]
        );
        let none: [&[u8]; 8] =
            [&[0x80, 0], &[0x80], &[0x9d], &[0xb1, 0x10], &[0xb2, 0x80], &[0xb4], &[0xca], &[0x98]];
        assert!(none.into_iter().all(|code| after(code).is_none()));
    }

    #[test]
    fn damaged_tables_do_no_harm() {
        let whole = image(&[0x8001_8409, 12, CANNOT_UNWIND as u32], &[0x1234, 0xffa1_8500]);
        let known = [(15, BASE + 0x1012), (13, STACK), (14, BASE + 0x1111), (4, u32::MAX)];
        for at in 0..INDEX as usize + 0x30 {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let found = frames(damaged, &[BASE + 0x1111; 16], &known);
                assert!((1..=10).contains(&found.len()));
            }
        }
    }
}
