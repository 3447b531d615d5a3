//! RISC-V, little-endian, with pointers of eight bytes.

use super::{
    CallFrames, CoreNotes, FramePointer, KernelRegisters, Processor, SystemCalls, ThreadPointer,
    ThreadStorage, TlsVariant, preserved, scratch,
};
use crate::memory::word_format::WordFormat;

/// Numbers of "RISC-V ABIs Specification" 1.0, "DWARF Register Numbers"; names are those of the
/// calling convention there, with `fp` for `s0`, as debuggers have it.
pub(super) static RISCV64: Processor = Processor {
    name: "riscv64",
    // `EM_RISCV`
    machine: 243,
    cpu_type: None,
    words: WordFormat { pointer_size: 8, big_endian: false },
    registers: &[
        scratch(0, "zero"),
        scratch(1, "ra"),
        preserved(2, "sp"),
        preserved(3, "gp"),
        preserved(4, "tp"),
        scratch(5, "t0"),
        scratch(6, "t1"),
        scratch(7, "t2"),
        preserved(8, "fp"),
        preserved(9, "s1"),
        scratch(10, "a0"),
        scratch(11, "a1"),
        scratch(12, "a2"),
        scratch(13, "a3"),
        scratch(14, "a4"),
        scratch(15, "a5"),
        scratch(16, "a6"),
        scratch(17, "a7"),
        preserved(18, "s2"),
        preserved(19, "s3"),
        preserved(20, "s4"),
        preserved(21, "s5"),
        preserved(22, "s6"),
        preserved(23, "s7"),
        preserved(24, "s8"),
        preserved(25, "s9"),
        preserved(26, "s10"),
        preserved(27, "s11"),
        scratch(28, "t3"),
        scratch(29, "t4"),
        scratch(30, "t5"),
        scratch(31, "t6"),
        // The program counter has no number: this is the column for where a frame goes on that was
        // interrupted. From 32 on are the registers for floating point.
        preserved(PROGRAM_COUNTER, "pc"),
    ],
    stack_pointer: 2,
    program_counter: PROGRAM_COUNTER,
    calls: CallFrames {
        // It points behind the pair, at the caller's frame.
        frame_pointer: FramePointer {
            register: 8,
            caller: -2,
            return_address: -1,
            frame_address: 0,
        },
        return_register: Some(1),
        address_bits: u64::MAX,
        signs_return_addresses: false,
        ends_with_a_call: Some(ends_with_a_call),
        exception_index: None,
    },
    storage: ThreadStorage {
        thread_pointer: &["tp"],
        // The control block ends where the thread pointer points to (glibc 2.36,
        // `sysdeps/riscv/nptl/tls.h`, `TLS_TCB_OFFSET`).
        variant: TlsVariant::After { header: 0 },
        // `GET_DTV`: the first of the two words of `tcbhead_t`, before it.
        modules: -16,
        starts_with_its_address: false,
        never_zero: -16,
        // `R_RISCV_TLS_DTPMOD64`
        module_relocation: 7,
        // `R_RISCV_TLSDESC`
        descriptor_relocation: Some(12),
    },
    kernel: KernelRegisters {
        // `struct user_regs_struct`, `arch/riscv/include/uapi/asm/ptrace.h`: pc, then ra … t6 in the
        // order of their numbers.
        words: &KERNEL_WORDS,
        thread_pointer: ThreadPointer::Word(4),
    },
    notes: CoreNotes::LP64,
    // The result of a call takes the register of its first argument, but a call that a stop
    // interrupts is set up to be made again before anybody looks (Linux 6.1,
    // `arch/riscv/kernel/signal.c`, `do_signal`: `regs->a0 = regs->orig_a0`).
    system_calls: SystemCalls {
        first_argument: Some(10),
        second_argument: Some(11),
        third_argument: Some(12),
        // `ecall`
        instructions: &[&[0x73, 0x00, 0x00, 0x00]],
    },
};

const PROGRAM_COUNTER: u16 = 64;

/// Whether these bytes end with a jump that leaves the return address in `ra`: "The RISC-V
/// Instruction Set Manual", volume I, 2.5.1 (`jal`, `jalr`) and 16.4 (`c.jalr`).
fn ends_with_a_call(code: &[u8]) -> bool {
    let Some(&last) = code.last_chunk::<4>() else { return false };
    let long = u32::from_le_bytes(last);
    let short = u16::from_le_bytes([last[2], last[3]]);
    let links = long & 0xfff == 0x0ef || long & 0x7fff == 0x00e7;
    links || short & 0xf07f == 0x9002 && short & 0x0f80 != 0
}

const KERNEL_WORDS: [Option<u16>; 32] = {
    let mut words = [None; 32];
    words[0] = Some(PROGRAM_COUNTER);
    let mut number = 1;
    while number < 32 {
        words[number as usize] = Some(number);
        number += 1;
    }
    words
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_leave_their_address_in_ra() {
        // `jal ra, …`, `jalr ra, -844(ra)`, `c.jalr t1`.
        for code in [[0xef, 0xf0, 0x1f, 0xff], [0xe7, 0x80, 0x40, 0xcb], [0, 0, 0x02, 0x93]] {
            assert!(ends_with_a_call(&[&[0, 0, 0], &code[..]].concat()), "{code:x?}");
        }
        // `jal zero, …`, `jalr zero, 0(t1)`, `c.jr ra`, `c.ebreak`, `c.add`.
        let others = [
            [0x6f, 0xf0, 0x1f, 0xff],
            [0x67, 0x00, 0x03, 0x00],
            [0, 0, 0x82, 0x80],
            [0, 0, 0x02, 0x90],
            [0, 0, 0x2a, 0x95],
        ];
        for code in others {
            assert!(!ends_with_a_call(&[&[0, 0, 0], &code[..]].concat()), "{code:x?}");
        }
        assert!(!ends_with_a_call(&[0xef]));
    }
}
