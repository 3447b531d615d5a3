//! EXTRACT: the same resolver run to completion, into a layout file.
//!
//! What a debugger may ask about starts at a few roots: the functions that poll tasks, the vtables
//! of futures, the runtimes' thread-local variables, the types that are asked for by name, and the
//! stack frames that keep a `block_on` future. Everything else is what those reach.

mod adjacency_lists;
mod answers;
mod block_on_frames;
mod description_hash;
mod edges;
mod merge;
mod progress;
mod roots;
mod tables;
mod type_graph;

use runtime_layouts::layout::file::{LayoutFile, LayoutFileError};

pub use self::progress::{Progress, Stage};
use crate::questions::source::DwarfSource;

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
    let (whole_program, mut roots) = roots::find(source, progress);
    let ((frames, unreadable), addresses) = rayon::join(
        || block_on_frames::find(source, whole_program),
        || answers::addresses(source, &roots),
    );
    roots.unreadable += unreadable;
    progress.start(Stage::Types, None);
    let beginnings = answers::beginnings(&roots, &frames, &addresses);
    let graph = type_graph::follow(source, beginnings, progress);
    let classes = merge::classes(&graph, progress);
    let layouts = answers::layouts(source, &graph, &classes);
    // Strings are numbered one after the other, by one processor.
    let (tables, type_answers) = rayon::join(
        || tables::types(source, &graph, &classes, &layouts),
        || answers::type_answers(source, &graph, &classes),
    );
    let tables = tables.finish(source, &roots, &frames, &addresses, &type_answers);
    drop(classes);
    // To take all of this apart takes its time, which nobody has to wait for.
    rayon::spawn(move || drop((graph, layouts, type_answers, addresses, frames, roots)));
    LayoutFile::new(tables)
}
