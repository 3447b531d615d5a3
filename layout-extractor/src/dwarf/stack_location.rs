//! Locations of variables on the stack, from DWARF expressions.
//!
//! For a variable in memory rustc writes a sum of a register or the frame base and constants,
//! sometimes dereferenced once, and for one in a register that. Anything else (pieces, entry values,
//! arithmetic on loaded values) would need an evaluator in the running program, and has no place here.

use gimli::{Expression, Operation, Unit};
use runtime_layouts::layout::{LocationBase, VariableLocation};

use crate::object::sections::Slice;

/// A value on the expression's stack.
#[derive(Clone, Copy)]
enum Term {
    Constant(i64),
    Based(LocationBase, i64),
    /// The value stored at the base plus the first offset, plus the second offset.
    Loaded(LocationBase, i64, i64),
}

/// The longest expression that is evaluated.
const MAX_OPERATIONS: usize = 16;

/// The frame base of a function (`DW_AT_frame_base`): a base, and an offset in bytes.
pub(crate) fn frame_base<'a>(
    unit: &Unit<Slice<'a>>,
    expression: Expression<Slice<'a>>,
) -> Option<(LocationBase, i64)> {
    let mut operations = expression.operations(unit.encoding());
    if let Ok(Some(Operation::Register { register })) = operations.next() {
        return Some((LocationBase::Register(register.0), 0));
    }
    match variable_location(unit, expression, None)? {
        VariableLocation::Memory(base, offset) | VariableLocation::Value(base, offset) => {
            Some((base, offset))
        }
        VariableLocation::Indirect(..) => None,
    }
}

/// The place of a variable; `None` when it is in pieces or optimized out.
pub(crate) fn variable_location<'a>(
    unit: &Unit<Slice<'a>>,
    expression: Expression<Slice<'a>>,
    frame: Option<(LocationBase, i64)>,
) -> Option<VariableLocation> {
    let mut evaluation = Evaluation { stack: Vec::new(), is_value: false };
    let mut operations = expression.operations(unit.encoding());
    for _ in 0..MAX_OPERATIONS {
        match operations.next().ok()? {
            Some(operation) => evaluation.apply(operation, unit, frame)?,
            None => return evaluation.finish(),
        }
    }
    None
}

/// A symbolic evaluation: registers stay unknown.
struct Evaluation {
    stack: Vec<Term>,
    /// Whether the top of the stack is the variable's value (`DW_OP_stack_value`, or that in a
    /// register), not its address.
    is_value: bool,
}

impl Evaluation {
    /// Applies an operation; `None` when the result is not a place of this form.
    fn apply<'a>(
        &mut self,
        operation: Operation<Slice<'a>>,
        unit: &Unit<Slice<'a>>,
        frame: Option<(LocationBase, i64)>,
    ) -> Option<()> {
        // Only pieces may follow.
        if self.is_value {
            return None;
        }
        let term = match operation {
            Operation::FrameOffset { offset } => {
                let (base, into) = frame?;
                Term::Based(base, into.checked_add(offset)?)
            }
            Operation::RegisterOffset { register, offset, base_type } if base_type.0 == 0 => {
                Term::Based(LocationBase::Register(register.0), offset)
            }
            Operation::CallFrameCFA => Term::Based(LocationBase::FrameAddress, 0),
            Operation::UnsignedConstant { value } => Term::Constant(value.cast_signed()),
            Operation::SignedConstant { value } => Term::Constant(value),
            Operation::PlusConstant { value } => add(self.stack.pop()?, value.cast_signed())?,
            Operation::Plus => match (self.stack.pop()?, self.stack.pop()?) {
                (Term::Constant(constant), other) | (other, Term::Constant(constant)) => {
                    add(other, constant)?
                }
                _ => return None,
            },
            Operation::Minus => {
                let Term::Constant(constant) = self.stack.pop()? else { return None };
                add(self.stack.pop()?, constant.checked_neg()?)?
            }
            Operation::Deref { base_type, size, space } => {
                let is_whole = size == unit.header.address_size();
                if base_type.0 != 0 || space || !is_whole {
                    return None;
                }
                let Term::Based(base, offset) = self.stack.pop()? else { return None };
                Term::Loaded(base, offset, 0)
            }
            Operation::Register { register } => {
                self.stack.push(Term::Based(LocationBase::Register(register.0), 0));
                self.is_value = true;
                return Some(());
            }
            Operation::StackValue => {
                self.is_value = true;
                return Some(());
            }
            Operation::Nop => return Some(()),
            _ => return None,
        };
        self.stack.push(term);
        Some(())
    }

    /// The place on the stack, if it is the only term there.
    fn finish(mut self) -> Option<VariableLocation> {
        let term = self.stack.pop().filter(|_| self.stack.is_empty())?;
        match (term, self.is_value) {
            (Term::Based(base, offset), false) => Some(VariableLocation::Memory(base, offset)),
            (Term::Based(base, offset), true) => Some(VariableLocation::Value(base, offset)),
            (Term::Loaded(base, first, second), false) => {
                Some(VariableLocation::Indirect(base, first, second))
            }
            // The value is the one stored there, so the variable is there.
            (Term::Loaded(base, first, 0), true) => Some(VariableLocation::Memory(base, first)),
            (Term::Loaded(..), true) | (Term::Constant(_), _) => None,
        }
    }
}

fn add(term: Term, constant: i64) -> Option<Term> {
    Some(match term {
        Term::Constant(value) => Term::Constant(value.checked_add(constant)?),
        Term::Based(base, offset) => Term::Based(base, offset.checked_add(constant)?),
        Term::Loaded(base, first, second) => {
            Term::Loaded(base, first, second.checked_add(constant)?)
        }
    })
}
