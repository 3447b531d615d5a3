//! What tasks wait for and what they hold, read of each task at once: a page of memory that has both
//! is fetched once.

use super::crew::{self, Job};
use super::holders::{self, Guards, Holders};
use super::leaves::{Leaves, Waiting};
use super::sites::Sites;
use super::waits::{Tasks, Waits};
use crate::report::{Task, TaskState};
use crate::value::Program;

/// What one task after the other waits for, and keeps.
type Found = (Vec<Waiting>, holders::Found);

/// Finds the waits of all tasks and the holders of what they wait for, by several threads where
/// there are many tasks. `false` when it ended early, since the user asked to stop.
pub(crate) fn find(program: &Program<'_>, sites: &mut Sites, tasks: &[Task]) -> (Waits, bool) {
    let mut waits = Waits::default();
    let mut holders = Holders::default();
    let (guards, is_whole) = read(program, sites, tasks, &mut waits);
    if !is_whole {
        return (waits, false);
    }
    let orders = waits.queue();
    // Some queue is as long as the list of tasks.
    let (orders, ()) = crew::beside(
        program,
        tasks.len(),
        |program| {
            let orders = orders.into_iter();
            orders
                .map(|(id, read, of)| (id, read(program, of).unwrap_or_default()))
                .collect::<Vec<_>>()
        },
        || holders.add_all(program, guards, &mut waits),
    );
    waits.sort(program, sites, orders.unwrap_or_default());
    holders.finish(program, sites, tasks, &mut waits);
    (waits, true)
}

/// Adds the waits, and returns the guards, whose holders can be told when all waits are known.
fn read(
    program: &Program<'_>,
    sites: &Sites,
    tasks: &[Task],
    waits: &mut Waits,
) -> (Vec<holders::Found>, bool) {
    let known = Tasks::of(tasks);
    let stretch = |program: &Program<'_>, readers: &mut (Leaves, Guards), tasks: &[Task]| {
        let (leaves, guards) = readers;
        let mut found: Found = (Vec::with_capacity(tasks.len()), holders::Found::default());
        for task in tasks.iter().take_while(|_| !program.target().interrupted()) {
            leaves.of_task(program, sites, &known, task, &mut found.0);
            guards.of_task(program, sites, task, &mut found.1);
        }
        found.1.shrink();
        found
    };
    let job = Job::for_tasks(tasks, &<(Leaves, Guards)>::default, &stretch);
    let is_running = |task: &&Task| task.state == TaskState::Running;
    let mut running = tasks.iter().filter(is_running).peekable();
    let mut kept = Vec::new();
    let is_whole = job.run(program, &mut Default::default(), &mut |_, (found, guards)| {
        for waiting in found {
            while let Some(task) = running.next_if(|task| task.index <= waiting.wait.task) {
                waits.add_blocked(program, sites, task);
            }
            waits.add(program, waiting);
        }
        kept.push(guards);
    });
    running.for_each(|task| waits.add_blocked(program, sites, task));
    (kept, is_whole)
}
