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
    let mut stack: Vec<Term> = Vec::new();
    let mut is_value = false;
    let mut operations = expression.operations(unit.encoding());
    for _ in 0..MAX_OPERATIONS {
        let Some(operation) = operations.next().ok()? else {
            return finish(stack.pop().filter(|_| stack.is_empty())?, is_value);
        };
        if is_value {
            return None;
        }
        match operation {
            Operation::FrameOffset { offset } => {
                let (base, into) = frame?;
                stack.push(Term::Based(base, into.checked_add(offset)?));
            }
            Operation::RegisterOffset { register, offset, base_type } if base_type.0 == 0 => {
                stack.push(Term::Based(Base::Register(register.0), offset));
            }
            Operation::CallFrameCFA => stack.push(Term::Based(Base::FrameAddress, 0)),
            Operation::UnsignedConstant { value } => {
                stack.push(Term::Constant(value.cast_signed()));
            }
            Operation::SignedConstant { value } => stack.push(Term::Constant(value)),
            Operation::PlusConstant { value } => {
                let top = stack.pop()?;
                stack.push(add(top, value.cast_signed())?);
            }
            Operation::Plus => {
                let (second, first) = (stack.pop()?, stack.pop()?);
                stack.push(match (first, second) {
                    (Term::Constant(constant), other) | (other, Term::Constant(constant)) => {
                        add(other, constant)?
                    }
                    _ => return None,
                });
            }
            Operation::Minus => {
                let (second, first) = (stack.pop()?, stack.pop()?);
                let Term::Constant(constant) = second else { return None };
                stack.push(add(first, constant.checked_neg()?)?);
            }
            Operation::Deref { base_type, size, space } => {
                let is_whole = size == unit.header.address_size();
                if base_type.0 != 0 || space || !is_whole {
                    return None;
                }
                let Term::Based(base, offset) = stack.pop()? else { return None };
                stack.push(Term::Loaded(base, offset, 0));
            }
            Operation::StackValue => is_value = true,
            Operation::Nop => {}
            _ => return None,
        }
    }
    None
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

fn finish(term: Term, is_value: bool) -> Option<Place> {
    match (term, is_value) {
        (Term::Based(base, offset), false) => Some(Place::Memory(base, offset)),
        (Term::Based(base, offset), true) => Some(Place::Value(base, offset)),
        (Term::Loaded(base, first, second), false) => Some(Place::Indirect(base, first, second)),
        // The value that is stored there: the variable is there.
        (Term::Loaded(base, first, 0), true) => Some(Place::Memory(base, first)),
        (Term::Loaded(..), true) | (Term::Constant(_), _) => None,
    }
}
