//! The pools of mobc.

use std::sync::LazyLock;

use crate::knowledge::Library;
use crate::knowledge::declared::built_in;

/// What is known of it.
pub(crate) static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| built_in(include_str!("mobc.toml")));
