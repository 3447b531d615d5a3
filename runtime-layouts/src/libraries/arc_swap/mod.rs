//! arc-swap: an `Arc` that is exchanged while others read it, as a service's configuration is.
//!
//! Source: `arc-swap/src/{lib,ref_cnt}.rs` (1.9.5). Its pointer leads to the value and not to the counts
//! in front of it, as that of `Arc::into_raw` does. A reader's guard may be a debt that no count shows.

use crate::knowledge::children::{Children, Polls, ReadElements, Types};
use crate::knowledge::{CollectionType, Library};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::search::shared;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    collections: &[&[CollectionType {
        types: Types::Of("arc_swap::ArcSwapAny"),
        children: |program, ty, layout| {
            let read = ReadElements::Written(content);
            let element = content_type(program, ty, layout)?;
            Ok(element.map(|element| Children::Elements { element, read, polls: Polls::No }))
        },
    }]],
    ..Library::named("arc-swap")
};

/// The type of the value in an `ArcSwap<T>`, which is an `ArcSwapAny<Arc<T>>`, or in an
/// `ArcSwapOption<T>`, an `ArcSwapAny<Option<Arc<T>>>`.
fn content_type(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Ty>, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    let Some(kept) = layout.type_parameter("T").map(of) else { return Ok(None) };
    let mut is_shared = |ty: &Type| shared::is_shared(&ty.name);
    let shared = path::find(program, kept, Reach::INLINE, &mut is_shared);
    let Some(shared) = shared else { return Ok(None) };
    Ok(program.type_of(shared.end)?.type_parameter("T").map(of))
}

/// The value, where the `Arc` here is the only one that owns it: of what others own as well, who has it
/// here does not tell what becomes of it.
fn content(program: &Program<'_>, swap: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let Some(ty) = content_type(program, swap.ty, swap.layout(program)?)? else {
        return Ok(Vec::new());
    };
    let address = program.read_pointer(swap.member(program, "ptr")?.address)?;
    let counts = 2 * u64::from(program.pointer_size());
    // What is aligned to more than the two counts has a gap behind them.
    let is_behind_them = program.type_of(ty)?.align.is_none_or(|align| align <= counts);
    if most == 0 || address < counts || !is_behind_them {
        return Ok(Vec::new());
    }
    let strong = program.read_pointer(address - counts)?;
    Ok(if strong == 1 { vec![Value { ty, address }] } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};

    #[test]
    fn a_value_is_in_it_that_nobody_else_owns() {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let sender = layouts.structure("shop::Sender", 8, &[("shared", 0, word)]);
        let arc = layouts.structure("alloc::sync::Arc<shop::Sender>", 8, &[("ptr", 0, word)]);
        layouts.parameter(arc, "T", sender);
        let path = "arc_swap::ArcSwapAny<alloc::sync::Arc<shop::Sender>>";
        let swap = layouts.structure(path, 8, &[("ptr", 0, word)]);
        layouts.parameter(swap, "T", arc);
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let bytes: Vec<u8> = words(&[0x2010, 0x3010, 0]);
        let mut memory = FakeMemory::new().with(0x1000, bytes);
        for (address, strong) in [(0x2000, 1), (0x3000, 2)] {
            let bytes: Vec<u8> = words(&[strong, 1, 7]);
            memory.put(address, bytes);
        }
        let target = FakeTarget::new(layouts, memory, 0);
        let program = Program::new(&target);
        let found = |address| {
            let swap = Value { ty: Ty { module: 0, id: swap }, address };
            let found = content(&program, swap, 8).expect("memory is readable");
            found.iter().map(|value| value.address).collect::<Vec<_>>()
        };
        assert_eq!(found(0x1000), [0x2010]);
        assert_eq!(found(0x1008), [], "others have it too");
        assert_eq!(found(0x1010), [], "there is none");
    }
}
