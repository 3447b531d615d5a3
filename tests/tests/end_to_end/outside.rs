//! What is outside of a program's own tasks: sockets, pipes, signals, child processes, threads of
//! the blocking pool.

use anyhow::{Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DEBUGGERS, DUMP, Front, Mode};
use end_to_end_tests::subjects;
use regex_lite::Regex;
use xtask::fixture::Profile;
use xtask::session::Subject;

fn check(profile: Profile, dump: &str, backtraces: &str) -> Result<()> {
    let running = subjects::fixture("outside", profile)?;
    // The list of a live process is wider: it says where files lead.
    Case { name: dump, commands: &[DUMP], fronts: ALL, modes: &[Mode::Core] }.check(&running)?;
    // It says who has the other ends of sockets, too.
    let live = format!("{backtraces}-live");
    for (name, mode) in [(live.as_str(), Mode::Live), (backtraces, Mode::Core)] {
        let commands = &["async bt all"];
        Case { name, commands, fronts: DEBUGGERS, modes: &[mode] }.check(&running)?;
    }
    Ok(())
}

#[test]
fn is_named_with_what_memory_tells() -> Result<()> {
    check(Profile::Debug, "outside", "outside-bt")
}

#[test]
fn is_named_with_what_memory_tells_optimized() -> Result<()> {
    check(Profile::Release, "outside-release", "outside-bt-release")
}

#[test]
fn of_a_live_process_files_have_places() -> Result<()> {
    let running = subjects::fixture("outside", Profile::Debug)?;
    let subject = Subject::Process(running.pid());
    for front in [Front::SystemGdb, Front::SystemLldb, Front::CommandLine] {
        let text = front.ask(subject, &[DUMP])?.concat();
        let address = r"127\.0\.0\.1:\d+";
        for expected in [
            format!(r"waits for a connection on {address} \(fd \d+\)\n"),
            format!(
                r"to {address} \(fd \d+\) to read \(established, from {address}\), other end in task \d+"
            ),
            format!(
                r"for a socket to {address} \(fd \d+\) to write \(established, from {address}\)\n"
            ),
            format!(r"waits for a socket on {address} \(fd \d+\) to read\n"),
            r"waits for a connection on /\S+/socket \(fd \d+\)\n".to_string(),
            r"waits for a pipe on /\S+/named pipe \(fd \d+\) to read\n".to_string(),
            concat!(
                r"waits for the end of child process \d+ \(cat\); that process itself waits for this ",
                r"program to write to fd \d+ or close it, which task \d+ has in `input`\n"
            )
            .to_string(),
        ] {
            let found = Regex::new(&expected)?.is_match(&text);
            ensure!(found, "{front:?}: nothing like {expected:?} in {text}");
        }
    }
    Ok(())
}

/// Whether each debugger says that of a live process when it is asked why it hangs.
fn is_said_of(fault: &str, evidence: &str) -> Result<()> {
    are_said_of(fault, &["async why"], evidence)
}

/// The same of other commands.
fn are_said_of(fault: &str, commands: &[&str], evidence: &str) -> Result<()> {
    for (profile, debuggers) in [
        (Profile::Debug, [Front::SystemGdb, Front::NewestLldb]),
        (Profile::Release, [Front::NewestGdb, Front::SystemLldb]),
    ] {
        let running = subjects::answers(profile, fault)?;
        let subject = Subject::Process(running.pid());
        for front in debuggers {
            let text = front.ask(subject, commands)?.concat();
            ensure!(Regex::new(evidence)?.is_match(&text), "{profile:?}, {front:?}: {text}");
        }
    }
    Ok(())
}

/// Which open file has a lock only the system knows.
#[test]
fn of_a_live_process_the_lock_of_a_file_has_a_holder() -> Result<()> {
    let evidence = concat!(
        r"1\. (?:D|Probably d)eadlock: tasks \d+ and \d+ wait for each other\.\n",
        r"     the end of task \d+\n",
        r"     wanted by task \d+, answers::gates::close_books,\s+\S+gates\.rs:\d+\n",
        r"     the lock of /\S+/ledger-\d+ \(deleted\) \(fd \d+\)\n",
        r"     held   by task \d+ in `ledger`(?: \(unless it was moved\))?, answers::gates::close_books,\s+\S+gates\.rs:\d+\n",
        r"     wanted by task \d+, closure in answers::gates::close_books,\s+\S+gates\.rs:\d+\n",
    );
    is_said_of("ledger", evidence)
}

/// What `poll` waits for only the registers and the system tell.
#[test]
fn of_a_live_process_what_a_thread_polls_is_named() -> Result<()> {
    let evidence = concat!(
        r"1\. Blocked worker: task \d+ blocks thread \d+ \(worker \d of runtime 0\) while it waits for ",
        r"a file\s+descriptor \(fd \d+, pipe\) to read\.\n",
        r"     task \d+ blocks its thread for a file descriptor \(fd \d+, pipe\) to read,\s+",
        r"answers::files::poll_own_pipe,\s+\S+files\.rs:\d+\n",
    );
    is_said_of("polled-pipe", evidence)
}

/// What standard input is only the system tells.
#[test]
fn of_a_live_process_a_closure_that_reads_standard_input_is_blocked_by_it() -> Result<()> {
    let evidence = concat!(
        r"1\. Shutdown: runtime 1 is being dropped, and thread \d+ waits for the end of closure \d+, ",
        r"which\s+nothing\s+interrupts\.\n",
        r"     thread \d+ drops runtime 1, answers::files::ask_and_leave,\s+\S+files\.rs:\d+\n",
        r"     closure \d+ blocks thread \d+ for standard input \(fd 0, pipe\) to read\n",
    );
    is_said_of("read-input", evidence)
}

/// How many connections wait to be accepted only the system tells.
#[test]
fn of_a_live_process_connections_wait_for_who_listens() -> Result<()> {
    let evidence = concat!(
        r"  - Task \d+ waits for 1 permit of Semaphore \(0 free\) \(answers::listeners::accept,\s+",
        r"\S+listeners\.rs:31\): see `async why \d+`\.\s+3\s+connections\s+to\s+127\.0\.0\.1:\d+\s+",
        r"\(fd\s+\d+,\s+`listener`(?:,\s+unless\s+it\s+was\s+moved)?\)\s+wait\s+for\s+task\s+\d+\s+to\s+",
        r"accept\s+them\.\n",
    );
    is_said_of("full-server", evidence)
}

/// Which child process is at the other end of a pipe only the system tells.
#[test]
fn of_a_live_process_closures_wait_for_child_processes() -> Result<()> {
    let evidence = concat!(
        r"(?s)written\s+by\s+child\s+process\s+\d+,\s+sleep.*",
        r"the\s+end\s+of\s+child\s+process\s+\d+\s+\(cat\);\s+that\s+process\s+itself\s+waits\s+for\s+this\s+",
        r"program\s+to\s+write\s+to\s+fd\s+\d+\s+or\s+close\s+it",
    );
    are_said_of("children", &["async bt all"], evidence)
}

#[test]
fn of_a_live_process_a_server_that_asks_itself_accepts_nobody() -> Result<()> {
    let evidence = concat!(
        r"whose\s+other\s+end\s+waits\s+for\s+the\s+same\s+task:\s+see\s+what\s+else\s+could\s+accept\s+",
        r"it\.\s+1\s+connection\s+to\s+127\.0\.0\.1:\d+\s+\(fd\s+\d+,\s+`listener`",
        r"(?:,\s+unless\s+it\s+was\s+moved)?\)\s+waits\s+for\s+task\s+\d+\s+to\s+accept\s+it\.\n",
    );
    is_said_of("own-server", evidence)
}
