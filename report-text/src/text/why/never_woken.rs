//! Tasks that wait for what nothing can bring any more.

use super::lock_across_await::kept;
use super::parts::Told;
use runtime_layouts::report::ResourceKind;

pub(super) fn sentence(told: &Told<'_>) -> String {
    if told.resource.kind == ResourceKind::Notify {
        let (verb, who) = if told.tasks.len() == 1 { ("waits", "it") } else { ("wait", "they") };
        let name = &told.resource.name;
        let subject = told.subject();
        return format!(
            "{subject} {verb} for a {name} that only {who} could notify: a notification was lost"
        );
    }
    format!("{} waits forever", kept(told))
}
