//! Parsing of paths as rustc spells them in DWARF and in symbols.
//!
//! [`runtime_layouts::layout::name`] spells the same paths for people. Here they are cut into parts
//! for lookups, from the end where that suffices: paths are long, and there are millions of them.

/// Splits a path before its last segment: `a::B<c::D>::e` into `a::B<c::D>` and `e`. The first part
/// is empty when there is only one segment.
pub(crate) fn split_last_segment(path: &str) -> (&str, &str) {
    match last_at_top_level(path, b"::") {
        Some(at) => (&path[..at], &path[at + 2..]),
        None => ("", path),
    }
}

/// A segment without its generic arguments: `poll` of `poll<T>`. `<T as Trait>` stays as it is.
pub(crate) fn strip_arguments(part: &str) -> &str {
    match part.find('<') {
        Some(at) if at > 0 => &part[..at],
        _ => part,
    }
}

/// A path without the generic arguments of any segment: `a::B<c>::d<e>` as `a::B::d`.
/// [`base_path`](runtime_layouts::layout::name::base_path) removes those of the last segment alone.
pub(crate) fn strip_all_arguments(path: &str) -> String {
    let mut base = String::with_capacity(path.len());
    // The text from here on is outside of all arguments while the depth is 0.
    let (mut from, mut depth) = (0, 0_usize);
    for at in memchr::memchr2_iter(b'<', b'>', path.as_bytes()) {
        let is_arrow = at > 0 && path.as_bytes()[at - 1] == b'-';
        match path.as_bytes()[at] {
            b'<' => {
                if depth == 0 {
                    base.push_str(&path[from..at]);
                }
                depth += 1;
            }
            _ if is_arrow => {}
            _ => {
                if depth == 0 {
                    base.push_str(&path[from..at]);
                }
                depth = depth.saturating_sub(1);
                from = at + 1;
            }
        }
    }
    if depth == 0 {
        base.push_str(&path[from..]);
    }
    // A symbol's path has `::<T>` where DWARF has `<T>`.
    while base.ends_with("::") {
        base.truncate(base.len() - 2);
    }
    base.replace("::::", "::")
}

/// The type and the trait of `<T as Trait>::{vtable}`; `None` for other names.
pub(crate) fn vtable_parts(name: &str) -> Option<(&str, &str)> {
    qualified_path_parts(name.strip_suffix("::{vtable}")?)
}

/// The type and the trait of `<T as Trait>`; `None` for other paths.
pub(crate) fn qualified_path_parts(path: &str) -> Option<(&str, &str)> {
    let inside = path.strip_prefix('<')?.strip_suffix('>')?;
    let at = last_at_top_level(inside, b" as ")?;
    Some((&inside[..at], &inside[at + 4..]))
}

/// The last occurrence of `separator` outside of all brackets, searched from the end.
fn last_at_top_level(text: &str, separator: &[u8]) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    (0..bytes.len()).rev().find(|&at| {
        match bytes[at] {
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth += 1,
            b'<' | b'(' | b'[' | b'{' => depth = depth.saturating_sub(1),
            byte => {
                return depth == 0 && byte == separator[0] && bytes[at..].starts_with(separator);
            }
        }
        false
    })
}

/// The last segment of a body's path for that of its environment type: `{async_fn#0}<T>` for
/// `{async_fn_env#0}<T>`; `None` for other types.
pub(crate) fn body_segment(part: &str) -> Option<String> {
    let (kind, rest) = part.strip_prefix('{')?.split_once("_env#")?;
    let (number, _) = rest.split_once('}')?;
    let plain = !kind.is_empty()
        && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && number.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| format!("{{{kind}#{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_outside_of_brackets() {
        assert_eq!(split_last_segment("a::b::C<d::E>"), ("a::b", "C<d::E>"));
        assert_eq!(split_last_segment("u8"), ("", "u8"));
        assert_eq!(
            split_last_segment("a::{impl#3}::b<fn(c::D) -> e::F>"),
            ("a::{impl#3}", "b<fn(c::D) -> e::F>")
        );
        assert_eq!(strip_arguments("poll<a::B, c>"), "poll");
        assert_eq!(strip_arguments("<a as b>"), "<a as b>");
        assert_eq!(strip_all_arguments("a::B<c::D<e>>::f<g>"), "a::B::f");
        assert_eq!(strip_all_arguments("a::B::<c::D>::f::<g>"), "a::B::f");
        assert_eq!(strip_all_arguments("a::B<fn() -> c>::f"), "a::B::f");
    }

    #[test]
    fn a_vtable_name_has_a_type_and_a_trait() {
        assert_eq!(
            vtable_parts("<a::B<<c as d>::E> as core::future::future::Future>::{vtable}"),
            Some(("a::B<<c as d>::E>", "core::future::future::Future"))
        );
        assert_eq!(vtable_parts("<u8 as a::T<b as c>>::{vtable_type}"), None);
    }

    #[test]
    fn only_environments_have_bodies() {
        assert_eq!(body_segment("{async_fn_env#0}<T>").as_deref(), Some("{async_fn#0}<T>"));
        assert_eq!(body_segment("{closure_env#12}").as_deref(), Some("{closure#12}"));
        assert_eq!(body_segment("{impl#0}"), None);
        assert_eq!(body_segment("Vec<{closure_env#0}>"), None);
    }
}
