//! Discriminants of every width, and niches.

use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget};
use runtime_layouts::value::path::{self, Reach};
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

#[test]
fn arrays_within_each_other_end() {
    let mut layouts = FakeLayouts::new();
    let mut id = layouts.integer(8);
    for _ in 0..4 {
        id = layouts.array(id, u64::MAX);
    }
    let target = FakeTarget::new(layouts, FakeMemory::new(), 0);
    let program = Program::new(&target);
    let start = Ty { module: 0, id };
    let path = path::find(&program, start, Reach::INLINE, &mut |ty| &*ty.name == "u64");
    let path = path.expect("a way to the elements");
    let mut visited = 0_u64;
    let value = Value { ty: start, address: 0x1000 };
    path.each(&program, value, &mut |_| visited += 1).expect("no memory is read");
    assert!((1..1 << 20).contains(&visited), "{visited}");
    let first = path.follow(&program, value).expect("no memory is read").expect("an element");
    assert_eq!(first.address, 0x1000);
}

#[test]
fn the_pointer_of_an_empty_slice_points_to_nothing() {
    let mut layouts = FakeLayouts::new();
    let word = layouts.integer(8);
    let stock = layouts.structure("shop::Stock", 8, &[("pieces", 0, word)]);
    let data = layouts.pointer("*const shop::Stock", Some(stock));
    let slice =
        layouts.structure("&[shop::Stock]", 16, &[("data_ptr", 0, data), ("length", 8, word)]);
    // Behind a variant that is not the active one lies a shorter way.
    let some = layouts.structure("Some", 16, &[("__0", 8, stock)]);
    let none = layouts.structure("None", 16, &[]);
    let variants = [("None", Some(vec![0]), none, None), ("Some", None, some, None)];
    let option = layouts.enumeration("Option", 16, Some((0, 8)), &variants);
    let all = layouts.structure("All", 32, &[("option", 0, option), ("slice", 16, slice)]);
    let found = |length: u64| {
        let mut memory = FakeMemory::new().with(0x1000, [0; 32]);
        memory.put_u64(0x1010, 8);
        memory.put_u64(0x1018, length);
        let target = FakeTarget::new(layouts.clone(), memory, 0);
        let program = Program::new(&target);
        let value = Value { ty: Ty { module: 0, id: all }, address: 0x1000 };
        let found = value.find_through_pointers(&program, "shop::Stock").expect("readable");
        found.map(|stock| stock.address)
    };
    assert_eq!(found(0), None);
    assert_eq!(found(1), Some(8));
}
