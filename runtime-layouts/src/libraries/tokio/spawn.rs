//! The spawn location of a task, if the program records it.
//!
//! Source: `tokio/src/runtime/task/core.rs` (tokio 1.54.1): with `--cfg tokio_unstable` the field
//! `Core::spawned_at`, a `&'static core::panic::Location<'static>`, stands beside the task's id
//! (since tokio 1.46). Only a `tracing` subscriber is told a task's name (`util/trace.rs`), so none
//! can be shown.
//!
//! Without that flag the debug information does not tell either: rustc 1.95 writes no call sites,
//! and `tokio::spawn` is a function of its own in optimized builds too (of the 36 in
//! `tests/fixtures/shapes` none is inlined), so nothing leads from it to who calls it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::layout::{SourceFile, SourceLocation, Type};
use crate::value::path::{self, Path, Reach};
use crate::value::slices::is_fat_pointer_to_slice;
use crate::value::{Program, Ty, Value, ValueError};

/// The types of a task that are tokio's own. A future in it may have a field of that name too.
const TASK_TYPES: &str = "tokio::runtime::task::core::";
const FIELD: &str = "spawned_at";

/// A path longer than this, in bytes, is not believed.
const LONGEST_PATH: u64 = 4096;

/// The places that were read, by the address of the compiler's record: all tasks of one `spawn`
/// have the same.
#[derive(Default)]
pub(super) struct SpawnPlaces(HashMap<u64, SourceLocation>);

/// From a task's cell to the pointer to its place; `None` when this build does not record it.
pub(super) fn path(program: &Program<'_>, cell: Ty) -> Option<Path> {
    let mut has_it = |ty: &Type| ty.name.starts_with(TASK_TYPES) && ty.member(FIELD).is_some();
    path::find(program, cell, Reach::INLINE, &mut has_it)
}

impl SpawnPlaces {
    /// Where the task in that cell was spawned; `None` when the pointer is null.
    ///
    /// # Errors
    /// When memory cannot be read, or is no `Location`.
    pub(super) fn read(
        &mut self,
        program: &Program<'_>,
        path: &Path,
        cell: Value,
    ) -> Result<Option<SourceLocation>, ValueError> {
        let Some(core) = path.follow(program, cell)? else { return Ok(None) };
        let Some(location) = core.member(program, FIELD)?.pointee(program)? else {
            return Ok(None);
        };
        if let Some(known) = self.0.get(&location.address) {
            return Ok(Some(known.clone()));
        }
        let place = place(program, location)?;
        self.0.insert(location.address, place.clone());
        Ok(Some(place))
    }
}

/// A `core::panic::Location` holds its file as a `&str` or, since Rust 1.91, a `NonNull<str>`
/// (`library/core/src/panic/location.rs`): either way one fat pointer.
fn place(program: &Program<'_>, location: Value) -> Result<SourceLocation, ValueError> {
    let missing = |wanted: &str| ValueError::Shape {
        type_name: "core::panic::Location".to_string(),
        wanted: wanted.to_string(),
    };
    let line = location.member(program, "line")?.unsigned(program)?;
    let to_text = path::find(program, location.ty, Reach::INLINE, &mut is_fat_pointer_to_slice);
    let text = to_text.ok_or_else(|| missing("file"))?.follow(program, location)?;
    let text = text.ok_or_else(|| missing("file"))?;
    let start = text.member(program, "data_ptr")?.unsigned(program)?;
    let length = text.member(program, "length")?.unsigned(program)?;
    let length = usize::try_from(length.min(LONGEST_PATH + 1)).unwrap_or_default();
    if length as u64 > LONGEST_PATH {
        return Err(missing("file name of a credible length"));
    }
    let mut bytes = vec![0; length];
    program.target().memory().read(start, &mut bytes)?;
    Ok(SourceLocation {
        file: Arc::new(SourceFile {
            path: String::from_utf8_lossy(&bytes).into_owned(),
            directory: String::new(),
        }),
        line: u32::try_from(line).map_err(|_| missing("credible line"))?,
    })
}
