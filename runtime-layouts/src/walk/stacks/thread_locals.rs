//! Thread-local variables, which lead to the runtimes that threads are inside of, and variables at
//! fixed addresses.

use crate::layout::StaticAddress;
use crate::layout::source::{ObjectFormat, StaticVariable};
use crate::memory::ReadError;
use crate::target::{Target, mac};
use crate::value::{Ty, Value};
use crate::walk::Inspection;

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
        let of = target.modules()[module].layouts.as_ref();
        // It may be asked for by descriptors (`R_AARCH64_TLSDESC`), which are not read yet.
        if module != 0 && !locals.is_empty() && of.facts().tls_module.is_none() {
            self.problem(format!(
                "unhang cannot tell where the thread-local storage of {} is: a runtime in it is \
                 not shown",
                of.provenance().path
            ));
            return values;
        }
        for local in locals {
            self.knows_a_runtime = true;
            for (index, thread) in target.threads().iter().enumerate() {
                let Some(pointer) = thread.thread_pointer else {
                    self.problem(format!(
                        "thread {} (tid {}): its thread pointer is unknown, so unhang cannot find \
                         its runtime",
                        thread.number, thread.tid
                    ));
                    continue;
                };
                match address_in_thread(target, module, pointer, local.offset) {
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

/// Where a thread has a thread-local of a module: the first module is the executable, whose storage
/// lies at a fixed distance; a library's is wherever the loader put it. `None` where the thread has
/// none.
fn address_in_thread(
    target: &dyn Target,
    module: usize,
    thread_pointer: u64,
    offset: u64,
) -> Result<Option<u64>, ReadError> {
    let loaded = &target.modules()[module];
    let facts = loaded.layouts.facts();
    let Some(processor) = target.processor() else { return Ok(None) };
    if facts.format == ObjectFormat::MachO {
        let (memory, bias) = (target.memory(), loaded.load_bias);
        let values = thread_pointer;
        return mac::thread_local_address(memory, processor.words, facts, bias, values, offset);
    }
    if module == 0 {
        return Ok(facts
            .tls
            .and_then(|segment| processor.thread_local_address(segment, thread_pointer, offset)));
    }
    let Some(number) = facts.tls_module else { return Ok(None) };
    let number = loaded.load_bias.wrapping_add(number.0);
    let number = processor.words.read_pointer(target.memory(), number)?;
    processor.thread_local_of_library(target.memory(), number, thread_pointer, offset)
}
