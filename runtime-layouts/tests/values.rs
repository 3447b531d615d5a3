//! Discriminants of every width, and niches.

use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget};
use runtime_layouts::value::{Program, Ty, Value, ValueError};

fn active(width: u8, offset: u64, bytes: &[u8], selects: u128) -> Result<usize, ValueError> {
    let mut layouts = FakeLayouts::new();
    let unit = layouts.structure("V", 0, &[]);
    let id = layouts.enumeration(
        "E",
        32,
        Some((offset, width)),
        &[("Niche", None, unit, None), ("Named", Some(vec![selects]), unit, None)],
    );
    let target = FakeTarget::new(layouts, FakeMemory::new().with(0x1000, bytes), 0);
    let program = Program::new(&target);
    let value = Value { ty: Ty { module: 0, id }, address: 0x1000 };
    value.active_variant(&program).map(|(index, _)| index)
}

#[test]
fn every_width_selects() {
    for width in [1_u8, 2, 4, 8, 16] {
        let value: u128 = u128::MAX >> (128 - 8 * u32::from(width));
        let bytes = value.to_le_bytes();
        assert_eq!(active(width, 0, &bytes, value), Ok(1), "{width} bytes");
        assert_eq!(active(width, 0, &bytes, value - 1), Ok(0), "{width} bytes, the niche");
    }
}

#[test]
fn the_discriminant_may_lie_anywhere() {
    let mut bytes = [0; 32];
    bytes[24] = 9;
    assert_eq!(active(4, 24, &bytes, 9), Ok(1));
    assert_eq!(active(4, 20, &bytes, 9), Ok(0));
}

#[test]
fn a_value_that_cannot_be_read_is_an_error_with_its_address() {
    let error = active(8, 28, &[0; 32], 0).expect_err("beyond the memory");
    assert_eq!(error.to_string(), "<unreadable 0x101c>");
}

#[test]
fn no_variant_is_an_error() {
    let mut layouts = FakeLayouts::new();
    let unit = layouts.structure("V", 0, &[]);
    let id = layouts.enumeration("E", 1, Some((0, 1)), &[("A", Some(vec![1]), unit, None)]);
    let target = FakeTarget::new(layouts, FakeMemory::new().with(0x1000, [2]), 0);
    let program = Program::new(&target);
    let value = Value { ty: Ty { module: 0, id }, address: 0x1000 };
    assert!(matches!(value.active_variant(&program), Err(ValueError::NoVariant { .. })));
}
