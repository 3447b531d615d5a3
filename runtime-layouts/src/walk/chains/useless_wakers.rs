//! Wakers of a task that are of no use: those that its own sets of futures keep, when no waker of
//! any future in such a set exists.

use rustc_hash::{FxHashMap, FxHashSet};

use super::site_table::SiteTable;
use crate::knowledge::FutureSetType;
use crate::layout::name::base_path;
use crate::parallel::Job;
use crate::report::{Chain, SiteId, Task, TaskIndex};
use crate::value::{Program, Value};

/// Counts the wakers that sets of futures keep in vain, of tasks of which wakers exist.
pub(crate) fn count(program: &Program<'_>, sites: &SiteTable, tasks: &mut [Task]) {
    let of_sites = sets_by_site(sites);
    // Most programs have no such set, and there may be a million tasks to look through.
    if of_sites.is_empty() {
        return;
    }
    let batch = |program: &Program<'_>, (): &mut (), tasks: &[Task]| {
        let mut found: Vec<(TaskIndex, u32)> = Vec::new();
        for task in tasks.iter().filter(|task| has_known_wakers(task)) {
            let mut sets = Sets {
                program,
                sites,
                of_sites: &of_sites,
                task,
                seen: FxHashSet::default(),
                dead: 0,
            };
            sets.visit(&task.chain);
            if sets.dead > 0 {
                found.push((task.index, sets.dead));
            }
        }
        found
    };
    let mut found = Vec::new();
    let job = Job { items: tasks, begin: &|| (), batch: &batch };
    job.run(program, &mut (), &mut |_, some| found.extend(some));
    for (task, dead) in found {
        tasks[task.0 as usize].wakers.of_dead_sets = dead;
    }
}

/// Whether wakers of a task are known to exist, which may all be of no use.
fn has_known_wakers(task: &Task) -> bool {
    task.wakers.at_most.is_some_and(|count| count > 0)
}

/// What the sites of sets of futures are known as.
fn sets_by_site(sites: &SiteTable) -> FxHashMap<SiteId, &'static FutureSetType> {
    let libraries = sites.libraries();
    let known = (0..)
        .map(SiteId)
        .zip(sites.all())
        .filter_map(|(id, site)| Some((id, libraries.future_set(base_path(&site.type_name))?)));
    known.collect()
}

/// The sets in one task's frames.
struct Sets<'s> {
    program: &'s Program<'s>,
    sites: &'s SiteTable,
    of_sites: &'s FxHashMap<SiteId, &'static FutureSetType>,
    task: &'s Task,
    /// By their keys.
    seen: FxHashSet<u64>,
    /// How many keep a waker of the task in vain.
    dead: u32,
}

impl Sets<'_> {
    /// Also those in branches that nothing polls: what polled one before may have left its waker.
    fn visit(&mut self, chain: &Chain) {
        for frame in &chain.frames {
            let Some(known) = self.of_sites.get(&frame.site) else { continue };
            let Some(ty) = self.sites.type_of(frame.site) else { continue };
            let value = Value { ty, address: frame.address };
            if let Ok(Some(set)) = (known.read)(self.program, value)
                && set.waker == self.task.waker_data()
                && !set.can_be_woken
                && self.seen.insert(set.key)
            {
                self.dead += 1;
            }
        }
        chain.branches.iter().for_each(|branch| self.visit(branch));
    }
}
