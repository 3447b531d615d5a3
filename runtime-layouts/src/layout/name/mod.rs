//! Names of types and functions as the source spells them.
//!
//! rustc names an unnamed item by its kind and a number: `{async_fn_env#0}`, `{impl#4}`. This
//! module spells such parts out: the environment of an async fn by the function's name, an `impl`
//! by its type, which only the mangled name of the body contains.

mod enclosing;
mod paths;
mod spelling;

pub use self::enclosing::environment_of_body;
use self::enclosing::{enclosing_function, function_path, is_identifier};
pub use self::paths::{Segment, base_path, is_of_standard_library, path_segments, plain_path};
pub use self::spelling::last_segment;
use self::spelling::{Length, spell_path};

/// A name in two lengths.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DisplayName {
    /// Generic arguments shortened to their last path segment, or to `…` when they are long.
    pub short: String,
    /// Everything whole.
    pub full: String,
}

/// What sort of body a compiler-made type is the environment of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Environment {
    /// `async fn`
    AsyncFn,
    /// `async { … }`
    AsyncBlock,
    /// `async || …`
    AsyncClosure,
    /// `|…| …`
    Closure,
}

impl Environment {
    /// What the type of that name is the environment of; `None` for a type that has a name in the
    /// source.
    ///
    /// Spellings: rustc 1.60 and later, `compiler/rustc_codegen_ssa/src/debuginfo/type_names.rs`.
    #[must_use]
    pub fn of(type_name: &str) -> Option<Self> {
        let last = path_segments(type_name).pop()?;
        let (kind, _) = last.text.strip_prefix('{')?.split_once("_env#")?;
        match kind {
            "async_fn" => Some(Self::AsyncFn),
            "async_block" => Some(Self::AsyncBlock),
            "async_closure" => Some(Self::AsyncClosure),
            "closure" => Some(Self::Closure),
            _ => None,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::AsyncFn => "",
            Self::AsyncBlock => "async block in ",
            Self::AsyncClosure => "async closure in ",
            Self::Closure => "closure in ",
        }
    }
}

impl DisplayName {
    /// The name of a type that has one in the source.
    #[must_use]
    pub fn of_type(type_name: &str) -> Self {
        Self {
            short: spell_path(type_name, Length::Short),
            full: spell_path(type_name, Length::Full),
        }
    }

    /// The name of the function or block that a compiler-made type is the environment of.
    ///
    /// `linkage_name` is the mangled name of the body and `arguments` its generic arguments by
    /// parameter name; without them an `impl` stays unnamed.
    #[must_use]
    pub fn of_environment(
        type_name: &str,
        linkage_name: Option<&str>,
        arguments: &[(String, String)],
    ) -> Self {
        let Some(environment) = Environment::of(type_name) else {
            return Self::of_type(type_name);
        };
        let function = enclosing_function(type_name, linkage_name, arguments);
        Self {
            short: format!("{}{}", environment.prefix(), spell_path(&function, Length::Short)),
            full: format!("{}{}", environment.prefix(), spell_path(&function, Length::Full)),
        }
    }

    /// The name of a function: of the body of an async fn, block or closure as of its environment,
    /// of any other by its path.
    #[must_use]
    pub fn of_function(
        name: &str,
        linkage_name: Option<&str>,
        arguments: &[(String, String)],
    ) -> Self {
        if let Some(environment) = environment_of_body(name) {
            return Self::of_environment(&environment, linkage_name, arguments);
        }
        if !name.contains("{impl#") {
            return Self::of_type(name);
        }
        // The last segment is the function's own.
        let path = function_path(&path_segments(name), "", linkage_name, arguments);
        Self { short: spell_path(&path, Length::Short), full: spell_path(&path, Length::Full) }
    }

    /// Replaces the first prefix of the short name that matches: for paths that a library keeps
    /// private and exports under a shorter one.
    #[must_use]
    pub fn with_public_path(mut self, public_paths: &[(&str, &str)]) -> Self {
        for (private, public) in public_paths {
            if let Some(at) = self.short.find(private) {
                let starts = at == 0 || !is_identifier(self.short.as_bytes()[at - 1]);
                if starts {
                    self.short.replace_range(at..at + private.len(), public);
                    break;
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short_and_full(name: &DisplayName) -> (&str, &str) {
        (&name.short, &name.full)
    }

    #[test]
    fn an_async_fn_is_named_by_its_function() {
        let name = DisplayName::of_environment("app::stock::reserve::{async_fn_env#0}", None, &[]);
        assert_eq!(short_and_full(&name), ("app::stock::reserve", "app::stock::reserve"));
    }

    #[test]
    fn an_async_block_says_where_it_stands() {
        let name = DisplayName::of_environment(
            "app::main::{async_block#0}::{closure#2}::{async_block_env#0}<u32>",
            None,
            &[],
        );
        assert_eq!(name.short, "async block in app::main<u32>");
    }

    #[test]
    fn a_legacy_mangled_impl_gets_its_type_and_arguments() {
        let name = DisplayName::of_environment(
            "tokio::sync::mutex::{impl#10}::lock::{async_fn#0}::{async_block_env#0}<exp::Inventory>",
            Some(
                "_ZN5tokio4sync5mutex14Mutex$LT$T$GT$4lock28_$u7b$$u7b$closure$u7d$$u7d$28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
            ),
            &[("T".into(), "exp::Inventory".into())],
        );
        assert_eq!(
            short_and_full(&name),
            (
                "async block in tokio::sync::mutex::Mutex<Inventory>::lock",
                "async block in tokio::sync::mutex::Mutex<exp::Inventory>::lock"
            )
        );
        let public = name.with_public_path(&[("tokio::sync::mutex::", "tokio::sync::")]);
        assert_eq!(public.short, "async block in tokio::sync::Mutex<Inventory>::lock");
    }

    #[test]
    fn a_legacy_mangled_trait_impl_names_type_and_trait() {
        let name = DisplayName::of_environment(
            "app::{impl#0}::call::{async_fn_env#0}<u8>",
            Some(
                "_ZN44_$LT$app..Worker$u20$as$u20$app..Service$GT$4call28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
            ),
            &[("T".into(), "u8".into())],
        );
        assert_eq!(
            short_and_full(&name),
            ("<Worker as Service>::call<u8>", "<app::Worker as app::Service>::call<u8>")
        );
    }

    #[test]
    fn an_impl_outside_the_module_of_its_type_is_named_by_the_type() {
        let name = DisplayName::of_environment(
            "app::b::{impl#0}::go::{async_fn_env#0}",
            Some(
                "_ZN3app1b27_$LT$impl$u20$app..a..A$GT$2go28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
            ),
            &[],
        );
        assert_eq!(name.full, "app::a::A::go");
    }

    #[test]
    fn a_function_is_named_like_its_environment() {
        let name = DisplayName::of_function("app::go::{async_fn#0}<u8>", None, &[]);
        assert_eq!(name.short, "app::go<u8>");
        let name = DisplayName::of_function("app::go::{closure#2}", None, &[]);
        assert_eq!(name.short, "closure in app::go");
        let name = DisplayName::of_function(
            "app::b::{impl#0}::go<u8>",
            Some("_ZN3app1b27_$LT$impl$u20$app..a..A$GT$2go17h0123456789abcdefE"),
            &[("T".into(), "u8".into())],
        );
        assert_eq!(name.short, "app::a::A::go<u8>");
        assert_eq!(DisplayName::of_function("app::sum<u8>", None, &[]).short, "app::sum<u8>");
    }

    #[test]
    fn an_impl_without_a_body_stays_unnamed() {
        let name = DisplayName::of_environment("app::{impl#0}::go::{async_fn_env#0}", None, &[]);
        assert_eq!(name.short, "app::<impl>::go");
    }

    #[test]
    fn generic_arguments_are_shortened() {
        let name = DisplayName::of_type(
            "a::Map<core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output=()>, alloc::alloc::Global>>, b::f::{closure_env#0}>",
        );
        assert_eq!(name.short, "a::Map<Pin<…>, {closure in f}>");
        let name = DisplayName::of_type("a::M<(&mut b::C, [d::E; 4]), x::f::{closure_env#0}>");
        assert_eq!(name.short, "a::M<…>");
        assert_eq!(name.full, "a::M<(&mut b::C, [d::E; 4]), {closure in x::f}>");
        let name = DisplayName::of_type("a::M<(&mut b::C, [d::E; 4])>");
        assert_eq!(name.short, "a::M<(&mut C, [E; 4])>");
        let name = DisplayName::of_type("a::M<&str,(),b::S>::f");
        assert_eq!(
            (&*name.short, &*name.full),
            ("a::M<&str, (), S>::f", "a::M<&str, (), b::S>::f")
        );
        let name = DisplayName::of_type("a::F<fn(b::C) -> d::E, u8>");
        assert_eq!(name.short, "a::F<fn(…), u8>");
    }

    #[test]
    fn a_base_path_has_no_arguments() {
        assert_eq!(base_path("a::B<c::D<e>>"), "a::B");
        assert_eq!(base_path("a::B<c>::D"), "a::B<c>::D");
        assert_eq!(base_path("u8"), "u8");
    }
}
