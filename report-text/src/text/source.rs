//! Lines of the user's source files, when they are there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;

use runtime_layouts::layout::SourceLocation;

/// Files longer than this are not read.
const LONGEST_FILE: u64 = 8 << 20;

/// Source files that were read. One for a whole listing: a file is read once.
#[derive(Default)]
pub(crate) struct Sources {
    files: RefCell<HashMap<String, Option<Vec<String>>>>,
}

impl Sources {
    /// The text of a line, without its end; `None` when the file is not there or is shorter.
    pub(crate) fn line(&self, location: &SourceLocation) -> Option<String> {
        let mut files = self.files.borrow_mut();
        let lines = files.entry(location.file.path.clone()).or_insert_with_key(|path| {
            let length = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
            let text = (length <= LONGEST_FILE).then(|| fs::read_to_string(path).ok())??;
            Some(text.lines().map(str::to_string).collect())
        });
        let index = usize::try_from(location.line).ok()?.checked_sub(1)?;
        lines.as_ref()?.get(index).filter(|line| !line.trim().is_empty()).cloned()
    }
}
