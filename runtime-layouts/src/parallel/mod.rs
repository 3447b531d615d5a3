//! Runs per-task work on several threads, in batches, with results in the order of the tasks.
//!
//! The result is the same as that of a single thread, because the calling thread puts the batches
//! together in task order. Threads share the target's memory and layouts and nothing else: each
//! keeps its own knowledge of types.

pub mod own_threads;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::memory::MemoryReader;
use crate::target::host::Host;
use crate::target::processors::Processor;
use crate::target::{Identity, Module, NativeFrame, Target, Thread};
use crate::value::Program;

/// Tasks that a thread takes at a time: some milliseconds of work, and a batch of memory that
/// fits into a processor's cache.
const BATCH: usize = 1024;
/// Fewer tasks than this are not worth a second thread.
const FEW: usize = 4 * BATCH;
/// More threads than this would wait for each other.
const MAX_THREADS: usize = 8;
/// How often Ctrl-C is looked for while others work.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The thread that asked, as the number of a member.
pub(crate) const OWN: usize = 0;

/// What a crew is to do. `C` is what a member keeps from one batch to the next, `R` what comes of
/// one batch.
pub(crate) struct Job<'j, I, C, R> {
    /// What it is done for: a task each.
    pub(crate) items: &'j [I],
    /// What a new member begins with.
    pub(crate) begin: &'j (dyn Fn() -> C + Sync),
    /// Does it for some of the items. May end early when the target says that the user asked to
    /// stop.
    pub(crate) batch: &'j (dyn Fn(&Program<'_>, &mut C, &[I]) -> R + Sync),
}

/// A batch that is done: its number, the member that did it, and what came of it.
type Done<R> = (usize, usize, R);

/// How many threads work at most where so many are possible.
fn threads(possible: usize) -> usize {
    possible.min(MAX_THREADS)
}

/// Whether so many tasks are worth more than one thread.
fn are_many(tasks: usize, threads: usize) -> bool {
    tasks >= FEW && threads > 1
}

impl<I: Sync, C, R: Send> Job<'_, I, C, R> {
    /// Does all of it, and hands over what comes of each batch, in the order of the items and
    /// with the number of the member that did it. `own` is what this thread keeps, which is
    /// [`OWN`]. `false` when it ended early, since the user asked to stop: what was handed over is
    /// then right, up to some item.
    pub(crate) fn run(
        &self,
        program: &Program<'_>,
        own: &mut C,
        hand_over: &mut dyn FnMut(usize, R),
    ) -> bool {
        let target = program.target();
        let threads = threads(target.parallelism());
        if !are_many(self.items.len(), threads) || !target.may_be_read_by_threads() {
            for items in self.items.chunks(BATCH) {
                hand_over(OWN, (self.batch)(program, own, items));
                if target.interrupted() {
                    return false;
                }
            }
            return true;
        }
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let shared = Shared::of(target, &stop);
        let (sender, receiver) = mpsc::channel();
        let mut order = InOrder { next: 0, early: BTreeMap::new() };
        thread::scope(|scope| {
            own_threads::start(|| {
                for member in OWN + 1..threads {
                    let (sender, next, shared) = (sender.clone(), &next, &shared);
                    let thread = thread::Builder::new().name(format!("unhang-walk-{member}"));
                    // One that cannot be started is done without.
                    let _ = thread.spawn_scoped(scope, move || {
                        self.take_part(&Program::new(shared), next, member, &sender);
                    });
                }
            });
            drop(sender);
            while let Some((number, items)) = self.take(&next)
                && !stop.load(Ordering::Relaxed)
            {
                let found = (self.batch)(program, own, items);
                if target.interrupted() {
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
                order.add((number, OWN, found), hand_over);
                receiver.try_iter().for_each(|done| order.add(done, hand_over));
            }
            loop {
                match receiver.recv_timeout(LOOK_EVERY) {
                    Ok(done) => order.add(done, hand_over),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if target.interrupted() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        });
        !stop.into_inner()
    }

    /// The next batch that nobody has taken, and its number.
    fn take(&self, next: &AtomicUsize) -> Option<(usize, &[I])> {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let start = number.checked_mul(BATCH).filter(|start| *start < self.items.len())?;
        let end = self.items.len().min(start.saturating_add(BATCH));
        Some((number, &self.items[start..end]))
    }

    /// What a further thread does.
    fn take_part(
        &self,
        program: &Program<'_>,
        next: &AtomicUsize,
        member: usize,
        sender: &Sender<Done<R>>,
    ) {
        let mut kept = (self.begin)();
        while let Some((number, items)) = self.take(next) {
            let found = (self.batch)(program, &mut kept, items);
            // It may have ended early.
            if program.target().interrupted() || sender.send((number, member, found)).is_err() {
                return;
            }
        }
    }
}

/// Does two things for so many tasks: both at the same time where that is worth it, else the one that
/// belongs here first. The one in the other thread may not ask for stacks; `None` when no thread could
/// be started for it.
pub(crate) fn beside<A: Send, B>(
    program: &Program<'_>,
    tasks: usize,
    there: impl FnOnce(&Program<'_>) -> A + Send,
    here: impl FnOnce() -> B,
) -> (Option<A>, B) {
    let target = program.target();
    if !are_many(tasks, threads(target.parallelism())) || !target.may_be_read_by_threads() {
        let here = here();
        return (Some(there(program)), here);
    }
    let stop = AtomicBool::new(false);
    let shared = Shared::of(target, &stop);
    at_once(|| there(&Program::new(&shared)), here)
}

/// The same for what reads no memory.
pub fn both<A: Send, B>(
    tasks: usize,
    there: impl FnOnce() -> A + Send,
    here: impl FnOnce() -> B,
) -> (Option<A>, B) {
    let possible = thread::available_parallelism().map_or(1, NonZero::get);
    if !are_many(tasks, threads(possible)) {
        let here = here();
        return (Some(there()), here);
    }
    at_once(there, here)
}

fn at_once<A: Send, B>(
    there: impl FnOnce() -> A + Send,
    here: impl FnOnce() -> B,
) -> (Option<A>, B) {
    thread::scope(|scope| {
        let other = own_threads::start(|| thread::Builder::new().spawn_scoped(scope, there));
        let here = here();
        match other.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(found)) => (Some(found), here),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => (None, here),
        }
    })
}

/// Brings batches back into their order.
struct InOrder<R> {
    /// The number of the one that is due.
    next: usize,
    /// Those that are done before that one.
    early: BTreeMap<usize, (usize, R)>,
}

impl<R> InOrder<R> {
    fn add(&mut self, (number, member, found): Done<R>, hand_over: &mut dyn FnMut(usize, R)) {
        self.early.insert(number, (member, found));
        while let Some((member, found)) = self.early.remove(&self.next) {
            hand_over(member, found);
            self.next += 1;
        }
    }
}

/// What several threads may use of a target at once. Stacks are left out: they are unwound by the
/// debugger, or with its help.
struct Shared<'t> {
    memory: &'t dyn MemoryReader,
    identity: &'t Identity,
    modules: &'t [Module],
    threads: &'t [Thread],
    processor: Option<&'static Processor>,
    host: Option<&'t dyn Host>,
    stop: &'t AtomicBool,
}

impl<'t> Shared<'t> {
    fn of(target: &'t dyn Target, stop: &'t AtomicBool) -> Self {
        Self {
            memory: target.memory(),
            identity: target.identity(),
            modules: target.modules(),
            threads: target.threads(),
            processor: target.processor(),
            host: target.host(),
            stop,
        }
    }
}

impl Target for Shared<'_> {
    fn memory(&self) -> &dyn MemoryReader {
        self.memory
    }

    fn may_be_read_by_threads(&self) -> bool {
        true
    }

    fn identity(&self) -> &Identity {
        self.identity
    }

    fn modules(&self) -> &[Module] {
        self.modules
    }

    fn threads(&self) -> &[Thread] {
        self.threads
    }

    fn native_frames(&self, _thread: &Thread, _limit: usize) -> Vec<NativeFrame> {
        Vec::new()
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn processor(&self) -> Option<&'static Processor> {
        self.processor
    }

    fn host(&self) -> Option<&dyn Host> {
        self.host
    }
}
