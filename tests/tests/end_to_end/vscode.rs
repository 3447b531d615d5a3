//! The VS Code extension: its own code over real debug adapters, and a real VS Code in a real browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{CoreFile, built};
use end_to_end_tests::subjects;
use serde_json::{Value, json};
use xtask::fixture::{self, Profile, Running};
use xtask::{debugger, vscode, workspace};

/// What the extension calls a debug adapter, and its program.
fn adapters() -> Result<[(&'static str, String); 2]> {
    let gdb = debugger::newest_gdb()?.executable;
    Ok([("gdb", gdb.display().to_string()), ("lldb-dap", debugger::lldb_dap()?.to_owned())])
}

/// What the adapter looks at.
enum Subject<'a> {
    Process(u32),
    Core(&'a Path, &'a Path),
}

/// What the view would show.
fn shown(adapter: &str, program: &str, subject: &Subject<'_>) -> Result<Value> {
    let script = vscode::build()?.join("test/round-trip.js");
    let unhang = built()?.command_line.display().to_string();
    let mut arguments = vec![adapter.to_owned(), program.to_owned(), unhang];
    match subject {
        Subject::Process(pid) => arguments.extend(["--pid".to_owned(), pid.to_string()]),
        Subject::Core(core, executable) => {
            let [core, executable] = [core, executable].map(|path| path.display().to_string());
            arguments.extend(["--core".to_owned(), core, executable]);
        }
    }
    let text = vscode::run_test(&script, &arguments)?;
    serde_json::from_str(&text).with_context(|| format!("{adapter} said {text}"))
}

fn lines(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The rows, the evidence and the marks of the hung service, from its very debugger.
fn ensure_deadlock(adapter: &str, shown: &Value) -> Result<()> {
    let rows = lines(&shown["rows"]);
    let first = rows.first().context("a row")?;
    ensure!(first.starts_with("Deadlock: task 5 waits for a lock"), "{adapter}: {rows:?}");
    ensure!(
        rows.contains(&"inventory::stock::reserve | stock.rs:47 · 3 tasks"),
        "{adapter}: {rows:?}"
    );
    let evidence = lines(&shown["evidence"]);
    for expected in ["held by task 5 in `stock` | stock.rs:52", "wanted by task 5 | stock.rs:59"] {
        ensure!(evidence.iter().any(|it| it.starts_with(expected)), "{adapter}: {evidence:?}");
    }
    let marks = lines(&shown["marks"]);
    for expected in [
        "stock.rs:47 ⏸ 3 tasks wait here",
        "stock.rs:52 ⛔ deadlock",
        "stock.rs:52 `stock` held by task 5, 4 wait",
        "stock.rs:59 ⛔ deadlock",
    ] {
        ensure!(marks.contains(&expected), "{adapter}: {expected} in {marks:?}");
    }
    let selected = shown["selected"].as_str().unwrap_or_default();
    ensure!(selected.starts_with("[Switching to task 8"), "{adapter}: {selected}");
    Ok(())
}

#[test]
fn a_live_process_over_both_adapters() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    for (adapter, program) in adapters()? {
        let shown = shown(adapter, &program, &Subject::Process(shop.service.pid()))?;
        ensure_deadlock(adapter, &shown)?;
    }
    Ok(())
}

#[test]
fn a_core_file_over_both_adapters() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let core = CoreFile::of(&shop.service)?;
    for (adapter, program) in adapters()? {
        let subject = Subject::Core(core.path(), shop.service.executable());
        ensure_deadlock(adapter, &shown(adapter, &program, &subject)?)?;
    }
    Ok(())
}

/// A program without tokio, and one without Rust: a sentence.
#[test]
fn programs_without_tasks_over_both_adapters() -> Result<()> {
    let no_tokio = subjects::fixture("no-tokio", Profile::Debug)?;
    let plain_c = Running::start::<&str>(&fixture::plain_c()?, &[])?;
    for (adapter, program) in adapters()? {
        for process in [&no_tokio, &plain_c] {
            let shown = shown(adapter, &program, &Subject::Process(process.pid()))?;
            ensure!(shown["kind"] == "nothing", "{adapter}: {shown}");
            let text = shown["text"].as_str().unwrap_or_default();
            ensure!(text.ends_with('.') && !text.contains('\n'), "{adapter}: {shown}");
        }
    }
    Ok(())
}

/// From the stop to the rows, beside the adapter's own `stackTrace` and the list in the debugger.
#[test]
#[ignore = "for a machine that does nothing else: --full"]
fn many_tasks_come_soon() -> Result<()> {
    for (count, limit) in [(1_000, 150), (100_000, 1_000)] {
        let running = subjects::many_tasks(Profile::Release, count)?;
        for (adapter, program) in adapters()? {
            let shown = shown(adapter, &program, &Subject::Process(running.pid()))?;
            let times = &shown["milliseconds"];
            println!("{count} tasks, {adapter}: {times} ms");
            let part = |name: &str| times[name].as_u64().context("a time");
            let beyond = part("tree")?.saturating_sub(part("list")?);
            ensure!(beyond <= limit, "{count} tasks, {adapter}: {times}");
        }
    }
    Ok(())
}

/// What a person does: the tree, the editor's marks, the graph, the filter, groups, a core file, a
/// process without a debugger, files that are opened, and programs that have no tasks.
#[test]
#[ignore = "starts VS Code and a browser: --full"]
fn a_real_vscode_in_a_real_browser() -> Result<()> {
    let (tools, chromium) = vscode::browser_tools()?;
    let shop = subjects::hung_shop(Profile::Debug)?;
    let core = CoreFile::of(&shop.service)?;
    let no_tokio = subjects::fixture("no-tokio", Profile::Debug)?;
    let plain_c = Running::start::<&str>(&fixture::plain_c()?, &[])?;
    let many = subjects::many_tasks(Profile::Release, 1_000)?;
    let [(_, gdb), (_, lldb_dap)] = adapters()?;
    let report = report_of(&shop.service)?;
    let failures = workspace::target().join("vscode-failures");
    std::fs::create_dir_all(&failures).context("a folder for pictures")?;
    // The pictures of the documentation are made here, where somebody asks for them.
    let pictures = std::env::var_os("UNHANG_PICTURES").map(PathBuf::from);
    let given = json!({
        "tools": tools,
        "chromium": chromium,
        "vsix": vscode::package()?,
        "unhang": built()?.command_line,
        "gdb": gdb,
        "lldbDap": lldb_dap,
        "shop": shop.service.pid(),
        "core": core.path(),
        "report": report.path(),
        "noReport": workspace::root().join("README.md"),
        "executable": shop.service.executable(),
        "many": many.pid(),
        "noTokio": no_tokio.pid(),
        "plainC": plain_c.pid(),
        "lines": { "held": line_of("restock(inventory, item).await?")?, "wanted": restocking()? },
        "pictures": pictures,
        "failures": failures,
    });
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), given.to_string())?;
    let script = vscode::folder().join("test/browser/run.mjs");
    print!("{}", vscode::run_test(&script, &[file.path()])?);
    Ok(())
}

/// The report of a process, as a file that somebody sends along.
fn report_of(running: &Running) -> Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().suffix(".json").tempfile()?;
    let mut dump = workspace::command(&built()?.command_line, workspace::root());
    let output = dump.args(["dump", "--json", "--pid", &running.pid().to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(file.path(), output.stdout)?;
    Ok(file)
}

fn stock() -> Result<String> {
    let file = workspace::root().join("tests/fixtures/inventory-service/src/stock.rs");
    std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// The number of the first line with that code in `stock.rs`.
fn line_of(code: &str) -> Result<usize> {
    let stock = stock()?;
    let at = stock.lines().position(|line| line.contains(code)).context("the line")?;
    Ok(at + 1)
}

/// The line at which `restock` waits for the lock.
fn restocking() -> Result<usize> {
    let begin = line_of("async fn restock(")?;
    let stock = stock()?;
    let mut rest = stock.lines().skip(begin);
    let at = rest.position(|line| line.contains("inventory.lock().await")).context("the lock")?;
    Ok(begin + at + 1)
}
