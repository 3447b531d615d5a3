//! Arm with pointers of four bytes, little-endian: Linux programs of armv7, and Cortex-M, where no
//! operating system is.

use super::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};
use crate::memory::word_format::WordFormat;

/// Numbers of "DWARF for the Arm Architecture", section 4.1.
pub(super) static ARM: Processor = Processor {
    name: "arm",
    // `EM_ARM`
    machine: 40,
    cpu_type: None,
    words: WordFormat { pointer_size: 4, big_endian: false },
    registers: &[
        scratch(0, "r0"),
        scratch(1, "r1"),
        scratch(2, "r2"),
        scratch(3, "r3"),
        preserved(4, "r4"),
        preserved(5, "r5"),
        preserved(6, "r6"),
        preserved(7, "r7"),
        preserved(8, "r8"),
        preserved(9, "r9"),
        preserved(10, "r10"),
        preserved(11, "r11"),
        scratch(12, "r12"),
        preserved(13, "sp"),
        scratch(14, "lr"),
        preserved(15, "pc"),
    ],
    stack_pointer: 13,
    program_counter: 15,
    calls: CallFrames {
        // Of Arm code; Thumb code has it in r7, where the call frame information says so.
        frame_pointer: FramePointer::at_the_pair(11),
        return_register: Some(14),
        // The lowest bit of the address of a function says that its code is Thumb ("Arm
        // Architecture Reference Manual, Armv7", A2.3.2).
        address_bits: 0xffff_fffe,
        signs_return_addresses: false,
        ends_with_a_call: None,
        // `PT_ARM_EXIDX`
        exception_index: Some(0x7000_0001),
    },
    storage: ThreadStorage {
        // As gdb calls it since version 14, and qemu as the processor does.
        thread_pointer: &["tpidruro", "TPIDRURO"],
        variant: TlsVariant::After { header: 8 },
        // `tcbhead_t`: `dtv`, then a word that is private.
        modules: 0,
        starts_with_its_address: false,
        never_zero: 0,
        // `R_ARM_TLS_DTPMOD32`
        module_relocation: 17,
        // The loader writes over the addend of `R_ARM_TLS_DESC`; LLVM does not ask for it.
        descriptor_relocation: None,
    },
    kernel: KernelRegisters {
        // `struct pt_regs`, `arch/arm/include/uapi/asm/ptrace.h`: r0 … r15, cpsr, orig_r0.
        words: &KERNEL_WORDS,
        // `NT_ARM_TLS`, which a 64-bit kernel has of such a program (`arch/arm64/kernel/ptrace.c`,
        // `aarch32_ptrace_regsets`), and not in its core files.
        thread_pointer: ThreadPointer::Set { kind: 0x401, word: 0 },
    },
    notes: CoreNotes::ILP32,
    system_calls: SystemCalls {
        first_argument: Some(0),
        second_argument: Some(1),
        third_argument: Some(2),
        // `svc 0`, of Arm and of Thumb
        instructions: &[&[0x00, 0x00, 0x00, 0xef], &[0x00, 0xdf]],
    },
};

const KERNEL_WORDS: [Option<u16>; 16] = {
    let mut words = [None; 16];
    let mut number = 0;
    while number < 16 {
        words[number as usize] = Some(number);
        number += 1;
    }
    words
};
