//! The tables: who may use whom.

/// A name and the names that it may use.
pub(super) type Rule = (&'static str, &'static [&'static str]);

/// Each crate of the workspace with the crates of the workspace that it may use.
pub(super) const CRATES: &[Rule] = &[
    ("runtime-layouts", &[]),
    ("report-text", &["runtime-layouts"]),
    // It takes the JSON as it is written: a page knows no report but that.
    ("report-page", &[]),
    ("layout-extractor", &["runtime-layouts"]),
    ("process-target", &["runtime-layouts", "layout-extractor"]),
    (
        "unhang",
        &["runtime-layouts", "report-text", "report-page", "layout-extractor", "process-target"],
    ),
    (
        "native-module",
        &["runtime-layouts", "report-text", "report-page", "layout-extractor", "process-target"],
    ),
    // The page for the extension of VS Code.
    ("xtask", &["report-page"]),
    // From outside only: the tests see programs and their output.
    ("end-to-end-tests", &["xtask"]),
];

/// In [`FOLDERS`]: every folder of the crate.
pub(super) const ANY: &str = "*";

/// Crates, and large folders in them, with each of their folders (modules, whether a file or a folder)
/// and the folders beside it that it may use. The file around them (`lib.rs`, `main.rs`, `mod.rs`) may
/// use all; what it defines itself is named `crate`. Modules of tests do not count.
pub(super) const FOLDERS: &[(&str, &[Rule])] = &[
    ("runtime-layouts", RUNTIME_LAYOUTS),
    ("runtime-layouts::walk", WALK),
    ("report-page", REPORT_PAGE),
    ("report-text", REPORT_TEXT),
    ("layout-extractor", LAYOUT_EXTRACTOR),
    ("process-target", PROCESS_TARGET),
    ("unhang", UNHANG),
    ("native-module", NATIVE_MODULE),
];

/// Libraries → walk → knowledge → report → the program: what is above knows what is below.
const RUNTIME_LAYOUTS: &[Rule] = &[
    ("layout", &[]),
    ("memory", &[]),
    ("target", &["layout", "memory"]),
    ("value", &["layout", "memory", "target"]),
    ("parallel", &["memory", "target", "value"]),
    ("report", &["layout", "target", "value"]),
    ("diagnosis", &["report"]),
    ("knowledge", &["layout", "report", "value"]),
    ("walk", &["knowledge", "layout", "memory", "parallel", "report", "target", "value"]),
    ("variables", &["knowledge", "layout", "report", "target", "value", "walk"]),
    ("whatis", &["knowledge", "layout", "report", "target", "value", "walk"]),
    (
        "libraries",
        &["knowledge", "layout", "memory", "parallel", "report", "target", "value", "walk"],
    ),
    ("fake", &["knowledge", "layout", "libraries", "memory", "report", "target", "value", "walk"]),
];

/// From a value to the answer: what is above knows what is below.
const WALK: &[Rule] = &[
    ("search", &[]),
    ("chains", &["crate", "search"]),
    ("stacks", &["crate", "chains", "search"]),
    ("waits", &["chains", "search", "stacks"]),
    ("threads", &["chains", "search", "stacks", "waits"]),
    ("unflushed", &["chains", "waits"]),
    ("unaccepted", &["chains", "waits"]),
    ("connections", &["chains", "search", "unaccepted", "unflushed"]),
    ("holders", &["chains", "connections", "search", "threads", "unaccepted", "waits"]),
    ("waits_and_holders", &["chains", "connections", "holders", "stacks", "threads", "waits"]),
    ("known_libraries", &["crate"]),
];

const REPORT_PAGE: &[Rule] = &[("base64", &[]), ("template", &[])];

const REPORT_TEXT: &[Rule] = &[("text", &[]), ("json", &["text"])];

/// From the file to the answers: what is above knows what is below.
const LAYOUT_EXTRACTOR: &[Rule] = &[
    ("support", &[]),
    ("object", &["support"]),
    ("dwarf", &["object", "support"]),
    ("indexes", &["dwarf", "object", "support"]),
    ("find_knowledge", &["object"]),
    ("questions", &["dwarf", "find_knowledge", "indexes", "object", "support"]),
    ("extract", &["dwarf", "indexes", "object", "questions", "support"]),
    ("answer_cache", &["object", "questions", "support"]),
    ("find_layouts", &["answer_cache", "object", "questions"]),
    ("twin", &["object", "questions"]),
];

const PROCESS_TARGET: &[Rule] = &[
    ("core", &["error", "executable", "live", "mappings", "read_log", "snapshot", "unwind"]),
    ("error", &[]),
    ("executable", &["error"]),
    ("fuzzed", &["core", "error", "mappings", "unwind"]),
    ("host", &["signals"]),
    ("live", &["error", "executable", "host", "mappings", "read_log", "snapshot", "unwind"]),
    ("mappings", &[]),
    ("signals", &[]),
    ("read_log", &[]),
    ("snapshot", &["host", "read_log", "unwind"]),
    ("unwind", &["mappings"]),
];

const UNHANG: &[Rule] = &[
    ("commands", &["debuggers", "python_parts", "startup_file"]),
    ("debuggers", &[]),
    ("python_parts", &[]),
    ("startup_file", &[]),
];

const NATIVE_MODULE: &[Rule] = &[
    ("adapter", &["failure", "output"]),
    ("commands", &["failure", "output", "selection"]),
    ("completion", &["commands"]),
    ("executable", &["adapter", "failure", "output", "sources"]),
    ("failure", &[]),
    ("local", &[]),
    ("module", &["local", "panics", "session"]),
    ("output", &["failure"]),
    ("panics", &["failure", "output"]),
    ("selection", &["failure", "output"]),
    (
        "session",
        &[
            "adapter",
            "commands",
            "completion",
            "failure",
            "output",
            "panics",
            "selection",
            "sources",
            "target",
        ],
    ),
    ("sources", &["failure", "output"]),
    ("target", &["adapter", "executable", "failure", "local", "sources"]),
];

/// Each folder with Python in it, and the modules that it must not import.
pub(super) const PYTHON: &[Rule] = &[
    ("gdb-python", &["lldb", "unhang_lldb"]),
    ("lldb-python", &["gdb", "unhang_gdb"]),
    ("native-module/python", &["gdb", "lldb", "unhang_gdb", "unhang_lldb"]),
];
