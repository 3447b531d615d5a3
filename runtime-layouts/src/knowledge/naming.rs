//! Names of resources.

use std::borrow::Cow;

use crate::layout::name::last_segment;
use crate::report::{ResourceKind, ThreadRef};
use crate::value::{Program, Ty, Value, ValueError};

/// `1 sender`, `2 senders`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `thread 4`, `threads 4 and 5`, `threads 4, 5 and 6`; of more their number, `9 threads`.
pub(crate) fn threads(threads: &[ThreadRef]) -> String {
    const MAX_NAMED: usize = 4;
    let numbers: Vec<String> = threads.iter().map(|thread| thread.number.to_string()).collect();
    match numbers.as_slice() {
        [only] => format!("thread {only}"),
        [others @ .., last] if numbers.len() <= MAX_NAMED => {
            format!("threads {} and {last}", others.join(", "))
        }
        _ => count(numbers.len() as u64, "thread"),
    }
}

/// A type as the source spells it, without its path: `Mutex<Inventory>`. `None` when it is not
/// described.
pub(crate) fn of_type(program: &Program<'_>, ty: Ty) -> Option<String> {
    program.type_of(ty).ok().map(|layout| last_segment(&layout.name))
}

/// The same of something whose own type is not at hand, from what it guards: `Mutex<Inventory>`,
/// or `Mutex` where that is not known either.
pub(crate) fn of_kind(kind: ResourceKind, guarded: Option<&str>) -> String {
    let name = match kind {
        ResourceKind::Mutex => "Mutex",
        ResourceKind::RwLock => "RwLock",
        ResourceKind::Semaphore => "Semaphore",
        ResourceKind::Pool => "Pool",
        ResourceKind::Mpsc => "mpsc channel",
        ResourceKind::Oneshot => "oneshot channel",
        ResourceKind::Watch => "watch channel",
        ResourceKind::Broadcast => "broadcast channel",
        ResourceKind::Pipe => "duplex",
        _ => "lock",
    };
    guarded.map_or_else(|| name.to_string(), |guarded| format!("{name}<{guarded}>"))
}

/// Names of functions in a text as their source has them, where a macro put something around them:
/// `app::__blink_task::__blink_task_inner_function` is `app::blink`. `None` where no name is of that
/// form.
pub(crate) fn as_written(text: &str, around: &[(&str, &str)]) -> Option<String> {
    let is_identifier = |c: char| c.is_alphanumeric() || c == '_';
    let original = |word: &str| {
        let inside = |(before, after): &(&str, &str)| {
            let inside = word.strip_prefix(before)?.strip_suffix(after)?;
            (!inside.is_empty()).then(|| inside.to_string())
        };
        around.iter().find_map(inside)
    };
    let mut written = String::with_capacity(text.len());
    let (mut last, mut is_changed, mut rest): (Option<String>, bool, &str) = (None, false, text);
    while let Some(start) = rest.find(is_identifier) {
        let (between, from) = rest.split_at(start);
        let end = from.find(|c| !is_identifier(c)).unwrap_or(from.len());
        let word = original(&from[..end]);
        // The function is within another one that the macro makes of the same name.
        let is_again = between == "::" && word.is_some() && word == last;
        if !is_again {
            written.push_str(between);
            written.push_str(word.as_deref().unwrap_or(&from[..end]));
        }
        is_changed |= word.is_some();
        (last, rest) = (word, &from[end..]);
    }
    written.push_str(rest);
    is_changed.then_some(written)
}

/// `mpsc<Order>` from an end of type `Receiver<Order>`.
pub(crate) fn generic_name(
    word: &'static str,
    end: Value,
    program: &Program<'_>,
) -> Result<Cow<'static, str>, ValueError> {
    let arguments = program.arguments_of(end.ty)?;
    Ok(if arguments.is_empty() { word.into() } else { [word, arguments].concat().into() })
}

/// The version of a crate in the path of one of its files, as cargo has it:
/// `…/futures-executor-0.3.34/src/lib.rs`.
pub(crate) fn version_in_path(file: &str, name: &str) -> Option<String> {
    let after = file.rmatch_indices(name).find_map(|(at, _)| {
        file[..at].ends_with('/').then(|| file[at + name.len()..].strip_prefix('-'))?
    })?;
    let (version, _) = after.split_once('/')?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_string())
}

/// Whether a type of that name, which has that path without generic arguments, is meant: by its path,
/// or where the first arguments matter by these. An async fn or block of a method is in a path with the
/// number of its `impl`, which differs between versions: `app::{impl}::run::{async_fn_env#0}` is one of
/// any number.
pub(crate) fn is_of_path(known: &str, name: &str, path: &str) -> bool {
    known == path
        || known.split_once("{impl}").is_some_and(|(before, after)| {
            let rest = path.strip_prefix(before).and_then(|rest| rest.strip_prefix("{impl#"));
            let rest = rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            rest.and_then(|rest| rest.strip_prefix('}')) == Some(after)
        })
        || known.contains('<')
            && name.strip_prefix(known).is_some_and(|rest| rest.starts_with([',', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_known_whatever_the_number_of_its_impl() {
        let known = "app::{impl}::run::{async_fn_env#0}";
        let is = |path| is_of_path(known, path, path);
        assert!(is("app::{impl#0}::run::{async_fn_env#0}"));
        assert!(is("app::{impl#12}::run::{async_fn_env#0}"));
        assert!(!is("app::{impl#1}::run::{async_fn_env#1}") && !is("app::run::{async_fn_env#0}"));
        assert!(!is("app::{impl#}x::run::{async_fn_env#0}") && !is("app::{impl#1"));
    }

    #[test]
    fn a_version_stands_behind_the_crates_own_name() {
        let of = |file| version_in_path(file, "tokio");
        assert_eq!(of("registry/tokio-1.54.1/src/sync/mutex.rs").as_deref(), Some("1.54.1"));
        assert_eq!(of("registry/my-tokio-1.2.0/src/lib.rs"), None);
        assert_eq!(of("registry/tokio-util-0.7.20/src/lib.rs"), None);
        assert_eq!(of("tokio/src/lib.rs"), None);
    }

    #[test]
    fn names_lose_what_a_macro_put_around_them() {
        let around = [("__", "_task_inner_function"), ("__", "_task")];
        let written = |text| as_written(text, &around);
        let twice = "async block in app::io::__blink_task::__blink_task_inner_function<u8>";
        assert_eq!(written(twice).as_deref(), Some("async block in app::io::blink<u8>"));
        assert_eq!(written("app::__blink_task").as_deref(), Some("app::blink"));
        assert_eq!(written("app::blink_task::__task::run"), None);
        assert_eq!(written(""), None);
    }

    #[test]
    fn what_is_guarded_is_part_of_the_name() {
        assert_eq!(of_kind(ResourceKind::RwLock, Some("Vec<u8>")), "RwLock<Vec<u8>>");
        assert_eq!(of_kind(ResourceKind::Semaphore, None), "Semaphore");
        assert_eq!(of_kind(ResourceKind::ThreadLock, None), "lock");
    }
}
