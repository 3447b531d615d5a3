//! Discriminant values of enum variants, in every form that DWARF has.

/// Whether a discriminant's type is signed. That decides the meaning of a value in a narrow form:
/// LLVM writes −1 of an `i32` as the byte `0xff`, and 255 of a `u32` too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Signedness {
    Signed,
    Unsigned,
}

/// The longest list of values that is accepted for one variant; rustc writes no lists.
const MAX_VALUES: u128 = 4096;

/// A value written in `width` bytes, as a discriminant of `size` bytes holds it: zero-extended from
/// that size.
pub(crate) fn discriminant_value(value: u128, width: u8, size: u8, signedness: Signedness) -> u128 {
    let unused = 128 - 8 * u32::from(width.clamp(1, 16));
    let value = match signedness {
        Signedness::Signed => ((value << unused).cast_signed() >> unused).cast_unsigned(),
        Signedness::Unsigned => value,
    };
    truncate(value, size)
}

/// The values of a `DW_AT_discr_list`; `None` when it is broken or absurdly long.
pub(crate) fn discriminant_list(
    mut bytes: &[u8],
    size: u8,
    signedness: Signedness,
) -> Option<Vec<u128>> {
    const LABEL: u8 = 0;
    const RANGE: u8 = 1;
    let mut values = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        bytes = rest;
        let low = leb128(&mut bytes, signedness)?;
        let high = match kind {
            LABEL => low,
            RANGE => leb128(&mut bytes, signedness)?,
            _ => return None,
        };
        let count = high.checked_sub(low)?;
        if count.cast_unsigned() >= MAX_VALUES || values.len() as u128 >= MAX_VALUES {
            return None;
        }
        values.extend((low..=high).map(|value| truncate(value.cast_unsigned(), size)));
    }
    Some(values)
}

fn truncate(value: u128, size: u8) -> u128 {
    if size >= 16 { value } else { value & ((1 << (8 * u32::from(size))) - 1) }
}

fn leb128(bytes: &mut &[u8], signedness: Signedness) -> Option<i128> {
    let mut value = 0_i128;
    for shift in (0..126).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= i128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let is_negative = signedness == Signedness::Signed && byte & 0x40 != 0;
            return Some(if is_negative { value | (-1 << (shift + 7)) } else { value });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_forms_are_extended_by_the_sign_of_the_type() {
        let signed =
            |value, width, size| discriminant_value(value, width, size, Signedness::Signed);
        let unsigned =
            |value, width, size| discriminant_value(value, width, size, Signedness::Unsigned);
        assert_eq!(signed(0xff, 1, 4), 0xffff_ffff);
        assert_eq!(unsigned(0xff, 1, 4), 0xff);
        assert_eq!(signed(0x7f, 1, 8), 0x7f);
        assert_eq!(signed(u128::MAX, 16, 16), u128::MAX);
        assert_eq!(unsigned(u128::MAX, 16, 2), 0xffff);
        assert_eq!(signed(0x8000_0000_0000_0000, 8, 8), 0x8000_0000_0000_0000);
        assert_eq!(signed(0x8000_0000_0000_0000, 8, 16), u128::MAX << 63);
    }

    #[test]
    fn lists_are_expanded_and_bounded() {
        let list = |bytes: &[u8], sign| discriminant_list(bytes, 1, sign);
        assert_eq!(list(&[0, 3, 1, 5, 7], Signedness::Unsigned), Some(vec![3, 5, 6, 7]));
        assert_eq!(list(&[1, 0x7f, 1], Signedness::Signed), Some(vec![0xff, 0, 1]));
        assert_eq!(list(&[1, 5, 4], Signedness::Unsigned), Some(vec![]).filter(|_| false));
        assert_eq!(list(&[1, 0, 0xff, 0xff, 0xff, 0x7f], Signedness::Unsigned), None);
        assert_eq!(list(&[2, 0], Signedness::Unsigned), None);
        assert_eq!(list(&[0, 0x80], Signedness::Unsigned), None);
    }
}
