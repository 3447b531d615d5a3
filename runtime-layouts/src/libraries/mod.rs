//! LIBRARIES: the ones that are known, a folder and a line each.
//!
//! A folder has one [`Library`] with all that is known of it; an async runtime's has a function too
//! that finds its tasks. A library is added by its `mod` and its line in [`KNOWN`].

pub(crate) mod async_channel;
pub(crate) mod async_lock;
pub(crate) mod bytes;
pub(crate) mod flume;
pub(crate) mod futures;
pub(crate) mod rust_std;
pub(crate) mod tokio;
pub(crate) mod tokio_util;

use crate::knowledge::{Libraries, Library};
use crate::walk::{Known, Registry};

const KNOWN: &[Known] = &[
    Known::library(&rust_std::LIBRARY),
    Known::runtime(&tokio::LIBRARY, tokio::discover),
    Known::library(&tokio_util::LIBRARY),
    Known::library(&futures::LIBRARY),
    Known::library(&async_lock::LIBRARY),
    Known::library(&async_channel::LIBRARY),
    Known::library(&flume::LIBRARY),
    Known::library(&bytes::LIBRARY),
];

static ALL: [&Library; KNOWN.len()] = Known::libraries(KNOWN);

/// Every library that is known.
pub const LIBRARIES: Libraries = Libraries::of(&ALL);

/// The same, with the functions that find the tasks of runtimes.
pub const REGISTRY: Registry = Registry { known: KNOWN, libraries: LIBRARIES };
