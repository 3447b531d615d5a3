//! Any memory as a program with `.eh_frame` in it and as the stack: unwinding ends.
//!
//! The input begins with the processor, the program counter, the stack pointer and the frame
//! pointer. What follows lies at a fixed address, the ELF header first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use process_target::fuzzed;
use runtime_layouts::fake::FakeMemory;
use runtime_layouts::target::processors;

/// Where the input lies.
const BASE: u64 = 0x50_0000;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, bytes)) = bytes.split_first_chunk::<7>() else { return };
    let processor = processors::ALL[usize::from(head[0]) % processors::ALL.len()];
    let frame_pointer = processor.calls.frame_pointer.register;
    let numbers = [processor.program_counter, processor.stack_pointer, frame_pointer];
    let at = |low: usize| BASE + u64::from(u16::from_le_bytes([head[low], head[low + 1]]));
    let mut registers: Vec<(u16, u64)> = numbers.into_iter().zip([at(1), at(3), at(5)]).collect();
    registers.extend(processor.calls.return_register.map(|number| (number, at(1))));
    let preserved = processor.registers.iter().find(|register| register.preserved);
    registers.extend(preserved.map(|register| (register.number, at(3))));
    let memory = FakeMemory::new().with(BASE, bytes);
    let _ = fuzzed::native_stack(processor, (BASE, bytes.len() as u64), &registers, &memory);
});
