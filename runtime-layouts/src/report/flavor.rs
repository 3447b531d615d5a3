//! Flavors of runtimes: how they schedule their tasks.

/// A kind of scheduler. Its name is the library's own word; what reports and diagnoses go by is
/// which threads poll its tasks. A library makes its own with [`Flavor::new`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flavor {
    /// What the library calls it, in small letters and underscores.
    pub name: &'static str,
    /// The threads that poll its tasks.
    pub pollers: Pollers,
    /// The function that runs work that blocks on other threads; `None` where there is none.
    pub offload: Option<&'static str>,
}

/// The threads that poll a runtime's tasks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pollers {
    /// The one thread that is inside of it: no task goes on while another one runs.
    One,
    /// Several workers of its own.
    Several,
    /// Not known.
    Unknown,
}

impl Flavor {
    /// One thread runs all tasks.
    pub const CURRENT_THREAD: Self = Self::new("current_thread", Pollers::One);
    /// Worker threads run the tasks and take them from each other.
    pub const MULTI_THREAD: Self = Self::new("multi_thread", Pollers::Several);
    /// No scheduler at all: a pool of threads for work that blocks.
    pub const BLOCKING_POOL: Self = Self::new("blocking_pool", Pollers::Several);
    /// One that is not known.
    pub const UNKNOWN: Self = Self::new("unknown", Pollers::Unknown);

    /// A flavor that a library calls so, and the threads that poll its tasks; its `spawn_blocking` runs
    /// work that blocks.
    #[must_use]
    pub const fn new(name: &'static str, pollers: Pollers) -> Self {
        Self { name, pollers, offload: Some("spawn_blocking") }
    }

    /// The same with another function that runs work that blocks.
    #[must_use]
    pub const fn with_offload(self, function: &'static str) -> Self {
        Self { offload: Some(function), ..self }
    }

    /// The same without threads for work that blocks.
    #[must_use]
    pub const fn without_pool(self) -> Self {
        Self { offload: None, ..self }
    }
}

impl std::fmt::Display for Flavor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Pollers {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Several => "several",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_has_flavors_of_its_own() {
        const ARBITER: Flavor = Flavor::new("arbiter", Pollers::One);
        assert_ne!(ARBITER, Flavor::CURRENT_THREAD);
        assert_eq!(ARBITER.pollers, Flavor::CURRENT_THREAD.pollers);
        assert_eq!(ARBITER.to_string(), "arbiter");
        assert_eq!(Flavor::MULTI_THREAD.to_string(), "multi_thread");
    }
}
