//! The pointers that the loader leaves in the data of an object: by its list of places, or by chains
//! that the places themselves make.

use object::read::macho::{Fixup, Segment as _};
use object::{Object, macho};

use super::File;

/// `(place, value)` of every word that the loader makes an address of this object, by place, without
/// the slide. Words of what cannot be read are left out.
pub(in super::super) fn relocated_words(file: &File<'_>) -> Vec<(u64, u64)> {
    let mut words = Vec::new();
    // What stands before a broken entry is right.
    let _ = listed(file, &mut words);
    let _ = chained(file, &mut words);
    words.sort_unstable();
    words
}

/// The address and the bytes of each segment, in the order of the file.
fn segments<'data>(file: &File<'data>) -> object::Result<Vec<(u64, &'data [u8], bool)>> {
    let endian = file.endian();
    let mut found = Vec::new();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        if let Some((segment, _)) = command.segment_64()? {
            let bytes = segment.data(endian, file.data()).unwrap_or_default();
            let is_text = segment.name() == macho::SEG_TEXT.as_bytes();
            found.push((segment.vmaddr(endian), bytes, is_text));
        }
    }
    Ok(found)
}

/// Those of `LC_DYLD_INFO`: the words stand in the file as they are linked.
fn listed(file: &File<'_>, words: &mut Vec<(u64, u64)>) -> object::Result<()> {
    let endian = file.endian();
    let segments = segments(file)?;
    let is_little = file.is_little_endian();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        let Some(info) = command.dyld_info()? else { continue };
        let mut rebases = info.rebases(endian, file.data(), 8)?;
        while let Some(rebase) = rebases.next()? {
            let segment = segments.get(usize::from(rebase.segment_index));
            let Some((address, bytes, _)) = segment else { continue };
            let word = usize::try_from(rebase.segment_offset).ok();
            let word = word.and_then(|at| bytes.get(at..)?.first_chunk::<8>());
            // A list may claim more places than the file has bytes, but each of them must be there.
            let Some(word) = word.filter(|_| words.len() < bytes_of(&segments)) else { continue };
            let value =
                if is_little { u64::from_le_bytes(*word) } else { u64::from_be_bytes(*word) };
            words.push((address.wrapping_add(rebase.segment_offset), value));
        }
    }
    Ok(())
}

/// As many words as there can be.
fn bytes_of(segments: &[(u64, &[u8], bool)]) -> usize {
    segments.iter().map(|(_, bytes, _)| bytes.len() / 8).sum()
}

/// Those of `LC_DYLD_CHAINED_FIXUPS`: each word says where the next one is.
fn chained(file: &File<'_>, words: &mut Vec<(u64, u64)>) -> object::Result<()> {
    let endian = file.endian();
    let segments = segments(file)?;
    let text = segments.iter().find(|(_, _, is_text)| *is_text).map_or(0, |(address, ..)| *address);
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        let Some(fixups) = command.dyld_chained_fixups()? else { continue };
        let fixups = fixups.chained_fixups(endian, file.data())?;
        let mut chains = fixups.segments(endian)?;
        while let Some(chain) = chains.next()? {
            let Some((address, bytes, _)) = segments.get(chain.index() as usize) else { continue };
            let mut places = chain.fixups(endian, text, bytes);
            while let Some((offset, fixup)) = places.next()? {
                if words.len() > bytes_of(&segments) {
                    return Ok(());
                }
                if let Fixup::Rebase(rebase) = fixup {
                    let value = text.wrapping_add(rebase.target_offset);
                    words.push((address.wrapping_add(offset), value));
                }
            }
        }
    }
    Ok(())
}
