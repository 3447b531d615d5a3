//! The streams of tokio-stream.
//!
//! Source: `tokio-stream/src/{lib,stream_ext/then}.rs` (0.1.19).

use crate::knowledge::children::{Children, Turns, Types};
use crate::knowledge::{CollectionType, Library};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::value::{Program, Ty};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    collections: &[&[CollectionType {
        types: Types::Of("tokio_stream::stream_ext::then::Then"),
        children: then,
    }]],
    // `tokio-stream/src/empty.rs`. `Iter` of this crate waits for its turn now and then.
    never_pending: &["tokio_stream::empty::Empty"],
    public_paths: PUBLIC_PATHS,
    ..Library::named("tokio-stream")
};

/// Private paths and the public ones that export the same items; longer private paths first.
const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("tokio_stream::stream_map::", "tokio_stream::"),
    ("tokio_stream::stream_close::", "tokio_stream::"),
    ("tokio_stream::stream_ext::chain::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::filter::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::filter_map::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::fuse::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::map::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::merge::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::take::", "tokio_stream::adapters::"),
    ("tokio_stream::stream_ext::then::", "tokio_stream::adapters::"),
    ("tokio_stream::wrappers::mpsc_bounded::", "tokio_stream::wrappers::"),
    ("tokio_stream::wrappers::mpsc_unbounded::", "tokio_stream::wrappers::"),
    ("tokio_stream::wrappers::broadcast::", "tokio_stream::wrappers::"),
    ("tokio_stream::wrappers::watch::", "tokio_stream::wrappers::"),
    ("tokio_stream::wrappers::interval::", "tokio_stream::wrappers::"),
];

/// While the future of one element is there, the stream is not polled.
fn then(_: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    Ok(Turns::of(ty, layout, "future", "stream").map(Children::Turns))
}
