//! Extraction: asks every question that a debugger may ask, and writes the answers to a layout
//! file.
//!
//! The questions start at a few roots: the functions that poll tasks, the vtables of futures, the
//! runtime's thread-local variables, the types that are looked up by name, and the stack frames
//! that hold a `block_on` future. Everything else is reachable from those.

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
/// One difference remains: a type that several units describe alike is one type in the file.
///
/// # Errors
/// When the program has more types than a layout file can hold.
///
/// # Example
///
/// ```
/// use layout_extractor::{DwarfSource, extract};
/// use runtime_layouts::layout::file::LayoutFile;
/// use runtime_layouts::layout::source::LayoutSource;
///
#[doc = include_str!("../../doc/compile.txt")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // `compile` runs `rustc -g`.
/// let (_folder, program) = compile(
///     "use std::{future::Future, pin::Pin};
///      async fn wait(a: u8) -> u8 { std::future::ready(a).await + a }
///      fn main() {
///          let boxed: Pin<Box<dyn Future<Output = u8>>> = Box::pin(wait(1));
///          std::hint::black_box(boxed);
///      }",
/// )?;
/// let source = DwarfSource::open(&program)?;
/// let bytes = extract(&source, &())?.to_bytes()?;
///
/// // What a debugger asks about futures is a small part of the debug information.
/// assert!((bytes.len() as u64) < source.debug_information_size() / 100);
/// let file = LayoutFile::from_bytes(&bytes)?;
/// let size = |layouts: &dyn LayoutSource| {
///     let machine = layouts.types_named("app::wait::{async_fn_env#0}", None).ok()?;
///     Some(layouts.type_at(*machine.first()?).ok()?.size)
/// };
/// assert!(size(&file).is_some());
/// assert_eq!(size(&file), size(&source));
/// # Ok(())
/// # }
/// ```
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
    let root_types = answers::root_types(&roots, &frames, &addresses);
    let graph = type_graph::follow(source, root_types, progress);
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
