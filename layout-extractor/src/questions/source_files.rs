//! The source file and line that an entry names.

use std::sync::Arc;

use gimli::{AttributeValue, Dwarf};
use runtime_layouts::layout::origin::{Origin, may_be_vendored};
use runtime_layouts::layout::{SourceFile, SourceLocation};

use super::source::DwarfSource;
use crate::dwarf::file_table::ListedFile;
use crate::dwarf::reader::{Entry, UnitNumber};
use crate::dwarf::type_description::Declared;
use crate::dwarf::unit_view::UnitView;
use crate::object::sections::Slice;

impl DwarfSource {
    /// The location of an entry's declaration; `None` when it has none.
    pub(crate) fn declared<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<SourceLocation> {
        let file = entry.attr_value(gimli::DW_AT_decl_file)?;
        self.location(dwarf, view, file, entry.attr_value(gimli::DW_AT_decl_line)?)
    }

    /// The call site of an inlined function; `None` when the entry has none.
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

    /// The location of a declaration in a type's description.
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
            let root = self.units.root(dwarf, view.number).ok();
            let path =
                root.and_then(|root| listed.path(dwarf, &root.directory)).unwrap_or_default();
            Arc::new(self.source_file(dwarf, view.number, path))
        });
        (!file.path.is_empty()).then(|| SourceLocation { file: Arc::clone(file), line })
    }

    /// The unit's files, by the numbers that `DW_AT_decl_file` uses.
    fn files<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, view: &UnitView<'s>) -> &'s [ListedFile] {
        let files = &self.units.entry(view.number).files;
        // Without a line table only lines are missing.
        files.get_or_init(|| self.read_files(dwarf, view).unwrap_or_default())
    }

    fn read_files<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
    ) -> Option<Vec<ListedFile>> {
        let root = self.units.root(dwarf, view.number).ok()?;
        ListedFile::read(dwarf, view, root.line_program?)
    }

    /// A file of a unit, with the folder that its crate was compiled in.
    ///
    /// Usually that is the unit's compilation directory. Link-time optimization moves functions
    /// into units of other crates, and generic functions of vendored crates are compiled with their
    /// users: such files are looked up below the folders of all crates, except those whose path
    /// already tells the crate.
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

/// Whether the paths of a crate's files already tell where the crate is from.
fn is_known_by_path(folder: &str) -> bool {
    SourceFile { path: format!("{folder}/"), directory: String::new() }.origin() != Origin::User
}
