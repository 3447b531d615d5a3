//! The rules of a frame description entry, applied to a frame.
//!
//! Source: DWARF 5, 6.4 "Call Frame Information".

use gimli::{
    CfaRule, Encoding, EvaluationResult, Format, Location, Register, RegisterRule, UnwindContext,
    UnwindExpression, UnwindSection, Value,
};
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::processors::Processor;

use super::frame_table::Entry;
use super::{Caller, Registers};

/// Operations that an expression may take: those of a PLT entry take ten.
const MAX_OPERATIONS: u32 = 1000;

type Slice<'a> = gimli::EndianSlice<'a, gimli::RunTimeEndian>;

/// The caller as the entry describes it; `None` when it does not hold the address, or is broken.
pub(super) fn caller(
    entry: &Entry,
    processor: &Processor,
    registers: &Registers,
    lookup: u64,
    memory: &dyn MemoryReader,
) -> Option<Caller> {
    let (mut section, offset, bases) = entry.section();
    section.set_address_size(processor.words.pointer_size);
    if processor.calls.signs_return_addresses {
        // gimli names the instruction by the first vendor that had it.
        section.set_vendor(gimli::Vendor::AArch64);
    }
    let frame = section.fde_from_offset(bases, offset, gimli::EhFrame::cie_from_offset).ok()?;
    let mut context = UnwindContext::new();
    let row = frame.unwind_info_for_address(&section, bases, &mut context, lookup).ok()?;
    let evaluation = Evaluation { section: &section, registers, memory, words: processor.words };
    let frame_address = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            registers.get(register.0)?.wrapping_add_signed(*offset)
        }
        CfaRule::Expression(expression) => evaluation.run(*expression, None)?,
    };
    let returns = frame.cie().return_address_register();
    let stack_pointer = Register(processor.stack_pointer);
    let word = |address| processor.words.read_pointer(memory, address).ok();
    let value = |register: Register| match row.register(register) {
        // Without a rule: the stack pointer is what the frame address was made to be.
        None if register == stack_pointer => Some(frame_address),
        None if register == returns || processor.is_preserved(register.0) => {
            registers.get(register.0)
        }
        Some(RegisterRule::SameValue) => registers.get(register.0),
        Some(RegisterRule::Offset(offset)) => word(frame_address.wrapping_add_signed(offset)),
        Some(RegisterRule::ValOffset(offset)) => Some(frame_address.wrapping_add_signed(offset)),
        Some(RegisterRule::Register(other)) => registers.get(other.0),
        Some(RegisterRule::Expression(expression)) => {
            word(evaluation.run(expression, Some(frame_address))?)
        }
        Some(RegisterRule::ValExpression(expression)) => {
            evaluation.run(expression, Some(frame_address))
        }
        Some(RegisterRule::Constant(value)) => Some(value),
        _ => None,
    };
    // No rule for it, in a frame that is not the innermost: the column says nothing.
    let pc = value(returns).map(|pc| processor.code_address(pc));
    let registers = pc.map(|pc| {
        let numbers = processor.numbers();
        let mut next: Registers =
            numbers.filter_map(|number| Some((number, value(Register(number))?))).collect();
        next.set(processor.program_counter, pc);
        next
    });
    let frame_address = Some(frame_address);
    Some(Caller { frame_address, registers, is_signal_frame: frame.is_signal_trampoline() })
}

/// What an expression may ask for.
struct Evaluation<'a, 'e> {
    section: &'a gimli::EhFrame<Slice<'e>>,
    registers: &'a Registers,
    memory: &'a dyn MemoryReader,
    words: WordFormat,
}

impl Evaluation<'_, '_> {
    /// The value of an expression that starts with `first` on its stack.
    fn run(&self, expression: UnwindExpression<usize>, first: Option<u64>) -> Option<u64> {
        let address_size = self.words.pointer_size;
        let encoding = Encoding { format: Format::Dwarf32, version: 4, address_size };
        let mut evaluation = expression.get(self.section).ok()?.evaluation(encoding);
        evaluation.set_max_iterations(MAX_OPERATIONS);
        if let Some(first) = first {
            evaluation.set_initial_value(first);
        }
        let mut state = evaluation.evaluate().ok()?;
        loop {
            state = match state {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = Value::Generic(self.registers.get(register.0)?);
                    evaluation.resume_with_register(value).ok()?
                }
                EvaluationResult::RequiresMemory {
                    address,
                    size: size @ ..=8,
                    space: None,
                    ..
                } => {
                    let value = self.words.read(self.memory, address, size).ok()?;
                    evaluation.resume_with_memory(Value::Generic(value)).ok()?
                }
                _ => return None,
            };
        }
        match evaluation.as_result().first()?.location {
            Location::Address { address } => Some(address),
            Location::Value { value } => value.to_u64(self.words.largest_pointer()).ok(),
            _ => None,
        }
    }
}
