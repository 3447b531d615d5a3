//! The tables: who may use whom.

/// A name and the names that it may use.
pub(super) type Rule = (&'static str, &'static [&'static str]);

/// Each crate of the workspace with the crates of the workspace that it may use.
pub(super) const CRATES: &[Rule] = &[
    ("runtime-layouts", &[]),
    ("layout-extractor", &["runtime-layouts"]),
    ("process-target", &["runtime-layouts", "layout-extractor"]),
    ("unhang", &["runtime-layouts", "layout-extractor", "process-target"]),
    ("native-module", &["runtime-layouts", "layout-extractor", "process-target"]),
    ("xtask", &[]),
    // From outside only: the tests see programs and their output.
    ("end-to-end-tests", &["xtask"]),
];

/// In [`FOLDERS`]: every folder of the crate.
pub(super) const ANY: &str = "*";

/// Crates with each of their folders (top-level modules, whether a file or a folder) and the
/// folders that it may use. `lib.rs` and `main.rs` may use all; what they define themselves is
/// named `crate`. Modules of tests do not count.
pub(super) const FOLDERS: &[(&str, &[Rule])] = &[
    ("runtime-layouts", RUNTIME_LAYOUTS),
    ("layout-extractor", LAYOUT_EXTRACTOR),
    ("process-target", PROCESS_TARGET),
    ("unhang", UNHANG),
    ("native-module", NATIVE_MODULE),
];

const RUNTIME_LAYOUTS: &[Rule] = &[
    ("async_channel", &["report", "tokio", "value", "walk"]),
    ("async_lock", &["report", "tokio", "value", "walk"]),
    ("diagnosis", &["report"]),
    ("expected", &["layout", "standard", "tokio", "value"]),
    ("fake", &["layout", "memory", "target"]),
    ("flume", &["report", "tokio", "value", "walk"]),
    ("futures", &["report", "tokio", "value", "walk"]),
    ("layout", &[]),
    ("memory", &[]),
    ("render", &["diagnosis", "layout", "report", "show", "target", "walk"]),
    ("report", &["layout", "target", "value"]),
    ("show", &["layout", "report", "standard", "target", "value", "walk"]),
    ("standard", &["layout", "report", "value", "walk"]),
    ("target", &["layout", "memory", "tokio"]),
    ("tokio", &["expected", "layout", "memory", "report", "standard", "target", "value", "walk"]),
    ("tokio_util", &["report", "tokio", "value", "walk"]),
    ("value", &["layout", "memory", "target"]),
    (
        "walk",
        &[
            "async_channel",
            "async_lock",
            "expected",
            "flume",
            "futures",
            "layout",
            "memory",
            "report",
            "standard",
            "target",
            "tokio",
            "tokio_util",
            "value",
        ],
    ),
];

const LAYOUT_EXTRACTOR: &[Rule] = &[
    ("addresses", &["source", "units"]),
    ("by_name", &["index", "names", "source", "units"]),
    ("cache", &[]),
    ("calls", &["scopes", "source", "units"]),
    ("description", &["index", "recipes", "skim", "units", "values"]),
    ("discriminants", &[]),
    ("elf", &["lines", "mapping", "sections", "separate", "split"]),
    ("everything", &["by_name", "index", "names", "polls", "source", "units"]),
    (
        "extract",
        &[
            "description",
            "discriminants",
            "everything",
            "index",
            "lately",
            "named",
            "source",
            "units",
            "variables",
            "vtables",
        ],
    ),
    ("files", &["description", "source", "units"]),
    ("functions", &["index", "names", "source", "units"]),
    ("index", &["by_name", "lately", "polls", "recipes", "skim", "units"]),
    ("invocations", &["functions", "scopes", "source", "units"]),
    ("lack", &["source"]),
    ("lately", &[]),
    ("lines", &["mapping", "source"]),
    ("mapping", &[]),
    ("mentions", &["index", "lately", "names", "parallel", "recipes", "skim", "source", "units"]),
    ("named", &["index", "source", "units"]),
    ("names", &[]),
    ("parallel", &[]),
    ("places", &["units"]),
    ("polls", &["index", "names", "source", "units", "vtables"]),
    ("program", &["elf", "remembered", "source"]),
    ("recipes", &["index"]),
    ("remembered", &["cache", "elf", "mapping", "source"]),
    ("scopes", &["units"]),
    ("sections", &["mapping", "parallel", "units"]),
    ("separate", &["elf"]),
    ("skim", &["index", "recipes", "units", "values"]),
    (
        "source",
        &[
            "addresses",
            "cache",
            "elf",
            "everything",
            "index",
            "lines",
            "mapping",
            "mentions",
            "names",
            "polls",
            "units",
        ],
    ),
    ("split", &["mapping", "sections", "units"]),
    ("thread_locals", &["functions", "index", "names", "source", "units"]),
    ("types", &["description", "discriminants", "index", "names", "source", "units", "values"]),
    ("units", &["elf", "files", "index", "recipes", "split"]),
    ("values", &["index"]),
    ("variables", &["functions", "places", "scopes", "source", "units"]),
    ("vtables", &["index", "names", "polls", "recipes", "skim", "source", "units"]),
];

const PROCESS_TARGET: &[Rule] = &[
    ("core", &["error", "executable", "image", "live", "mappings", "snapshot", "unwind"]),
    ("error", &[]),
    ("executable", &["error"]),
    ("image", &[]),
    ("live", &["error", "executable", "mappings", "snapshot", "unwind"]),
    ("mappings", &[]),
    ("snapshot", &["unwind"]),
    ("unwind", &["image", "mappings"]),
];

const UNHANG: &[Rule] = &[
    ("adapters", &[]),
    ("commands", &["adapters", "debuggers", "heap", "startup_file"]),
    ("debuggers", &[]),
    ("heap", &[]),
    ("startup_file", &[]),
];

const NATIVE_MODULE: &[Rule] = &[
    ("adapter", &["failure", "output"]),
    ("commands", &["failure", "output", "selection"]),
    ("completion", &["commands"]),
    ("executable", &["adapter", "failure", "output", "sources"]),
    ("failure", &[]),
    ("module", &["panics", "session"]),
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
    ("target", &["adapter", "executable", "failure", "sources"]),
];

/// Each folder with Python in it, and the modules that it must not import.
pub(super) const PYTHON: &[Rule] = &[
    ("gdb-python", &["lldb", "unhang_lldb"]),
    ("lldb-python", &["gdb", "unhang_gdb"]),
    ("native-module/python", &["gdb", "lldb", "unhang_gdb", "unhang_lldb"]),
];
