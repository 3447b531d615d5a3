//! Places in sources that a program has among its constants: what a panic says of where it happened.
//!
//! `core::panic::Location` (Rust 1.63 to 1.96) is a path, a line and a column; every async function
//! has some, for being polled after its end. They are in a stripped program too, and tell one commit
//! from another where no size does.

use std::collections::{BTreeMap, BTreeSet};

use super::image::Image;

/// Longer paths, and greater numbers of lines and columns, are not believed.
const LONGEST_PATH: u64 = 4096;
const MAX_LINES: u32 = 1 << 20;
const MAX_COLUMNS: u32 = 1 << 16;

/// Line and column.
pub(super) type Place = (u32, u32);

/// The places in a program's own sources: those that the compiler was given by a path from the
/// workspace on. Others are a dependency's, which has its version in its path.
fn places(image: &Image) -> BTreeMap<&str, BTreeSet<Place>> {
    let mut found: BTreeMap<&str, BTreeSet<Place>> = BTreeMap::new();
    for (path, at) in image.data_pointers() {
        if let Some((path, place)) = place(image, path, at).filter(|it| !it.0.starts_with('/')) {
            found.entry(path).or_default().insert(place);
        }
    }
    found
}

/// The place that stands at an address of the program's data: whether it is in the program's own
/// sources, the name of the file, and where in it. In which folder others are differs between two
/// that build it.
pub(super) fn at(image: &Image, address: u64) -> Option<(bool, &str, Place)> {
    let (path, place) = place(image, image.word(address)?, address)?;
    Some((!path.starts_with('/'), path.rsplit('/').next().unwrap_or(path), place))
}

/// The place whose first word is at `at` and leads to `path`.
fn place(image: &Image, path: u64, at: u64) -> Option<(&str, Place)> {
    let word = u64::from(image.object().facts.pointer_size);
    let length = image.word(at.wrapping_add(word)).filter(|it| (1..=LONGEST_PATH).contains(it))?;
    let path = std::str::from_utf8(image.bytes(path, length)?).ok()?;
    if !path.ends_with(".rs") {
        return None;
    }
    let numbers = image.bytes(at.wrapping_add(2 * word), 8)?;
    let number = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap_or_default();
        match image.object().facts.big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        }
    };
    let place = (number(&numbers[..4]), number(&numbers[4..]));
    let is_place = (1..MAX_LINES).contains(&place.0) && (1..MAX_COLUMNS).contains(&place.1);
    is_place.then_some((path, place))
}

/// A source file in which each of the two builds has a place that the other one has not: it is of
/// another commit. A place that one alone has may have been optimized away in the other.
pub(super) fn contradiction(program: &Image, twin: &Image) -> Option<String> {
    let (own, others) = (places(program), places(twin));
    own.iter().find_map(|(path, own)| {
        let others = others.get(path)?;
        let (line, column) = own.difference(others).next()?;
        let (other_line, other_column) = others.difference(own).next()?;
        Some(format!(
            "the program has code of {path}:{line}:{column}, and this file of \
             {path}:{other_line}:{other_column} in its stead"
        ))
    })
}
