//! How much of the report is written again and again.

use serde::{Serialize, Serializer};

/// Whether each frame and each wait is written whole, as the schema has it, or with what it shares with
/// others once.
///
/// Of ten thousand tasks of a web service the schema's form has two hundred megabytes, most of them names
/// of functions and files: too much for a page to read in a second. In the shared form frames have the
/// number of their `site` among the report's `sites`, waits that of what they wait for among its
/// `resources`, and nothing is said where there is nothing. `report-page/page/unpack.js` makes the
/// schema's form of it; it is for nobody else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    Shared,
}

/// A field that the shared form leaves out where it is empty.
pub(super) struct Told<T> {
    value: T,
    is_left_out: bool,
}

impl<T> Told<T> {
    pub(super) fn new(shape: Shape, is_empty: bool, value: T) -> Self {
        Self { value, is_left_out: is_empty && shape == Shape::Shared }
    }

    pub(super) fn is_left_out(&self) -> bool {
        self.is_left_out
    }
}

impl<T: Serialize> Serialize for Told<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
