//! What the fuzz targets share: a small world to damage, and everything that can be said of it.

pub mod edits;
pub mod everything;
pub mod hostile;
