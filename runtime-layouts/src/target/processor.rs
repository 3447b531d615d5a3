//! What depends on the processor: the one table of it.

use super::NativeFrame;
use crate::layout::source::TlsSegment;
use crate::memory::{MemoryReader, ReadError};

/// A processor, as the System V ABI and its DWARF supplement describe it.
pub struct Processor {
    /// ELF `e_machine`.
    machine: u16,
    /// The register that points at the thread's control block, as gdb and lldb name it.
    pub thread_pointer: &'static str,
    /// The DWARF number of the stack pointer.
    pub stack_pointer: u16,
    /// The DWARF number of the program counter.
    pub program_counter: u16,
    /// The DWARF number of the register that points at a frame where code keeps frame pointers.
    /// There lie the caller's frame pointer and, a word further, the return address.
    pub frame_pointer: u16,
    /// The DWARF number of the register in which a call leaves the return address; `None` where it
    /// is pushed on the stack.
    pub return_register: Option<u16>,
    /// The DWARF number of the register that has the first argument of the system call that a
    /// thread waits in; `None` where its result takes the same register, so that it may be lost.
    pub system_call_argument: Option<u16>,
    /// The DWARF numbers of the words of a register set as the kernel gives it (`NT_PRSTATUS`).
    kernel_words: &'static [Option<u16>],
    /// The word of that set that is the thread pointer; `None` when it is not part of it.
    kernel_thread_pointer: Option<usize>,
    /// The bits of a return address that are an address: the others may hold a signature of it.
    code_address: u64,
    /// Where the executable's thread-local storage lies.
    tls: TlsVariant,
    /// Where the pointer to the table of other objects' storage (`dtv_t *`) is, in bytes from the
    /// thread pointer: glibc 2.36, `sysdeps/*/nptl/tls.h`, `tcbhead_t`.
    tls_table: u64,
    /// The general registers.
    registers: &'static [Register],
}

/// Where the executable's thread-local block lies, seen from the thread pointer: the two variants
/// of Drepper, "ELF Handling For Thread-Local Storage", 3.
#[derive(Clone, Copy)]
enum TlsVariant {
    /// Variant I: after a header of so many bytes that starts at the thread pointer.
    After { header: u64 },
    /// Variant II: before the thread pointer, which it ends at.
    Before,
}

/// A register, as gdb and lldb name it.
struct Register {
    name: &'static str,
    /// Its DWARF number.
    number: u16,
    /// Whether a function gives it back as it found it. In the frame of a caller, only these have
    /// the caller's value; for the others a debugger shows what some callee left there.
    preserved: bool,
}

const fn preserved(number: u16, name: &'static str) -> Register {
    Register { name, number, preserved: true }
}

const fn scratch(number: u16, name: &'static str) -> Register {
    Register { name, number, preserved: false }
}

/// `EM_X86_64`; numbers of the AMD64 ABI, figure 3.36.
const X86_64: Processor = Processor {
    machine: 62,
    thread_pointer: "fs_base",
    stack_pointer: 7,
    program_counter: 16,
    frame_pointer: 6,
    return_register: None,
    system_call_argument: Some(5),
    kernel_words: &[
        // `struct user_regs_struct`, `arch/x86/include/asm/user_64.h`: r15 … rbx, r11 … rdi,
        // orig_rax, rip, cs, eflags, rsp, ss.
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
    kernel_thread_pointer: Some(21),
    code_address: u64::MAX,
    tls: TlsVariant::Before,
    tls_table: 8,
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
};

const AARCH64_WORDS: [Option<u16>; 33] = {
    let mut words = [None; 33];
    let mut number = 0;
    while number < 33 {
        words[number as usize] = Some(number);
        number += 1;
    }
    words
};

/// `EM_AARCH64`; numbers of "DWARF for the Arm 64-bit Architecture", section 4.1.
const AARCH64: Processor = Processor {
    machine: 183,
    thread_pointer: "tpidr",
    stack_pointer: 31,
    program_counter: 32,
    frame_pointer: 29,
    return_register: Some(30),
    system_call_argument: None,
    // `struct user_pt_regs`, `arch/arm64/include/uapi/asm/ptrace.h`: x0 … x30, sp, pc, which is
    // also the order of the DWARF numbers.
    kernel_words: &AARCH64_WORDS,
    kernel_thread_pointer: None,
    // Pointer authentication signs above the 48 bits of an address.
    code_address: (1 << 48) - 1,
    tls: TlsVariant::After { header: 16 },
    tls_table: 0,
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
};

/// The processor with that ELF `e_machine`; `None` when it is not supported.
#[must_use]
pub fn processor(machine: u16) -> Option<&'static Processor> {
    const ALL: &[&Processor] = &[&X86_64, &AARCH64];
    ALL.iter().find(|processor| processor.machine == machine).copied()
}

/// A physical frame as the debugger gives it: its program counter, and its registers in the order
/// of [`Processor::register_names`], `None` for those that it does not know.
pub type RawFrame = (u64, Vec<Option<u64>>);

impl Processor {
    /// The address of a thread-local of the executable in one thread, `offset` bytes into the TLS
    /// segment; `None` when the segment is not a possible one.
    ///
    /// The rounding is glibc's (`elf/dl-tls.c`, `_dl_determine_tlsoffset`): a block keeps its
    /// segment's distance from a multiple of the alignment.
    #[must_use]
    pub fn thread_local_address(
        &self,
        segment: TlsSegment,
        thread_pointer: u64,
        offset: u64,
    ) -> Option<u64> {
        let TlsSegment { address, size, align } = segment;
        let align = align.max(1);
        if !align.is_power_of_two() {
            return None;
        }
        let first = address & (align - 1);
        let start = match self.tls {
            TlsVariant::Before => {
                let lead = first.wrapping_neg() & (align - 1);
                let block = size.saturating_sub(lead).checked_next_multiple_of(align)?;
                thread_pointer.wrapping_sub(block.wrapping_add(lead))
            }
            TlsVariant::After { header } => {
                let lead = header.saturating_sub(first).checked_next_multiple_of(align)?;
                thread_pointer.wrapping_add(lead.wrapping_add(first))
            }
        };
        Some(start.wrapping_add(offset))
    }

    /// The address of a thread-local of a library in one thread, `offset` bytes into its TLS
    /// segment; `module` is the number that the loader gave to it. `None` when the thread has not
    /// used the library's storage yet.
    ///
    /// The table and its entries are glibc's (2.36, `sysdeps/generic/dl-dtv.h`): two words each,
    /// the first one the address.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn thread_local_of_library(
        &self,
        memory: &dyn MemoryReader,
        module: u64,
        thread_pointer: u64,
        offset: u64,
    ) -> Result<Option<u64>, ReadError> {
        const UNALLOCATED: u64 = u64::MAX;
        // Every processor in the table is little-endian.
        let word = |address: u64| {
            let mut bytes = [0; 8];
            memory.read(address, &mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        let table = word(thread_pointer.wrapping_add(self.tls_table))?;
        // Before the first entry is how many there are, in it which generation the table is of.
        if module == 0 || module > word(table.wrapping_sub(16))? {
            return Ok(None);
        }
        let block = word(table.wrapping_add(module.wrapping_mul(16)))?;
        Ok((block != UNALLOCATED && block != 0).then(|| block.wrapping_add(offset)))
    }

    /// The registers, by DWARF number, of a register set as the kernel gives it for
    /// `NT_PRSTATUS`, from `PTRACE_GETREGSET` and in core files alike.
    #[must_use]
    pub fn kernel_registers(&self, words: &[u64]) -> Vec<(u16, u64)> {
        let numbered = self.kernel_words.iter().zip(words);
        numbered.filter_map(|(number, value)| Some(((*number)?, *value))).collect()
    }

    /// The thread pointer in such a register set; `None` for processors where the kernel gives it
    /// apart.
    #[must_use]
    pub fn kernel_thread_pointer(&self, words: &[u64]) -> Option<u64> {
        words.get(self.kernel_thread_pointer?).copied()
    }

    /// The DWARF numbers of the general registers, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        self.registers.iter().map(|register| register.number)
    }

    /// Whether a function gives the register with this DWARF number back as it found it.
    #[must_use]
    pub fn is_preserved(&self, number: u16) -> bool {
        self.registers.iter().any(|register| register.number == number && register.preserved)
    }

    /// The address in a return address that may be signed.
    #[must_use]
    pub fn code_address(&self, value: u64) -> u64 {
        value & self.code_address
    }

    /// What to ask the debugger for: every general register, in the order of DWARF numbers.
    #[must_use]
    pub fn register_names(&self) -> Vec<&'static str> {
        self.registers.iter().map(|register| register.name).collect()
    }

    /// The frames from those of the debugger, innermost first, at most `limit`.
    ///
    /// The canonical frame address of a frame is its caller's stack pointer, so one frame more
    /// than `limit` is of use.
    #[must_use]
    pub fn native_frames(&self, raw: &[RawFrame], limit: usize) -> Vec<NativeFrame> {
        let stack_pointer = self.registers.iter().position(|r| r.number == self.stack_pointer);
        raw.iter()
            .enumerate()
            .take(limit)
            .map(|(depth, (pc, values))| NativeFrame {
                pc: *pc,
                frame_address: raw
                    .get(depth + 1)
                    .and_then(|(_, caller)| *caller.get(stack_pointer?)?),
                registers: self
                    .registers
                    .iter()
                    .zip(values)
                    .filter(|(register, _)| depth == 0 || register.preserved)
                    .filter_map(|(register, value)| Some((register.number, (*value)?)))
                    .collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(machine: u16, segment: (u64, u64, u64), offset: u64) -> Option<u64> {
        let (address, size, align) = segment;
        let segment = TlsSegment { address, size, align };
        processor(machine)?.thread_local_address(segment, 0x7000_0000, offset)
    }

    #[test]
    fn the_block_ends_at_the_thread_pointer_on_x86_64() {
        let at = address(62, (0x2c_be90, 0x180, 0x10), 0x30);
        assert_eq!(at, Some(0x7000_0000 - 0x180 + 0x30));
        // A segment that does not start at a multiple of its alignment.
        assert_eq!(address(62, (0x1008, 0x18, 0x10), 0).map(|at| at % 0x10), Some(8));
        assert_eq!(address(62, (0, 8, 3), 0), None, "no alignment");
    }

    #[test]
    fn the_block_follows_the_header_on_aarch64() {
        assert_eq!(address(183, (0x1000, 0x100, 0x20), 8), Some(0x7000_0000 + 0x20 + 8));
    }

    #[test]
    fn the_table_is_in_order() {
        for machine in [62, 183] {
            let processor = processor(machine).expect("supported");
            for (number, register) in processor.registers.iter().enumerate() {
                assert_eq!(usize::from(register.number), number, "{}", register.name);
            }
        }
        assert!(processor(3).is_none());
    }

    #[test]
    fn the_registers_of_the_kernel_have_names() {
        let words: Vec<u64> = (100..127).collect();
        let registers = X86_64.kernel_registers(&words);
        let value = |number| registers.iter().find(|(n, _)| *n == number).map(|(_, value)| *value);
        assert_eq!(registers.len(), 17);
        assert_eq!(
            (value(15), value(3), value(7), value(16)),
            (Some(100), Some(105), Some(119), Some(116))
        );
        assert_eq!(X86_64.kernel_thread_pointer(&words), Some(121));
        assert_eq!(AARCH64.kernel_registers(&words).len(), 27, "as many as there are");
        assert_eq!(AARCH64.kernel_thread_pointer(&words), None);
        assert_eq!(AARCH64.code_address(0x00ab_ffff_0000_1234), 0xffff_0000_1234);
        assert!(X86_64.is_preserved(3) && !X86_64.is_preserved(0));
    }

    #[test]
    fn frames_get_their_address_from_the_caller() {
        let frame = |pc: u64, sp: Option<u64>| {
            let mut values = vec![Some(pc); 17];
            values[7] = sp;
            (pc, values)
        };
        let raw = [frame(0x1000, Some(0x70)), frame(0x2000, Some(0x80)), frame(0x3000, None)];
        let frames = X86_64.native_frames(&raw, 8);
        let addresses: Vec<_> = frames.iter().map(|frame| frame.frame_address).collect();
        assert_eq!(addresses, [Some(0x80), None, None]);
        assert_eq!(frames[0].register(0), Some(0x1000), "rax of the innermost frame");
        assert_eq!(frames[1].register(0), None, "rax of a caller is lost");
        assert_eq!(frames[1].register(3), Some(0x2000), "rbx of a caller is restored");
        assert_eq!(frames[2].register(7), None, "what the debugger does not know is left out");
        assert_eq!(X86_64.native_frames(&raw, 1), frames[..1], "the limit hides no caller");
    }
}
