//! Opens an object together with the files that hold its debug information.

use std::path::Path;

use memchr::memmem;
use object::{Object, ObjectSection};

use super::elf_headers::program_headers;
use super::object_file::{ObjectFile, OpenError};
use super::separate_debug_file::DebugFolders;
use super::shared_bytes::SharedBytes;
use super::{separate_debug_file, split_dwarf};

impl ObjectFile {
    /// Reads the headers and maps the rest. Debug information outside the file is looked up where
    /// other debuggers look for it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = Self::open_alone(path)?;
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
}

/// Whether an object has thread-local storage, and one of these texts among its constants. Without
/// section headers the whole file is searched.
pub(crate) fn has_tls_and_text(path: &Path, texts: &[&[u8]]) -> bool {
    let Ok(bytes) = SharedBytes::map(path) else { return false };
    let Ok(file) = object::File::parse(&*bytes) else { return false };
    let tls = match &file {
        object::File::Elf32(file) => program_headers(file).tls,
        object::File::Elf64(file) => program_headers(file).tls,
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
