//! Reports of many tasks in few words: of those that stand at the same place, the first, and the ids of
//! the rest.
//!
//! A hundred thousand tasks are two hundred megabytes of JSON, of which an editor shows some hundred
//! lines.

use rustc_hash::FxHashSet;
use serde::Serialize;

use crate::text::groups::groups;
use runtime_layouts::report::{Finding, Leads, Report, Task, TaskIndex};

/// Of so many tasks all are written.
const ALL: usize = 2_000;

/// So many tasks of those that stand at the same place are written whole.
const WHOLE: usize = 64;

/// So many tasks are followed to who holds what they wait for.
const FOLLOWED: usize = 10_000;

/// Tasks that stand where another one does, and are not written themselves.
#[derive(Serialize)]
pub(super) struct AlikeJson<'r> {
    task: &'r str,
    tasks: Vec<&'r str>,
}

/// Which tasks are written.
pub(super) struct Brief<'r> {
    whole: FxHashSet<TaskIndex>,
    pub(super) alike: Vec<AlikeJson<'r>>,
}

impl<'r> Brief<'r> {
    /// Chooses them: the first ones of each place, those of findings and leads, and who holds what
    /// these wait for.
    pub(super) fn of(report: &'r Report, findings: &[Finding], leads: &Leads) -> Self {
        if report.tasks.len() <= ALL {
            let whole = report.tasks.iter().map(|task| task.index).collect();
            return Self { whole, alike: Vec::new() };
        }
        let groups = groups(&report.tasks);
        let firsts = groups.iter().flat_map(|group| group.iter().take(WHOLE));
        let mut open: Vec<TaskIndex> = firsts.map(|task| task.index).collect();
        open.extend(findings.iter().flat_map(|finding| finding.tasks(report)));
        open.extend(leads.first.iter().flat_map(|lead| lead.tasks.iter().take(WHOLE)));
        let mut whole: FxHashSet<TaskIndex> = open.iter().copied().collect();
        // A chain of holders is followed to its end, but not through a hundred thousand tasks.
        while let Some(task) = open.pop().filter(|_| whole.len() < FOLLOWED) {
            for wait in report.waits_of(task) {
                let holders = report.resource(wait.resource).holders.iter().take(WHOLE);
                let tasks = holders.filter_map(|holder| holder.task);
                open.extend(tasks.filter(|task| whole.insert(*task)));
            }
        }
        let rest = |group: &Vec<&'r Task>| {
            let is_left = |task: &&&'r Task| !whole.contains(&task.index);
            let tasks: Vec<&str> =
                group.iter().filter(is_left).map(|it| it.id.0.as_str()).collect();
            let first = group.first().map(|task| task.id.0.as_str())?;
            (!tasks.is_empty()).then_some(AlikeJson { task: first, tasks })
        };
        let alike = groups.iter().filter_map(rest).collect();
        Self { whole, alike }
    }

    /// Whether a task is written.
    pub(super) fn has(&self, task: &Task) -> bool {
        self.whole.contains(&task.index)
    }
}
