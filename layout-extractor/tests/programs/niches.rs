//! Enums whose discriminants have every width and form. Each static is read from the object file
//! and judged by the layout; its name ends with the variant that it holds.
#![allow(dead_code)]

use std::num::*;

macro_rules! values {
    ($($name:ident: $ty:ident($of:ty) = $value:expr;)*) => {
        $(
            #[no_mangle]
            pub static $name: $ty = $ty { value: $value };
        )*
        fn keep() -> usize {
            [$(std::ptr::addr_of!($name) as usize),*].iter().sum()
        }
    };
}

macro_rules! holders {
    ($($ty:ident($of:ty);)*) => { $(pub struct $ty { value: $of })* };
}

#[repr(i8)]
pub enum Signed8 {
    Low(u8) = -128,
    Minus(u8) = -1,
    High(u8) = 127,
}
#[repr(u8)]
pub enum Unsigned8 {
    Zero(i8),
    Top(i8) = 255,
}
#[repr(i16)]
pub enum Signed16 {
    Low(u8) = -300,
    High(u8) = 300,
}
#[repr(i32)]
pub enum Signed32 {
    Minus(u8) = -1,
    High(u8) = 70_000,
}
#[repr(u32)]
pub enum Unsigned32 {
    Small(u8) = 255,
    High(u8) = u32::MAX,
}
#[repr(i64)]
pub enum Signed64 {
    Low(u8) = i64::MIN,
    Minus(u8) = -1,
    High(u8) = i64::MAX,
}
#[repr(u64)]
pub enum Unsigned64 {
    Half(u8) = 1 << 63,
    Top(u8) = u64::MAX,
}
pub enum Nested {
    A(Option<Option<bool>>),
    B,
    C,
}
pub enum Reference {
    Some(&'static u8),
    None,
}
pub enum Single {
    Only(u32),
}
pub enum Plain {
    A,
    B = 7,
}

holders! {
    Niche8(Option<NonZeroU8>);
    Niche16(Option<NonZeroU16>);
    Niche32(Option<NonZeroI32>);
    Niche64(Option<NonZeroU64>);
    Niche128(Option<NonZeroU128>);
    NicheChar(Option<char>);
    NicheBool(Option<bool>);
    Nested8(Nested);
    Pointer(Reference);
    Repr8(Signed8);
    ReprU8(Unsigned8);
    Repr16(Signed16);
    Repr32(Signed32);
    ReprU32(Unsigned32);
    Repr64(Signed64);
    ReprU64(Unsigned64);
    One(Single);
    Simple(Plain);
}

values! {
    NICHE8_NONE: Niche8(()) = None;
    NICHE8_SOME: Niche8(()) = NonZeroU8::new(255);
    NICHE16_NONE: Niche16(()) = None;
    NICHE16_SOME: Niche16(()) = NonZeroU16::new(0xff00);
    NICHE32_NONE: Niche32(()) = None;
    NICHE32_SOME: Niche32(()) = NonZeroI32::new(-1);
    NICHE64_NONE: Niche64(()) = None;
    NICHE64_SOME: Niche64(()) = NonZeroU64::new(u64::MAX);
    NICHE128_NONE: Niche128(()) = None;
    NICHE128_SOME: Niche128(()) = NonZeroU128::new(1 << 127);
    NICHECHAR_NONE: NicheChar(()) = None;
    NICHECHAR_SOME: NicheChar(()) = Some('\u{10ffff}');
    NICHEBOOL_NONE: NicheBool(()) = None;
    NICHEBOOL_SOME: NicheBool(()) = Some(true);
    NESTED8_A: Nested8(()) = Nested::A(Some(None));
    NESTED8_B: Nested8(()) = Nested::B;
    NESTED8_C: Nested8(()) = Nested::C;
    POINTER_NONE: Pointer(()) = Reference::None;
    REPR8_LOW: Repr8(()) = Signed8::Low(1);
    REPR8_MINUS: Repr8(()) = Signed8::Minus(1);
    REPR8_HIGH: Repr8(()) = Signed8::High(1);
    REPRU8_ZERO: ReprU8(()) = Unsigned8::Zero(1);
    REPRU8_TOP: ReprU8(()) = Unsigned8::Top(1);
    REPR16_LOW: Repr16(()) = Signed16::Low(1);
    REPR16_HIGH: Repr16(()) = Signed16::High(1);
    REPR32_MINUS: Repr32(()) = Signed32::Minus(1);
    REPR32_HIGH: Repr32(()) = Signed32::High(1);
    REPRU32_SMALL: ReprU32(()) = Unsigned32::Small(1);
    REPRU32_HIGH: ReprU32(()) = Unsigned32::High(1);
    REPR64_LOW: Repr64(()) = Signed64::Low(1);
    REPR64_MINUS: Repr64(()) = Signed64::Minus(1);
    REPR64_HIGH: Repr64(()) = Signed64::High(1);
    REPRU64_HALF: ReprU64(()) = Unsigned64::Half(1);
    REPRU64_TOP: ReprU64(()) = Unsigned64::Top(1);
    ONE_ONLY: One(()) = Single::Only(5);
    SIMPLE_B: Simple(()) = Plain::B;
}

fn main() {
    println!("{}", keep());
}
