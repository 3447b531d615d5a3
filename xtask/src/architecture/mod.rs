//! Who may use whom: the arrows of the design, and no other.
//!
//! | between | read from |
//! |---|---|
//! | the crates of the workspace | `cargo tree` |
//! | the folders of a crate, its top-level modules | the sources, parsed with `syn` |
//! | the Python folders | their `import` lines |
//!
//! What may be is in `rules.rs`, and in no other place.

mod crates;
mod folders;
mod imports;
mod python;
mod rules;

use anyhow::Result;

use crate::progress::Step;
use crate::workspace::root;

/// Fails when something uses what it may not, or is not in the tables.
pub fn check() -> Result<()> {
    let step = Step::begin("which crate uses which");
    crates::check(&step)?;
    step.done();
    let step = Step::begin("which folder uses which");
    folders::check(root(), rules::FOLDERS)?;
    python::check(root(), rules::PYTHON)?;
    step.done();
    Ok(())
}

/// Whether a crate of this name is in the workspace.
pub(crate) fn is_ours(name: &str) -> bool {
    rules::CRATES.iter().any(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_keep_to_the_tables() -> Result<()> {
        folders::check(root(), rules::FOLDERS)?;
        python::check(root(), rules::PYTHON)
    }
}
