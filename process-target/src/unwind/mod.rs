//! Who called whom: the native stack of a thread.
//!
//! By call frame information, as debuggers do it: that gives back every register that a callee
//! saved, and the future that a thread blocks on is often known to one of those alone (`rbx`).
//! framehop, which follows the same tables, restores the program counter, the stack pointer and
//! the frame pointer and no more.
//!
//! All of it is read from the process's memory: `.eh_frame` is loaded with the code that it
//! describes (and so is `.ARM.exidx`, which Arm's 32-bit programs have instead). So the vdso needs no rule of its own, nor does a program whose file was deleted, and
//! of a large program some pages are read.

mod exception_index;
mod frame_table;
mod registers;
mod rules;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::elf_image::Image;
use runtime_layouts::target::processors::{LONGEST_CALL, Processor};
use runtime_layouts::target::{CodeAddress, NativeFrame};

pub(crate) use self::registers::Registers;
use crate::mappings::Mappings;

/// Unwinds the stacks of one process.
pub(crate) struct Unwinder {
    processor: &'static Processor,
    mappings: Mappings,
    /// The ELF header of the vdso, which core files do not list among their mappings.
    vdso: Option<u64>,
    /// By the address of their ELF header.
    images: RefCell<HashMap<u64, Option<Rc<Image>>>>,
}

/// What a frame's caller was found by.
struct Caller {
    /// The frame's canonical frame address; `None` where nothing says it, in the outermost frame.
    frame_address: Option<u64>,
    /// The caller's registers, its program counter among them; `None` in the outermost frame.
    registers: Option<Registers>,
    /// Whether the frame is where a signal handler returns to, so that its "caller" was
    /// interrupted and did not call.
    is_signal_frame: bool,
}

impl Unwinder {
    pub(crate) fn new(
        processor: &'static Processor,
        mappings: Mappings,
        vdso: Option<u64>,
    ) -> Self {
        Self { processor, mappings, vdso, images: RefCell::default() }
    }

    pub(crate) fn processor(&self) -> &'static Processor {
        self.processor
    }

    /// The frames of a thread with these registers, innermost first, at most `limit`.
    pub(crate) fn frames(
        &self,
        registers: &Registers,
        memory: &dyn MemoryReader,
        limit: usize,
    ) -> Vec<NativeFrame> {
        let mut frames = Vec::new();
        let mut registers = registers.clone();
        let mut called = false;
        while frames.len() < limit {
            let Some(pc) = registers.get(self.processor.program_counter).filter(|pc| *pc != 0)
            else {
                break;
            };
            let code = if called { CodeAddress::Return(pc) } else { CodeAddress::Next(pc) };
            let caller = self.caller(&registers, code.lookup(), frames.is_empty(), memory);
            frames.push(NativeFrame {
                pc: code,
                frame_address: caller.as_ref().and_then(|caller| caller.frame_address),
                registers: registers.iter().collect(),
            });
            let Some(caller) = caller else { break };
            let Some(next) = caller.registers else { break };
            let stands_still = next.get(self.processor.program_counter) == Some(pc)
                && next.get(self.processor.stack_pointer)
                    == registers.get(self.processor.stack_pointer);
            if stands_still {
                break;
            }
            called = !caller.is_signal_frame;
            registers = next;
        }
        frames
    }

    /// The caller of the frame with these registers; `lookup` is an address inside the
    /// instruction that it executes.
    fn caller(
        &self,
        registers: &Registers,
        lookup: u64,
        is_innermost: bool,
        memory: &dyn MemoryReader,
    ) -> Option<Caller> {
        let image = self.image_at(lookup, memory);
        let described = image.as_ref().and_then(|image| {
            let by_table = frame_table::entry_at(image, lookup, memory)
                .and_then(|entry| rules::caller(&entry, self.processor, registers, lookup, memory));
            let at = (lookup, is_innermost);
            by_table
                .or_else(|| exception_index::caller(image, self.processor, registers, at, memory))
        });
        let is_nowhere = image.is_none() && self.mappings.at(lookup).is_none();
        described.or_else(|| {
            if is_innermost && is_nowhere {
                self.caller_of_nowhere(registers, memory)
            } else if is_innermost {
                let by_frame_pointer = || {
                    let caller = self.caller_by_frame_pointer(registers, memory)?;
                    self.caller_of(&caller, memory).is_some().then_some(caller)
                };
                self.caller_by_link(registers, memory)
                    .or_else(by_frame_pointer)
                    .or_else(|| self.caller_by_scan(registers, memory))
            } else {
                self.caller_by_frame_pointer(registers, memory)
            }
        })
    }

    /// The object that holds this address.
    fn image_at(&self, address: u64, memory: &dyn MemoryReader) -> Option<Rc<Image>> {
        let offset = self.mappings.file_offset(address);
        let mapped = self.mappings.beginnings(address).find_map(|at| {
            self.image(at, memory).filter(|image| image.file_offset(address) == offset)
        });
        mapped
            .or_else(|| self.image(self.vdso?, memory))
            .filter(|image| image.extent().contains(&address))
    }

    fn image(&self, start: u64, memory: &dyn MemoryReader) -> Option<Rc<Image>> {
        let mut images = self.images.borrow_mut();
        images.entry(start).or_insert_with(|| Image::at(start, memory).map(Rc::new)).clone()
    }

    /// Code without tables that keeps frame pointers.
    fn caller_by_frame_pointer(
        &self,
        registers: &Registers,
        memory: &dyn MemoryReader,
    ) -> Option<Caller> {
        let (words, kept) = (self.processor.words, &self.processor.calls.frame_pointer);
        let frame = registers.get(kept.register)?;
        let is_aligned = frame.is_multiple_of(words.pointer_size.into());
        if frame < registers.get(self.processor.stack_pointer)? || !is_aligned {
            return None;
        }
        let word = |distance| words.read_pointer(memory, words.step(frame, distance)).ok();
        let mut next = Registers::default();
        next.set(kept.register, word(kept.caller)?);
        self.returned_to(word(kept.return_address)?, words.step(frame, kept.frame_address), next)
    }

    /// A function without a table that calls no other one, as `syscall` of glibc 2.36 on RISC-V: its
    /// return address is still where the call left it, and the stack as it was.
    fn caller_by_link(&self, registers: &Registers, memory: &dyn MemoryReader) -> Option<Caller> {
        let link = registers.get(self.processor.calls.return_register?)?;
        if !self.follows_a_call(self.processor.code_address(link), memory) {
            return None;
        }
        let caller = self.caller_by_return_register(link, registers)?;
        // Of a function that moved the stack, what lies there is no return address.
        let next = self.caller_of(&caller, memory)?;
        let is_code = |next: &Registers| {
            next.get(self.processor.program_counter)
                .is_some_and(|pc| self.mappings.at(pc).is_some())
        };
        next.registers.as_ref().is_none_or(is_code).then_some(caller)
    }

    /// A C library without tables or frame pointers, as musl is mostly built: a thread waits in it,
    /// a few words above on its stack is where the program called it. What lies there is taken for
    /// that when it follows a call instruction in code that has a table.
    fn caller_by_scan(&self, registers: &Registers, memory: &dyn MemoryReader) -> Option<Caller> {
        self.processor.calls.ends_with_a_call?;
        let words = self.processor.words;
        let stack = registers.get(self.processor.stack_pointer)?;
        (0..WORDS_OF_LEAF).find_map(|index| {
            let slot = words.step(stack, index);
            let pc = words.read_pointer(memory, slot).ok()?;
            if !self.follows_a_call(pc, memory) {
                return None;
            }
            // Which registers were saved on the way is not known.
            let caller = self.returned_to(pc, words.step(slot, 1), Registers::default())?;
            self.caller_of(&caller, memory).is_some().then_some(caller)
        })
    }

    /// Whether a call instruction ends before that address, where the processor's are known.
    fn follows_a_call(&self, pc: u64, memory: &dyn MemoryReader) -> bool {
        let mut code = [0; LONGEST_CALL];
        let start = pc.checked_sub(LONGEST_CALL as u64);
        let is_read = start.is_some_and(|start| memory.read(start, &mut code).is_ok());
        self.processor.calls.ends_with_a_call.is_some_and(|ends| is_read && ends(&code))
    }

    /// Who called a caller, where a table says it.
    fn caller_of(&self, caller: &Caller, memory: &dyn MemoryReader) -> Option<Caller> {
        let registers = caller.registers.as_ref()?;
        let lookup = registers.get(self.processor.program_counter)?.checked_sub(1)?;
        let image = self.image_at(lookup, memory)?;
        let entry = frame_table::entry_at(&image, lookup, memory)?;
        rules::caller(&entry, self.processor, registers, lookup, memory)
    }

    /// A call through a pointer to nowhere: no instruction of the callee has run.
    fn caller_of_nowhere(
        &self,
        registers: &Registers,
        memory: &dyn MemoryReader,
    ) -> Option<Caller> {
        if let Some(link) = self.processor.calls.return_register {
            return self.caller_by_return_register(registers.get(link)?, registers);
        }
        let stack = registers.get(self.processor.stack_pointer)?;
        let words = self.processor.words;
        let pc = words.read_pointer(memory, stack).ok()?;
        self.returned_to(pc, words.step(stack, 1), self.preserved(registers))
    }

    /// The caller of a function that has changed nothing yet.
    fn caller_by_return_register(&self, link: u64, registers: &Registers) -> Option<Caller> {
        let stack = registers.get(self.processor.stack_pointer)?;
        self.returned_to(link, stack, self.preserved(registers))
    }

    fn preserved(&self, registers: &Registers) -> Registers {
        registers.iter().filter(|(number, _)| self.processor.is_preserved(*number)).collect()
    }

    fn returned_to(&self, pc: u64, stack: u64, mut registers: Registers) -> Option<Caller> {
        let pc = self.processor.code_address(pc);
        self.mappings.at(pc)?;
        registers.set(self.processor.program_counter, pc);
        registers.set(self.processor.stack_pointer, stack);
        let registers = Some(registers);
        Some(Caller { frame_address: Some(stack), registers, is_signal_frame: false })
    }
}

/// Words of a stack that functions of a C library may take between a system call and the program.
const WORDS_OF_LEAF: i64 = 128;

#[cfg(test)]
mod tests;
