//! PLACES: DWARF location expressions, as far as they say where in memory a variable is.
//!
//! What rustc writes for a variable that has an address is a sum of a register or the frame's base
//! and constants, now and then loaded once. Everything else (pieces, entry values, arithmetic on
//! loaded values) has no place that a debugger could read without running an evaluator.

use gimli::{Expression, Operation, Unit};
use runtime_layouts::layout::{Base, Place};

use crate::object::sections::Slice;

/// A value on the expression's stack.
#[derive(Clone, Copy)]
enum Term {
    Constant(i64),
    Based(Base, i64),
    /// What is stored at the base plus the first offset, plus the second.
    Loaded(Base, i64, i64),
}

/// More operations than this are no simple place.
const MAX_OPERATIONS: usize = 16;

/// What a function's `DW_AT_frame_base` says: a base and bytes to add.
pub(crate) fn frame_base<'a>(
    unit: &Unit<Slice<'a>>,
    expression: Expression<Slice<'a>>,
) -> Option<(Base, i64)> {
    let mut operations = expression.operations(unit.encoding());
    if let Ok(Some(Operation::Register { register })) = operations.next() {
        return Some((Base::Register(register.0), 0));
    }
    match place(unit, expression, None)? {
        Place::Memory(base, offset) | Place::Value(base, offset) => Some((base, offset)),
        Place::Indirect(..) => None,
    }
}

/// Where a variable is; `None` when it is in a register, in pieces, or gone.
pub(crate) fn place<'a>(
    unit: &Unit<Slice<'a>>,
    expression: Expression<Slice<'a>>,
    frame: Option<(Base, i64)>,
) -> Option<Place> {
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

/// An expression that is evaluated without a program.
struct Evaluation {
    stack: Vec<Term>,
    /// Whether the top of the stack is the variable's value, and not its address.
    is_value: bool,
}

impl Evaluation {
    /// Applies an operation; `None` when the result is no simple place.
    fn apply<'a>(
        &mut self,
        operation: Operation<Slice<'a>>,
        unit: &Unit<Slice<'a>>,
        frame: Option<(Base, i64)>,
    ) -> Option<()> {
        // What comes behind the value combines pieces.
        if self.is_value {
            return None;
        }
        let term = match operation {
            Operation::FrameOffset { offset } => {
                let (base, into) = frame?;
                Term::Based(base, into.checked_add(offset)?)
            }
            Operation::RegisterOffset { register, offset, base_type } if base_type.0 == 0 => {
                Term::Based(Base::Register(register.0), offset)
            }
            Operation::CallFrameCFA => Term::Based(Base::FrameAddress, 0),
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

    /// The place that is left on the stack, if it is the only thing there.
    fn finish(mut self) -> Option<Place> {
        let term = self.stack.pop().filter(|_| self.stack.is_empty())?;
        match (term, self.is_value) {
            (Term::Based(base, offset), false) => Some(Place::Memory(base, offset)),
            (Term::Based(base, offset), true) => Some(Place::Value(base, offset)),
            (Term::Loaded(base, first, second), false) => {
                Some(Place::Indirect(base, first, second))
            }
            // The value that is stored there: the variable is there.
            (Term::Loaded(base, first, 0), true) => Some(Place::Memory(base, first)),
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
