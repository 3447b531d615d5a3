//! The known libraries: a folder and a line for each.
//!
//! A folder has one [`Library`](crate::knowledge::Library) with everything known of it; that of an
//! async runtime also has a function that finds its tasks. To add a library, add its `mod` and its
//! line in `ENTRIES`.

pub(crate) mod actix;
pub(crate) mod arc_swap;
pub(crate) mod async_broadcast;
pub(crate) mod async_channel;
pub(crate) mod async_executor;
pub(crate) mod async_io;
pub(crate) mod async_lock;
pub(crate) mod async_once_cell;
pub(crate) mod async_process;
pub(crate) mod async_std;
pub(crate) mod axum;
pub(crate) mod bb8;
pub(crate) mod blocking;
pub(crate) mod bytes;
pub(crate) mod c_library;
pub(crate) mod concurrent_queue;
pub(crate) mod crossbeam_channel;
pub(crate) mod crossbeam_queue;
pub(crate) mod dashmap;
pub(crate) mod deadpool;
pub(crate) mod embassy;
pub(crate) mod embassy_sync;
pub(crate) mod embassy_time;
pub(crate) mod flume;
pub(crate) mod futures;
pub(crate) mod futures_timer;
pub(crate) mod h2;
pub(crate) mod http;
pub(crate) mod http_body;
pub(crate) mod hyper;
pub(crate) mod hyper_util;
pub(crate) mod kanal;
pub(crate) mod lapin;
pub(crate) mod mobc;
pub(crate) mod mongodb;
pub(crate) mod oneshot;
pub(crate) mod postage;
pub(crate) mod quinn;
pub(crate) mod r2d2;
pub(crate) mod rayon;
pub(crate) mod redis;
pub(crate) mod reqwest;
pub(crate) mod rumqttc;
pub(crate) mod rust_std;
pub(crate) mod smallvec;
pub(crate) mod spin;
pub(crate) mod sqlx;
pub(crate) mod thingbuf;
pub(crate) mod tokio;
pub(crate) mod tokio_postgres;
pub(crate) mod tokio_rustls;
pub(crate) mod tokio_stream;
pub(crate) mod tokio_tungstenite;
pub(crate) mod tokio_util;
pub(crate) mod tonic;
pub(crate) mod tower;
pub(crate) mod tungstenite;
pub(crate) mod unsupported_runtimes;
pub(crate) mod zruntime;

use crate::knowledge::{KnownLibrary, Libraries};
use crate::walk::{Registry, RegistryEntry};

const ENTRIES: &[RegistryEntry] = &[
    RegistryEntry::library(&rust_std::LIBRARY),
    RegistryEntry::library(&c_library::LIBRARY),
    RegistryEntry::runtime(&tokio::LIBRARY, tokio::discover),
    RegistryEntry::runtime(&async_executor::LIBRARY, async_executor::discover),
    RegistryEntry::runtime(&blocking::LIBRARY, blocking::discover),
    RegistryEntry::runtime(&embassy::LIBRARY, embassy::discover),
    RegistryEntry::runtime(&zruntime::LIBRARY, zruntime::discover),
    RegistryEntry::library(&embassy_sync::LIBRARY),
    RegistryEntry::library(&embassy_time::LIBRARY),
    RegistryEntry::library(&tokio_util::LIBRARY),
    RegistryEntry::library(&tokio_stream::LIBRARY),
    RegistryEntry::runtime(&futures::LIBRARY, futures::discover),
    RegistryEntry::library(&async_lock::LIBRARY),
    RegistryEntry::library(&async_channel::LIBRARY),
    RegistryEntry::library(&async_broadcast::LIBRARY),
    RegistryEntry::library(&async_io::LIBRARY),
    RegistryEntry::library(&async_process::LIBRARY),
    RegistryEntry::library(&async_std::LIBRARY),
    RegistryEntry::library(&arc_swap::LIBRARY),
    RegistryEntry::library(&concurrent_queue::LIBRARY),
    RegistryEntry::library(&crossbeam_channel::LIBRARY),
    RegistryEntry::library(&crossbeam_queue::LIBRARY),
    RegistryEntry::declared(&flume::LIBRARY),
    RegistryEntry::declared(&async_once_cell::LIBRARY),
    RegistryEntry::declared(&kanal::LIBRARY),
    RegistryEntry::library(&dashmap::LIBRARY),
    RegistryEntry::declared(&deadpool::LIBRARY),
    RegistryEntry::declared(&bb8::LIBRARY),
    RegistryEntry::declared(&mobc::LIBRARY),
    RegistryEntry::library(&smallvec::LIBRARY),
    RegistryEntry::library(&spin::LIBRARY),
    RegistryEntry::library(&sqlx::LIBRARY),
    RegistryEntry::library(&quinn::LIBRARY),
    RegistryEntry::declared(&r2d2::LIBRARY),
    RegistryEntry::library(&oneshot::LIBRARY),
    RegistryEntry::library(&postage::LIBRARY),
    RegistryEntry::library(&thingbuf::LIBRARY),
    RegistryEntry::library(&futures_timer::LIBRARY),
    RegistryEntry::library(&bytes::LIBRARY),
    RegistryEntry::library(&tower::LIBRARY),
    RegistryEntry::library(&tonic::LIBRARY),
    RegistryEntry::library(&http::LIBRARY),
    RegistryEntry::library(&http_body::LIBRARY),
    RegistryEntry::library(&h2::LIBRARY),
    RegistryEntry::library(&hyper::LIBRARY),
    RegistryEntry::library(&hyper_util::LIBRARY),
    RegistryEntry::library(&reqwest::LIBRARY),
    RegistryEntry::library(&axum::LIBRARY),
    RegistryEntry::library(&actix::LIBRARY),
    RegistryEntry::library(&rayon::LIBRARY),
    RegistryEntry::library(&redis::LIBRARY),
    RegistryEntry::library(&rumqttc::LIBRARY),
    RegistryEntry::library(&lapin::LIBRARY),
    RegistryEntry::library(&mongodb::LIBRARY),
    RegistryEntry::library(&tokio_postgres::LIBRARY),
    RegistryEntry::library(&tokio_rustls::LIBRARY),
    RegistryEntry::library(&tokio_tungstenite::LIBRARY),
    RegistryEntry::library(&tungstenite::LIBRARY),
    RegistryEntry::library(&unsupported_runtimes::LIBRARY),
];

static ALL: [KnownLibrary; ENTRIES.len()] = RegistryEntry::libraries(ENTRIES);

/// Every library that is known.
pub const LIBRARIES: Libraries = Libraries::of(&ALL);

/// The same, with the functions that find the tasks of runtimes.
pub const REGISTRY: Registry = Registry { entries: ENTRIES, libraries: LIBRARIES };
