//! Locations of static and thread-local variables.

use gimli::Dwarf;

use crate::object::sections::Slice;

/// The place of a variable that is not on the stack.
pub(crate) enum StaticPlace {
    /// At an address.
    Address(u64),
    /// At an offset from the start of the TLS segment, according to the debug information alone.
    ThreadLocal(u64),
    /// Anywhere else.
    Other,
}

/// Reads the location of a variable that may be static: `DW_OP_addr A`, `DW_OP_addr A,
/// DW_OP_plus_uconst N`, or `DW_OP_const8u O, DW_OP_GNU_push_tls_address`.
pub(crate) fn static_place<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &gimli::Unit<Slice<'a>>,
    expression: gimli::Expression<Slice<'a>>,
) -> StaticPlace {
    use gimli::Operation;
    let mut operations = expression.operations(unit.encoding());
    let first = match operations.next() {
        Ok(Some(operation)) => operation,
        _ => return StaticPlace::Other,
    };
    let value = match first {
        Operation::Address { address } => address,
        Operation::AddressIndex { index } | Operation::ConstantIndex { index } => {
            match dwarf.address(unit, index) {
                Ok(address) => address,
                Err(_) => return StaticPlace::Other,
            }
        }
        Operation::UnsignedConstant { value } => value,
        Operation::SignedConstant { value } => value.cast_unsigned(),
        _ => return StaticPlace::Other,
    };
    let is_address = matches!(first, Operation::Address { .. } | Operation::AddressIndex { .. });
    match operations.next() {
        Ok(Some(Operation::TLS)) => StaticPlace::ThreadLocal(value),
        Ok(None) if is_address => StaticPlace::Address(value),
        // LLVM merges small variables into one on Arm (its pass `GlobalMerge`), each with a distance
        // from the start of that; 0 is the start of one that the linker dropped.
        Ok(Some(Operation::PlusConstant { value: distance })) if is_address && value != 0 => {
            match operations.next() {
                Ok(None) => StaticPlace::Address(value.wrapping_add(distance)),
                _ => StaticPlace::Other,
            }
        }
        _ => StaticPlace::Other,
    }
}
