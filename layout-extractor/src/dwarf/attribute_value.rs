//! VALUES: what an attribute says, without regard to the form that it is written in where that
//! does not matter.

use super::name_ref::NameRef;

/// The value of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Value<'a> {
    /// A number in so many bytes. Whether it has a sign depends on what it is of.
    Fixed(u64, u8),
    /// A number without a sign.
    Unsigned(u64),
    /// A number with a sign.
    Signed(i64),
    /// A number of 16 bytes, in the byte order of this machine: as a number it would be aligned, and
    /// all values larger.
    Wide([u8; 16]),
    /// An offset in `.debug_info`.
    Reference(u64),
    /// Where a string is.
    Name(NameRef),
    /// A block or an expression.
    Bytes(&'a [u8]),
    /// That something is so.
    Flag,
    /// Something else.
    Other,
}

impl Value<'_> {
    /// The entry that is referred to.
    pub(crate) fn reference(self) -> Option<u64> {
        match self {
            Value::Reference(offset) => Some(offset),
            _ => None,
        }
    }

    /// A number that has no sign.
    pub(crate) fn unsigned(self) -> Option<u64> {
        match self {
            Value::Fixed(number, _) | Value::Unsigned(number) => Some(number),
            Value::Signed(number) => number.try_into().ok(),
            _ => None,
        }
    }

    /// A number that may have a sign.
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
