//! Thread-local variables that the debug information gives no place, as LLVM leaves them on AArch64:
//! the symbol table says where they are.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use layout_extractor::extract;
use runtime_layouts::layout::source::LayoutSource;

/// A program whose debug information says that it is rustc's: a thread-local variable of tokio's
/// that is there, and one that the linker dropped.
const PROGRAM: &str = r#"
__thread long other __asm__("other") = 1;
__thread long there __asm__("_ZN5tokio5there") = 2;
int main(void) { return (int)(other + there); }

__asm__(
    ".pushsection .debug_abbrev,\"\",%progbits\n"
    "abbreviations:\n"
    /* DW_TAG_compile_unit: DW_AT_language, DW_AT_name */
    ".uleb128 1, 0x11; .byte 1; .uleb128 0x13, 0x0b, 0x03, 0x08, 0, 0\n"
    /* DW_TAG_namespace: DW_AT_name */
    ".uleb128 2, 0x39; .byte 1; .uleb128 0x03, 0x08, 0, 0\n"
    /* DW_TAG_variable: DW_AT_name, DW_AT_type, DW_AT_linkage_name */
    ".uleb128 3, 0x34; .byte 0; .uleb128 0x03, 0x08, 0x49, 0x13, 0x6e, 0x08, 0, 0\n"
    /* DW_TAG_base_type: DW_AT_name, DW_AT_byte_size, DW_AT_encoding */
    ".uleb128 4, 0x24; .byte 0; .uleb128 0x03, 0x08, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0\n"
    ".uleb128 0\n"
    ".popsection\n"
    ".pushsection .debug_info,\"\",%progbits\n"
    "unit: .long end - version\n"
    "version: .short 4; .long abbreviations; .byte 8\n"
    /* DW_LANG_Rust */
    ".uleb128 1; .byte 0x1c; .string \"main.rs\"\n"
    "number: .uleb128 4; .string \"i64\"; .byte 8, 5\n"
    ".uleb128 2; .string \"tokio\"\n"
    ".uleb128 2; .string \"THERE\"\n"
    ".uleb128 3; .string \"__KEY\"; .long number - unit; .string \"_ZN5tokio5there\"\n"
    ".uleb128 0\n"
    ".uleb128 2; .string \"DROPPED\"\n"
    ".uleb128 3; .string \"__KEY\"; .long number - unit; .string \"_ZN5tokio7dropped\"\n"
    ".uleb128 0, 0, 0\n"
    "end:\n"
    ".popsection\n");
"#;

#[test]
fn the_symbol_table_has_their_places() {
    let program = programs::c(PROGRAM);
    let dwarf = program.source();
    let file = extract(&program.source(), &()).unwrap();
    for source in [&dwarf as &dyn LayoutSource, &file] {
        let found = source.thread_locals("tokio::THERE").unwrap();
        let [there] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&*there.name, there.offset), ("tokio::THERE::__KEY", 8));
        assert_eq!(source.type_at(there.ty).unwrap().size, 8);
        assert!(source.thread_locals("tokio::DROPPED").unwrap().is_empty());
    }
}
