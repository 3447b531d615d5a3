//! The target: what a front end (a debugger or the command line) provides for an inspection.

pub mod auxiliary_vector;
pub mod code_symbols;
pub mod control_blocks;
pub mod elf_image;
pub mod host;
pub mod mac;
pub mod processors;
pub mod program;
pub mod shared_objects;

use std::num::NonZero;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::thread;

use self::host::Host;
use self::processors::Processor;
use crate::layout::source::{KnowledgeText, LayoutSource};
use crate::layout::{LocationBase, StaticAddress};
use crate::memory::MemoryReader;

/// A stopped process or a core file, as a front sees it.
///
/// The walker asks nothing else of a debugger: no types, no symbols, no text.
pub trait Target {
    /// Its memory.
    fn memory(&self) -> &dyn MemoryReader;

    /// Whether several threads may read its memory at once. Not where a read calls into a debugger,
    /// which is to be called from its own thread alone, and whose lock that thread holds meanwhile.
    fn may_be_read_by_threads(&self) -> bool {
        false
    }

    /// How many threads may work for one inspection at a time, where several may read its memory:
    /// as many as this machine has processors.
    fn parallelism(&self) -> usize {
        processors_of_machine()
    }

    /// What it is.
    fn identity(&self) -> &Identity;

    /// The executable, and behind it the libraries that have a runtime of their own, each with its
    /// layouts.
    fn modules(&self) -> &[Module];

    /// The texts that the user gave with it, which declare what types are.
    fn knowledge(&self) -> &[KnowledgeText] {
        &[]
    }

    /// Its threads, in the front's order.
    fn threads(&self) -> &[Thread];

    /// The physical frames of a thread's native stack, innermost first, at most `limit`. Inlined
    /// calls are not frames of their own. Empty when the stack cannot be unwound.
    fn native_frames(&self, thread: &Thread, limit: usize) -> Vec<NativeFrame>;

    /// Whether the user asked to stop (Ctrl-C). Asked often; must be cheap.
    fn interrupted(&self) -> bool;

    /// The processor that the executable was compiled for; `None` when it is not supported.
    fn processor(&self) -> Option<&'static Processor> {
        processors::of(self.modules().first()?.layouts.facts())
    }

    /// The host of the process, when it stopped; in a debugger when this stop was first looked at,
    /// which can be later. `None` for a core file and for a process of another host.
    fn host(&self) -> Option<&dyn Host> {
        None
    }
}

/// What wraps a target is one.
impl<W, T> Target for W
where
    W: Deref<Target = T>,
    T: Target + ?Sized + 'static,
{
    fn memory(&self) -> &dyn MemoryReader {
        (**self).memory()
    }

    fn may_be_read_by_threads(&self) -> bool {
        (**self).may_be_read_by_threads()
    }

    fn identity(&self) -> &Identity {
        (**self).identity()
    }

    fn modules(&self) -> &[Module] {
        (**self).modules()
    }

    fn knowledge(&self) -> &[KnowledgeText] {
        (**self).knowledge()
    }

    fn threads(&self) -> &[Thread] {
        (**self).threads()
    }

    fn native_frames(&self, thread: &Thread, limit: usize) -> Vec<NativeFrame> {
        (**self).native_frames(thread, limit)
    }

    fn interrupted(&self) -> bool {
        (**self).interrupted()
    }

    fn processor(&self) -> Option<&'static Processor> {
        (**self).processor()
    }

    fn host(&self) -> Option<&dyn Host> {
        (**self).host()
    }
}

/// What a target is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Whether it is alive.
    pub kind: TargetKind,
    /// The process id; `None` when the front does not know it.
    pub pid: Option<u64>,
    /// The path of the executable.
    pub executable: String,
}

/// Whether a target is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A stopped process.
    Live,
    /// A core file.
    Core,
}

/// An object file in the process.
#[derive(Clone)]
pub struct Module {
    /// What to add to a static address to get a live one, modulo 2^64.
    pub load_bias: u64,
    /// Its layouts.
    pub layouts: Arc<dyn LayoutSource>,
}

impl Module {
    /// The static address of a live one; `None` when it lies outside this module.
    #[must_use]
    pub fn static_address(&self, live: u64) -> Option<StaticAddress> {
        let address = StaticAddress(live.wrapping_sub(self.load_bias));
        let (start, end) = self.layouts.facts().address_range;
        (start <= address && address < end).then_some(address)
    }
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// The front's own number, counted from 1.
    pub number: u32,
    /// The kernel's thread id.
    pub tid: u64,
    /// Its name; `None` when the front does not know it.
    pub name: Option<String>,
    /// The thread pointer; `None` when the front cannot tell.
    pub thread_pointer: Option<u64>,
    /// Whether it is the one that the user has selected.
    pub selected: bool,
}

/// One physical frame of a native stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NativeFrame {
    /// The program counter.
    pub pc: CodeAddress,
    /// The canonical frame address; `None` for the outermost frame.
    pub frame_address: Option<u64>,
    /// The registers that unwinding restored, by DWARF number.
    pub registers: Vec<(u16, u64)>,
}

/// Where a frame is in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeAddress {
    /// The instruction that comes next: in the innermost frame, and in one that a signal
    /// interrupted.
    Next(u64),
    /// Where a call that is on returns to. The call itself is in front of it, and it may be the
    /// first instruction of the next line or function.
    Return(u64),
}

impl CodeAddress {
    /// The address as the registers or the stack have it.
    #[must_use]
    pub fn get(self) -> u64 {
        match self {
            Self::Next(address) | Self::Return(address) => address,
        }
    }

    /// An address within the instruction that the frame executes, to look up line, function and
    /// variables by.
    #[must_use]
    pub fn lookup(self) -> u64 {
        match self {
            Self::Next(address) => address,
            Self::Return(address) => address.wrapping_sub(1),
        }
    }
}

impl NativeFrame {
    /// The register with that DWARF number; `None` when unwinding did not restore it.
    #[must_use]
    pub fn register(&self, number: u16) -> Option<u64> {
        self.registers.iter().find(|(n, _)| *n == number).map(|(_, value)| *value)
    }

    /// What the place of a variable counts from; `None` when unwinding did not restore it.
    #[must_use]
    pub fn base(&self, base: LocationBase) -> Option<u64> {
        match base {
            LocationBase::Register(number) => self.register(number),
            LocationBase::FrameAddress => self.frame_address,
        }
    }
}

/// How many processors this machine has for this program, asked for once: the system looks into its
/// files for it.
pub(crate) fn processors_of_machine() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}
