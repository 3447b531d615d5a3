//! Indexes: what is computed once, for a unit or a whole program, to answer many questions.

pub(crate) mod address_units;
pub(crate) mod line_tables;
pub(crate) mod name_index;
pub(crate) mod name_users;
pub(crate) mod node;
pub(crate) mod poll_index;
pub(crate) mod unit_index;
pub(crate) mod whole_program;
