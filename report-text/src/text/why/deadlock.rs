//! Tasks that wait for each other, or one for itself.

use super::super::counts::enumerated;
use super::super::kinds::is_lock;
use super::parts::{Told, blocks, drop_it, party, writer_before};
use runtime_layouts::report::{
    Access, Cause, Holder, Link, ResourceId, ResourceKind, Task, TaskIndex, TaskKind, TaskState,
};

pub(super) fn sentence(told: &Told<'_>) -> String {
    match told.first.cause {
        Cause::HeldUnpolled(_) if told.tasks.len() == 1 => return unpolled(told),
        Cause::HeldByWaiter => return among_waiters(told),
        Cause::Held(_)
            if told.tasks.len() == 1 && told.resource.kind == ResourceKind::ThreadLock =>
        {
            return own(told);
        }
        _ => {}
    }
    let queued = told.finding.links.iter().find_map(|link| match link.cause {
        Cause::NoThread(queued) => Some(queued),
        _ => None,
    });
    if let Some(queued) = queued {
        return full_pool(told, queued);
    }
    if let Some(text) = whole_pool(told) {
        return text;
    }
    let what = match told.resource.kind {
        ResourceKind::Semaphore => "permits that it holds itself",
        ResourceKind::Pool => "an object of a pool whose objects it holds itself",
        ResourceKind::OnceCell => "a cell that it is initializing itself",
        kind if is_lock(kind) => "a lock that it holds itself",
        kind => only_it_can(kind, told.wait.access, told.holder),
    };
    match told.tasks.as_slice() {
        [_] => format!("{} waits for {what}", told.subject()),
        [_, _] => format!("{} wait for each other", told.subject()),
        _ => format!("{} wait for each other in a cycle", told.subject()),
    }
}

/// `task 3 waits for a message that only it can send`; `None` for what is no wait of one task for what
/// it has the other end of.
pub(super) fn of_own_end(told: &Told<'_>) -> Option<String> {
    let holder = told.holder.filter(|holder| {
        matches!(holder.access, Access::Send | Access::End) && told.tasks.len() == 1
    })?;
    let what = only_it_can(told.resource.kind, told.wait.access, Some(holder));
    Some(format!("{} waits for {what}", told.subject()))
}

/// `tasks 3, 4 and 5 have all 3 objects of Pool<Postgres> and wait for more`; `None` for another
/// circle.
fn whole_pool(told: &Told<'_>) -> Option<String> {
    let report = told.report;
    let first = report.wait(told.first.wait).resource;
    let is_of_pool = |link: &Link| report.wait(link.wait).resource == first;
    let is_whole = told.resource.kind == ResourceKind::Pool
        && told.finding.links.iter().all(is_of_pool)
        && told
            .resource
            .holders
            .iter()
            .all(|holder| holder.task.is_some_and(|task| told.tasks.contains(&task)));
    let (who, name) = (enumerated(report, &told.tasks), &told.resource.name);
    let all = told.resource.holders.len();
    is_whole.then(|| match (told.tasks.len(), all) {
        (1, 1) => format!("{who} has the only object of {name} and waits for another one"),
        (1, _) => format!("{who} has all {all} objects of {name} and waits for another one"),
        _ => format!("{who} have all {all} objects of {name} and wait for more"),
    })
}

/// `closures 3 and 4 have all 2 threads of the blocking pool of runtime 0, and wait for closures that
/// queue for one`.
fn full_pool(told: &Told<'_>, queued: TaskIndex) -> String {
    let report = told.report;
    let runtime = report.task(queued).runtime;
    let has_thread = |task: &&Task| {
        task.kind == TaskKind::Blocking
            && task.runtime == runtime
            && task.state == TaskState::Running
    };
    let running: Vec<TaskIndex> =
        report.tasks.iter().filter(has_thread).map(|task| task.index).collect();
    let (who, verbs) = match running.as_slice() {
        [one] => (party(report, *one), ["has", "waits"]),
        several => (enumerated(report, several).replacen("task", "closure", 1), ["have", "wait"]),
    };
    let pool = runtime.and_then(|at| report.runtimes.get(at)?.blocking);
    let threads = match pool.map(|pool| pool.threads) {
        Some(1) | None => "the only thread".to_string(),
        Some(threads) => format!("all {threads} threads"),
    };
    format!(
        "{who} {} {threads} of the blocking pool of runtime {}, and {} for closures that queue \
         for one",
        verbs[0],
        runtime.unwrap_or_default(),
        verbs[1]
    )
}

/// `task 1 blocks thread 1 (worker 0 of runtime 0) while it waits for RwLock<f32>, held by task main,
/// which only that thread polls`.
fn unpolled(told: &Told<'_>) -> String {
    let holder = match told.holder {
        Some(holder) if holder.task == Some(told.wait.task) => "another branch of it".to_string(),
        Some(holder) => told.report.holder_name(holder),
        None => "an unknown task".to_string(),
    };
    let polls = match pollers(told) {
        Some(runtime) => format!("which only the blocked workers of runtime {runtime} poll"),
        None => "which only that thread polls".to_string(),
    };
    let (blocks, name) = (blocks(told.report, told.wait), &told.resource.name);
    format!("{blocks} while it waits for {name}, held by {holder}, {polls}")
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0) while it waits for Mutex<List>, which it holds
/// itself`.
fn own(told: &Told<'_>) -> String {
    let (blocks, name) = (blocks(told.report, told.wait), &told.resource.name);
    match told.holder.filter(|holder| holder.thread.is_some()).map(|holder| holder.access) {
        Some(Access::Initializer) => {
            format!("{blocks} while it waits for {name}, which it initializes itself")
        }
        Some(_) => format!("{blocks} while it waits for {name}, which it holds itself"),
        None => format!(
            "{blocks} while it waits for {name}, held by a suspended branch of the same task, which \
             only that thread polls"
        ),
    }
}

/// The runtime of a holder that several workers could poll.
fn pollers(told: &Told<'_>) -> Option<usize> {
    let task = told.report.task(told.holder?.task?);
    let runtime = told.report.runtimes.get(task.runtime?)?;
    let is_of_workers = task.kind == TaskKind::Task && runtime.workers.len() > 1;
    is_of_workers.then_some(runtime.id)
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0) while it waits for Mutex<List>, which it must hold
/// itself, since no other thread runs code`.
fn among_waiters(told: &Told<'_>) -> String {
    let name = &told.resource.name;
    match told.tasks.as_slice() {
        [_] => format!(
            "{} while it waits for {name}, which it must hold itself: no other thread runs code",
            blocks(told.report, told.wait)
        ),
        _ => format!(
            "{} block their threads while they wait for {name}, which one of them must hold: no \
             other thread runs code",
            told.subject()
        ),
    }
}

pub(super) fn help(told: &Told<'_>) -> Option<String> {
    let links = &told.finding.links;
    if let [only] = links.as_slice() {
        let holder = told.holder?;
        if writer_before(told.report, only).is_some() {
            let drop = drop_it(told.report, holder);
            let drop = drop.unwrap_or("let go of the first read before the second".to_string());
            return Some(format!("{drop}: the lock gives no new reads while a writer waits"));
        }
        return match (told.resource.kind, holder.access) {
            (ResourceKind::Mutex | ResourceKind::RwLock, _) => drop_it(told.report, holder),
            (ResourceKind::Mpsc | ResourceKind::Broadcast, Access::Send) => {
                drop_it(told.report, holder)
            }
            _ => None,
        };
    }
    let mut locks: Vec<ResourceId> = links
        .iter()
        .filter(|link| matches!(link.cause, Cause::Held(_)))
        .map(|link| link.resource(told.report))
        .filter(|(_, lock, _)| matches!(lock.kind, ResourceKind::Mutex | ResourceKind::RwLock))
        .map(|(id, _, _)| id)
        .collect();
    locks.sort_unstable_by_key(|id| id.0);
    locks.dedup();
    let takes_each = locks.len() == links.len() && told.tasks.len() == links.len();
    takes_each.then(|| "take these locks in the same order everywhere".to_string())
}

/// What only the task that waits for it can bring about: by how it asks, and what it holds itself.
fn only_it_can(kind: ResourceKind, asked: Option<Access>, holder: Option<&Holder>) -> &'static str {
    match (kind, holder.map(|holder| holder.access)) {
        (_, Some(Access::Receive)) if asked.is_none() => {
            "the end of a receiver that it holds itself"
        }
        (_, Some(Access::Place)) if asked == Some(Access::Send) => {
            "room, and has reserved a place itself"
        }
        (_, Some(Access::Receive)) => "room that only it can make",
        (ResourceKind::Mpsc | ResourceKind::Broadcast, _) => "a message that only it can send",
        (ResourceKind::Oneshot, _) => "a value that only it can send",
        (ResourceKind::Pipe, _) => "bytes that only it can send",
        (ResourceKind::Watch, _) => "a change that only it can make",
        (ResourceKind::Notify, _) => "a notification that only it can send",
        (ResourceKind::OtherEnd, _) => "the other end of what it has both ends of",
        (ResourceKind::Barrier, _) => "a barrier that only it can complete",
        (ResourceKind::Cancellation, _) => "a cancellation that only it can trigger",
        (ResourceKind::Join | ResourceKind::JoinSet, _) => "its own end",
        _ => "something that only it can provide",
    }
}
