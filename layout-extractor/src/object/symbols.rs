//! Lookups in the symbol tables of an object.

use gimli::SectionId;
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable};

use super::mach_o;
use super::object_file::ObjectFile;

impl ObjectFile {
    /// The offset of a thread-local symbol from the start of the TLS segment; `Some(None)` when the
    /// symbol table does not have it, `None` when there is no symbol table.
    pub(crate) fn tls_symbol(&self, name: &[u8]) -> Option<Option<u64>> {
        let symbols = self.tls_symbols.get_or_init(|| {
            let file = object::File::parse(&**self.symbol_bytes()).ok()?;
            let table = file.symbol_table()?;
            let symbols = table.symbols().filter(|symbol| {
                symbol.kind() == object::SymbolKind::Tls && !symbol.is_undefined()
            });
            Some(
                symbols
                    .filter_map(|symbol| {
                        Some((unpromoted(symbol.name_bytes().ok()?).into(), symbol.address()))
                    })
                    .collect(),
            )
        });
        symbols.as_ref().map(|symbols| symbols.get(name).copied())
    }

    /// Whether the path of any symbol has this identifier as a segment. Both manglings write an
    /// identifier behind its length, so the string table is searched as a whole: there may be
    /// millions of symbols.
    pub(crate) fn has_symbol_part(&self, identifier: &str) -> bool {
        let part = format!("{}{identifier}", identifier.len());
        let Ok(file) = object::File::parse(&**self.symbol_bytes()) else { return false };
        let names = names(&file, ".strtab");
        names.is_some_and(|names| memchr::memmem::find(names, part.as_bytes()).is_some())
    }

    /// Whether the debug information has a mangled name with this identifier in it.
    pub(crate) fn mentions_symbol_part(&self, identifier: &str) -> bool {
        let part = format!("{}{identifier}", identifier.len());
        let names = self.sections.get(SectionId::DebugStr);
        memchr::memmem::find(&names, part.as_bytes()).is_some()
    }

    /// Calls `visit` with every symbol name that contains `part`, in the order of the string
    /// tables.
    pub(crate) fn each_symbol_with(&self, part: &[u8], mut visit: impl FnMut(&[u8])) {
        let Ok(file) = object::File::parse(&**self.symbol_bytes()) else { return };
        // For a Mac, C's names have an underscore before them.
        let prefix: &[u8] = match file {
            object::File::MachO64(_) => b"_",
            _ => b"",
        };
        for table in [".strtab", ".dynstr"] {
            let names = names(&file, table).unwrap_or_default();
            let mut end = 0;
            for at in memchr::memmem::find_iter(names, part) {
                if at >= end {
                    let start = memchr::memrchr(0, &names[..at]).map_or(0, |zero| zero + 1);
                    end = memchr::memchr(0, &names[at..]).map_or(names.len(), |zero| at + zero);
                    let name = &names[start..end];
                    visit(name.strip_prefix(prefix).unwrap_or(name));
                }
            }
        }
    }
}

/// The text of a table of symbols' names, by ELF's name of it; Mach-O has one table.
fn names<'data>(file: &object::File<'data>, table: &str) -> Option<&'data [u8]> {
    match file {
        object::File::MachO64(file) if table == ".strtab" => mach_o::symbol_names(file).ok()?,
        object::File::MachO64(_) => None,
        file => file.section_by_name(table)?.data().ok(),
    }
}

/// A symbol's name without the suffix of ThinLTO, which promotes local symbols:
/// `…CURRENT_PARKER…E.llvm.15291967437445223747` (LLVM, `FunctionImportUtils.cpp`). The debug
/// information has the name without it.
fn unpromoted(name: &[u8]) -> &[u8] {
    match memchr::memmem::rfind(name, b".llvm.") {
        Some(at) => &name[..at],
        None => name,
    }
}
