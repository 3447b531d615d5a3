//! Two forms of the JSON report: full, and compact.

use serde::{Serialize, Serializer};

/// Whether each frame and each wait is written in full, as the schema has it, or what several share is
/// written once.
///
/// For ten thousand tasks of a web service the full form is 200 MB, most of it names of functions and
/// files: too much for a page to read in a second. In the compact form a frame has the number of its
/// `site` among the report's `sites`, a wait that of what it waits for among its `resources`, and empty
/// fields are left out. `report-page/page/unpack.js` makes the full form of it; nothing else should read
/// it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    Compact,
}

/// A field that the compact form leaves out where it is empty.
pub(super) struct OmitIfEmpty<T> {
    value: T,
    is_omitted: bool,
}

impl<T> OmitIfEmpty<T> {
    pub(super) fn new(form: Form, is_empty: bool, value: T) -> Self {
        Self { value, is_omitted: is_empty && form == Form::Compact }
    }

    pub(super) fn is_omitted(&self) -> bool {
        self.is_omitted
    }
}

impl<T: Serialize> Serialize for OmitIfEmpty<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
