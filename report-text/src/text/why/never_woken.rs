//! Tasks that wait for what nothing can bring any more, and those that nothing can wake.

use super::super::kinds::is_lock;
use super::super::waiting::thing;
use super::deadlock;
use super::lock_across_await::kept;
use super::parts::{Told, drop_it, local_set, party, proof_of_no_waker};
use runtime_layouts::report::{Access, Cause, Holder, Link, ResourceKind, TaskIndex};

pub(super) fn sentence(told: &Told<'_>) -> String {
    if told.first.cause == Cause::NoWaker {
        return no_waker(told);
    }
    let in_set = told.finding.links.iter().find_map(|link| match link.cause {
        Cause::SetNotPolled(local) => Some((link, local)),
        _ => None,
    });
    if let Some((link, local)) = in_set {
        return in_unpolled_set(told, link, local);
    }
    if told.holder.is_some_and(|holder| holder.access == Access::Handle) {
        return of_handle(told);
    }
    if let Some(what) = deadlock::of_own_end(told) {
        return what;
    }
    format!("{} waits forever", kept(told))
}

/// `task 3 waits for a Notify that only it could notify: nobody else has it any more`.
fn of_handle(told: &Told<'_>) -> String {
    let (verb, who) = if told.tasks.len() == 1 { ("waits", "it") } else { ("wait", "they") };
    let (subject, name) = (told.subject(), &told.resource.name);
    let what = thing(told.report, told.wait);
    match told.resource.kind {
        ResourceKind::Semaphore => format!(
            "{subject} {verb} for {what}, and nobody can give any: no permit is held, and only \
             those who wait have the semaphore"
        ),
        ResourceKind::Barrier => format!(
            "{subject} {verb} for {what}, and nobody can come to it: only those who wait at it have it"
        ),
        ResourceKind::Cancellation => {
            format!("{subject} {verb} for a {name} that only {who} could cancel")
        }
        _ => format!(
            "{subject} {verb} for a {name} that only {who} could notify: nobody else has it any more"
        ),
    }
}

/// `task main waits for local task 1, spawned on a LocalSet (in `desk` of report, src/main.rs:15)
/// that nobody polls`.
fn in_unpolled_set(told: &Told<'_>, link: &Link, of: TaskIndex) -> String {
    let report = told.report;
    let task = party(report, report.wait(link.wait).task);
    let local = party(report, of);
    let set = report.set_of(of);
    let place = set.map(|set| local_set(report, set, false)).unwrap_or_default();
    let unless = match set.and_then(|set| set.kept.as_ref()) {
        _ if told.finding.is_sure => "",
        Some(kept) if kept.may_be_moved => " (unless the set was moved elsewhere)",
        Some(kept) if kept.is_shared => " (unless another owner of the set polls it)",
        _ => " (unless a future does that unhang does not know)",
    };
    format!("{task} waits for {local}, spawned on {place} that nobody polls{unless}")
}

pub(super) fn help(told: &Told<'_>) -> Option<String> {
    if deadlock::of_own_end(told).is_some() {
        return deadlock::help(told);
    }
    let keeps_it = |holder: &&Holder| holder.access != Access::Handle;
    let holder = told.holder.filter(keeps_it).filter(|_| is_lock(told.resource.kind))?;
    drop_it(told.report, holder)
}

/// `task 4 is idle in Pass, and no waker of it exists: nothing can wake it`.
fn no_waker(told: &Told<'_>) -> String {
    let (report, subject) = (told.report, told.subject());
    let leaf = &report.site(told.wait.leaf.site).name.short;
    match told.tasks.as_slice() {
        [one] => {
            let why = proof_of_no_waker(report, report.task(*one));
            format!("{subject} is idle in {leaf}, and {why}: nothing can wake it")
        }
        several => {
            let have_none = |task: &TaskIndex| report.task(*task).wakers.none_exists();
            let why = match several.iter().all(have_none) {
                true => "no waker of them exists",
                false => {
                    "only sets of futures of their own, in which no future can be woken, keep \
                     wakers of them"
                }
            };
            format!("{subject} are idle in {leaf}, and {why}: nothing can wake them")
        }
    }
}
