//! Debug maps: the symbol table of a program names the object files that it was linked from, which
//! keep the debug information, and says where their symbols are now.
//!
//! cargo leaves it so unless it is told otherwise (`split-debuginfo = "unpacked"`). Sources: the stabs
//! of `<mach-o/stab.h>` as ld64 writes them (`N_SO`, `N_OSO`, `N_FUN`, `N_STSYM`, `N_GSYM`), and
//! "Apple's Lazy DWARF Scheme" in the wiki of the DWARF standard.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gimli::RunTimeEndian;
use object::macho;
use object::read::archive::ArchiveFile;
use object::read::macho::Nlist as _;

use super::super::LLVM_BITCODE;
use super::super::sections::Sections;
use super::super::shared_bytes::SharedBytes;
use super::{File, dwarf_linker};

/// More object files than that are in no program.
const MAX_OBJECTS: usize = 1_000_000;

/// The object files that a program was linked from.
#[derive(Debug)]
pub(crate) struct DebugMap {
    /// The files that debug information was read from: object files and archives of them.
    pub(crate) files: Vec<PathBuf>,
    /// How many object files the program names.
    pub(crate) named: usize,
    /// What the program names and cannot be used: each with why, the end of a sentence.
    pub(crate) unusable: Vec<String>,
}

/// An object file as the program names it.
struct Named<'data> {
    path: &'data Path,
    /// Its name in the archive at `path`, if that is one.
    member: Option<&'data [u8]>,
    /// Seconds since 1970; 0 where the linker did not say.
    modified: u64,
    /// Its symbols, with their addresses in the program.
    symbols: HashMap<&'data [u8], u64>,
}

impl Named<'_> {
    fn name(&self) -> String {
        let path = self.path.display();
        match self.member {
            Some(member) => format!("{path}({})", String::from_utf8_lossy(member)),
            None => path.to_string(),
        }
    }
}

/// Joins the debug information of the object files of the program with these bytes; `None` when it
/// names none. `path` is for messages.
pub(crate) fn resolve(
    path: &Path,
    program: &SharedBytes,
    endian: RunTimeEndian,
) -> Option<(Sections, DebugMap)> {
    let object::File::MachO64(file) = object::File::parse(&**program).ok()? else {
        return None;
    };
    let objects = objects(&file).ok()?;
    if objects.is_empty() {
        return None;
    }
    let mut map = DebugMap { files: Vec::new(), named: objects.len(), unusable: Vec::new() };
    let files = Files::open(&objects);
    let mut inputs = Vec::new();
    for object in &objects {
        let input = files.bytes_of(object).and_then(|bytes| {
            let file = parse(bytes)?;
            dwarf_linker::input(&file, &object.symbols, endian)
        });
        match input {
            Ok(Some(input)) => inputs.push((object.name(), input)),
            // It was compiled without debug information.
            Ok(None) => {}
            Err(why) => map.unusable.push(format!("{}: {why}", object.name())),
        }
    }
    let (sections, broken) = dwarf_linker::join(inputs);
    map.unusable.extend(broken);
    let sections = sections.unwrap_or_else(|| {
        let path = path.display();
        map.unusable.push(format!("{path}: it has more than 4 GB of it, make a dSYM of it"));
        Sections::of(HashMap::new(), gimli::DwarfFileType::Main)
    });
    map.files = files.0.into_iter().filter_map(|(path, found)| found.ok().map(|_| path)).collect();
    map.files.sort();
    Some((sections, map))
}

/// The object files that the symbols of a program name.
fn objects<'data>(file: &File<'data>) -> object::Result<Vec<Named<'data>>> {
    let endian = file.endian();
    let table = file.macho_symbol_table();
    let mut found: Vec<Named<'data>> = Vec::new();
    let mut globals: Option<HashMap<&[u8], u64>> = None;
    let mut is_open = false;
    for symbol in table.iter() {
        let Some(kind) = symbol.n_type().stab() else { continue };
        let name = symbol.name(endian, table.strings())?;
        let value = symbol.n_value(endian);
        match kind {
            macho::N_SO => is_open = false,
            macho::N_OSO if !name.is_empty() && found.len() < MAX_OBJECTS => {
                let (path, member) = split(name);
                let path = Path::new(std::ffi::OsStr::from_bytes(path));
                let symbols = HashMap::new();
                found.push(Named { path, member, modified: value, symbols });
                is_open = true;
            }
            macho::N_FUN | macho::N_STSYM | macho::N_LCSYM | macho::N_GSYM
                if is_open && !name.is_empty() =>
            {
                let Some(object) = found.last_mut() else { continue };
                let place = match kind {
                    macho::N_GSYM => {
                        let globals = globals.get_or_insert_with(|| globals_of(file));
                        let Some(&place) = globals.get(name) else { continue };
                        place
                    }
                    _ => value,
                };
                object.symbols.insert(name, place);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The symbols that are defined, without those for debuggers.
fn globals_of<'data>(file: &File<'data>) -> HashMap<&'data [u8], u64> {
    let endian = file.endian();
    let table = file.macho_symbol_table();
    let defined =
        table.iter().filter(|symbol| !symbol.is_stab() && symbol.n_type().typ() == macho::N_SECT);
    let named = defined.filter_map(|symbol| {
        Some((symbol.name(endian, table.strings()).ok()?, symbol.n_value(endian)))
    });
    named.collect()
}

/// `ARCHIVE(MEMBER)` in its two parts.
fn split(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let inner = name.strip_suffix(b")");
    let open = inner.and_then(|inner| Some((inner, memchr::memrchr(b'(', inner)?)));
    match open {
        Some((inner, open)) => (&inner[..open], Some(&inner[open + 1..])),
        None => (name, None),
    }
}

/// The files of object files: each is opened once.
struct Files(HashMap<PathBuf, Result<Opened, String>>);

/// An opened file.
struct Opened {
    bytes: SharedBytes,
    modified: u64,
    /// Of an archive: where each member is, and when that was modified.
    members: HashMap<Vec<u8>, (u64, u64, u64)>,
}

impl Files {
    fn open(objects: &[Named<'_>]) -> Self {
        let mut files = HashMap::new();
        for object in objects {
            if !files.contains_key(object.path) {
                let opened = Opened::read(object.path, object.member.is_some());
                files.insert(object.path.to_owned(), opened);
            }
        }
        Self(files)
    }

    /// The bytes of an object file, or why there are none.
    fn bytes_of(&self, object: &Named<'_>) -> Result<&[u8], String> {
        let Some(Ok(file)) = self.0.get(object.path) else {
            let why = self.0.get(object.path).and_then(|file| file.as_ref().err());
            return Err(why.cloned().unwrap_or_else(|| "it is missing".to_owned()));
        };
        let Some(member) = object.member else {
            return match object.modified {
                0 => Ok(&file.bytes),
                modified if modified == file.modified => Ok(&file.bytes),
                _ => Err("it is of a later build".to_owned()),
            };
        };
        let Some(&(start, size, modified)) = file.members.get(member) else {
            return Err("the archive has no such member".to_owned());
        };
        if object.modified != 0 && modified != 0 && object.modified != modified {
            return Err("it is of a later build".to_owned());
        }
        let range = start as usize..start.saturating_add(size) as usize;
        file.bytes.get(range).ok_or_else(|| "it is cut short".to_owned())
    }
}

impl Opened {
    fn read(path: &Path, is_archive: bool) -> Result<Self, String> {
        let told = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is missing".to_owned(),
            _ => error.to_string(),
        };
        let modified = std::fs::metadata(path).map_err(told)?.mtime().cast_unsigned();
        let bytes = SharedBytes::map(path).map_err(told)?;
        let mut members = HashMap::new();
        if is_archive {
            let archive = ArchiveFile::parse(&*bytes).map_err(|error| error.to_string())?;
            for member in archive.members() {
                let member = member.map_err(|error| error.to_string())?;
                let (start, size) = member.file_range();
                // The first one, as linkers take it.
                let place = (start, size, member.date().unwrap_or(0));
                members.entry(member.name().to_vec()).or_insert(place);
            }
        }
        Ok(Self { bytes, modified, members })
    }
}

/// Parses an object file.
fn parse(bytes: &[u8]) -> Result<File<'_>, String> {
    if bytes.starts_with(LLVM_BITCODE) {
        return Err("it is LLVM bitcode".to_owned());
    }
    File::parse(bytes).map_err(|error| format!("it cannot be read ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_archives_are_named_in_parentheses() {
        assert_eq!(split(b"/a/b.o"), (&b"/a/b.o"[..], None));
        let (path, member) = (&b"/a (1)/libc.rlib"[..], &b"c.o"[..]);
        assert_eq!(split(b"/a (1)/libc.rlib(c.o)"), (path, Some(member)));
        assert_eq!(split(b")"), (&b")"[..], None));
    }
}
