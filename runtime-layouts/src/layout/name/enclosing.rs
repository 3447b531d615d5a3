//! The function around a body that rustc names by a number: from its path, or from its mangled name.

use super::paths::{Segment, path_segments, split_once_outside};

/// Whether a byte may be one of a path of identifiers.
pub(super) fn is_identifier(byte: u8) -> bool {
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
pub(super) fn enclosing_function(
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
pub(super) fn function_path(
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
