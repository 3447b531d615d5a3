//! The diagnosis in words, of reports built by hand.

use std::sync::Arc;
use std::time::Duration;

use report_text::text::{Look, why};
use runtime_layouts::fake::FakeReport;
use runtime_layouts::layout::{SourceFile, SourceLocation};
use runtime_layouts::report::{
    Access, Activity, BlockedCall, BlockedChild, Clock, Due, FileKeeper, HoldingThread, Report,
    ResourceId, ResourceKind, TaskKind, TaskState, ThreadRef, Unaccepted, Unflushed,
};

/// What is said of a story.
fn text(story: FakeReport) -> String {
    text_of(&story.report())
}

/// The report of a story whose code stands in a line of the user's.
fn at_line_of_the_users(story: FakeReport) -> Report {
    let mut report = story.report();
    for site in &mut report.sites {
        site.user = true;
        site.location = Some(SourceLocation {
            file: Arc::new(SourceFile {
                path: "/shop/src/stock.rs".into(),
                directory: "/shop".into(),
            }),
            line: 52,
        });
    }
    report
}

const PLAIN: Look =
    Look { width: Some(100), styled: false, full_names: false, user_only: false, current: None };

fn text_of(report: &Report) -> String {
    let mut text = Vec::new();
    why::write(report, &PLAIN, &mut text).expect("a vector");
    String::from_utf8(text).expect("text")
}

/// The first line of it.
fn first_line(story: FakeReport) -> String {
    text(story).lines().next().unwrap_or_default().to_string()
}

#[test]
fn who_keeps_a_lock_is_named_though_another_one_never_ends() {
    let mut story = FakeReport::new();
    let (waiting, holder, service) = (story.task(), story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    let (end, never) = (story.end_of(&[service]), story.resource(ResourceKind::Never, "nothing"));
    story.waits(waiting, stock);
    story.holds(holder, stock);
    story.waits(holder, end);
    story.waits(service, never);
    assert_eq!(
        first_line(story),
        "1. Never woken: task 1 waits while task 2 holds Mutex<Stock> and waits forever."
    );
}

#[test]
fn what_a_task_withholds_from_itself_has_a_name() {
    let line = |kind, held, asked| {
        let mut story = FakeReport::new();
        let task = story.task();
        let channel = story.channel(kind, "mpsc<u32>", 1);
        story.holds(task, channel).access = held;
        story.waits(task, channel).access = asked;
        first_line(story)
    };
    let (send, receive) = (Access::Send, Access::Receive);
    let (lost, kept) = ("Never woken", "Deadlock");
    for (kind, held, asked, fault, what) in [
        (ResourceKind::Mpsc, send, Some(receive), lost, "a message that only it can send"),
        (ResourceKind::Oneshot, send, Some(receive), lost, "a value that only it can send"),
        (ResourceKind::Watch, send, Some(receive), lost, "a change that only it can make"),
        (ResourceKind::Mpsc, receive, Some(send), kept, "room that only it can make"),
        (ResourceKind::Oneshot, receive, None, kept, "the end of a receiver that it holds itself"),
    ] {
        let expected = format!("1. {fault}: task 1 waits for {what}.");
        assert_eq!(line(kind, held, asked), expected);
    }
}

#[test]
fn what_never_completes_is_evidence() {
    let mut story = FakeReport::new();
    let (waiting, holder) = (story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    let never = story.resource(ResourceKind::Never, "pending()");
    story.waits(waiting, stock);
    story.holds(holder, stock);
    story.waits(holder, never);
    let text = text(story);
    assert!(
        text.contains("in `guard`, which waits for pending(), which never completes, "),
        "{text}"
    );
}

#[test]
fn a_fault_ends_with_its_remedy() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.holds(task, stock);
    story.waits(task, stock);
    // A library's frame has no line of the user's: there is nothing to be said.
    assert!(!text(story).contains("help:"));

    let mut story = FakeReport::new();
    let task = story.task();
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.holds(task, stock);
    story.waits(task, stock);
    let text = text_of(&at_line_of_the_users(story));
    assert_eq!(
        text,
        "1. Deadlock: task 1 waits for a lock that it holds itself.\n     \
         Mutex<Stock> 0x50000000\n     \
         held   by task 1 in `guard`, and wanted by it, shop::work, src/stock.rs:52\n   \
         help: drop `guard` before stock.rs:52\n"
    );
}

#[test]
fn locks_that_are_taken_in_two_orders_have_a_remedy() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let locks = ["stock", "orders"].map(|name| story.resource(ResourceKind::Mutex, name));
    story.holds(first, locks[0]);
    story.waits(first, locks[1]);
    story.holds(second, locks[1]);
    story.waits(second, locks[0]);
    let text = text(story);
    assert!(text.ends_with("help: take these locks in the same order everywhere\n"), "{text}");
}

#[test]
fn a_temporary_is_called_one() {
    let mut story = FakeReport::new();
    let task = story.task();
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.holds(task, stock).variable = Some("__2".into());
    story.waits(task, stock);
    let text = text(story);
    assert!(text.contains("held   by task 1 in a temporary"), "{text}");
}

#[test]
fn a_lock_that_is_kept_for_a_while_is_no_numbered_fault() {
    let mut story = FakeReport::new();
    let (holder, waiting) = (story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    let timer = story.resource(ResourceKind::Sleep, "a timer");
    story.holds(holder, stock);
    story.waits(waiting, stock);
    story.waits(holder, timer);
    assert_eq!(
        first_line(story),
        "Worth a look: task 2 waits while task 1 holds Mutex<Stock> and waits for a timer."
    );
}

#[test]
fn without_a_fault_there_is_where_to_look() {
    let mut story = FakeReport::new();
    let (asked, waiting, behind) = (story.task(), story.task(), story.task());
    let answer = story.resource(ResourceKind::Oneshot, "oneshot<Answer>");
    let (one, two) = (story.end_of(&[asked]), story.end_of(&[waiting]));
    story.waits(asked, answer).access = Some(Access::Receive);
    story.waits(waiting, one);
    story.waits(behind, two);
    assert_eq!(
        text(story),
        "No fault is certain among 3 tasks. Where to look first:\n  \
         - Task 1 keeps 2 other tasks waiting and waits for the value of oneshot<Answer> \
         (shop::work): no\n    task was found that could send; see who should.\n"
    );
}

#[test]
fn what_keeps_a_paused_clock_from_advancing_is_named() {
    let with = |has_closure: bool| {
        let mut story = FakeReport::new();
        story.runtime(1);
        let (sleeps, behind) = (story.task(), story.task());
        let timer = story.timer("a timer", Due::In(Duration::from_secs(5)));
        story.resource_mut(timer).timer.as_mut().expect("a timer").clock = Clock::Paused;
        story.waits(sleeps, timer);
        let end = story.end_of(&[sleeps]);
        story.waits(behind, end);
        if has_closure {
            let closure = story.task();
            story.task_mut(closure).kind = TaskKind::Blocking;
            story.task_mut(closure).state = TaskState::Running;
        }
        let text = text(story).split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, check) = text.split_once("(shop::work): ").expect("a lead");
        check.to_string()
    };
    assert_eq!(with(false), "the clock is paused: see who should advance it.");
    assert_eq!(
        with(true),
        "the clock is paused, and closure 3 on the blocking pool keeps it from advancing by itself."
    );
}

#[test]
fn of_a_large_circle_the_waits_of_the_users_code_are_told() {
    let mut story = FakeReport::new();
    let tasks = [0; 4].map(|_| story.task());
    for at in 0..4 {
        // Two senders each, of which one was found.
        let channel = story.channel(ResourceKind::Mpsc, &format!("mpsc<Step{at}>"), 2);
        story.holds(tasks[(at + 1) % 4], channel).access = Access::Send;
        let waits = story.waits(tasks[at], channel);
        waits.access = Some(Access::Receive);
        waits.user = (at % 2 == 0).then_some(waits.leaf);
    }
    let text = text(story).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains(
            "Tasks 1, 2, 3 and 4 wait for each other: task 1 for a message on mpsc<Step0> \
             (shop::work), task 3 for a message on mpsc<Step2> (shop::work). Others may end that"
        ),
        "{text}"
    );
}

const SERVER: ThreadRef = ThreadRef { number: 7, tid: 7 };

/// A thread that waits for a lock, which a task has.
fn server_wants(story: &mut FakeReport, lock: ResourceId) {
    let holder = story.task();
    story.holds(holder, lock);
    let (call, user) = (holder.frame, Some(holder.frame));
    let blocked = BlockedCall { resource: lock, access: None, call, user };
    story.thread(SERVER.tid, Activity::Blocked).blocked = Some(blocked);
}

/// What is said of a task that waits for what only a thread has.
fn kept_by_server(kind: ResourceKind, access: Access, wants_lock: bool) -> String {
    let mut story = FakeReport::new();
    let asked = story.task();
    let answer = story.resource(kind, "answer");
    story.waits(asked, answer).access = Some(Access::Receive);
    let holder = story.holds(asked, answer);
    (holder.task, holder.access, holder.variable) = (None, access, Some("reply".into()));
    (holder.thread, holder.may_be_moved) =
        (Some(HoldingThread { thread: SERVER, is_blocked: true }), true);
    if wants_lock {
        let lock = story.resource(ResourceKind::ThreadLock, "Mutex<Stock>");
        server_wants(&mut story, lock);
    }
    let text = text_of(&at_line_of_the_users(story));
    let (_, what) = text.split_once("stock.rs:52): ").expect("a lead");
    let what = what.split_once("\n  - ").map_or(what, |(first, _)| first);
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_thread_that_has_what_is_waited_for_is_named_with_what_blocks_it() {
    assert_eq!(
        kept_by_server(ResourceKind::Oneshot, Access::Send, true),
        "thread 7 may have the sender, in `reply` at stock.rs:52, and waits for Mutex<Stock>, \
         held by task 2, at stock.rs:52."
    );
    assert_eq!(
        kept_by_server(ResourceKind::Mutex, Access::Exclusive, false),
        "thread 7 may hold it, in `reply` at stock.rs:52; see what that thread does."
    );
}

#[test]
fn a_thread_that_is_joined_is_named_with_what_blocks_it() {
    let mut story = FakeReport::new();
    story.runtime(1);
    let joins = story.task();
    let join = story.resource(ResourceKind::Blocking, "std::thread::JoinHandle::join of thread 7");
    story.resource_mut(join).thread = Some(SERVER);
    story.waits(joins, join).blocks_thread = true;
    let lock = story.resource(ResourceKind::ThreadLock, "Mutex<Stock>");
    server_wants(&mut story, lock);
    let text = text_of(&at_line_of_the_users(story));
    assert!(
        text.contains("thread 7 waits for Mutex<Stock>, held by task 2, at stock.rs:52"),
        "{text}"
    );
}

#[test]
fn where_nothing_waits_inside_that_is_said() {
    let mut story = FakeReport::new();
    let tasks = [0; 3].map(|_| story.task());
    let socket = story.resource(ResourceKind::Io, "a socket");
    let timers = [0; 2].map(|_| story.resource(ResourceKind::Sleep, "a timer"));
    story.waits(tasks[0], socket);
    story.waits(tasks[1], timers[0]);
    story.waits(tasks[2], timers[1]);
    assert_eq!(
        text(story),
        "Nothing is stuck as far as memory shows, of 3 tasks: 2 wait for timers, 1 waits for a \
         socket or\n  another file.\n"
    );
}

#[test]
fn what_is_wanted_stays_with_its_lock() {
    let mut story = FakeReport::new();
    let (first, second) = (story.task(), story.task());
    let locks = ["stock", "orders"].map(|name| story.resource(ResourceKind::Mutex, name));
    story.holds(first, locks[0]);
    story.waits(first, locks[1]);
    story.holds(second, locks[1]);
    story.waits(second, locks[0]);
    // All of them stand in one place, and each task holds one lock and wants the other.
    let text = text(story);
    assert_eq!(text.matches("wanted by task").count(), 2, "{text}");
    assert!(!text.contains("wanted by it"), "{text}");
}

#[test]
fn what_a_task_of_a_circle_waits_for_besides_may_end_it() {
    let with = |has_socket: bool| {
        let mut story = FakeReport::new();
        let tasks = [story.task(), story.task()];
        for at in 0..2 {
            let channel = story.channel(ResourceKind::Mpsc, &format!("mpsc<Step{at}>"), 1);
            story.holds(tasks[1 - at], channel).access = Access::Send;
            story.waits(tasks[at], channel).access = Some(Access::Receive);
        }
        if has_socket {
            let socket = story.resource(ResourceKind::Io, "a socket");
            let branch = story.branch(tasks[1]);
            story.waits(branch, socket);
        }
        let report = story.report();
        let mut text = Vec::new();
        why::write_task(&report, &report.tasks[0], &PLAIN, &mut text).expect("memory");
        let text = String::from_utf8(text).expect("text");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let closed = "which closes the cycle";
    assert!(with(false).contains(&format!("{closed}.")), "{}", with(false));
    let besides = format!("{closed}, but task 2 also waits for a socket.");
    assert!(with(true).contains(&besides), "{}", with(true));
}

#[test]
fn a_socket_whose_other_end_a_task_has_leads_to_that_task() {
    let mut story = FakeReport::new();
    let tasks = [story.task(), story.task()];
    for at in 0..2 {
        let socket = story.resource(ResourceKind::Io, &format!("socket {at}"));
        story.holds(tasks[1 - at], socket).access = Access::Peer;
        story.waits(tasks[at], socket).access = Some(Access::Receive);
    }
    let report = story.report();
    let mut text = Vec::new();
    why::write_task(&report, &report.tasks[0], &PLAIN, &mut text).expect("memory");
    let text = String::from_utf8(text).expect("text");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "whose other end is held by task 2",
        "Task 2 waits for socket 1 to read",
        "which closes the cycle, but another task may have the same end of that connection.",
    ] {
        assert!(words.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn a_child_that_waits_for_this_program_is_told_with_who_has_its_pipe() {
    let said = |child: u64, reads: bool, is_known: bool| {
        let mut story = FakeReport::new();
        let waiting = story.task();
        let end = story.resource(ResourceKind::Child, "the end of child process 7");
        let keeper = is_known.then(|| FileKeeper {
            task: waiting.task,
            frame: waiting.frame,
            variable: Some("input".into()),
        });
        let blocked = BlockedChild { pid: 7, child, name: "cat".into(), reads, fd: 9, keeper };
        story.resource_mut(end).child = Some(Box::new(blocked));
        story.waits(waiting, end);
        let text = text(story);
        let (_, child) = text.split_once(", but ").expect("what the child does");
        child.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        said(7, true, true),
        "that process itself waits for this program to write to fd 9 or close it, which task 1 has in \
         `input`."
    );
    assert_eq!(
        said(6, false, false),
        "process 7 (cat), which it began, itself waits for this program to read fd 9 or close it."
    );
}

#[test]
fn where_no_task_was_found_it_is_not_said_that_there_is_none() {
    let mut report = FakeReport::new().report();
    assert_eq!(text_of(&report), "There are no tasks.\n");
    report.problems.push("the thread pointers of 4 threads are unknown".to_owned());
    let text = text_of(&report);
    assert_eq!(text, "No tasks were found.\nthe thread pointers of 4 threads are unknown\n");
}

#[test]
fn bytes_that_were_not_flushed_are_why_no_answer_comes() {
    let mut story = FakeReport::new();
    let (client, main) = (story.task(), story.task());
    let (socket, end) = (story.resource(ResourceKind::Io, "a socket"), story.end_of(&[client]));
    story.waits(client, socket).access = Some(Access::Receive);
    story.waits(main, end);
    let mut report = story.report();
    let (wait, of) = report.waits.numbered().next().expect("a wait");
    let unflushed = Unflushed {
        task: of.task,
        wait,
        frame: of.leaf,
        variable: Some("out".into()),
        name: "BufWriter<OwnedWriteHalf>".into(),
        bytes: 6,
        may_be_moved: false,
    };
    report.unflushed.push(unflushed);
    let text = text_of(&report);
    let said = text.replace("\n    ", " ");
    let expected =
        "6 bytes that task 1 wrote are still in `out` (BufWriter<OwnedWriteHalf>), not flushed.";
    assert!(said.contains(expected), "{text}");
}

/// A task that lets others run has a lock that one of them wants; with `own` it waits for an answer that
/// it would send.
fn lead(own: bool) -> String {
    let mut story = FakeReport::new();
    let (task, waits) = (story.task(), story.task());
    let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.holds(task, lock).variable = Some("stock".into());
    story.waits(waits, lock);
    if own {
        let answer = story.channel(ResourceKind::Oneshot, "oneshot<Price>", 2);
        let holder = story.holds(task, answer);
        (holder.access, holder.variable) = (Access::Send, Some("jobs".into()));
        story.waits(task, answer).access = Some(Access::Receive);
    } else {
        let turn = story.resource(ResourceKind::Yield, "its next turn");
        story.waits(task, turn);
        story.is_woken(task);
    }
    let text = text_of(&at_line_of_the_users(story));
    let first = text.lines().skip_while(|line| !line.starts_with("  - ")).collect::<Vec<_>>();
    first.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn who_lets_others_run_and_keeps_what_they_want_may_do_so_in_a_loop() {
    let expected = "while it holds Mutex<Stock> in `stock`: see whether it does so in a loop.";
    let said = lead(false);
    assert!(said.contains("gives way to others") && said.ends_with(expected), "{said}");
}

#[test]
fn who_would_answer_itself_is_told_where_it_has_the_sender() {
    let said = lead(true);
    let expected = "whose sender it has itself in `jobs`: see what else could end that.";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn who_leaves_clients_waiting_is_told_with_what_it_waits_for() {
    let mut story = FakeReport::new();
    let (accepts, serves) = (story.task(), story.task());
    let places = story.resource(ResourceKind::Semaphore, "Semaphore");
    story.holds(serves, places).access = Access::Permits(1);
    story.waits(accepts, places).access = Some(Access::Permits(1));
    let mut report = story.report();
    report.unaccepted.push(Unaccepted {
        task: accepts.task,
        frame: accepts.frame,
        variable: Some("listener".into()),
        may_be_moved: false,
        descriptor: 9,
        local: "127.0.0.1:8080".into(),
        connections: 3,
    });
    let said = text_of(&report).split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "3 connections to 127.0.0.1:8080 (fd 9, `listener`) wait for task 1 to accept them.";
    assert!(said.contains("- Task 1 waits for 1 permit of Semaphore"), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn of_a_lock_whose_guard_is_nowhere_the_thread_with_its_address_is_told() {
    let mut story = FakeReport::new();
    let (waits, blocks) = (story.task(), story.task());
    let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.resource_mut(lock).is_taken = Some(true);
    story.waits(waits, lock);
    let call = story.resource(ResourceKind::Blocking, "a call");
    story.waits(blocks, call).blocks_thread = true;
    let thread = story.thread(7, Activity::Blocked);
    (thread.task, thread.refers_to) = (Some(blocks.task), vec![lock]);
    let said = text(story).split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "shows its guard: the lock's address is on the stack of thread 7, which task 2 blocks";
    assert!(said.contains(expected), "{said}");
}
