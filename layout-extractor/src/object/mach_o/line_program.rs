//! Line tables with the addresses of the program.
//!
//! An object file's table is one sequence over all of its code, which the linker took apart. The rows
//! of each part become a sequence of their own; the lists of files stay as they are.

use gimli::{DebugLine, DebugLineOffset, EndianSlice, RunTimeEndian, constants as dw};

use super::symbol_places::SymbolPlaces;
use super::words::{Words, sleb, uleb};

/// A row of a line table.
struct Row {
    address: u64,
    file: u64,
    line: u64,
    column: u64,
    is_statement: bool,
}

/// Bytes of a header up to its version, that included, and of the length that follows: DWARF 2 to 4.
const UP_TO_LENGTH: usize = 6;
const LENGTH: usize = 4;

/// Appends the line table at an offset of a section to `moved`, with the addresses of the program.
/// Returns where it begins there.
pub(super) fn append(
    section: &[u8],
    offset: usize,
    places: &SymbolPlaces,
    endian: RunTimeEndian,
    moved: &mut Vec<u8>,
) -> Result<u64, gimli::Error> {
    let lines = DebugLine::new(section, endian);
    let program = lines.program(DebugLineOffset(offset), 8, None, None)?;
    let header = program.header();
    if header.version() > 4 || header.opcode_base() <= dw::DW_LNS_set_prologue_end.0 {
        return Err(gimli::Error::UnknownVersion(header.version().into()));
    }
    let step = u64::from(header.minimum_instruction_length().max(1));
    let size = UP_TO_LENGTH + LENGTH + header.header_length();
    let copied = offset.checked_add(size).and_then(|end| section.get(offset..end));
    let copied = copied.ok_or(gimli::Error::OffsetOutOfBounds(offset as u64))?;
    let is_statement = header.default_is_stmt();
    let rows = rows(program)?;
    let start = moved.len();
    moved.extend_from_slice(copied);
    let last = rows.last().map_or(0, |row| row.address.saturating_add(1));
    let addresses = rows.first().map_or(0, |row| row.address)..last;
    for (part, linked) in places.kept_within(addresses) {
        let first = rows.partition_point(|row| row.address < part.start);
        let count = rows[first..].partition_point(|row| row.address < part.end);
        if count > 0 {
            let sequence = &rows[first..first + count];
            let place = linked.wrapping_add(sequence[0].address - part.start);
            let mut writer = Writer { out: moved, step, is_statement, words: Words(endian) };
            writer.sequence(sequence, place, part.end);
        }
    }
    let length = moved.len() - start - LENGTH;
    Words(endian).put_u32(moved, start, u32::try_from(length).unwrap_or(u32::MAX));
    Ok(start as u64)
}

/// The rows of a program, by address.
fn rows(
    program: gimli::IncompleteLineProgram<EndianSlice<'_, RunTimeEndian>>,
) -> Result<Vec<Row>, gimli::Error> {
    let mut found = Vec::new();
    let mut rows = program.rows();
    while let Some((_, row)) = rows.next_row()? {
        if !row.end_sequence() {
            found.push(Row {
                address: row.address(),
                file: row.file_index(),
                line: row.line().map_or(0, |line| line.get()),
                column: match row.column() {
                    gimli::ColumnType::LeftEdge => 0,
                    gimli::ColumnType::Column(column) => column.get(),
                },
                is_statement: row.is_stmt(),
            });
        }
    }
    found.sort_by_key(|row| row.address);
    Ok(found)
}

/// Writes the instructions of a line program.
struct Writer<'m> {
    out: &'m mut Vec<u8>,
    /// What addresses are counted in.
    step: u64,
    /// Whether a sequence begins with statements.
    is_statement: bool,
    words: Words,
}

impl Writer<'_> {
    /// Writes rows of one part, the first of them at `place`; the part ends at `end`, an address of
    /// the object file as those of the rows are.
    fn sequence(&mut self, rows: &[Row], place: u64, end: u64) {
        self.out.extend([0, 9, dw::DW_LNE_set_address.0]);
        self.words.push_u64(self.out, place);
        let mut last = Row {
            address: rows[0].address,
            file: 1,
            line: 1,
            column: 0,
            is_statement: self.is_statement,
        };
        for row in rows {
            self.advance(row.address - last.address);
            if row.file != last.file {
                self.out.push(dw::DW_LNS_set_file.0);
                uleb(self.out, row.file);
            }
            if row.column != last.column {
                self.out.push(dw::DW_LNS_set_column.0);
                uleb(self.out, row.column);
            }
            if row.line != last.line {
                self.out.push(dw::DW_LNS_advance_line.0);
                sleb(self.out, row.line.wrapping_sub(last.line).cast_signed());
            }
            if row.is_statement != last.is_statement {
                self.out.push(dw::DW_LNS_negate_stmt.0);
            }
            self.out.push(dw::DW_LNS_copy.0);
            last = Row { ..*row };
        }
        self.advance(end - last.address);
        self.out.extend([0, 1, dw::DW_LNE_end_sequence.0]);
    }

    fn advance(&mut self, by: u64) {
        if by > 0 {
            self.out.push(dw::DW_LNS_advance_pc.0);
            uleb(self.out, by / self.step);
        }
    }
}
