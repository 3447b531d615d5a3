//! Lookups in the symbol tables of an object.

use gimli::SectionId;
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable};

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
        let names = file.section_by_name(".strtab").and_then(|section| section.data().ok());
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
        for table in [".strtab", ".dynstr"] {
            let names = file.section_by_name(table).and_then(|section| section.data().ok());
            let names = names.unwrap_or_default();
            let mut end = 0;
            for at in memchr::memmem::find_iter(names, part) {
                if at >= end {
                    let start = memchr::memrchr(0, &names[..at]).map_or(0, |zero| zero + 1);
                    end = memchr::memchr(0, &names[at..]).map_or(names.len(), |zero| at + zero);
                    visit(&names[start..end]);
                }
            }
        }
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
