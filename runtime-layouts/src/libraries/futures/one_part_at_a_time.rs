//! Stream combinators that poll one part at a time: while the future made from an item, or a buffered
//! item, is pending, the stream itself is not polled.

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Turns, Types};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::value::{Program, Ty};

/// Their paths, from the `poll` and `poll_next` of each: `futures-util/src/stream/stream/*.rs`,
/// `futures-util/src/stream/try_stream/*.rs`, `futures-util/src/sink/send_all.rs` (0.3.34).
pub(super) const COLLECTIONS: &[CollectionType] = &[
    of("futures_util::stream::stream::for_each::ForEach"),
    of("futures_util::stream::stream::fold::Fold"),
    of("futures_util::stream::stream::then::Then"),
    of("futures_util::stream::stream::all::All"),
    of("futures_util::stream::stream::any::Any"),
    of("futures_util::stream::stream::scan::Scan"),
    of("futures_util::stream::stream::filter::Filter"),
    of("futures_util::stream::stream::filter_map::FilterMap"),
    of("futures_util::stream::stream::skip_while::SkipWhile"),
    of("futures_util::stream::stream::take_while::TakeWhile"),
    of("futures_util::stream::stream::flatten::Flatten"),
    of("futures_util::stream::stream::chain::Chain"),
    of("futures_util::stream::stream::forward::Forward"),
    of("futures_util::sink::send_all::SendAll"),
    of("futures_util::stream::try_stream::try_for_each::TryForEach"),
    of("futures_util::stream::try_stream::try_fold::TryFold"),
    of("futures_util::stream::try_stream::and_then::AndThen"),
    of("futures_util::stream::try_stream::or_else::OrElse"),
    of("futures_util::stream::try_stream::try_all::TryAll"),
    of("futures_util::stream::try_stream::try_any::TryAny"),
    of("futures_util::stream::try_stream::try_filter::TryFilter"),
    of("futures_util::stream::try_stream::try_filter_map::TryFilterMap"),
    of("futures_util::stream::try_stream::try_skip_while::TrySkipWhile"),
    of("futures_util::stream::try_stream::try_take_while::TryTakeWhile"),
    of("futures_util::stream::try_stream::try_flatten::TryFlatten"),
];

const fn of(path: &'static str) -> CollectionType {
    CollectionType { types: Types::Of(path), children: turns }
}

/// What is there while something waits, and what waits meanwhile, by the names of their members.
const MEMBERS: [(&str, &str); 7] = [
    ("future", "stream"),
    ("pending_fut", "stream"),
    ("pending", "stream"),
    ("next", "stream"),
    ("first", "second"),
    ("buffered_item", "stream"),
    ("buffered", "stream"),
];

fn turns(_: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let mut known = MEMBERS.iter();
    let turns = known.find_map(|(first, then)| Turns::of(ty, layout, first, then));
    Ok(turns.map(Children::Turns))
}
