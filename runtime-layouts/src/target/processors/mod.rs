//! Processors: a file of data for each, and one line in [`ALL`].
//!
//! Nothing else in the workspace names a processor. [`Processor`] has all that the rest needs:
//! names and numbers of registers, the place of thread-local storage, the calling convention, and
//! the kernel's formats for all this.

mod aarch64;
mod arm;
mod i686;
mod riscv64;
mod tls;
mod x86_64;

pub use tls::LibraryStorage;

use super::{CodeAddress, NativeFrame};
use crate::layout::source::ObjectFacts;
use crate::memory::MemoryReader;
use crate::memory::word_format::WordFormat;

/// Every processor that is supported, by name.
pub const ALL: &[&Processor] =
    &[&aarch64::AARCH64, &arm::ARM, &i686::I686, &riscv64::RISCV64, &x86_64::X86_64];

/// A processor, as the System V ABI and its DWARF supplement describe it.
#[derive(Debug)]
pub struct Processor {
    /// As the kernel (`uname -m`) and Rust name it.
    pub name: &'static str,
    /// ELF `e_machine`.
    pub machine: u16,
    /// Mach-O `cputype` (`<mach/machine.h>`); `None` where no Mac has it.
    pub cpu_type: Option<u32>,
    /// Its pointers. Processors of several widths or byte orders share an `e_machine`.
    pub words: WordFormat,
    /// The general registers, in the order of their DWARF numbers.
    pub registers: &'static [Register],
    /// The DWARF number of the stack pointer.
    pub stack_pointer: u16,
    /// The DWARF number of the program counter.
    pub program_counter: u16,
    /// How a function finds back to its caller.
    pub calls: CallFrames,
    /// Where threads keep their storage.
    pub storage: ThreadStorage,
    /// Registers as the kernel gives them.
    pub kernel: KernelRegisters,
    /// Where core files have what they say of a thread.
    pub notes: CoreNotes,
    /// How threads ask the kernel.
    pub system_calls: SystemCalls,
}

/// A register.
#[derive(Debug)]
pub struct Register {
    /// As gdb and lldb both name it.
    pub name: &'static str,
    /// Its DWARF number.
    pub number: u16,
    /// Whether a function gives it back as it found it. In the frame of a caller, only these have
    /// the caller's value; for the others a debugger shows what some callee left there.
    pub preserved: bool,
}

/// A register that a function gives back as it found it.
#[must_use]
pub const fn preserved(number: u16, name: &'static str) -> Register {
    Register { name, number, preserved: true }
}

/// A register that a function may leave changed.
#[must_use]
pub const fn scratch(number: u16, name: &'static str) -> Register {
    Register { name, number, preserved: false }
}

/// How functions call each other.
#[derive(Debug)]
pub struct CallFrames {
    /// How frames are found where code keeps frame pointers.
    pub frame_pointer: FramePointer,
    /// The DWARF number of the register in which a call leaves the return address; `None` where it
    /// is pushed on the stack.
    pub return_register: Option<u16>,
    /// The bits of a pointer to code that are an address: the others may hold a signature of it, or
    /// say which instructions stand there.
    pub address_bits: u64,
    /// Whether call frame information may say that return addresses are signed: the instruction
    /// `DW_CFA_AARCH64_negate_ra_state`.
    pub signs_return_addresses: bool,
    /// Whether the last of these bytes of code (at least [`LONGEST_CALL`] where there are as many)
    /// are a call. `None` where nobody asks, since a stack is found without it.
    pub ends_with_a_call: Option<fn(&[u8]) -> bool>,
    /// The type of the ELF segment that has the index of Arm's exception handling (`.ARM.exidx`),
    /// where that stands for call frame information; `None` where the latter is loaded.
    pub exception_index: Option<u32>,
}

/// How code keeps frame pointers. Distances are in pointers, from where the register points.
#[derive(Debug)]
pub struct FramePointer {
    /// The DWARF number of the register that points at a frame.
    pub register: u16,
    /// Where the caller's frame pointer lies.
    pub caller: i64,
    /// Where the return address lies.
    pub return_address: i64,
    /// Where the caller's stack pointer is after the call: the canonical frame address.
    pub frame_address: i64,
}

impl FramePointer {
    /// As most processors have it: it points at the caller's frame pointer, behind which the return
    /// address lies.
    #[must_use]
    pub const fn at_the_pair(register: u16) -> Self {
        Self { register, caller: 0, return_address: 1, frame_address: 2 }
    }
}

/// No call instruction that is looked for has more bytes.
pub const LONGEST_CALL: usize = 7;

/// Where a thread keeps its thread-local storage.
#[derive(Debug)]
pub struct ThreadStorage {
    /// The register that points at the thread's control block, as gdb and lldb both name it, and
    /// then as servers that they are connected to may name it; `pthread_t`, where the C library's
    /// handle of a thread is that pointer.
    pub thread_pointer: &'static [&'static str],
    /// Where the executable's storage lies.
    pub variant: TlsVariant,
    /// Bytes from the thread pointer to the pointer to the table of other objects' storage
    /// (`dtv_t *`): glibc 2.36, `sysdeps/*/nptl/tls.h`, `tcbhead_t`.
    pub modules: i64,
    /// Whether the control block begins with its own address, by which it can be found ("ELF
    /// Handling For Thread-Local Storage", 3.4.6).
    pub starts_with_its_address: bool,
    /// Bytes from the thread pointer to a word of the control block that is never zero.
    pub never_zero: i64,
    /// The type of the ELF relocation by which the loader stores the number of an object's storage
    /// (`DTPMOD`).
    pub module_relocation: u32,
    /// The type of the one by which it stores a descriptor of a thread-local variable (`TLSDESC`);
    /// `None` where nothing is asked for by it.
    pub descriptor_relocation: Option<u32>,
}

/// Where the executable's thread-local block lies, seen from the thread pointer: the two variants
/// of Drepper, "ELF Handling For Thread-Local Storage", 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsVariant {
    /// Variant I: after a header of so many bytes that starts at the thread pointer.
    After {
        /// Bytes.
        header: u64,
    },
    /// Variant II: before the thread pointer, which it ends at.
    Before,
}

/// The general registers as the kernel gives them: from `PTRACE_GETREGSET` and in core files alike.
#[derive(Debug)]
pub struct KernelRegisters {
    /// The DWARF numbers of the words of the set `NT_PRSTATUS`, each as wide as a pointer; `None`
    /// for what has none. Words that follow have none either.
    pub words: &'static [Option<u16>],
    /// Where the thread pointer is.
    pub thread_pointer: ThreadPointer,
}

/// Where the kernel gives a thread's pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadPointer {
    /// In that word of the general registers.
    Word(usize),
    /// In a set of its own.
    Set {
        /// Its type of note.
        kind: u32,
        /// Which word of it.
        word: usize,
    },
}

/// Offsets in what a core file says of threads and of the process, in bytes.
#[derive(Debug)]
pub struct CoreNotes {
    /// `pr_pid` in `struct elf_prstatus`: the thread.
    pub thread: usize,
    /// `pr_reg` there: the general registers.
    pub registers: usize,
    /// What follows the registers there (`pr_fpvalid`, padded).
    pub after_registers: usize,
    /// `pr_pid` in `struct elf_prpsinfo`.
    pub process: usize,
}

impl CoreNotes {
    /// Those of processors with pointers of eight bytes: `include/linux/elfcore.h`.
    pub const LP64: Self = Self { thread: 32, registers: 112, after_registers: 8, process: 24 };

    /// Those of processors with pointers of four bytes: the same file, and `include/linux/elfcore-compat.h`.
    pub const ILP32: Self = Self { thread: 24, registers: 72, after_registers: 4, process: 12 };
}

/// How a thread asks the kernel.
#[derive(Debug)]
pub struct SystemCalls {
    /// The DWARF number of the register that has the first argument of the system call that a
    /// thread waits in; `None` where that may be lost meanwhile.
    pub first_argument: Option<u16>,
    /// The same of the second argument.
    pub second_argument: Option<u16>,
    /// The same of the third argument.
    pub third_argument: Option<u16>,
    /// The bytes of the instructions that ask the kernel.
    pub instructions: &'static [&'static [u8]],
}

impl SystemCalls {
    /// Whether the instruction before that address asks the kernel: a thread whose next instruction is
    /// there waits for the answer, or has just got it.
    #[must_use]
    pub fn is_behind(&self, memory: &dyn MemoryReader, address: u64) -> bool {
        self.instructions.iter().any(|instruction| {
            let start = address.wrapping_sub(instruction.len() as u64);
            has_bytes(memory, start, instruction)
        })
    }

    /// Whether the instruction at that address asks the kernel, perhaps once more.
    #[must_use]
    pub fn is_at(&self, memory: &dyn MemoryReader, address: u64) -> bool {
        self.instructions.iter().any(|instruction| has_bytes(memory, address, instruction))
    }
}

fn has_bytes(memory: &dyn MemoryReader, address: u64, bytes: &[u8]) -> bool {
    let mut found = vec![0; bytes.len()];
    memory.read(address, &mut found).is_ok() && found == bytes
}

/// The processor of programs with that ELF `e_machine`, class and byte order; `None` when it is
/// not supported.
#[must_use]
pub fn find(machine: u16, words: WordFormat) -> Option<&'static Processor> {
    ALL.iter().find(|known| known.machine == machine && known.words == words).copied()
}

/// The processor of programs with that Mach-O `cputype`; `None` when it is not supported.
#[must_use]
pub fn of_cpu_type(cpu_type: u32) -> Option<&'static Processor> {
    ALL.iter().find(|known| known.cpu_type == Some(cpu_type)).copied()
}

/// The processor that an object was compiled for; `None` when it is not supported.
#[must_use]
pub fn of(facts: &ObjectFacts) -> Option<&'static Processor> {
    find(facts.machine, facts.words())
}

impl ObjectFacts {
    /// Its pointers.
    #[must_use]
    pub fn words(&self) -> WordFormat {
        WordFormat { pointer_size: self.pointer_size, big_endian: self.big_endian }
    }
}

/// A physical frame as the debugger gives it: its program counter, and its registers in the order
/// of [`Processor::register_names`], `None` for those that it does not know.
pub type RawFrame = (u64, Vec<Option<u64>>);

impl Processor {
    /// The general registers of a thread, by DWARF number, from the kernel's set `NT_PRSTATUS`.
    #[must_use]
    pub fn kernel_registers(&self, set: &[u8]) -> Vec<(u16, u64)> {
        let numbered = self.kernel.words.iter().zip(self.words.pointers(set));
        numbered.filter_map(|(number, value)| Some(((*number)?, value))).collect()
    }

    /// The thread pointer in that set; `None` for processors where the kernel gives it apart.
    #[must_use]
    pub fn kernel_thread_pointer(&self, set: &[u8]) -> Option<u64> {
        match self.kernel.thread_pointer {
            ThreadPointer::Word(index) => self.words.pointers(set).nth(index),
            ThreadPointer::Set { .. } => None,
        }
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

    /// The thread pointer in a set of its own, as the kernel gives it.
    #[must_use]
    pub fn thread_pointer_in_set(&self, set: &[u8]) -> Option<u64> {
        match self.kernel.thread_pointer {
            ThreadPointer::Word(_) => None,
            ThreadPointer::Set { word, .. } => self.words.pointers(set).nth(word),
        }
    }

    /// The address in a pointer to code.
    #[must_use]
    pub fn code_address(&self, pointer: u64) -> u64 {
        pointer & self.calls.address_bits
    }

    /// What to ask the debugger for: every general register, in the order of DWARF numbers.
    #[must_use]
    pub fn register_names(&self) -> Vec<&'static str> {
        self.registers.iter().map(|register| register.name).collect()
    }

    /// The name of a register as debuggers know it; `None` where the processor has no such register.
    #[must_use]
    pub fn register_name(&self, number: u16) -> Option<&'static str> {
        let register = self.registers.iter().find(|register| register.number == number)?;
        Some(register.name)
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
                pc: if depth == 0 { CodeAddress::Next(*pc) } else { CodeAddress::Return(*pc) },
                frame_address: raw
                    .get(depth.saturating_add(1))
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
    use crate::fake::FakeMemory;

    fn named(name: &str) -> &'static Processor {
        ALL.iter().find(|processor| processor.name == name).expect("supported")
    }

    fn set(words: impl IntoIterator<Item = u64>) -> Vec<u8> {
        words.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    #[test]
    fn every_table_is_in_order() {
        for processor in ALL {
            assert!(processor.registers.is_sorted_by(|a, b| a.number < b.number));
            let has = |number: u16| processor.numbers().any(|known| known == number);
            let named = [
                processor.stack_pointer,
                processor.program_counter,
                processor.calls.frame_pointer.register,
            ];
            let given = processor.kernel.words.iter().flatten().copied();
            assert!(named.into_iter().chain(given).all(has), "{}", processor.name);
            assert_eq!(
                find(processor.machine, processor.words).map(|p| p.name),
                Some(processor.name)
            );
        }
        assert!(ALL.is_sorted_by_key(|processor| processor.name));
        let words = WordFormat { pointer_size: 4, big_endian: false };
        assert!(find(8, words).is_none(), "MIPS");
        assert!(find(62, words).is_none(), "x32 is another one");
    }

    #[test]
    fn the_registers_of_the_kernel_have_names() {
        let (x86_64, aarch64) = (named("x86_64"), named("aarch64"));
        let words = set(100..127);
        let registers = x86_64.kernel_registers(&words);
        let value = |number| registers.iter().find(|(n, _)| *n == number).map(|(_, value)| *value);
        assert_eq!(registers.len(), 17);
        assert_eq!(
            (value(15), value(3), value(7), value(16)),
            (Some(100), Some(105), Some(119), Some(116))
        );
        assert_eq!(x86_64.kernel_thread_pointer(&words), Some(121));
        assert_eq!(x86_64.kernel_thread_pointer(&words[..8]), None);
        assert_eq!(aarch64.kernel_registers(&words).len(), 27, "as many as there are");
        assert_eq!(aarch64.kernel_thread_pointer(&words), None);
        assert_eq!(aarch64.code_address(0x00ab_ffff_0000_1234), 0xffff_0000_1234);
        assert!(x86_64.is_preserved(3) && !x86_64.is_preserved(0));
        let narrow: Vec<u8> = (100_u32..117).flat_map(u32::to_le_bytes).collect();
        let (i686, arm) = (named("i686"), named("arm"));
        let registers = i686.kernel_registers(&narrow);
        assert_eq!((registers[0], registers[7], registers[8]), ((3, 100), (8, 112), (4, 115)));
        assert_eq!(i686.thread_pointer_in_set(&narrow), Some(101));
        assert_eq!(arm.kernel_registers(&narrow).last(), Some(&(15, 115)));
        assert_eq!(arm.thread_pointer_in_set(&narrow), Some(100));
        assert_eq!(arm.code_address(0x0800_1235), 0x0800_1234, "Thumb code");
    }

    #[test]
    fn what_asks_the_kernel_is_known_by_its_bytes() {
        let memory = FakeMemory::new().with(0x1000, [0x90, 0x0f, 0x05, 0x90]);
        let calls = &named("x86_64").system_calls;
        assert!(calls.is_behind(&memory, 0x1003) && calls.is_at(&memory, 0x1001));
        assert!(!calls.is_behind(&memory, 0x1002) && !calls.is_at(&memory, 0x1003));
        assert!(!calls.is_behind(&memory, 0) && !calls.is_at(&memory, u64::MAX), "no memory");
        for processor in ALL {
            assert!(processor.system_calls.instructions.iter().all(|it| !it.is_empty()));
        }
    }

    #[test]
    fn frames_get_their_address_from_the_caller() {
        let frame = |pc: u64, sp: Option<u64>| {
            let mut values = vec![Some(pc); 17];
            values[7] = sp;
            (pc, values)
        };
        let raw = [frame(0x1000, Some(0x70)), frame(0x2000, Some(0x80)), frame(0x3000, None)];
        let x86_64 = named("x86_64");
        let frames = x86_64.native_frames(&raw, 8);
        let addresses: Vec<_> = frames.iter().map(|frame| frame.frame_address).collect();
        assert_eq!(addresses, [Some(0x80), None, None]);
        let lookups: Vec<_> = frames.iter().map(|frame| frame.pc.lookup()).collect();
        assert_eq!(lookups, [0x1000, 0x1fff, 0x2fff], "a call ends before its return address");
        assert_eq!(frames[0].register(0), Some(0x1000), "rax of the innermost frame");
        assert_eq!(frames[1].register(0), None, "rax of a caller is lost");
        assert_eq!(frames[1].register(3), Some(0x2000), "rbx of a caller is restored");
        assert_eq!(frames[2].register(7), None, "what the debugger does not know is left out");
        assert_eq!(x86_64.native_frames(&raw, 1), frames[..1], "the limit hides no caller");
        assert_eq!(x86_64.native_frames(&[], usize::MAX), []);
    }
}
