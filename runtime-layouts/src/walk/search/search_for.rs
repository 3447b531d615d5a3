//! What a search is for.

/// What is looked for in values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SearchFor {
    /// What can be polled.
    Futures,
    /// What keeps a lock, a permit, or an end of a channel.
    Guards,
    /// The same, in objects of any trait too.
    GuardsInObjects,
    /// What [`Self::Guards`] is, behind references too: who has one can use it, whoever owns it.
    LentGuards,
    /// What leads to a runtime or a task.
    Handles,
    /// Connections, streams of them, and requests.
    Connections,
    /// Ends of what futures of unknown libraries wait with.
    Ends,
}

impl SearchFor {
    /// Whether what is owned as a `dyn Trait` may count, whatever the trait.
    pub(crate) fn goes_into_objects(self) -> bool {
        matches!(self, Self::Guards | Self::GuardsInObjects | Self::LentGuards | Self::Ends)
    }

    /// Whether that is so wherever the object is, and not in messages alone.
    pub(crate) fn goes_into_all_objects(self) -> bool {
        matches!(self, Self::GuardsInObjects | Self::Ends)
    }
}
