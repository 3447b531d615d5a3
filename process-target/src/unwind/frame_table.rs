//! `.eh_frame_hdr` and `.eh_frame` in memory: a lookup of the entry for one address.
//!
//! Source: Linux Standard Base Core Specification 5.0, "Exception Frames".

use gimli::{BaseAddresses, EhFrame, EhFrameOffset, EndianSlice, RunTimeEndian};
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::elf_image::Image;

/// `.eh_frame_hdr`'s version, and the encodings that every linker writes: a pointer of four bytes,
/// a count of four bytes, and a table of pairs of four bytes relative to the section itself
/// (`DW_EH_PE_datarel | DW_EH_PE_sdata4`).
const VERSION: u8 = 1;
const UDATA4: u8 = 0x03;
const SIZE_OF_ENCODING: u8 = 0x07;
const DATA_RELATIVE_SDATA4: u8 = 0x3b;
/// Bytes before the table, and bytes of each of its rows.
const HEADER: u64 = 12;
const ROW: u64 = 8;

/// Longer entries are not believed.
const LONGEST_ENTRY: u32 = 1 << 20;

/// A frame description entry with the common information entry that it refers to.
pub(super) struct Entry {
    /// The common entry, then the frame's, as a section of their own.
    bytes: Vec<u8>,
    /// Where the frame's begins.
    frame: usize,
    bases: BaseAddresses,
    endian: RunTimeEndian,
}

impl Entry {
    /// The two as a section, where the frame's entry is in it, and what its addresses count from.
    pub(super) fn section(
        &self,
    ) -> (EhFrame<EndianSlice<'_, RunTimeEndian>>, EhFrameOffset, &BaseAddresses) {
        (EhFrame::new(&self.bytes, self.endian), EhFrameOffset(self.frame), &self.bases)
    }
}

/// The entry whose range may hold the address: the last that begins at or before it.
pub(super) fn entry_at(image: &Image, address: u64, memory: &dyn MemoryReader) -> Option<Entry> {
    let table = image.frame_table()?;
    let order = Order { memory, words: image.words };
    let mut head = [0; 4];
    memory.read(table, &mut head).ok()?;
    let [version, section, count, rows] = head;
    let known = version == VERSION
        && section & SIZE_OF_ENCODING == UDATA4
        && count == UDATA4
        && rows == DATA_RELATIVE_SDATA4;
    if !known {
        return None;
    }
    // Of a table that reaches beyond the address space, what lies there cannot be read.
    let row = |index: u32| table.wrapping_add(HEADER + u64::from(index) * ROW);
    let relative = |at: u64| Some(table.wrapping_add_signed(order.u32(at)?.cast_signed().into()));
    let (mut low, mut high) = (0, order.u32(table.checked_add(HEADER - 4)?)?);
    while low < high {
        let middle = low + (high - low) / 2;
        if relative(row(middle))? <= address {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = row(low.checked_sub(1)?);
    entry(relative(found.wrapping_add(4))?, &order, table)
}

/// The entry at this address.
fn entry(at: u64, order: &Order<'_>, table: u64) -> Option<Entry> {
    let mut frame = order.entry(at)?;
    let own = at.checked_add(4)?;
    let common = order.entry(own.checked_sub(order.u32(own)?.into())?)?;
    // The two are brought together, so the way from the one to the other is a new one. The only
    // address that counts from the common entry's own place is that of the personality routine,
    // which nobody calls here.
    let back = u32::try_from(common.len().checked_add(4)?).ok()?;
    let big_endian = order.words.big_endian;
    let bytes = if big_endian { back.to_be_bytes() } else { back.to_le_bytes() };
    frame.get_mut(4..8)?.copy_from_slice(&bytes);
    let start = common.len();
    Some(Entry {
        bases: BaseAddresses::default()
            .set_eh_frame(at.wrapping_sub(start as u64))
            .set_eh_frame_hdr(table),
        bytes: [common, frame].concat(),
        frame: start,
        endian: if big_endian { RunTimeEndian::Big } else { RunTimeEndian::Little },
    })
}

/// Memory in one byte order.
struct Order<'m> {
    memory: &'m dyn MemoryReader,
    words: WordFormat,
}

impl Order<'_> {
    fn u32(&self, at: u64) -> Option<u32> {
        u32::try_from(self.words.read(self.memory, at, 4).ok()?).ok()
    }

    /// The bytes of an entry, its length before it. `None` for the end of the section, and for
    /// entries of the 64-bit form, which no compiler writes.
    fn entry(&self, at: u64) -> Option<Vec<u8>> {
        let length = self.u32(at)?;
        if !(4..=LONGEST_ENTRY).contains(&length) {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?.checked_add(4)?];
        self.memory.read(at, &mut bytes).ok()?;
        Some(bytes)
    }
}
