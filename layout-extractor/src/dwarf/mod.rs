//! Reading DWARF: units, entries, attributes, locations.

pub(crate) mod abbreviations;
pub(crate) mod attribute_forms;
pub(crate) mod attribute_value;
pub(crate) mod discriminants;
mod entry_bytes;
pub(crate) mod entry_cursor;
pub(crate) mod file_table;
pub(crate) mod function_entries;
pub(crate) mod name_ref;
pub(crate) mod reader;
pub(crate) mod stack_location;
pub(crate) mod static_location;
pub(crate) mod tags;
pub(crate) mod type_description;
pub(crate) mod unit_root;
pub(crate) mod unit_view;
pub(crate) mod units;
