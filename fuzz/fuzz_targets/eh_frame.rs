//! Any memory as a program with `.eh_frame` in it and as the stack: unwinding ends.
//!
//! The input begins with the processor, the program counter, the stack pointer and the frame
//! pointer. What follows lies at a fixed address, the ELF header first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use process_target::fuzzed;
use runtime_layouts::fake::FakeMemory;

/// Where the input lies.
const BASE: u64 = 0x50_0000;

/// `e_machine`, with the DWARF numbers of program counter, stack pointer and frame pointer.
const PROCESSORS: [(u16, [u16; 3]); 2] = [(62, [16, 7, 6]), (183, [32, 31, 29])];

fuzz_target!(|bytes: &[u8]| {
    let Some((head, bytes)) = bytes.split_first_chunk::<7>() else { return };
    let (machine, numbers) = PROCESSORS[usize::from(head[0]) % PROCESSORS.len()];
    let at = |low: usize| BASE + u64::from(u16::from_le_bytes([head[low], head[low + 1]]));
    let mut registers: Vec<(u16, u64)> = numbers.into_iter().zip([at(1), at(3), at(5)]).collect();
    // The return register of one, a preserved register of the other.
    registers.push((30, at(1)));
    registers.push((3, at(3)));
    let memory = FakeMemory::new().with(BASE, bytes);
    let _ = fuzzed::native_stack(machine, (BASE, bytes.len() as u64), &registers, &memory);
});
