//! The cells of async-once-cell, which one of many initializes.
//!
//! Source: `async-once-cell/src/lib.rs` (0.5.4).

use std::sync::LazyLock;

use crate::knowledge::children::{Children, Turns, Types};
use crate::knowledge::declared::built_in;
use crate::knowledge::{CollectionType, Library};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::value::{Program, Ty};

/// What is known of it.
pub(crate) static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library {
    collections: &[COLLECTIONS],
    ..built_in(include_str!("async_once_cell.toml"))
});

const COLLECTIONS: &[CollectionType] =
    &[CollectionType { types: Types::Of("async_once_cell::InitFuture"), children: initializer }];

/// While it waits for its turn, it does not poll its own initializer (`Step::poll_init`).
fn initializer(_: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let turns = Turns::of(ty, layout, "step", "init");
    Ok(turns.map(|turns| Children::Turns(turns.in_variant("Wait"))))
}
