//! Thread-local variables, which lead to the runtimes that threads are inside of, and variables at
//! fixed addresses.

use crate::layout::StaticAddress;
use crate::layout::source::{ObjectFormat, StaticVariable, TlsSegment};
use crate::memory::ReadError;
use crate::target::processors::LibraryStorage;
use crate::target::{Module, Target, Thread, mac};
use crate::value::{Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::cut_stacks::counted;

impl Inspection<'_> {
    /// The variables at fixed addresses of a module whose type has that name; of a generic one up to
    /// `<`, included.
    pub(crate) fn static_variables(&mut self, module: usize, type_name: &str) -> Vec<Value> {
        let loaded = &self.program.modules()[module];
        match loaded.layouts.static_variables(type_name) {
            Ok(found) => {
                let live = |address: StaticAddress| loaded.load_bias.wrapping_add(address.0);
                let value = |found: StaticVariable| Value {
                    ty: Ty { module, id: found.ty },
                    address: live(found.address),
                };
                found.into_iter().map(value).collect()
            }
            Err(error) => {
                self.problem(error.to_string());
                Vec::new()
            }
        }
    }

    /// Every thread's copy of a thread-local of a module, with the thread's index.
    pub(crate) fn thread_locals(&mut self, module: usize, path: &str) -> Vec<(usize, Value)> {
        let mut values = Vec::new();
        let target = self.program.target();
        let locals = match target.modules()[module].layouts.thread_locals(path) {
            Ok(locals) => locals,
            Err(error) => {
                self.problem(error.to_string());
                return values;
            }
        };
        if locals.is_empty() {
            return values;
        }
        let storage = match storage(target, module) {
            Ok(Some(storage)) => storage,
            missing => {
                let path = &target.modules()[module].layouts.provenance().path;
                let why = missing.err().map_or(String::new(), |error| format!(" ({error})"));
                self.problem(format!(
                    "unhang cannot tell where the thread-local storage of {path} is{why}: a runtime \
                     in it is not shown"
                ));
                return values;
            }
        };
        for local in locals {
            self.knows_a_runtime = true;
            if let Some(problem) = unknown_pointers(target.threads()) {
                self.problem(problem);
            }
            for (index, thread) in target.threads().iter().enumerate() {
                let Some(pointer) = thread.thread_pointer else { continue };
                match storage.address_in_thread(target, module, pointer, local.offset) {
                    Ok(Some(address)) => {
                        values.push((index, Value { ty: Ty { module, id: local.ty }, address }));
                    }
                    Ok(None) => {}
                    Err(error) => self.problem(format!(
                        "thread {} (tid {}): the thread-local storage of {} cannot be read: \
                         {error}",
                        thread.number,
                        thread.tid,
                        target.modules()[module].layouts.provenance().path
                    )),
                }
            }
        }
        values
    }
}

/// Says which threads' pointers are unknown; `None` when there is none.
fn unknown_pointers(threads: &[Thread]) -> Option<String> {
    let unknown = threads.iter().filter(|thread| thread.thread_pointer.is_none());
    let unknown: Vec<&Thread> = unknown.collect();
    match unknown.as_slice() {
        [] => None,
        [thread] => Some(format!(
            "thread {} (tid {}): its thread pointer is unknown, so unhang cannot find its runtime",
            thread.number, thread.tid
        )),
        several => Some(format!(
            "The thread pointers of {} are unknown, so unhang cannot find their runtimes",
            counted(several)
        )),
    }
}

/// How threads' copies of a module's thread-local storage are found.
#[derive(Clone, Copy)]
enum Storage {
    /// On a Mac, by a key.
    ByKey,
    /// That of the executable, at a fixed distance; `None` where it has none.
    Executable(Option<TlsSegment>),
    /// A library's, wherever the loader put it.
    Library(LibraryStorage),
}

/// How threads' copies of the storage of a module are found: the first module is the executable.
/// `None` when nothing says it.
fn storage(target: &dyn Target, module: usize) -> Result<Option<Storage>, ReadError> {
    let loaded = &target.modules()[module];
    let facts = loaded.layouts.facts();
    if facts.format == ObjectFormat::MachO {
        return Ok(Some(Storage::ByKey));
    }
    if module == 0 {
        return Ok(Some(Storage::Executable(facts.tls)));
    }
    let (Some(processor), Some(stored)) = (target.processor(), facts.tls_module) else {
        return Ok(None);
    };
    let found = processor.library_storage(target.memory(), stored, loaded.load_bias)?;
    Ok(found.map(Storage::Library))
}

impl Storage {
    /// Where a thread has a thread-local of the module that this is of. `None` where it has none.
    fn address_in_thread(
        self,
        target: &dyn Target,
        module: usize,
        thread_pointer: u64,
        offset: u64,
    ) -> Result<Option<u64>, ReadError> {
        let Some(processor) = target.processor() else { return Ok(None) };
        let memory = target.memory();
        match self {
            Self::ByKey => {
                let Module { load_bias, layouts } = &target.modules()[module];
                let (words, facts) = (processor.words, layouts.facts());
                let values = thread_pointer;
                mac::thread_local_address(memory, words, facts, *load_bias, values, offset)
            }
            Self::Executable(segment) => {
                Ok(segment
                    .and_then(|it| processor.thread_local_address(it, thread_pointer, offset)))
            }
            Self::Library(storage) => {
                processor.thread_local_of_library(memory, storage, thread_pointer, offset)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeTarget, tokio};
    use crate::libraries::REGISTRY;
    use crate::walk::inspect;

    #[test]
    fn threads_without_pointers_are_told_in_one_sentence() {
        let target = FakeTarget::new(tokio::layouts(), tokio::memory(1), tokio::THREAD_POINTER);
        let report = inspect(&target.without_thread_pointers(), REGISTRY);
        let one =
            "thread 1 (tid 1): its thread pointer is unknown, so unhang cannot find its runtime.";
        assert_eq!(report.problems, [one]);
        assert!(!report.completeness().is_complete());
        let thread = |number: u32| Thread {
            number,
            tid: number.into(),
            name: None,
            thread_pointer: (number == 2).then_some(1),
            selected: false,
        };
        let said = unknown_pointers(&[1, 2, 3].map(thread)).expect("two are unknown");
        let two = "The thread pointers of 2 threads (1, 3) are unknown, so unhang cannot find their \
                   runtimes";
        assert_eq!(said, two);
        assert_eq!(unknown_pointers(&[thread(2)]), None);
    }
}
