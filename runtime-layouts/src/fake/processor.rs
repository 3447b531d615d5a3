//! Invented processors: proof that a processor is data, and that no list has to name it.

use crate::memory::word_format::WordFormat;
use crate::target::processors::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};

/// The processor of fake programs: pointers of eight bytes, the least significant one first.
pub static WIDE: Processor = Processor {
    name: "wide",
    machine: 0xfeed,
    cpu_type: None,
    words: WordFormat { pointer_size: 8, big_endian: false },
    registers: &[
        scratch(0, "result"),
        preserved(1, "kept"),
        preserved(2, "frame"),
        preserved(3, "stack"),
        preserved(4, "next"),
    ],
    stack_pointer: 3,
    program_counter: 4,
    calls: CallFrames {
        frame_pointer: FramePointer::at_the_pair(2),
        return_register: None,
        address_bits: u64::MAX,
        signs_return_addresses: false,
        ends_with_a_call: None,
        exception_index: None,
    },
    storage: ThreadStorage {
        thread_pointer: &["own"],
        variant: TlsVariant::Before,
        modules: 8,
        starts_with_its_address: true,
        never_zero: 0,
        module_relocation: 1,
        descriptor_relocation: Some(3),
    },
    kernel: KernelRegisters {
        words: &[Some(4), Some(3), Some(2), Some(1), Some(0)],
        thread_pointer: ThreadPointer::Word(5),
    },
    notes: CoreNotes::LP64,
    system_calls: SystemCalls {
        first_argument: Some(1),
        second_argument: None,
        third_argument: Some(2),
        instructions: &[&[0x05]],
    },
};

/// Another one: pointers of four bytes, the most significant one first; a call leaves the return
/// address in a register, storage follows the thread pointer, and the kernel gives that apart.
pub static NARROW: Processor = Processor {
    name: "narrow",
    machine: 0xfeed,
    cpu_type: None,
    words: WordFormat { pointer_size: 4, big_endian: true },
    registers: &[
        scratch(0, "result"),
        preserved(1, "kept"),
        preserved(2, "frame"),
        preserved(3, "stack"),
        scratch(4, "link"),
        preserved(5, "next"),
    ],
    stack_pointer: 3,
    program_counter: 5,
    calls: CallFrames {
        // It points behind the pair, at the caller's frame.
        frame_pointer: FramePointer {
            register: 2,
            caller: -2,
            return_address: -1,
            frame_address: 0,
        },
        return_register: Some(4),
        // Signed in the uppermost bit.
        address_bits: 0x7fff_ffff,
        signs_return_addresses: false,
        ends_with_a_call: None,
        exception_index: None,
    },
    storage: ThreadStorage {
        thread_pointer: &["own"],
        variant: TlsVariant::After { header: 0 },
        modules: -4,
        starts_with_its_address: false,
        never_zero: -4,
        module_relocation: 2,
        descriptor_relocation: Some(3),
    },
    kernel: KernelRegisters {
        words: &[None, Some(5), Some(3), Some(2), Some(1)],
        thread_pointer: ThreadPointer::Set { kind: 0x777, word: 0 },
    },
    notes: CoreNotes { thread: 24, registers: 72, after_registers: 4, process: 12 },
    system_calls: SystemCalls {
        first_argument: None,
        second_argument: None,
        third_argument: None,
        instructions: &[],
    },
};
