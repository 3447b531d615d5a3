//! What an address is without any variable: on a stack, in an object file, or a waker that nothing
//! describes.

use rustc_hash::FxHashSet;

use super::Place;
use crate::layout::Function;
use crate::report::{Report, ThreadRef, WorkerState};
use crate::target::Thread;
use crate::value::Program;
use crate::walk;

/// What may lie below the stack pointer (the red zone of the System V ABI).
const BELOW: u64 = 128;
/// The second word of a waker's table of functions wakes (`RawWakerVTable`,
/// `library/core/src/task/wake.rs`, Rust 1.95): clone, wake, wake by reference, drop.
const WAKES: u64 = 1;

/// The stacks that have an address.
pub(super) fn stacks(program: &Program<'_>, address: u64) -> Vec<Place> {
    let threads = program.target().threads().iter();
    threads.filter_map(|thread| on_stack(program, thread, address)).collect()
}

/// The function or object file that has an address.
pub(super) fn in_program(program: &Program<'_>, address: u64) -> Option<Place> {
    let (module, at) = program.module_at(address)?;
    let calls = program.layouts(module).calls_at(at).unwrap_or_default();
    Some(match calls.last() {
        Some(call) => Place::Code { function: call.function.name.to_string() },
        None => {
            let path = program.layouts(module).provenance().path;
            Place::Object { path, offset: at.0 }
        }
    })
}

/// The place on a thread's stack that an address is.
fn on_stack(program: &Program<'_>, thread: &Thread, address: u64) -> Option<Place> {
    let frames = program.stack(thread);
    let number = program.target().processor()?.stack_pointer;
    let top = frames.first()?.register(number)?.saturating_sub(BELOW);
    if address < top {
        return None;
    }
    let frame = frames.iter().find(|frame| frame.frame_address.is_some_and(|end| address < end))?;
    let (module, pc) = program.module_at(frame.pc.lookup()).unzip();
    let calls = module.zip(pc).and_then(|(module, pc)| program.layouts(module).calls_at(pc).ok());
    let function = calls.unwrap_or_default().pop().map(|call| call.function.name.to_string());
    Some(Place::Stack { thread: reference(thread), function })
}

fn reference(thread: &Thread) -> ThreadRef {
    ThreadRef { number: thread.number, tid: thread.tid }
}

/// The threads that have one of these addresses on their stacks or in their registers. On the stack of
/// a worker that sleeps lies only what it has forgotten.
pub(super) fn threads_with<'p>(
    program: &'p Program<'_>,
    report: &'p Report,
    targets: &'p [u64],
) -> impl Iterator<Item = ThreadRef> + 'p {
    let sleeps = |thread: &&Thread| {
        let mut workers = report.runtimes.iter().flat_map(|runtime| &runtime.workers);
        workers.any(|worker| {
            worker.state == WorkerState::Parked
                && worker.thread.is_some_and(|own| own.tid == thread.tid)
        })
    };
    let threads = program.target().threads().iter().filter(move |thread| !sleeps(thread));
    threads.take_while(|_| !program.is_interrupted()).filter_map(|thread| {
        let words = walk::words_of_stack(program, thread, FxHashSet::default())?;
        targets.iter().any(|target| words.contains(target)).then(|| reference(thread))
    })
}

/// The data pointers of the wakers that may have one of their two words at that address. Rust may put
/// them in either order.
pub(super) fn bare_wakers(program: &Program<'_>, address: u64) -> Vec<u64> {
    let word = u64::from(program.pointer_size());
    if !address.is_multiple_of(word) {
        return Vec::new();
    }
    let at = |address: u64| program.read_pointer(address).unwrap_or(0);
    let here = at(address);
    let is_table = |table: u64| {
        program.module_at(table).is_some() && wakes(program, at(table.wrapping_add(WAKES * word)))
    };
    let others = [at(address.wrapping_sub(word)), at(address.wrapping_add(word))];
    match is_table(here) {
        true => others.to_vec(),
        false => others.into_iter().filter(|other| is_table(*other)).map(|_| here).collect(),
    }
}

/// Whether a function of that name wakes.
fn wakes(program: &Program<'_>, function: u64) -> bool {
    let Some((module, at)) = program.module_at(function) else { return false };
    let functions = program.layouts(module).functions_at(at).unwrap_or_default();
    let is_wake = |function: &Function| {
        let name = function.name.rsplit("::").next().unwrap_or_default();
        name == "wake" || name.starts_with("wake_by_") || name.starts_with("wake<")
    };
    functions.iter().any(|function| is_wake(function))
}
