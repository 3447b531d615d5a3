//! As little as a program for a Mac can have without its libraries: types, code, static and
//! thread-local variables, and what the linker drops. Not even `core` is needed.
#![feature(auto_traits, lang_items, no_core, thread_local)]
#![allow(dead_code, internal_features)]
#![no_core]
#![no_main]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u32 {}
impl Copy for u64 {}
#[lang = "sync"]
pub unsafe trait Sync {}
unsafe impl Sync for u64 {}
unsafe impl Sync for runtime::Context {}
unsafe impl Sync for runtime::Pointer {}
#[lang = "freeze"]
pub unsafe auto trait Freeze {}
#[lang = "legacy_receiver"]
pub trait LegacyReceiver {}
#[lang = "drop_in_place"]
unsafe fn drop_in_place<T: PointeeSized>(_: *mut T) {}

pub mod runtime {
    pub struct Context {
        pub depth: u32,
        pub names: u64,
    }
    pub struct Pointer(pub extern "C" fn(&Context) -> u32);
    /// As `thread_local!` has them: below a path of their own.
    #[allow(non_snake_case)]
    pub mod context {
        pub mod CONTEXT {
            use super::super::Context;
            #[thread_local]
            #[unsafe(export_name = "CONTEXT")]
            pub static VAL: Context = Context { depth: 1, names: 2 };
        }
        pub mod DROPPED {
            #[thread_local]
            #[unsafe(export_name = "DROPPED")]
            pub static VAL: u64 = 3;
        }
        pub mod LAST {
            use super::super::Context;
            #[thread_local]
            #[unsafe(export_name = "LAST")]
            pub static VAL: Context = Context { depth: 0, names: 0 };
        }
    }
    #[unsafe(no_mangle)]
    pub static DROPPED_TOO: Context = Context { depth: 4, names: 5 };
    #[unsafe(no_mangle)]
    pub static KEPT: Context = Context { depth: 6, names: 7 };
    #[unsafe(no_mangle)]
    pub static FUNCTION: Pointer = Pointer(super::depth_of);
}

#[unsafe(no_mangle)]
pub extern "C" fn dropped_by_the_linker(context: &runtime::Context) -> u64 {
    context.names
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn depth_of(context: &runtime::Context) -> u32 {
    let inner = context.depth;
    inner
}

#[unsafe(no_mangle)]
pub extern "C" fn main() -> u32 {
    depth_of(&runtime::KEPT);
    depth_of(&runtime::context::LAST::VAL);
    let function = runtime::FUNCTION.0;
    function(&runtime::context::CONTEXT::VAL)
}
