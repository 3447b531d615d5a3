//! Where to look while no fault is certain.

use std::time::Duration;

use crate::diagnosis::{findings, leads};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{
    Access, Clock, Due, FindingKind, Lead, LeadReason, Leads, Panic, ResourceKind, TaskKind,
    TaskState, Timer, Unaccepted,
};

pub(super) fn told(story: FakeReport) -> Leads {
    let report = story.report();
    leads(&report, &findings(&report))
}

/// Why, by the numbers of the tasks, and how many wait behind.
pub(super) fn lines(leads: &Leads) -> Vec<(LeadReason, Vec<u32>, usize)> {
    let line = |lead: &Lead| {
        (lead.reason, lead.tasks.iter().map(|task| task.0 + 1).collect(), lead.behind)
    };
    leads.first.iter().map(line).collect()
}

#[test]
fn who_keeps_most_tasks_waiting_comes_first() {
    let mut story = FakeReport::new();
    let few = story.task();
    let many = story.task();
    let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
    let other = story.resource(ResourceKind::Oneshot, "oneshot<u64>");
    story.waits(few, answer);
    story.waits(many, other);
    for (of, count) in [(few, 1), (many, 3)] {
        for _ in 0..count {
            let waiting = story.task();
            let end = story.end_of(&[of]);
            story.waits(waiting, end);
        }
    }
    let leads = told(story);
    let end = LeadReason::ChainEnd;
    assert_eq!(lines(&leads), [(end, vec![2], 3), (end, vec![1], 1)]);
    assert_eq!(leads.inside, 6);
}

#[test]
fn chains_are_followed_to_their_ends() {
    let mut story = FakeReport::new();
    let (first, second, third) = (story.task(), story.task(), story.task());
    let socket = story.resource(ResourceKind::Io, "TcpStream");
    let (one, two) = (story.end_of(&[second]), story.end_of(&[third]));
    story.waits(first, one);
    story.waits(second, two);
    story.waits(third, socket);
    assert_eq!(lines(&told(story)), [(LeadReason::ChainEnd, vec![3], 2)]);
}

#[test]
fn what_comes_from_outside_is_counted_and_no_lead() {
    let mut story = FakeReport::new();
    let (first, second, third, runs) = (story.task(), story.task(), story.task(), story.task());
    let sockets = [0, 1].map(|_| story.resource(ResourceKind::Io, "TcpStream"));
    let timer = story.resource(ResourceKind::Sleep, "a timer");
    story.waits(first, sockets[0]);
    story.waits(second, sockets[1]);
    story.waits(third, timer);
    story.task_mut(runs).state = TaskState::Running;
    let leads = told(story);
    assert_eq!(leads.first, []);
    assert_eq!(leads.outside, [(ResourceKind::Sleep, 1), (ResourceKind::Io, 2)]);
    assert_eq!((leads.inside, leads.running), (0, 1));
}

#[test]
fn a_lock_without_a_holder_comes_before_a_long_queue() {
    let mut story = FakeReport::new();
    let (waiting, asked) = (story.task(), story.task());
    let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.resource_mut(lock).is_taken = Some(true);
    let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
    story.waits(waiting, lock);
    story.waits(asked, answer);
    for _ in 0..3 {
        let behind = story.task();
        let end = story.end_of(&[asked]);
        story.waits(behind, end);
    }
    let expected = [(LeadReason::HolderNotFound, vec![1], 0), (LeadReason::ChainEnd, vec![2], 3)];
    assert_eq!(lines(&told(story)), expected);
}

#[test]
fn equal_things_are_one_lead() {
    let mut story = FakeReport::new();
    let queue = story.resource(ResourceKind::Mpsc, "mpsc<Job>");
    for _ in 0..3 {
        let task = story.task();
        story.waits(task, queue).access = Some(Access::Receive);
    }
    // Each has one of its own, and asks for it in the same place.
    for _ in 0..4 {
        let task = story.task();
        let own = story.resource(ResourceKind::Oneshot, "oneshot<Answer>");
        story.waits(task, own).access = Some(Access::Receive);
    }
    story.of_the_user();
    let end = LeadReason::ChainEnd;
    assert_eq!(lines(&told(story)), [(end, vec![4, 5, 6, 7], 0), (end, vec![1, 2, 3], 0)]);
}

#[test]
fn a_circle_that_others_may_end_is_told_once() {
    let mut story = FakeReport::new();
    let (first, second, behind) = (story.task(), story.task(), story.task());
    // Two senders each, of which one was found.
    let channels = [0, 1].map(|_| story.channel(ResourceKind::Mpsc, "mpsc<u32>", 2));
    story.holds(first, channels[1]).access = Access::Send;
    story.holds(second, channels[0]).access = Access::Send;
    story.waits(first, channels[0]).access = Some(Access::Receive);
    story.waits(second, channels[1]).access = Some(Access::Receive);
    let end = story.end_of(&[first]);
    story.waits(behind, end);
    assert_eq!(lines(&told(story)), [(LeadReason::Circle, vec![1, 2], 1)]);
}

#[test]
fn a_timer_that_is_due_is_a_lead_where_nobody_waits_for_its_task() {
    let mut story = FakeReport::new();
    let task = story.task();
    let timer = story.resource(ResourceKind::Sleep, "a timer");
    let due = Due::Ago(Duration::from_secs(3));
    story.resource_mut(timer).timer =
        Some(Timer { due, has_fired: Some(false), clock: Clock::Stop });
    story.waits(task, timer);
    assert_eq!(lines(&told(story)), [(LeadReason::Overdue, vec![1], 0)]);
}

#[test]
fn who_goes_on_in_a_moment_is_no_lead_without_a_lock_that_others_want() {
    let told_of = |due: Due, keeps_lock: bool| {
        let mut story = FakeReport::new();
        let (sleeps, behind) = (story.task(), story.task());
        let timer = story.timer("a timer", due);
        story.waits(sleeps, timer);
        let wanted = match keeps_lock {
            true => {
                let lock = story.resource(ResourceKind::Semaphore, "Semaphore");
                story.holds(sleeps, lock).access = Access::Permits(1);
                lock
            }
            false => story.end_of(&[sleeps]),
        };
        story.waits(behind, wanted);
        lines(&told(story))
    };
    let end = |tasks| vec![(LeadReason::ChainEnd, vec![tasks], 1)];
    let (moment, long) = (Duration::from_millis(20), Duration::from_secs(90));
    assert_eq!(told_of(Due::In(moment), false), []);
    assert_eq!(told_of(Due::Ago(moment), false), [], "a busy machine sees to it a little late");
    assert_eq!(told_of(Due::In(long), false), end(1));
    assert_eq!(told_of(Due::Unknown, false), end(1));
    assert_eq!(told_of(Due::In(moment), true), end(1));
}

#[test]
fn by_a_paused_clock_nothing_comes_in_a_moment() {
    let mut story = FakeReport::new();
    let (sleeps, behind) = (story.task(), story.task());
    let timer = story.timer("a timer", Due::In(Duration::from_secs(1)));
    let of = story.resource_mut(timer).timer.as_mut().expect("a timer");
    of.clock = Clock::Paused;
    story.waits(sleeps, timer);
    let end = story.end_of(&[sleeps]);
    story.waits(behind, end);
    assert_eq!(lines(&told(story)), [(LeadReason::ChainEnd, vec![1], 1)]);
}

#[test]
fn what_never_ends_is_nothing_beside_a_timer() {
    let mut story = FakeReport::new();
    let (sleeps, behind) = (story.task(), story.task());
    let never = story.resource(ResourceKind::Never, "pending()");
    let timer = story.timer("a timer", Due::In(Duration::from_secs(1)));
    story.waits(sleeps, never);
    story.waits(sleeps, timer);
    let end = story.end_of(&[sleeps]);
    story.waits(behind, end);
    assert_eq!(lines(&told(story)), []);
}

#[test]
fn a_call_that_blocks_leads_to_what_its_future_waits_for() {
    let mut story = FakeReport::new();
    let (closure, future, waiting) = (story.task(), story.task(), story.task());
    story.task_mut(closure).kind = TaskKind::Blocking;
    let call = story.resource(ResourceKind::Blocking, "Receiver::blocking_recv");
    story.resource_mut(call).tasks = vec![future.task];
    story.waits(closure, call).blocks_thread = true;
    let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
    story.waits(future, answer);
    let end = story.end_of(&[closure]);
    story.waits(waiting, end);
    assert_eq!(lines(&told(story)), [(LeadReason::ChainEnd, vec![2], 2)]);
}

#[test]
fn five_leads_are_enough() {
    let mut story = FakeReport::new();
    for _ in 0..7 {
        let (asked, waiting) = (story.task(), story.task());
        let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
        story.waits(asked, answer);
        let end = story.end_of(&[asked]);
        story.waits(waiting, end);
    }
    let tasks: Vec<Vec<u32>> = lines(&told(story)).into_iter().map(|(_, tasks, _)| tasks).collect();
    assert_eq!(tasks, [[1], [3], [5], [7], [9]], "the oldest first");
}

#[test]
fn beside_a_certain_fault_no_end_of_a_chain_is_a_lead() {
    let beside = |may_be_moved| {
        let mut story = FakeReport::new();
        let (own, asks) = (story.task(), story.task());
        let stock = story.resource(ResourceKind::Mutex, "stock");
        story.holds(own, stock).may_be_moved = may_be_moved;
        story.waits(own, stock);
        let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
        story.waits(asks, answer);
        lines(&told(story))
    };
    assert_eq!(beside(false), []);
    assert_eq!(beside(true), [(LeadReason::ChainEnd, vec![2], 0)], "that fault is perhaps none");
}

#[test]
fn a_thread_that_a_task_blocks_is_a_lead_and_one_of_the_pool_only_when_it_is_awaited() {
    let blocks = |kind, is_awaited| {
        let mut story = FakeReport::new();
        let blocked = story.task();
        let lock = story.resource(ResourceKind::ThreadLock, "Mutex<Stock>");
        story.resource_mut(lock).is_taken = Some(true);
        story.waits(blocked, lock);
        story.task_mut(blocked).kind = kind;
        story.task_mut(blocked).state = TaskState::Running;
        if is_awaited {
            let (waiting, end) = (story.task(), story.end_of(&[blocked]));
            story.waits(waiting, end);
        }
        let report = story.report();
        lines(&leads(&report, &[]))
    };
    let (blocked, end) = (LeadReason::BlockedThread, LeadReason::ChainEnd);
    assert_eq!(blocks(TaskKind::Task, false), [(blocked, vec![1], 0)]);
    assert_eq!(blocks(TaskKind::Task, true), [(blocked, vec![1], 1)]);
    assert_eq!(blocks(TaskKind::Blocking, false), [], "its thread is there to be blocked");
    assert_eq!(blocks(TaskKind::Blocking, true), [(end, vec![1], 1)]);
}

#[test]
fn of_several_waits_the_one_that_tells_most_counts() {
    let with = |change: fn(&mut FakeReport, [FakeFrame; 3])| {
        let mut story = FakeReport::new();
        let task = story.task();
        let (timer, socket) = (
            story.resource(ResourceKind::Sleep, "a timer"),
            story.resource(ResourceKind::Io, "TcpStream"),
        );
        let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
        story.resource_mut(lock).is_taken = Some(true);
        let branches = [0, 1, 2].map(|_| story.branch(task));
        story.waits(branches[0], timer);
        story.waits(branches[1], socket);
        change(&mut story, branches);
        // The others are there first.
        story.waits(branches[2], lock);
        let report = story.report();
        lines(&leads(&report, &[]))
    };
    assert_eq!(with(|_, _| ()), [(LeadReason::HolderNotFound, vec![1], 0)]);
    let woken = with(|story, [first, ..]| {
        let answer = story.resource(ResourceKind::Oneshot, "oneshot<u32>");
        story.is_given(first, answer);
    });
    let given = [(LeadReason::ChainEnd, vec![1], 0)];
    assert_eq!(woken, given, "it was given something, and is not polled");
    let runs = with(|story, [first, ..]| story.task_mut(first).state = TaskState::Running);
    assert_eq!(runs, [], "what is stored of it is old");
}

#[test]
fn who_has_a_mere_handle_is_not_where_a_chain_goes() {
    let kept_as = |access| {
        let mut story = FakeReport::new();
        let (waiting, keeper) = (story.task(), story.task());
        let bell = story.resource(ResourceKind::Watch, "watch<u32>");
        story.holds(keeper, bell).access = access;
        story.waits(waiting, bell).access = Some(Access::Receive);
        let socket = story.resource(ResourceKind::Io, "TcpStream");
        story.waits(keeper, socket);
        let report = story.report();
        lines(&leads(&report, &[]))
    };
    assert_eq!(kept_as(Access::Send), [(LeadReason::ChainEnd, vec![2], 1)]);
    assert_eq!(kept_as(Access::Handle), [(LeadReason::ChainEnd, vec![1], 0)]);
}

#[test]
fn an_end_of_its_own_channel_is_no_sign_that_a_task_waits_for_itself() {
    let mut story = FakeReport::new();
    let task = story.task();
    let queue = story.channel(ResourceKind::Mpsc, "mpsc<u32>", 2);
    story.holds(task, queue).access = Access::Send;
    story.waits(task, queue).access = Some(Access::Receive);
    assert_eq!(lines(&told(story)), [(LeadReason::ChainEnd, vec![1], 0)]);
}

#[test]
fn who_panicked_is_told_in_any_case() {
    let with = |has_fault: bool| {
        let mut story = FakeReport::new();
        let (panicked, waiting) = (story.task(), story.task());
        let ended = story.task_mut(panicked);
        (ended.state, ended.panic) = (TaskState::Complete, Some(Panic { message: None }));
        let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
        story.waits(waiting, lock);
        if has_fault {
            story.holds(waiting, lock);
        }
        lines(&told(story))
    };
    let panicked = (LeadReason::Panicked, vec![1], 0);
    assert_eq!(with(false), [panicked.clone(), (LeadReason::ChainEnd, vec![2], 0)]);
    assert_eq!(with(true), [panicked], "beside a fault that is certain too");
}

/// Two tasks that read what the other one sends over a connection inside of the process.
fn both_read(story: &mut FakeReport) -> [FakeFrame; 2] {
    let tasks = [story.task(), story.task()];
    let sockets = [0, 1].map(|_| story.resource(ResourceKind::Io, "TcpStream"));
    for at in 0..2 {
        story.waits(tasks[at], sockets[at]).access = Some(Access::Receive);
        story.holds(tasks[1 - at], sockets[at]).access = Access::Peer;
    }
    tasks
}

#[test]
fn both_ends_of_a_connection_that_read_are_a_lead_where_the_users_code_does() {
    let of = |is_users: bool| {
        let mut story = FakeReport::new();
        both_read(&mut story);
        if is_users {
            story.of_the_user();
        }
        let report = story.report();
        assert_eq!(findings(&report), [], "another task may have the other end too");
        leads(&report, &[])
    };
    assert_eq!(lines(&of(true)), [(LeadReason::Circle, vec![1, 2], 0)]);
    let idle = of(false);
    assert_eq!(lines(&idle), [], "so does a connection that is kept for later");
    assert_eq!((idle.inside, idle.outside), (0, vec![(ResourceKind::Io, 2)]));
}

#[test]
fn a_circle_over_a_connection_is_told_beside_the_lock_in_it() {
    let mut story = FakeReport::new();
    let [client, server] = both_read(&mut story);
    let asks = story.task();
    let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    story.holds(asks, lock);
    let answer = story.resource(ResourceKind::Oneshot, "oneshot<Answer>");
    story.holds(client, answer).access = Access::Send;
    // Who serves waits for the lock in its handler.
    let handler = story.branch(server);
    story.waits(handler, lock);
    story.waits(asks, answer).access = Some(Access::Receive);
    story.of_the_user();
    assert_eq!(lines(&told(story)), [(LeadReason::Circle, vec![1, 2, 3], 0)]);
}

#[test]
fn who_was_woken_long_after_its_timer_was_due_starves() {
    let with = |due: Due| {
        let mut story = FakeReport::new();
        let woken = story.task();
        let timer = story.timer("timer", due);
        story.resource_mut(timer).timer =
            Some(Timer { due, has_fired: Some(true), clock: Clock::Stop });
        story.waits(woken, timer);
        story.is_woken(woken);
        lines(&told(story))
    };
    assert_eq!(with(Due::Ago(Duration::from_secs(5))), [(LeadReason::ChainEnd, vec![1], 0)]);
    assert_eq!(with(Due::Ago(Duration::from_millis(300))), [], "a busy machine");
    assert_eq!(with(Due::In(Duration::from_secs(5))), [], "something else woke it");
}

/// A worker that a task blocks keeps others from running: that says why they are late.
#[test]
fn of_a_blocked_worker_no_late_task_tells_more() {
    let with = |is_blocked: bool| {
        let mut story = FakeReport::new();
        let runtime = story.runtime(1);
        let (blocks, late, woken) = (story.task(), story.task(), story.task());
        for task in [blocks, late, woken] {
            story.task_mut(task).runtime = Some(runtime);
        }
        if is_blocked {
            let call = story.resource(ResourceKind::Blocking, "a blocking call");
            story.waits(blocks, call).blocks_thread = true;
            story.runs(blocks, 0, 7);
        }
        for (task, has_fired) in [(late, false), (woken, true)] {
            let due = Due::Ago(Duration::from_secs(3));
            let timer = story.timer("timer", due);
            story.resource_mut(timer).timer =
                Some(Timer { due, has_fired: Some(has_fired), clock: Clock::Stop });
            story.waits(task, timer);
        }
        story.is_woken(woken);
        let report = story.report();
        let found = findings(&report);
        let is_told = found.iter().any(|it| it.kind == FindingKind::BlockedWorker);
        let late = |(reason, tasks, _): &(LeadReason, Vec<u32>, usize)| {
            *reason == LeadReason::Overdue || tasks.contains(&3)
        };
        let leads = lines(&leads(&report, &found));
        (is_told, leads.iter().filter(|lead| late(lead)).count())
    };
    assert_eq!(with(true), (true, 0));
    assert_eq!(with(false), (false, 2));
}

/// A task that listens waits for a permit of another one; with `is_stuck` they wait for each other.
fn listening(is_stuck: bool) -> Vec<(LeadReason, Vec<u32>, usize)> {
    let mut story = FakeReport::new();
    let (listens, other) = (story.task(), story.task());
    let places = story.resource(ResourceKind::Semaphore, "Semaphore");
    story.holds(other, places).access = Access::Permits(1);
    story.waits(listens, places).access = Some(Access::Permits(1));
    let answer = match is_stuck {
        true => story.end_of(&[listens]),
        false => story.resource(ResourceKind::Io, "TcpStream"),
    };
    story.waits(other, answer);
    let mut report = story.report();
    report.unaccepted.push(Unaccepted {
        task: listens.task,
        frame: listens.frame,
        variable: None,
        may_be_moved: false,
        descriptor: 9,
        local: "127.0.0.1:8080".into(),
        connections: 3,
    });
    lines(&leads(&report, &findings(&report)))
}

#[test]
fn who_leaves_clients_waiting_is_a_lead_where_no_fault_tells_why() {
    let (unaccepted, end) = (LeadReason::Unaccepted, LeadReason::ChainEnd);
    assert_eq!(listening(false), [(unaccepted, vec![1], 0), (end, vec![2], 1)]);
    assert_eq!(listening(true), []);
}
