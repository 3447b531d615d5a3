//! Attribute values, without the differences between forms that do not matter.

use super::name_ref::NameRef;

/// The value of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Value<'a> {
    /// A number, and its width in bytes. Whether it is signed depends on the type that it belongs
    /// to.
    Fixed(u64, u8),
    /// An unsigned number.
    Unsigned(u64),
    /// A signed number.
    Signed(i64),
    /// A number of 16 bytes, in native byte order. A `u128` would be aligned, and make every value
    /// larger.
    Wide([u8; 16]),
    /// An offset in `.debug_info`.
    Reference(u64),
    /// A string.
    Name(NameRef),
    /// A block or an expression.
    Bytes(&'a [u8]),
    /// A flag that is set.
    Flag,
    /// A form that nobody here asks for.
    Other,
}

impl Value<'_> {
    /// The offset of the entry that a reference leads to.
    pub(crate) fn reference(self) -> Option<u64> {
        match self {
            Value::Reference(offset) => Some(offset),
            _ => None,
        }
    }

    /// The number, if it is not negative.
    pub(crate) fn unsigned(self) -> Option<u64> {
        match self {
            Value::Fixed(number, _) | Value::Unsigned(number) => Some(number),
            Value::Signed(number) => number.try_into().ok(),
            _ => None,
        }
    }

    /// The number, sign-extended from its width.
    pub(crate) fn signed(self) -> Option<i128> {
        match self {
            Value::Fixed(number, width) => {
                let unused = 64_u32.saturating_sub(8 * u32::from(width));
                Some(i128::from((number << unused).cast_signed() >> unused))
            }
            Value::Unsigned(number) => Some(i128::from(number)),
            Value::Signed(number) => Some(i128::from(number)),
            Value::Wide(number) => Some(i128::from_ne_bytes(number)),
            _ => None,
        }
    }
}
