//! x86-64, with pointers of eight bytes.

use super::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};
use crate::memory::word_format::WordFormat;

/// Numbers of the AMD64 ABI, figure 3.36.
pub(super) static X86_64: Processor = Processor {
    name: "x86_64",
    // `EM_X86_64`
    machine: 62,
    // `CPU_TYPE_X86_64`
    cpu_type: Some(0x0100_0007),
    words: WordFormat { pointer_size: 8, big_endian: false },
    registers: &[
        scratch(0, "rax"),
        scratch(1, "rdx"),
        scratch(2, "rcx"),
        preserved(3, "rbx"),
        scratch(4, "rsi"),
        scratch(5, "rdi"),
        preserved(6, "rbp"),
        preserved(7, "rsp"),
        scratch(8, "r8"),
        scratch(9, "r9"),
        scratch(10, "r10"),
        scratch(11, "r11"),
        preserved(12, "r12"),
        preserved(13, "r13"),
        preserved(14, "r14"),
        preserved(15, "r15"),
        preserved(16, "rip"),
    ],
    stack_pointer: 7,
    program_counter: 16,
    calls: CallFrames {
        frame_pointer: FramePointer::at_the_pair(6),
        return_register: None,
        address_bits: u64::MAX,
        signs_return_addresses: false,
        ends_with_a_call: Some(ends_with_a_call),
        exception_index: None,
    },
    storage: ThreadStorage {
        thread_pointer: &["fs_base"],
        variant: TlsVariant::Before,
        // `tcbhead_t`: `tcb`, its own address; `dtv`.
        modules: 8,
        starts_with_its_address: true,
        never_zero: 0,
        // `R_X86_64_DTPMOD64`
        module_relocation: 16,
        // `R_X86_64_TLSDESC`
        descriptor_relocation: Some(36),
    },
    kernel: KernelRegisters {
        // `struct user_regs_struct`, `arch/x86/include/asm/user_64.h`: r15 … rbx, r11 … rdi,
        // orig_rax, rip, cs, eflags, rsp, ss, fs_base.
        words: &[
            Some(15),
            Some(14),
            Some(13),
            Some(12),
            Some(6),
            Some(3),
            Some(11),
            Some(10),
            Some(9),
            Some(8),
            Some(0),
            Some(2),
            Some(1),
            Some(4),
            Some(5),
            None,
            Some(16),
            None,
            None,
            Some(7),
            None,
        ],
        thread_pointer: ThreadPointer::Word(21),
    },
    notes: CoreNotes::LP64,
    system_calls: SystemCalls {
        first_argument: Some(5),
        second_argument: Some(4),
        third_argument: Some(1),
        // `syscall`
        instructions: &[&[0x0f, 0x05]],
    },
};

/// `CALL`, relative or through a register or memory (Intel's manual, volume 2).
pub(super) fn ends_with_a_call(code: &[u8]) -> bool {
    let from_end = |distance: usize| code.len().checked_sub(distance).map(|at| code[at]);
    let is_indirect = |length: usize| {
        from_end(length) == Some(0xff)
            && from_end(length - 1).is_some_and(|operand| operand & 0x38 == 0x10)
    };
    from_end(5) == Some(0xe8) || [2, 3, 4, 6, 7].into_iter().any(is_indirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_bytes() {
        assert!(ends_with_a_call(&[0x90, 0x90, 0xe8, 1, 2, 3, 4]), "call +0x4030201");
        assert!(ends_with_a_call(&[0x90, 0xff, 0xd0]), "call *%rax");
        assert!(ends_with_a_call(&[0xff, 0x15, 1, 2, 3, 4]), "call *0x4030201(%rip)");
        assert!(!ends_with_a_call(&[0x90; 7]));
        assert!(!ends_with_a_call(&[0xff, 0xe0]), "jmp *%rax");
        assert!(!ends_with_a_call(&[]));
    }
}
