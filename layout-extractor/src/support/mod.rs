//! Small tools that know nothing of object files or DWARF.

pub(crate) mod concurrent_cache;
pub(crate) mod direct_mapped_cache;
pub(crate) mod polled_names;
pub(crate) mod rust_path;
pub(crate) mod thread_pool;
