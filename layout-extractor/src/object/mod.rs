//! Object files: headers, sections, symbols, relocations, and the other files that may hold the debug
//! information.

pub(crate) mod elf_headers;
pub(crate) mod mach_o;
pub(crate) mod object_file;
pub(crate) mod open;
pub(crate) mod relocations;
pub(crate) mod sections;
pub(crate) mod separate_debug_file;
pub(crate) mod shared_bytes;
pub(crate) mod split_dwarf;
pub(crate) mod symbols;

/// What files begin with that a compiler wrote for link-time optimization.
const LLVM_BITCODE: &[u8] = b"BC\xc0\xde";
