//! How names are spelled: whole, or with their arguments cut.

use super::Environment;
use super::enclosing::enclosing_function;
use super::paths::{Segment, path_segments, split_once_outside, split_outside};

/// How much of a name to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Length {
    Short,
    Full,
}

/// Generic arguments longer than this are shown as `<…>` in a short name.
const LONGEST_ARGUMENTS: usize = 24;

/// A type's name without its path: `Mutex<Inventory>`. Generic arguments are shortened.
#[must_use]
pub fn last_segment(type_name: &str) -> String {
    spell(type_name, Length::Short)
}

/// A path with all its segments; only generic arguments are shortened.
pub(super) fn spell_path(path: &str, length: Length) -> String {
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
