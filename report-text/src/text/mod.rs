//! Text made from a report, and from what stands beside it.

pub mod backtrace;
pub mod connections;
mod counts;
pub mod dump;
pub mod explain;
pub(crate) mod frames;
pub(crate) mod groups;
mod holders;
mod kinds;
pub mod knowledge;
pub mod locks;
pub mod native_stack;
mod problems;
pub(crate) mod source;
pub mod style;
mod table;
pub mod tasks;
mod unaccepted;
mod unflushed;
pub mod variables;
pub(crate) mod waiting;
pub mod whatis;
pub mod why;
pub mod workers;

use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::whatis::WhatIs;

/// What texts show beside the report: lines of source files, and variables of the process.
#[derive(Default)]
pub struct Beside {
    pub(crate) sources: source::Sources,
    /// The variables of frames.
    pub locals: LocalTable,
    /// Whether everything together has the list of connections.
    connections: bool,
    /// What was found of addresses that were asked for.
    pub found: Vec<WhatIs>,
    /// Whether JSON of many tasks has but the first of those that stand at the same place.
    pub(crate) brief: bool,
}

impl Beside {
    /// With these variables.
    #[must_use]
    pub fn with(locals: LocalTable) -> Self {
        Self { locals, ..Self::default() }
    }

    /// The same, with the list of connections or without it.
    #[must_use]
    pub fn and_connections(self, connections: bool) -> Self {
        Self { connections, ..self }
    }

    /// The same, with what was found of addresses.
    #[must_use]
    pub fn and_found(self, found: Vec<WhatIs>) -> Self {
        Self { found, ..self }
    }

    /// The same, where JSON of more than 2000 tasks has the first of those that stand at the same
    /// place, and of the others their ids.
    #[must_use]
    pub fn and_brief(self, brief: bool) -> Self {
        Self { brief, ..self }
    }
}

/// How text is to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of the terminal; `None` for no limit.
    pub width: Option<usize>,
    /// Whether to colour with SGR escape sequences.
    pub styled: bool,
    /// Whether to show generic arguments whole.
    pub full_names: bool,
    /// Whether to drop the frames of libraries.
    pub user_only: bool,
    /// The task that the user selected; starred in lists.
    pub current: Option<runtime_layouts::report::TaskId>,
}

impl Look {
    /// Text for no terminal: without colours and without a limit of width.
    pub(crate) const PLAIN: Self =
        Self { width: None, styled: false, full_names: false, user_only: false, current: None };
}
