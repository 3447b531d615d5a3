//! x86 with pointers of four bytes.

use super::x86_64::ends_with_a_call;
use super::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};
use crate::memory::word_format::WordFormat;

/// Numbers of the System V ABI's "Intel386 Architecture Processor Supplement", table 2.14.
pub(super) static I686: Processor = Processor {
    name: "i686",
    // `EM_386`
    machine: 3,
    cpu_type: None,
    words: WordFormat { pointer_size: 4, big_endian: false },
    registers: &[
        scratch(0, "eax"),
        scratch(1, "ecx"),
        scratch(2, "edx"),
        preserved(3, "ebx"),
        preserved(4, "esp"),
        preserved(5, "ebp"),
        preserved(6, "esi"),
        preserved(7, "edi"),
        preserved(8, "eip"),
    ],
    stack_pointer: 4,
    program_counter: 8,
    calls: CallFrames {
        frame_pointer: FramePointer::at_the_pair(5),
        return_register: None,
        address_bits: 0xffff_ffff,
        signs_return_addresses: false,
        // The instructions are the same.
        ends_with_a_call: Some(ends_with_a_call),
        exception_index: None,
    },
    storage: ThreadStorage {
        // gdb (18.1) does not have the register, but glibc's handle of a thread is the address of its
        // control block (2.36, `nptl/descr.h`).
        thread_pointer: &["gs_base", "pthread_t"],
        variant: TlsVariant::Before,
        // `tcbhead_t`: `tcb`, its own address; `dtv`.
        modules: 4,
        starts_with_its_address: true,
        never_zero: 0,
        // `R_386_TLS_DTPMOD32`
        module_relocation: 35,
        // The loader writes over the addend of `R_386_TLS_DESC`; LLVM does not ask for it.
        descriptor_relocation: None,
    },
    kernel: KernelRegisters {
        // `struct user_regs_struct`, `arch/x86/include/asm/user_32.h`: bx, cx, dx, si, di, bp, ax,
        // ds, es, fs, gs, orig_ax, ip, cs, flags, sp, ss.
        words: &[
            Some(3),
            Some(1),
            Some(2),
            Some(6),
            Some(7),
            Some(5),
            Some(0),
            None,
            None,
            None,
            None,
            None,
            Some(8),
            None,
            None,
            Some(4),
            None,
        ],
        // `NT_386_TLS`: `struct user_desc` of each segment that the program has set; the C library
        // takes the first. Its second word is the segment's address.
        thread_pointer: ThreadPointer::Set { kind: 0x200, word: 1 },
    },
    notes: CoreNotes::ILP32,
    // `int $0x80` and what stands for it: ebx, ecx, edx.
    system_calls: SystemCalls {
        first_argument: Some(3),
        second_argument: Some(1),
        third_argument: Some(2),
        // `int 0x80`, `sysenter`
        instructions: &[&[0xcd, 0x80], &[0x0f, 0x34]],
    },
};
