//! The names that rustc gives to the parts of a coroutine. Every async fn, block and closure
//! becomes one.
//!
//! Source: `compiler/rustc_middle/src/ty/sty.rs`, `CoroutineArgsExt::variant_name`;
//! `compiler/rustc_ast_lowering/src/expr.rs`, `lower_expr_await` (Rust 1.95, and 1.63 already).

/// The variant of a coroutine that was not polled yet.
pub const UNRESUMED: &str = "Unresumed";

/// The variant of one that has ended.
pub const RETURNED: &str = "Returned";

/// The variant of one whose poll panicked.
pub const PANICKED: &str = "Panicked";

/// The beginning of the names of variants for await points: a number follows.
pub const SUSPENDED: &str = "Suspend";

/// The member in which a suspended coroutine keeps the future that it awaits.
pub const AWAITEE: &str = "__awaitee";
