//! A debugger's questions about an object, as methods of [`DwarfSource`](source::DwarfSource).
//!
//! [`layout_source`] lists them; each other module answers one, or finds the units for it.

pub(crate) mod calls;
pub(crate) mod closure_and_async_bodies;
pub(crate) mod functions_by_address;
pub(crate) mod layout_source;
pub(crate) mod macro_invocations;
pub(crate) mod missing_debug_info;
pub(crate) mod names_by_pattern;
pub(crate) mod paths;
pub(crate) mod polls;
pub(crate) mod shadowed_variables;
pub(crate) mod source;
pub(crate) mod source_files;
pub(crate) mod static_variables;
pub(crate) mod thread_locals;
pub(crate) mod type_names;
pub(crate) mod types;
pub(crate) mod types_by_name;
pub(crate) mod units_by_address;
pub(crate) mod units_by_name;
pub(crate) mod variables;
pub(crate) mod vtables;
pub(crate) mod whole_program;
