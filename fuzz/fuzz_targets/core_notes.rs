//! Any bytes as a core file: it is refused, or its threads and mappings are known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use process_target::fuzzed;

fuzz_target!(|bytes: &[u8]| {
    let _ = fuzzed::core_notes(bytes);
});
