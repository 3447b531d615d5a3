//! Who holds what, in words.

use super::counts::ids;
use super::frames::{place, short_place};
use super::kinds::{has_identity, with_address};
use runtime_layouts::report::{Access, Holder, Report, Resource, ResourceKind, TaskIndex, Within};

/// Holders that are no tasks and that a line names, at most.
const MAX_NAMED: usize = 5;

/// What is said of a frame that holds something: `holds MutexGuard<Inventory> in ‘stock’`.
pub(super) fn of_holder(resource: &Resource, holder: &Holder) -> String {
    let mut text = format!("holds {}", holder.guard);
    if let Access::Permits(count) = holder.access {
        text.push_str(&format!(" ({})", permits(count)));
    }
    text.push_str(&in_variable(holder));
    text.push_str(&in_collection(holder));
    if has_identity(resource.kind) {
        // A file has a lock that lies nowhere in memory.
        let of = if resource.address == 0 { "with" } else { "of" };
        text.push_str(&format!(", {of} {}", with_address(resource)));
    }
    if holder.may_be_moved {
        text.push_str(" (unless it was moved)");
    }
    text
}

/// `sender` of who can send to a channel; `None` for what is no end of one, nor used like one.
pub(super) fn end_text(access: Access) -> Option<&'static str> {
    match access {
        Access::Send => Some("sender"),
        Access::Receive => Some("receiver"),
        Access::Handle => Some("handle"),
        Access::Place => Some("reserved place"),
        Access::End | Access::Peer => Some("other end"),
        _ => None,
    }
}

/// `1 permit`, `2 permits`.
pub(super) fn permits(count: u64) -> String {
    if count == 1 { "1 permit".to_string() } else { format!("{count} permits") }
}

/// `held by task 4 (main.rs:12)`; `None` when nothing can be said.
pub(super) fn holders_text(
    report: &Report,
    asking: TaskIndex,
    resource: &Resource,
    with_place: bool,
) -> Option<String> {
    let [first, rest @ ..] = resource.holders.as_slice() else {
        return match resource.given.map(|id| report.wait(id)) {
            Some(given) => {
                let task = &report.task(given.task).id.0;
                let what = if given.is_polled { "" } else { "an unpolled future of " };
                Some(format!("granted to {what}task {task}"))
            }
            None => (resource.is_taken == Some(true)).then(|| "holder not found".to_string()),
        };
    };
    // Who could notify matters only where nobody does: a finding says it.
    if first.access == Access::Handle {
        return None;
    }
    let doubt = if first.may_be_moved { "perhaps " } else { "" };
    let (held, several) = match end_text(first.access) {
        Some(_) if first.access == Access::Place => {
            (format!("{doubt}place reserved by"), format!("{doubt}places reserved by"))
        }
        Some(end) if resource.kind == ResourceKind::Io => {
            (format!("{end} in"), format!("{end} in"))
        }
        // What it waits for says already which end.
        Some(_) if first.access == Access::End => {
            ("perhaps in".to_string(), "perhaps in".to_string())
        }
        Some(end) => (format!("{doubt}{end} in"), format!("{doubt}{end}s in")),
        None if first.access == Access::Initializer => {
            ("being initialized by".to_string(), "being initialized by".to_string())
        }
        None => (format!("{doubt}held by"), format!("{doubt}held by")),
    };
    // Beside those who have places, who has an end of the channel does not matter.
    let alike = |holder: &&Holder| holder.access == first.access;
    let is_alone = match first.access {
        Access::Place => !rest.iter().any(|holder| alike(&holder)),
        _ => rest.is_empty(),
    };
    if is_alone {
        return Some(match first.task == Some(asking) {
            true => format!("{held} this task"),
            false => {
                let who = report.holder_name(first);
                let place = place(report.site(first.frame.site));
                let file = short_place(&place);
                match with_place && !place.is_empty() && !first.is_static {
                    true => format!("{held} {who} ({file})"),
                    false => format!("{held} {who}{}", in_variable(first)),
                }
            }
        });
    }
    let mut holders: Vec<&Holder> = resource.holders.iter().collect();
    if first.access == Access::Place {
        holders.retain(alike);
    }
    let mut tasks: Vec<TaskIndex> = holders.iter().filter_map(|holder| holder.task).collect();
    tasks.dedup();
    if *tasks == [asking] && holders.iter().all(|holder| holder.task.is_some()) {
        return Some(format!("{several} this task"));
    }
    let others = holders.iter().filter(|holder| holder.task.is_none());
    let mut others: Vec<String> = others.map(|holder| report.holder_name(holder)).collect();
    others.dedup();
    let word = if tasks.len() == 1 { "task" } else { "tasks" };
    let tasks = (!tasks.is_empty()).then(|| format!("{word} {}", ids(report, tasks.into_iter())));
    let more = others.len().saturating_sub(MAX_NAMED);
    others.truncate(MAX_NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    let all: Vec<String> = tasks.into_iter().chain(others).chain(more).collect();
    Some(format!("{several} {}", all.join(", ")))
}

/// ` in `stock``, ` in a temporary`; empty for what has no name.
pub(super) fn in_variable(holder: &Holder) -> String {
    match holder.variable.as_ref().filter(|_| !holder.is_static) {
        Some(name) if is_temporary(name) => " in a temporary".to_string(),
        Some(name) => format!(" in `{name}`"),
        None => String::new(),
    }
}

/// `, in a message to Receiver<Job>`, `, in HashMap<u64, Sender<u32>>`: what it is in, among others;
/// empty for what is in a variable itself.
pub(super) fn in_collection(holder: &Holder) -> String {
    match &holder.within {
        Some(Within { name, has_messages: true }) => format!(", in a message to {name}"),
        Some(Within { name, has_messages: false }) => format!(", in {name}"),
        None => String::new(),
    }
}

/// Whether a variable has only the compiler's number for a name: the value of an expression that is
/// kept to the end of its statement.
pub(super) fn is_temporary(name: &str) -> bool {
    let number = name.strip_prefix("__").filter(|number| !number.is_empty());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
