//! FILES: the source files that a unit's line table names.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use gimli::{AttributeValue, Dwarf, Reader as _, Section as _, SectionId};
use runtime_layouts::layout::origin::{Origin, may_be_vendored};
use runtime_layouts::layout::{SourceFile, SourceLocation};

use crate::description::Declared;
use crate::source::DwarfSource;
use crate::units::{Entry, Slice, UnitNumber, UnitView};

/// A file that a unit's line table lists. Of most of them nobody asks for more than a few.
#[derive(Default)]
pub(crate) struct ListedFile {
    name: Option<Text>,
    /// `None` for the compilation directory.
    folder: Option<Text>,
    file: OnceLock<Arc<SourceFile>>,
}

/// Where a text is, without borrowing from the sections.
struct Text {
    section: SectionId,
    bytes: Range<usize>,
}

/// The sections that have the names of files.
const SECTIONS: [SectionId; 3] =
    [SectionId::DebugLine, SectionId::DebugLineStr, SectionId::DebugStr];

impl Text {
    fn of<'a>(dwarf: &Dwarf<Slice<'a>>, text: Slice<'a>) -> Option<Self> {
        SECTIONS.into_iter().find_map(|section| {
            let all = reader(dwarf, section)?;
            let start = all.lookup_offset_id(text.offset_id())?;
            // One section may begin where another one ends.
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

impl DwarfSource {
    /// Where an entry is declared; `None` when it does not say.
    pub(crate) fn declared<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<SourceLocation> {
        let file = entry.attr_value(gimli::DW_AT_decl_file)?;
        self.location(dwarf, view, file, entry.attr_value(gimli::DW_AT_decl_line)?)
    }

    /// Where an inlined function is called; `None` when it does not say.
    pub(crate) fn called<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<SourceLocation> {
        let file = entry.attr_value(gimli::DW_AT_call_file)?;
        self.location(dwarf, view, file, entry.attr_value(gimli::DW_AT_call_line)?)
    }

    fn location<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        file: AttributeValue<Slice<'s>>,
        line: AttributeValue<Slice<'s>>,
    ) -> Option<SourceLocation> {
        let number = match file {
            AttributeValue::FileIndex(number) => number,
            other => other.udata_value()?,
        };
        self.numbered(dwarf, view, number, line.udata_value()?)
    }

    /// Where a type's description says that it is declared.
    pub(crate) fn described_location<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        declared: Declared,
    ) -> Option<SourceLocation> {
        self.numbered(dwarf, view, declared.file?, declared.line?)
    }

    fn numbered<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        file: u64,
        line: u64,
    ) -> Option<SourceLocation> {
        let line = u32::try_from(line).ok().filter(|&line| line != 0)?;
        let listed = self.files(dwarf, view).get(usize::try_from(file).ok()?)?;
        let file = listed.file.get_or_init(|| {
            let path = self.path_of_file(dwarf, view, listed).unwrap_or_default();
            Arc::new(self.source_file(dwarf, view.number, path))
        });
        (!file.path.is_empty()).then(|| SourceLocation { file: Arc::clone(file), line })
    }

    /// The unit's files, by the numbers that `DW_AT_decl_file` uses.
    fn files<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, view: &UnitView<'s>) -> &'s [ListedFile] {
        let files = &self.units.entry(view.number).files;
        // A broken line table costs the lines, not the layouts.
        files.get_or_init(|| self.read_files(dwarf, view).unwrap_or_default())
    }

    fn read_files<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
    ) -> Option<Vec<ListedFile>> {
        let root = self.units.root(dwarf, view.number).ok()?;
        let address_size = view.unit.header.address_size();
        let program =
            dwarf.debug_line.program(root.line_program?, address_size, None, None).ok()?;
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

    /// The whole path of a file that a unit lists.
    fn path_of_file<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        listed: &ListedFile,
    ) -> Option<String> {
        let directory = &self.units.root(dwarf, view.number).ok()?.directory;
        let folder = listed.folder.as_ref().and_then(|folder| folder.from(dwarf));
        let name = listed.name.as_ref()?.from(dwarf)?;
        let whole = Path::new(&**directory).join(&*folder.unwrap_or_default()).join(&*name);
        Some(whole.to_string_lossy().into_owned())
    }

    /// A file that a unit names, with the folder that its crate was compiled in.
    ///
    /// That is the unit's own, but for what link-time optimization moved into units of other
    /// crates, and for generic functions of vendored crates: those files are looked for below the
    /// folders of all the program's crates, but for those that are known by their path.
    pub(crate) fn source_file<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        unit: UnitNumber,
        path: String,
    ) -> SourceFile {
        let own = self.units.root(dwarf, unit).map(|root| Arc::clone(&root.directory));
        let file = SourceFile { path, directory: own.as_deref().unwrap_or_default().to_owned() };
        let is_own = is_below(&file.path, &file.directory) && !may_be_vendored(&file.path);
        if file.origin() != Origin::User || is_own {
            return file;
        }
        let folders = self.folders.get_or_init(|| self.read_folders(dwarf));
        match folders.iter().find(|folder| is_below(&file.path, folder)) {
            Some(folder) => SourceFile { directory: folder.to_string(), ..file },
            None => file,
        }
    }

    /// The folders that the program's own and vendored crates were compiled in, the longest first.
    fn read_folders<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> Vec<Arc<str>> {
        let roots = (0..self.units.len()).filter_map(|unit| self.units.root(dwarf, unit).ok());
        let mut folders: Vec<Arc<str>> = roots
            .filter(|root| root.is_rust && !is_known_by_path(&root.directory))
            .map(|root| Arc::clone(&root.directory))
            .collect();
        folders.sort_by_key(|folder| (std::cmp::Reverse(folder.len()), Arc::clone(folder)));
        folders.dedup();
        folders
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    !folder.is_empty() && path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a crate's folder is one that its files' paths tell of.
fn is_known_by_path(folder: &str) -> bool {
    SourceFile { path: format!("{folder}/"), directory: String::new() }.origin() != Origin::User
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
