//! The files that a unit's line table lists.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use gimli::{Dwarf, Reader as _, Section as _, SectionId};
use runtime_layouts::layout::SourceFile;

use super::unit_view::UnitView;
use crate::object::sections::Slice;

/// A file in a unit's line table. Its path is put together on first use, since few of the files are
/// asked for.
#[derive(Default)]
pub(crate) struct ListedFile {
    name: Option<Text>,
    /// `None` for the compilation directory.
    folder: Option<Text>,
    pub(crate) file: OnceLock<Arc<SourceFile>>,
}

impl ListedFile {
    /// The files of a unit, numbered as in `DW_AT_decl_file`. `line_program` is the offset of the
    /// unit's line table; `None` when that is broken.
    pub(crate) fn read<'a>(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        line_program: gimli::DebugLineOffset,
    ) -> Option<Vec<Self>> {
        let address_size = view.unit.header.address_size();
        let program = dwarf.debug_line.program(line_program, address_size, None, None).ok()?;
        let header = program.header();
        let text = |value| Text::of(dwarf, dwarf.attr_string(&view.unit, value).ok()?);
        // Before DWARF 5 files count from 1.
        let first = u64::from(header.version() < 5);
        let mut files = Vec::with_capacity(header.file_names().len() + 1);
        files.resize_with(first as usize, ListedFile::default);
        for number in first..first + header.file_names().len() as u64 {
            let listed = header.file(number).map(|file| ListedFile {
                name: text(file.path_name()),
                folder: match file.directory_index() {
                    0 => None,
                    _ => file.directory(header).and_then(text),
                },
                file: OnceLock::new(),
            });
            files.push(listed.unwrap_or_default());
        }
        Some(files)
    }

    /// The full path, relative paths resolved against the unit's compilation directory; `None` for
    /// a number that the table leaves out.
    pub(crate) fn path(&self, dwarf: &Dwarf<Slice<'_>>, directory: &str) -> Option<String> {
        let folder = self.folder.as_ref().and_then(|folder| folder.from(dwarf));
        let name = self.name.as_ref()?.from(dwarf)?;
        let whole = Path::new(directory).join(&*folder.unwrap_or_default()).join(&*name);
        Some(whole.to_string_lossy().into_owned())
    }
}

/// The place of a string, without a borrow of the sections.
struct Text {
    section: SectionId,
    bytes: Range<usize>,
}

/// The sections that hold names of files.
const SECTIONS: [SectionId; 3] =
    [SectionId::DebugLine, SectionId::DebugLineStr, SectionId::DebugStr];

impl Text {
    fn of<'a>(dwarf: &Dwarf<Slice<'a>>, text: Slice<'a>) -> Option<Self> {
        SECTIONS.into_iter().find_map(|section| {
            let all = reader(dwarf, section)?;
            let start = all.lookup_offset_id(text.offset_id())?;
            // A section may begin where another one ends.
            let bytes = start..start + text.len();
            (bytes.end <= all.len()).then_some(Self { section, bytes })
        })
    }

    fn from<'a>(&self, dwarf: &Dwarf<Slice<'a>>) -> Option<Cow<'a, str>> {
        let bytes = reader(dwarf, self.section)?.slice().get(self.bytes.clone())?;
        Some(String::from_utf8_lossy(bytes))
    }
}

fn reader<'a>(dwarf: &Dwarf<Slice<'a>>, section: SectionId) -> Option<Slice<'a>> {
    match section {
        SectionId::DebugLine => Some(*dwarf.debug_line.reader()),
        SectionId::DebugLineStr => Some(*dwarf.debug_line_str.reader()),
        SectionId::DebugStr => Some(*dwarf.debug_str.reader()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gimli::{EndianSlice, RunTimeEndian};

    use super::*;

    #[test]
    fn a_text_is_found_in_its_own_section() {
        // As sections lie in a file: where one ends, the next one begins.
        let file = b"line\0src/main.rs\0";
        let (line, line_str) = file.split_at(5);
        let load = |id| {
            let section: &[u8] = match id {
                SectionId::DebugLine => line,
                SectionId::DebugLineStr => line_str,
                _ => &[],
            };
            Ok::<_, gimli::Error>(EndianSlice::new(section, RunTimeEndian::Little))
        };
        let dwarf = Dwarf::load(load).expect("sections");
        let name = EndianSlice::new(&line_str[..11], RunTimeEndian::Little);
        let text = Text::of(&dwarf, name).expect("a place");
        assert_eq!(text.from(&dwarf).as_deref(), Some("src/main.rs"));
    }
}
