//! Who has an open file, by its number: a variable of a suspended task.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::report::{FileKeeper, Task};
use crate::value::Program;
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::end_types::EndTypes;

/// Tasks whose frames are searched, at most: of more nobody is said to have a file.
const MAX_TASKS: usize = 100_000;

/// Who has an open file, as far as variables say.
#[derive(Default)]
pub(super) struct Keepers {
    certain: Vec<FileKeeper>,
    /// Variables that may have been moved away, and have left their bytes.
    perhaps: Vec<FileKeeper>,
}

impl Keepers {
    /// Who has the open files of these numbers.
    pub(super) fn of(
        program: &Program<'_>,
        sites: &SiteTable,
        tasks: &[Task],
        files: impl Iterator<Item = u64>,
    ) -> FxHashMap<u64, Self> {
        let mut keepers: FxHashMap<u64, Self> = files.map(|fd| (fd, Self::default())).collect();
        if tasks.len() > MAX_TASKS {
            return keepers;
        }
        let libraries = sites.libraries();
        let types = libraries.all().flat_map(|library| library.descriptors).copied();
        let mut live_values = LiveValues::of_ends(Rc::new(EndTypes::named(types)), libraries);
        let mut kept = Vec::new();
        for task in tasks.iter().take_while(|_| !program.is_interrupted()) {
            live_values.of_chain(program, sites, &task.chain, &mut kept);
            for LiveValue { value, frame, variable, may_be_moved, .. } in kept.drain(..) {
                let Ok(fd) = value.unsigned(program) else { continue };
                let Some(known) = keepers.get_mut(&fd) else { continue };
                let list = if may_be_moved { &mut known.perhaps } else { &mut known.certain };
                list.push(FileKeeper { task: task.index, frame, variable });
            }
        }
        keepers
    }

    /// The one that has it, and whether that may have been moved away; `None` where none was found, or
    /// where which of several is not known.
    pub(super) fn only(&self) -> Option<(&FileKeeper, bool)> {
        let certain = self.certain.first().map(|keeper| (keeper, false));
        certain.or(match self.perhaps.as_slice() {
            [only] => Some((only, true)),
            _ => None,
        })
    }
}
