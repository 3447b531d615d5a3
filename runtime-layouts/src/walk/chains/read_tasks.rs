//! Many tasks are read by several threads, each with a walker of its own, and put together in their
//! order.

use super::site_table::{KeyedSite, SiteNumbers};
use crate::parallel::{self, Job};
use crate::report::Task;
use crate::value::{Program, Value};
use crate::walk::Inspection;
use crate::walk::Walker;

/// How to read one task by its header: with what a thread learned of others.
pub(crate) type ReadTask<'r, K, R> =
    &'r (dyn Fn(&Program<'_>, &mut Walker, &mut K, Value) -> R + Sync);

/// Takes what came of one, with its header.
pub(crate) type HandOver<'h, 't, R> = &'h mut dyn FnMut(&mut Inspection<'t>, Value, R);

/// How to read tasks.
pub(crate) struct ReadTasks<'r, K, R> {
    /// What a thread begins with.
    pub(crate) begin: &'r (dyn Fn() -> K + Sync),
    /// Reads one. The sites in it are the walker's.
    pub(crate) read: ReadTask<'r, K, R>,
    /// The task in what came of it; `None` where there is none.
    pub(crate) task: fn(&mut R) -> Option<&mut Task>,
}

/// What came of some in a row.
struct Batch<R> {
    /// Each with the number of sites that the walker knew after it.
    found: Vec<(R, usize)>,
    /// The sites that the walker did not know before.
    sites: Vec<KeyedSite>,
}

impl<K, R: Send> ReadTasks<'_, K, R> {
    /// Reads them and hands them over in their order, with the inspection's numbers of sites.
    pub(crate) fn run<'t>(
        &self,
        inspection: &mut Inspection<'t>,
        headers: &[Value],
        hand_over: HandOver<'_, 't, R>,
    ) {
        let program = inspection.program;
        let mut left = headers.iter();
        let batch = |program: &Program<'_>, kept: &mut (Walker, K), headers: &[Value]| {
            let (walker, reader) = kept;
            let known = walker.sites.len();
            let mut found = Vec::with_capacity(headers.len());
            for header in headers.iter().take_while(|_| !program.target().interrupted()) {
                let one = (self.read)(program, walker, reader, *header);
                found.push((one, walker.sites.len()));
            }
            Batch { found, sites: walker.sites.since(known) }
        };
        let libraries = inspection.libraries;
        let begin = || (Walker::of(libraries), (self.begin)());
        let job = Job { items: headers, begin: &begin, batch: &batch };
        let mut own =
            (std::mem::replace(&mut inspection.walker, Walker::of(libraries)), (self.begin)());
        let mut members: Vec<SiteNumbers> = vec![std::mem::take(&mut inspection.numbers)];
        job.run(program, &mut own, &mut |member, batch| {
            if members.len() <= member {
                members.resize_with(member + 1, SiteNumbers::default);
            }
            let numbers = &mut members[member];
            let mut sites = batch.sites.into_iter();
            for ((mut one, known), header) in batch.found.into_iter().zip(&mut left) {
                // No further: the stack of a thread may have others, and sites are in the order of the
                // tasks.
                inspection.sites.take_in(numbers, sites.by_ref().take(known - numbers.len()));
                if let Some(task) = (self.task)(&mut one) {
                    numbers.apply_to_task(task);
                }
                hand_over(inspection, *header, one);
            }
        });
        inspection.walker = own.0;
        inspection.numbers = members.swap_remove(parallel::OWN);
    }
}
