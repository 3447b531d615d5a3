//! Names of types and functions as the source spells them.
//!
//! rustc names an unnamed item by its kind and a number: `{async_fn_env#0}`, `{impl#4}`. This
//! module spells such parts out: the environment of an async fn by the function's name, an `impl`
//! by its type, which only the mangled name of the body contains.

/// A name in two lengths.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DisplayName {
    /// Generic arguments shortened to their last path segment, or to `…` when they are long.
    pub short: String,
    /// Everything whole.
    pub full: String,
}

/// How much of a name to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Short,
    Full,
}

/// Generic arguments longer than this are shown as `<…>` in a short name.
const LONGEST_ARGUMENTS: usize = 24;

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

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
}

/// The environment's type name of a function that is the body of a closure, async fn or block:
/// `…::{async_fn_env#0}<T>` for `…::{async_fn#0}<T>`. `None` for other functions.
#[must_use]
pub fn environment_of_body(function: &str) -> Option<String> {
    let last = path_segments(function).pop()?;
    let (kind, number) = last.text.strip_prefix('{')?.split_once('#')?;
    let at = last.text.as_ptr() as usize - function.as_ptr() as usize;
    let rest = &function[at + last.text.len()..];
    is_body(last.text).then(|| format!("{}{{{kind}_env#{number}{rest}", &function[..at]))
}

/// The path of the function around an environment: from DWARF, or from the mangled name of the
/// body where DWARF has an unnamed `impl`.
fn enclosing_function(
    type_name: &str,
    linkage_name: Option<&str>,
    arguments: &[(String, String)],
) -> String {
    let segments = path_segments(type_name);
    let own_arguments = segments.last().and_then(|leaf| leaf.arguments).unwrap_or_default();
    let named = segments.len() - 1;
    let named = segments[..named].iter().rposition(|s| !is_body(s.text)).map_or(0, |at| at + 1);
    function_path(&segments[..named], own_arguments, linkage_name, arguments)
}

/// The path of a function from its segments in DWARF and the generic arguments that follow them.
fn function_path(
    segments: &[Segment<'_>],
    own_arguments: &str,
    linkage_name: Option<&str>,
    arguments: &[(String, String)],
) -> String {
    let has_impl = segments.iter().any(|segment| segment.text.starts_with("{impl#"));
    let demangled = linkage_name.filter(|_| has_impl).and_then(demangled_function);
    let Some(demangled) = demangled else {
        let path: Vec<String> = segments
            .iter()
            .map(|segment| match segment.text.starts_with("{impl#") {
                true => "<impl>".to_string(),
                false => segment.whole(),
            })
            .collect();
        let path = path.join("::");
        return if own_arguments.is_empty() { path } else { format!("{path}<{own_arguments}>") };
    };
    // A legacy name has the parameters' names, a v0 name their arguments.
    if linkage_name.is_some_and(|name| name.starts_with("_R")) {
        return demangled;
    }
    let mut path = demangled;
    let mut rest = Vec::new();
    for (name, argument) in arguments {
        match substitute(&path, name, argument) {
            Some(substituted) => path = substituted,
            None => rest.push(argument.as_str()),
        }
    }
    if rest.is_empty() { path } else { format!("{path}<{}>", rest.join(", ")) }
}

/// The demangled path of a body without the closures that it is, `None` if it does not demangle.
fn demangled_function(linkage_name: &str) -> Option<String> {
    let demangled = format!("{:#}", rustc_demangle::try_demangle(linkage_name).ok()?);
    let segments = path_segments(&demangled);
    let named = segments.iter().rposition(|segment| !is_body(segment.text))? + 1;
    let mut path = Vec::new();
    for segment in &segments[..named] {
        let text = segment.whole();
        // `module::<impl Type>::method` is how an impl outside its type's module is mangled, and
        // `<Type>::method` an inherent one in v0.
        let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
        match inner.map(|inner| inner.strip_prefix("impl ").unwrap_or(inner)) {
            Some(inner) if text.starts_with("<impl ") => {
                path.clear();
                path.push(match split_once_outside(inner, " for ") {
                    Some((of_trait, ty)) => format!("<{ty} as {of_trait}>"),
                    None => inner.to_string(),
                });
            }
            Some(inner) if split_once_outside(inner, " as ").is_none() => {
                path.push(inner.to_string());
            }
            _ => path.push(text),
        }
    }
    Some(path.join("::"))
}

/// Replaces the identifier `name` in a path by `argument`; `None` when it does not stand there.
fn substitute(path: &str, name: &str, argument: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut found = false;
    let mut out = String::with_capacity(path.len() + argument.len());
    let mut at = 0;
    while let Some(offset) = path[at..].find(name) {
        let start = at + offset;
        let end = start + name.len();
        let alone = (start == 0 || !is_identifier(bytes[start - 1]))
            && bytes.get(end).is_none_or(|byte| !is_identifier(*byte));
        out.push_str(&path[at..start]);
        out.push_str(if alone { argument } else { name });
        found |= alone;
        at = end;
    }
    out.push_str(&path[at..]);
    found.then_some(out)
}

/// Whether a path segment is the body of a closure or async block, not something with a name.
fn is_body(segment: &str) -> bool {
    segment.starts_with('{') && !segment.starts_with("{impl#")
}

/// One part of a path, between two `::`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Its name: `Mutex`, `{impl#10}`, `<A as B>`.
    pub text: &'a str,
    /// What stands between `<` and `>` after it.
    pub arguments: Option<&'a str>,
}

impl Segment<'_> {
    /// With its arguments.
    #[must_use]
    pub fn whole(&self) -> String {
        match self.arguments {
            Some(arguments) => format!("{}<{arguments}>", self.text),
            None => self.text.to_string(),
        }
    }
}

/// The parts of a path, split at each `::` outside brackets.
#[must_use]
pub fn path_segments(path: &str) -> Vec<Segment<'_>> {
    split_outside(path, "::")
        .into_iter()
        .filter(|segment| !segment.is_empty())
        .fold(Vec::new(), |mut segments: Vec<Segment<'_>>, text| {
            match text.find('<') {
                Some(0) | None => segments.push(Segment { text, arguments: None }),
                Some(at) => segments.push(Segment {
                    text: &text[..at],
                    arguments: Some(text[at + 1..].strip_suffix('>').unwrap_or(&text[at + 1..])),
                }),
            }
            segments
        })
        .into_iter()
        .collect()
}

/// A type's name without its path: `Mutex<Inventory>`. Generic arguments are shortened.
#[must_use]
pub fn last_segment(type_name: &str) -> String {
    spell(type_name, Length::Short)
}

/// The path of a type without its last generic arguments: what all instances have in common.
#[must_use]
pub fn base_path(type_name: &str) -> &str {
    if !type_name.contains('<') {
        return type_name;
    }
    match path_segments(type_name).last() {
        Some(Segment { text, arguments: Some(_) }) => {
            let start = text.as_ptr() as usize - type_name.as_ptr() as usize;
            &type_name[..start + text.len()]
        }
        _ => type_name,
    }
}

/// A path without any generic arguments: of `a::Task<F>::run<F>` it is `a::Task::run`.
#[must_use]
pub fn plain_path(path: &str) -> String {
    let segments = path_segments(path);
    let texts: Vec<&str> = segments.iter().map(|segment| segment.text).collect();
    texts.join("::")
}

/// Splits at each separator that stands outside all brackets.
fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (bytes, separator) = (text.as_bytes(), separator.as_bytes());
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    let mut at = 0;
    // Names are long, and what matters in them is rare. A separator is ASCII, as brackets are, and
    // so lies in no other letter.
    let matters = |depth: usize, byte: u8| {
        IS_BRACKET[usize::from(byte)] || depth == 0 && separator.first() == Some(&byte)
    };
    while let Some(next) = bytes[at..].iter().position(|byte| matters(depth, *byte)) {
        at += next;
        if depth == 0 && bytes[at..].starts_with(separator) {
            parts.push(&text[start..at]);
            at += separator.len();
            start = at;
            continue;
        }
        match bytes[at] {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            // The `>` of `->` closes nothing.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[start..]);
    parts
}

static IS_BRACKET: [bool; 256] = {
    let mut table = [false; 256];
    let mut brackets: &[u8] = b"<>()[]{}";
    while let [first, rest @ ..] = brackets {
        table[*first as usize] = true;
        brackets = rest;
    }
    table
};

fn split_once_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let first = split_outside(text, separator)[0];
    (first.len() < text.len()).then(|| (first, &text[first.len() + separator.len()..]))
}

/// A path with all its segments; only generic arguments are shortened.
fn spell_path(path: &str, length: Length) -> String {
    if !starts_path(path) {
        return spell(path, length);
    }
    let segments = path_segments(path);
    let spelled: Vec<String> =
        segments.iter().map(|segment| spell_segment(segment, length)).collect();
    spelled.join("::")
}

fn starts_path(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '<' || c == '{')
        && !["dyn ", "fn(", "impl ", "unsafe ", "extern "].iter().any(|word| text.starts_with(word))
}

fn spell_segment(segment: &Segment<'_>, length: Length) -> String {
    let text = match segment.text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
        Some(inner) => match split_once_outside(inner, " as ") {
            Some((ty, of_trait)) => {
                format!("<{} as {}>", spell(ty, length), spell(of_trait, length))
            }
            None => segment.text.to_string(),
        },
        None => segment.text.to_string(),
    };
    match segment.arguments {
        Some(arguments) => format!("{text}{}", spell_arguments(arguments, length)),
        None => text,
    }
}

fn spell_arguments(arguments: &str, length: Length) -> String {
    // A legacy symbol has no blank after a comma.
    let spelled: Vec<String> = split_outside(arguments, ",")
        .into_iter()
        .map(str::trim)
        .filter(|argument| length == Length::Full || *argument != "alloc::alloc::Global")
        .map(|argument| spell(argument, length))
        .collect();
    let spelled = spelled.join(", ");
    if spelled.is_empty() {
        String::new()
    } else if length == Length::Short && spelled.chars().count() > LONGEST_ARGUMENTS {
        "<…>".to_string()
    } else {
        format!("<{spelled}>")
    }
}

/// A type inside a generic argument: in a short name its last path segment only.
fn spell(ty: &str, length: Length) -> String {
    let ty = ty.trim();
    for prefix in ["&mut ", "&", "*const ", "*mut ", "dyn ", "impl "] {
        if let Some(rest) = ty.strip_prefix(prefix) {
            let rest = split_outside(rest, " + ");
            let rest: Vec<String> = rest.into_iter().map(|part| spell(part, length)).collect();
            return format!("{prefix}{}", rest.join(" + "));
        }
    }
    if let Some(inner) = ty.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        let parts = split_outside(inner, ",");
        let parts: Vec<String> = parts.into_iter().map(|part| spell(part, length)).collect();
        return format!("({})", parts.join(", "));
    }
    if let Some(inner) = ty.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        return match split_once_outside(inner, "; ") {
            Some((element, count)) => format!("[{}; {count}]", spell(element, length)),
            None => format!("[{}]", spell(inner, length)),
        };
    }
    if !starts_path(ty) {
        return if length == Length::Short && ty.starts_with("fn(") {
            "fn(…)".into()
        } else {
            ty.into()
        };
    }
    if let Some((name, value)) = split_once_outside(ty, "=") {
        return format!("{name}={}", spell(value, length));
    }
    if let Some(environment) = Environment::of(ty) {
        let kind =
            if environment == Environment::AsyncFn { "async fn " } else { environment.prefix() };
        let function = enclosing_function(ty, None, &[]);
        let function = match length {
            Length::Full => spell_path(&function, length),
            Length::Short => path_segments(&function).last().map_or("", |s| s.text).to_string(),
        };
        return format!("{{{kind}{function}}}");
    }
    match length {
        Length::Full => spell_path(ty, length),
        Length::Short => path_segments(ty)
            .last()
            .map(|segment| spell_segment(segment, length))
            .unwrap_or_default(),
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
