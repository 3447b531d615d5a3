//! Opens an object together with the files that hold its debug information.

use std::path::Path;

use memchr::memmem;
use object::{Object, ObjectSection};
use runtime_layouts::layout::source::ObjectFormat;

use super::elf_headers::program_headers;
use super::mach_o::{self, debug_map, dsym};
use super::object_file::{ObjectFile, OpenError};
use super::separate_debug_file::DebugFolders;
use super::shared_bytes::SharedBytes;
use super::{separate_debug_file, split_dwarf};

impl ObjectFile {
    /// Reads the headers and maps the rest. Debug information outside the file is looked up where
    /// other debuggers look for it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = Self::open_alone(path)?;
        if file.is_companion {
            let what = "it has the debug information of one; give the program".to_owned();
            return Err(OpenError::NotAMachO { path: path.to_owned(), what });
        }
        if file.facts.format == ObjectFormat::MachO {
            file.find_debug_information();
            return Ok(file);
        }
        if !file.has_debug_information()
            && let Some(mut separate) =
                separate_debug_file::find(&file, &DebugFolders::of_machine())
        {
            std::mem::swap(&mut file.sections, &mut separate.sections);
            file.separate = Some(Box::new(separate));
        }
        if let Some((sections, split)) = split_dwarf::resolve(path, &file.sections, file.endian) {
            file.sections = sections;
            file.split = Some(split);
        }
        Ok(file)
    }

    /// For a Mac, debug information is in a bundle or in the object files, and hardly ever in the
    /// program.
    fn find_debug_information(&mut self) {
        if self.has_debug_information() {
            return;
        }
        let (bundle, ignored) = dsym::find(self);
        self.ignored = ignored;
        if let Some(mut bundle) = bundle {
            std::mem::swap(&mut self.sections, &mut bundle.sections);
            self.separate = Some(Box::new(bundle));
        } else if let Some((sections, map)) =
            debug_map::resolve(&self.path, &self.bytes, self.endian)
        {
            self.sections = sections;
            self.debug_map = Some(map);
        }
    }
}

/// Whether an object has thread-local storage, and one of these texts among its constants. Without
/// section headers the whole file is searched.
pub(crate) fn has_tls_and_text(path: &Path, texts: &[&[u8]]) -> bool {
    let Ok(bytes) = SharedBytes::map(path) else { return false };
    let Ok(bytes) = mach_o::slice(bytes) else { return false };
    let Ok(file) = object::File::parse(&*bytes) else { return false };
    let tls = match &file {
        object::File::Elf32(file) => program_headers(file).tls,
        object::File::Elf64(file) => program_headers(file).tls,
        object::File::MachO64(file) => {
            mach_o::load_commands(file).ok().and_then(|commands| commands.facts.tls)
        }
        _ => None,
    };
    let mut constants = file
        .sections()
        .filter(|section| {
            section.kind() == object::SectionKind::ReadOnlyString
                || section.kind() == object::SectionKind::ReadOnlyData
        })
        .filter_map(|section| section.data().ok())
        .peekable();
    let has_text = |data: &[u8]| texts.iter().any(|text| memmem::find(data, text).is_some());
    tls.is_some()
        && match constants.peek() {
            Some(_) => constants.any(has_text),
            None => has_text(&bytes),
        }
}
