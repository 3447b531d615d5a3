//! EXTRACT: the same resolver run to completion, into a layout file.
//!
//! What a debugger may ask about starts at a few roots: the functions that poll tasks, the vtables
//! of futures, the runtimes' thread-local variables, the types that are asked for by name, and the
//! stack frames that keep a `block_on` future. Everything else is what those reach.

mod describe;
mod descriptions;
mod frames;
mod lists;
mod merge;
mod reach;
mod roots;
mod tables;

use runtime_layouts::layout::file::{LayoutFile, LayoutFileError};

use crate::source::DwarfSource;

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

/// Makes a layout file that answers as `source` does.
///
/// One difference remains: types that are the same in several units are one type in the file.
///
/// # Errors
/// When there is more than a layout file may hold.
pub fn extract(
    source: &DwarfSource,
    progress: &dyn Progress,
) -> Result<LayoutFile, LayoutFileError> {
    let (everything, mut roots) = roots::find(source, progress);
    let ((frames, unreadable), addresses) =
        rayon::join(|| frames::find(source, everything), || reach::addresses(source, &roots));
    roots.unreadable += unreadable;
    progress.start(Stage::Types, None);
    let beginnings = reach::beginnings(&roots, &frames, &addresses);
    let descriptions = descriptions::follow(source, beginnings, progress);
    let classes = merge::classes(&descriptions, progress);
    let layouts = reach::layouts(source, &descriptions, &classes);
    // Strings are numbered one after the other, by one processor.
    let (tables, told) = rayon::join(
        || tables::types(source, &descriptions, &classes, &layouts),
        || reach::told(source, &descriptions, &classes),
    );
    let tables = tables.finish(source, &roots, &frames, &addresses, &told);
    drop(classes);
    // To take all of this apart takes its time, which nobody has to wait for.
    rayon::spawn(move || drop((descriptions, layouts, told, addresses, frames, roots)));
    LayoutFile::new(tables)
}
