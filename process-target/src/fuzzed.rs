//! Entry points of the fuzz targets: parsers of untrusted data from processes and files.

use std::path::Path;

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::NativeFrame;
use runtime_layouts::target::processors::{self, Processor};

use crate::TargetError;
use crate::core::notes::Notes;
use crate::mappings::{Mapping, Mappings};
use crate::unwind::Unwinder;

/// Reads these bytes as a core file.
///
/// # Errors
/// When they are none.
pub fn core_notes(bytes: &[u8]) -> Result<(), TargetError> {
    Notes::read(Path::new("fuzzed"), bytes, processors::find).map(drop)
}

/// The stack of a thread with these registers, in a process of one object, which is mapped from an
/// address on for so many bytes.
pub fn native_stack(
    processor: &'static Processor,
    (start, length): (u64, u64),
    registers: &[(u16, u64)],
    memory: &dyn MemoryReader,
) -> Vec<NativeFrame> {
    const MAX_FRAMES: usize = 100;
    let end = start.saturating_add(length);
    let path = "/program".to_owned();
    let mappings = Mappings::new(vec![Mapping { start, end, offset: 0, is_data: true, path }]);
    let unwinder = Unwinder::new(processor, mappings, None);
    unwinder.frames(&registers.iter().copied().collect(), memory, MAX_FRAMES)
}
