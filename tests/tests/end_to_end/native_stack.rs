//! The debugger's own `bt`: gdb's with the async story in it, and without.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::is_golden;
use end_to_end_tests::front::Front;
use end_to_end_tests::{neutral, subjects};
use regex_lite::Regex;
use serde_json::{Value, json};
use xtask::fixture::Profile;
use xtask::session::{OFFLINE, Subject};

const GDBS: [Front; 2] = [Front::SystemGdb, Front::NewestGdb];

/// The stack with what differs from build to build and from gdb to gdb taken out: addresses,
/// arguments, places in libraries, and how many functions of the standard library there are.
fn told(stack: &str) -> Result<String> {
    let frame = Regex::new(r"(?m)^#\d+ +(0x[0-9a-f]+ in )?([^\s<(]+)[^\n]*$")?;
    let count = Regex::new(r"\b\d+ frames\b")?;
    let stack = count.replace_all(&frame.replace_all(stack, "#N $2"), "N frames").into_owned();
    let stack = neutral::neutral(&stack);
    // A later gdb ends the stack at the main function of a Rust program too.
    Ok(stack.trim_end().trim_end_matches("\n[async] N frames of core, std ()").to_owned() + "\n")
}

#[test]
fn of_a_thread_that_blocks_on_a_future() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    for gdb in GDBS {
        let stack = gdb.ask(Subject::Process(shop.service.pid()), &["bt"])?.concat();
        is_golden("bt-block-on", told(&stack)?);
    }
    Ok(())
}

#[test]
fn of_threads_that_poll_tasks_and_of_idle_ones() -> Result<()> {
    for profile in [Profile::Debug, Profile::Release] {
        let running = subjects::faults(profile, "sleeping-worker")?;
        for gdb in GDBS {
            let all = gdb.ask(Subject::Process(running.pid()), &["thread apply all bt"])?.concat();
            let stacks = all.split("\nThread ").filter_map(|it| Some(it.split_once('\n')?.1));
            let with_story = stacks.filter(|stack| stack.contains("[async]"));
            let mut stacks = with_story.map(told).collect::<Result<Vec<_>>>()?;
            stacks.sort();
            let name = match profile {
                Profile::Debug => "bt-sleeping-worker",
                _ => "bt-sleeping-worker-release",
            };
            is_golden(name, stacks.join("\n"));
        }
    }
    Ok(())
}

/// What each of these commands prints is the plain stack.
#[test]
fn switched_off_by_every_means() -> Result<()> {
    const OFF: [&str; 6] = [
        "bt -no-filters",
        "set async frames off",
        "bt",
        "set async frames on",
        "disable frame-filter global unhang",
        "bt",
    ];
    let shop = subjects::hung_shop(Profile::Debug)?;
    for gdb in GDBS {
        let subject = Subject::Process(shop.service.pid());
        let plain = plain(gdb, subject, "bt")?;
        let said = gdb.ask(subject, &OFF)?;
        for at in [0, 2, 5] {
            ensure!(said[at] == plain, "{gdb:?}, {}: {}", OFF[at], said[at]);
        }
        let shown = gdb.ask(subject, &["show async frames", "bt"])?;
        ensure!(shown[0].trim().ends_with(": on."), "{}", shown[0]);
        ensure!(shown[1].contains("[async] "), "{}", shown[1]);
    }
    Ok(())
}

/// What a gdb says without unhang, of a program of which it has an index: it writes that when it first
/// reads the program, and knows `main` by it, where it lets a stack end.
fn plain(gdb: Front, subject: Subject<'_>, command: &str) -> Result<String> {
    gdb.ask_alone(subject, &["bt"])?;
    Ok(gdb.ask_alone(subject, &[command])?.concat())
}

#[test]
fn a_failure_leaves_the_plain_stack() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    for gdb in GDBS {
        let subject = Subject::Process(shop.service.pid());
        let plain = plain(gdb, subject, "bt")?;
        let breaking = "python gdb.frame_filters['unhang']._session = None";
        let said = gdb.ask(subject, &[breaking, "bt"])?;
        ensure!(said[1] == plain, "{gdb:?}: {}", said[1]);
    }
    Ok(())
}

#[test]
fn of_a_program_without_a_runtime() -> Result<()> {
    let running = subjects::fixture("no-tokio", Profile::Debug)?;
    for gdb in GDBS {
        let subject = Subject::Process(running.pid());
        let plain = plain(gdb, subject, "thread apply all bt")?;
        let said = gdb.ask(subject, &["thread apply all bt"])?.concat();
        ensure!(said == plain, "{gdb:?}: {said}");
    }
    Ok(())
}

#[test]
fn of_a_machine_interface() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    for gdb in GDBS {
        let debugger = gdb.debugger()?;
        let script = "-enable-frame-filters\n\
                      -interpreter-exec console \"info async-tasks\"\n\
                      -stack-list-frames\n-gdb-exit\n";
        let mut run = Command::new(&debugger.executable);
        run.args(OFFLINE).args(["-i=mi", "-iex", &gdb.loading()?]);
        run.args(["-p", &shop.service.pid().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = run.stderr(Stdio::null()).spawn()?;
        child.stdin.take().context("its input")?.write_all(script.as_bytes())?;
        let said = String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned();
        for expected in ["Complete: ", "stock::reserve", "func=\"[async] block_on future main"] {
            ensure!(said.contains(expected), "{gdb:?}, {expected}: {said}");
        }
    }
    Ok(())
}

#[test]
fn of_a_debug_adapter() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let mut adapter = Adapter::start()?;
    adapter.ask("initialize", json!({ "adapterID": "gdb" }))?;
    adapter.send("attach", json!({ "pid": shop.service.pid() }))?;
    adapter.send("configurationDone", json!({}))?;
    adapter.until(|it| it["event"] == "stopped" || it["command"] == "attach")?;
    let threads = adapter.ask("threads", json!({}))?;
    let threads = threads["threads"].as_array().context("threads")?;
    let main = threads.iter().find(|it| it["name"] == "inventory-servi").context("main")?;
    let stack = adapter.ask("stackTrace", json!({ "threadId": main["id"] }))?;
    let names: Vec<&str> = stack["stackFrames"]
        .as_array()
        .context("frames")?
        .iter()
        .filter_map(|frame| frame["name"].as_str())
        .collect();
    let told: Vec<&&str> = names.iter().filter(|name| name.starts_with("[async]")).collect();
    ensure!(told.len() > 5, "{names:?}");
    ensure!(told.iter().any(|name| name.contains("block_on future main")), "{told:?}");
    let at_source = stack["stackFrames"].as_array().context("frames")?.iter().any(|frame| {
        let name = frame["name"].as_str().unwrap_or_default();
        let path = Path::new(frame["source"]["path"].as_str().unwrap_or_default());
        name.contains("async block in inventory_service::main")
            && frame["line"].as_u64() > Some(1)
            && path.is_file()
    });
    ensure!(at_source, "{stack}");
    Ok(())
}

/// lldb's own stack without the frames of the runtime: those that stay keep their numbers.
#[test]
fn of_a_thread_in_lldb() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "sleeping-worker")?;
    let subject = Subject::Process(running.pid());
    let said = Front::NewestLldb.ask(
        subject,
        &["thread backtrace all", "async frames on", "thread backtrace all", "bt -u"],
    )?;
    let polls = "tokio::runtime::task::raw::poll";
    ensure!(said[0].contains(polls) && !said[2].contains(polls), "{}", said[2]);
    ensure!(said[3].lines().count() > 10, "{}", said[3]);
    let own = Regex::new(r"frame (#\d+): 0x[0-9a-f]+ faults`faults::")?;
    let kept = |stacks: &str| -> Vec<String> {
        own.captures_iter(stacks).map(|found| found[1].to_owned()).collect()
    };
    ensure!(!kept(&said[0]).is_empty() && kept(&said[0]) == kept(&said[2]), "{}", said[2]);
    let said = Front::NewestLldb
        .ask(subject, &["async frames on", "async frames off", "thread backtrace all"])?;
    ensure!(said[2].contains(polls), "{}", said[2]);
    Ok(())
}

#[test]
fn an_old_lldb_says_that_it_hides_no_frames() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "sleeping-worker")?;
    let said =
        Front::SystemLldb.ask(Subject::Process(running.pid()), &["async frames on", "bt"])?;
    ensure!(said[0].contains("lldb 20 and later do."), "{}", said[0]);
    Ok(())
}

#[test]
fn names_of_threads_tell_their_tasks() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "sleeping-worker")?;
    let subject = Subject::Process(running.pid());
    let told = Regex::new(r"\[[a-z_ ]+ [0-9a-z]+\]")?;
    let tasks = |listed: &str| -> Vec<String> {
        let mut found: Vec<_> = told.find_iter(listed).map(|it| it.as_str().to_owned()).collect();
        found.sort();
        found
    };
    let ways = [
        (Front::SystemGdb, "set async thread-names", "info threads"),
        (Front::NewestGdb, "async thread-names", "info threads"),
        (Front::SystemLldb, "async thread-names", "thread list"),
        (Front::NewestLldb, "async thread-names", "thread list"),
    ];
    for (front, switch, list) in ways {
        let said = front
            .ask(subject, &[list, &format!("{switch} on"), list, &format!("{switch} off"), list])?;
        is_golden("thread-names", format!("{}\n", tasks(&said[2]).join("\n")));
        ensure!(tasks(&said[0]).is_empty() && said[0] == said[4], "{front:?}: {}", said[4]);
    }
    Ok(())
}

/// gdb as an editor's debug adapter.
struct Adapter {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Adapter {
    fn start() -> Result<Self> {
        let gdb = Front::NewestGdb;
        let mut run = Command::new(&gdb.debugger()?.executable);
        run.args(OFFLINE).args(["-i=dap", "-iex", &gdb.loading()?]);
        let mut child =
            run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("its input")?;
        let output = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self { child, input, output, last: 0 })
    }

    fn send(&mut self, command: &str, arguments: Value) -> Result<u64> {
        self.last += 1;
        let message = json!({
            "seq": self.last, "type": "request", "command": command, "arguments": arguments,
        })
        .to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{message}", message.len())?;
        self.input.flush()?;
        Ok(self.last)
    }

    fn ask(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let number = self.send(command, arguments)?;
        let answer = self.until(|it| it["type"] == "response" && it["request_seq"] == number)?;
        ensure!(answer["success"] == true, "{command}: {answer}");
        Ok(answer["body"].clone())
    }

    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            let mut length = None;
            loop {
                let mut line = String::new();
                ensure!(self.output.read_line(&mut line)? > 0, "the adapter has ended");
                match line.trim().split_once(": ") {
                    Some(("Content-Length", number)) => length = Some(number.parse::<u64>()?),
                    Some(_) => {}
                    None => break,
                }
            }
            let mut text = String::new();
            let length = length.context("a length")?;
            (&mut self.output).take(length).read_to_string(&mut text)?;
            let message: Value = serde_json::from_str(&text)?;
            if is_it(&message) {
                return Ok(message);
            }
        }
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        // Usually it is still there.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
