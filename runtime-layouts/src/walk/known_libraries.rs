//! The registry: the libraries that an inspection knows.

use super::Inspection;
use crate::knowledge::{Libraries, Library};

/// Finds a runtime's tasks in the target and adds them to the inspection.
pub(crate) type Discover = fn(&mut Inspection<'_>);

/// A library that is known.
#[derive(Clone, Copy)]
pub struct RegistryEntry {
    /// What can be said of it.
    library: &'static Library,
    /// Finds its tasks; `None` for a library that runs none.
    discover: Option<Discover>,
}

/// The libraries that an inspection knows: the list, as a value.
#[derive(Clone, Copy)]
pub struct Registry {
    /// Each of them, in the order in which their runtimes are looked for.
    pub entries: &'static [RegistryEntry],
    /// What can be said of them: as [`RegistryEntry::libraries`] has it.
    pub libraries: Libraries,
}

impl RegistryEntry {
    /// A library that runs no tasks.
    #[must_use]
    pub const fn library(library: &'static Library) -> Self {
        Self { library, discover: None }
    }

    /// An async runtime.
    pub(crate) const fn runtime(library: &'static Library, discover: Discover) -> Self {
        Self { library, discover: Some(discover) }
    }

    /// What can be said of `N` of them.
    #[must_use]
    pub const fn libraries<const N: usize>(known: &[Self]) -> [&'static Library; N] {
        let mut libraries = [known[0].library; N];
        let mut at = 0;
        while at < N {
            libraries[at] = known[at].library;
            at += 1;
        }
        libraries
    }
}

impl Registry {
    /// What finds the tasks of each runtime.
    pub(super) fn runtimes(self) -> impl Iterator<Item = Discover> {
        self.entries.iter().filter_map(|known| known.discover)
    }
}
