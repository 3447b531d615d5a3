//! AArch64, little-endian, with pointers of eight bytes.

use super::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};
use crate::memory::word_format::WordFormat;

/// Numbers of "DWARF for the Arm 64-bit Architecture", section 4.1.
pub(super) static AARCH64: Processor = Processor {
    name: "aarch64",
    // `EM_AARCH64`
    machine: 183,
    // `CPU_TYPE_ARM64`
    cpu_type: Some(0x0100_000c),
    words: WordFormat { pointer_size: 8, big_endian: false },
    registers: &[
        scratch(0, "x0"),
        scratch(1, "x1"),
        scratch(2, "x2"),
        scratch(3, "x3"),
        scratch(4, "x4"),
        scratch(5, "x5"),
        scratch(6, "x6"),
        scratch(7, "x7"),
        scratch(8, "x8"),
        scratch(9, "x9"),
        scratch(10, "x10"),
        scratch(11, "x11"),
        scratch(12, "x12"),
        scratch(13, "x13"),
        scratch(14, "x14"),
        scratch(15, "x15"),
        scratch(16, "x16"),
        scratch(17, "x17"),
        scratch(18, "x18"),
        preserved(19, "x19"),
        preserved(20, "x20"),
        preserved(21, "x21"),
        preserved(22, "x22"),
        preserved(23, "x23"),
        preserved(24, "x24"),
        preserved(25, "x25"),
        preserved(26, "x26"),
        preserved(27, "x27"),
        preserved(28, "x28"),
        preserved(29, "x29"),
        scratch(30, "x30"),
        preserved(31, "sp"),
        preserved(32, "pc"),
    ],
    stack_pointer: 31,
    program_counter: 32,
    calls: CallFrames {
        frame_pointer: FramePointer::at_the_pair(29),
        return_register: Some(30),
        // Pointer authentication signs above the 48 bits of an address.
        address_bits: (1 << 48) - 1,
        signs_return_addresses: true,
        ends_with_a_call: None,
        exception_index: None,
    },
    storage: ThreadStorage {
        // qemu calls it as the processor does (7.2, `target/arm/gdbstub.c`, the system registers).
        thread_pointer: &["tpidr", "TPIDR_EL0"],
        variant: TlsVariant::After { header: 16 },
        // `tcbhead_t`: `dtv`, then a word that is private.
        modules: 0,
        starts_with_its_address: false,
        never_zero: 0,
        // `R_AARCH64_TLS_DTPMOD`
        module_relocation: 1028,
        // `R_AARCH64_TLSDESC`, which LLVM asks for.
        descriptor_relocation: Some(1031),
    },
    kernel: KernelRegisters {
        // `struct user_pt_regs`, `arch/arm64/include/uapi/asm/ptrace.h`: x0 … x30, sp, pc, which is
        // also the order of the DWARF numbers; then pstate.
        words: &KERNEL_WORDS,
        // `NT_ARM_TLS`
        thread_pointer: ThreadPointer::Set { kind: 0x401, word: 0 },
    },
    notes: CoreNotes::LP64,
    // The result of a call takes the register of its first argument, but a call that a stop
    // interrupts is set up to be made again before anybody looks (Linux 6.1,
    // `arch/arm64/kernel/signal.c`, `do_signal`: `regs->regs[0] = regs->orig_x0`).
    system_calls: SystemCalls {
        first_argument: Some(0),
        second_argument: Some(1),
        third_argument: Some(2),
        // `svc #0`
        instructions: &[&[0x01, 0x00, 0x00, 0xd4]],
    },
};

const KERNEL_WORDS: [Option<u16>; 33] = {
    let mut words = [None; 33];
    let mut number = 0;
    while number < 33 {
        words[number as usize] = Some(number);
        number += 1;
    }
    words
};
