//! The registry: the libraries that an inspection knows.

use super::Inspection;
use std::sync::LazyLock;

use crate::knowledge::{KnownLibrary, Libraries, Library};
use crate::layout::source::KnowledgeText;
use crate::target::Target;

/// Finds a runtime's tasks in the target and adds them to the inspection.
pub(crate) type Discover = fn(&mut Inspection<'_>);

/// A library that is known.
#[derive(Clone, Copy)]
pub struct RegistryEntry {
    /// What can be said of it.
    library: KnownLibrary,
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
        Self { library: KnownLibrary::Written(library), discover: None }
    }

    /// The same of one that is declared in the form of [`declared`](crate::knowledge::declared).
    #[must_use]
    pub const fn declared(library: &'static LazyLock<Library>) -> Self {
        Self { library: KnownLibrary::Declared(library), discover: None }
    }

    /// An async runtime.
    pub(crate) const fn runtime(library: &'static Library, discover: Discover) -> Self {
        Self { library: KnownLibrary::Written(library), discover: Some(discover) }
    }

    /// What can be said of `N` of them.
    #[must_use]
    pub const fn libraries<const N: usize>(known: &[Self]) -> [KnownLibrary; N] {
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

/// The texts with knowledge that a target has: those that were given with it, and those in its
/// modules.
#[must_use]
pub fn knowledge_of(target: &dyn Target) -> Vec<KnowledgeText> {
    let modules = target.modules().iter();
    let mut texts = target.knowledge().to_vec();
    texts.extend(modules.flat_map(|module| module.layouts.knowledge()));
    texts
}

/// The libraries that are known of a target: with what is declared in its texts, and a sentence for
/// each of these that cannot be used.
#[must_use]
pub fn libraries_of(target: &dyn Target, libraries: Libraries) -> (Libraries, Vec<String>) {
    libraries.with_declared(&knowledge_of(target))
}
