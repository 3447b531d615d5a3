//! How far an extraction is.

/// The steps of an extraction, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Reading the units; counts units.
    Units,
    /// Following types; counts types, whose total is not known.
    Types,
    /// Merging what units have in common; counts the classes that are looked at again.
    Merging,
}

/// Who wants to know how far an extraction is. `()` does not.
pub trait Progress: Sync {
    /// A stage begins; `total` is how far it goes, if that is known.
    fn start(&self, stage: Stage, total: Option<u64>);
    /// That much more is done.
    fn advance(&self, count: u64);
}

impl Progress for () {
    fn start(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
