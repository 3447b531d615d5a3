//! FILES: the source files that a unit's line table names.

use std::path::Path;
use std::sync::Arc;

use gimli::{AttributeValue, Dwarf};
use runtime_layouts::layout::{SourceFile, SourceLocation};

use crate::source::DwarfSource;
use crate::units::{Entry, Slice, UnitView};

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

    fn numbered<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        file: u64,
        line: u64,
    ) -> Option<SourceLocation> {
        let line = u32::try_from(line).ok().filter(|&line| line != 0)?;
        let file = self.files(dwarf, view).get(usize::try_from(file).ok()?)?;
        (!file.path.is_empty()).then(|| SourceLocation { file: Arc::clone(file), line })
    }

    /// The unit's files, by the numbers that `DW_AT_decl_file` uses.
    fn files<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, view: &UnitView<'s>) -> &'s [Arc<SourceFile>] {
        let files = &self.units.entry(view.number).files;
        // A broken line table costs the lines, not the layouts.
        files.get_or_init(|| self.read_files(dwarf, view).unwrap_or_default())
    }

    fn read_files<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
    ) -> Option<Vec<Arc<SourceFile>>> {
        let root = self.units.root(dwarf, view.number).ok()?;
        let address_size = view.unit.header.address_size();
        let program =
            dwarf.debug_line.program(root.line_program?, address_size, None, None).ok()?;
        let header = program.header();
        let text = |value| {
            let slice = dwarf.attr_string(&view.unit, value).ok()?;
            Some(slice.to_string_lossy().into_owned())
        };
        // Before DWARF 5 files count from 1.
        let first = u64::from(header.version() < 5);
        let mut files = Vec::new();
        if first == 1 {
            files.push(Arc::new(SourceFile { path: String::new(), directory: String::new() }));
        }
        for number in first..first + header.file_names().len() as u64 {
            let path = header.file(number).and_then(|file| {
                let name = text(file.path_name())?;
                let folder = match file.directory_index() {
                    0 => String::new(),
                    _ => file.directory(header).and_then(text).unwrap_or_default(),
                };
                let whole = Path::new(&*root.directory).join(folder).join(name);
                Some(whole.to_string_lossy().into_owned())
            });
            let path = path.unwrap_or_default();
            let directory = root.directory.to_string();
            files.push(Arc::new(SourceFile { path, directory }));
        }
        Some(files)
    }
}
