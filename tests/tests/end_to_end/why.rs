//! Programs that hang, one fault each: what is said of it, and that it is the same everywhere.

use std::process::Command;

use anyhow::{Result, ensure};
use end_to_end_tests::agreement;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{CoreFile, DUMP, Front, Mode};
use end_to_end_tests::subjects;
use regex_lite::Regex;
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

/// Faults of which an optimized program does not show all: where main's future is on the stack while
/// its thread is blocked in it, or a guard that a blocked thread has.
const OPTIMIZED_AWAY: [&str; 3] = ["sibling-guard", "scope", "forgotten-guard"];

/// Every debugger, at the process and at its core file: the gdbs, then the lldbs.
const EVERY: &[Look] = &[
    (Front::SystemGdb, Mode::Live),
    (Front::SystemGdb, Mode::Core),
    (Front::NewestGdb, Mode::Live),
    (Front::NewestGdb, Mode::Core),
    (Front::SystemLldb, Mode::Live),
    (Front::SystemLldb, Mode::Core),
    (Front::NewestLldb, Mode::Live),
    (Front::NewestLldb, Mode::Core),
];

const ALL: [(Profile, &[Look]); 2] = [(Profile::Debug, EVERY), (Profile::Release, EVERY)];

type Look = (Front, Mode);

/// Who looks at a fault with every change: a gdb at one of its builds and an lldb at the other, one
/// of them at the process and one at the core file. From fault to fault they take turns.
fn some(fault: &str) -> [(Profile, &'static [Look]); 2] {
    let turn = fault.bytes().map(usize::from).sum::<usize>() % EVERY.len();
    // Half the list away is the other kind of debugger, beside it the other state.
    let other = ((turn + EVERY.len() / 2) % EVERY.len()) ^ 1;
    let look = |place: usize| std::slice::from_ref(&EVERY[place]);
    [(Profile::Debug, look(turn)), (Profile::Release, look(other))]
}

/// The build of which the commands are held against each other with every change: by turns, as the
/// text of the other one is the same.
fn one(fault: &str) -> &'static [Profile] {
    match fault.bytes().map(usize::from).sum::<usize>() % 2 {
        0 => &[Profile::Debug],
        _ => &[Profile::Release],
    }
}

/// One golden for both profiles, all debuggers, live and core: a fault is what it is. In these builds
/// the commands agree with each other.
fn check(
    start: fn(Profile, &str) -> Result<Running>,
    fault: &str,
    looks: [(Profile, &[Look]); 2],
    agrees: &[Profile],
) -> Result<()> {
    for (profile, looks) in looks {
        let running = start(profile, fault)?;
        let own = profile == Profile::Release && OPTIMIZED_AWAY.contains(&fault);
        for (front, mode) in looks {
            Case {
                name: &format!("why-{fault}{}", if own { "-release" } else { "" }),
                commands: &["info async-tasks", "async why", "async locks"],
                fronts: &[*front],
                modes: &[*mode],
            }
            .check(&running)?;
        }
        if agrees.contains(&profile) {
            agreement::check(Subject::Process(running.pid()))?;
        }
    }
    Ok(())
}

macro_rules! faults {
    ($start:path, $all:ident: $($test:ident $fault:literal)*) => {
        $(
            #[test]
            fn $test() -> Result<()> {
                check($start, $fault, some($fault), one($fault))
            }
        )*

        #[test]
        #[ignore = "a thousand sessions of debuggers; `cargo xtask test --full` runs it"]
        fn $all() -> Result<()> {
            let both = &[Profile::Debug, Profile::Release];
            [$($fault),*].into_iter().try_for_each(|fault| check($start, fault, ALL, both))
        }
    };
}

faults! { subjects::faults, every_fault_in_every_debugger:
    a_task_takes_a_lock_that_it_has "own-lock"
    two_tasks_take_two_locks_in_opposite_orders "two-locks"
    three_tasks_wait_in_a_circle "three-tasks"
    a_reader_waits_behind_a_writer "readers"
    permits_are_short "permits"
    a_guard_that_was_moved_holds_nothing "moved-guard"
    a_lock_is_kept_for_ever "kept-for-ever"
    a_lock_is_kept_across_a_slow_await "slow"
    a_guard_was_leaked "leaked"
    a_lock_is_given_to_a_future_that_nothing_polls "futurelock"
    a_stream_does_not_poll_what_it_has_while_its_body_runs "stream-body"
    somebody_can_abort_a_task_that_waits_for_itself "watched"
    nothing_has_a_waker_of_a_task "no-waker"
    nothing_has_a_waker_of_what_main_blocks_on "main-no-waker"
    strangers_have_the_wakers "far-wakers"
    nothing_has_wakers_of_many_tasks "no-wakers"
    only_a_set_that_nothing_wakes_has_a_waker "no-room"
    a_handle_that_aborts_counts_as_a_waker "abort-handle"
    tasks_wait_for_each_others_end "join-circle"
    tasks_wait_for_each_others_messages "channel-circle"
    tasks_wait_for_room_in_each_others_channels "full-channels"
    a_task_waits_for_its_own_sender "own-sender"
    a_notification_was_lost "lost-notify"
    a_task_waits_for_room_that_nobody_makes "kept-receiver"
    a_task_waits_for_a_lock_of_another_thread "blocked-worker"
    a_task_waits_for_a_lock_of_parking_lot "parking-lot"
    a_task_lets_its_thread_sleep "sleeping-worker"
    a_task_takes_a_lock_that_its_thread_has "own-thread-lock"
    a_thread_waits_for_a_suspended_task "guard-across-await"
    a_thread_waits_for_a_sibling_branch "sibling-guard"
    a_guard_is_a_temporary "temporary-guard"
    a_shard_of_a_map_is_kept_across_an_await "shard-guard"
    a_shard_of_a_map_is_read_across_an_await "reader-guard"
    a_closure_blocks_on_what_waits_for_it "block-on-circle"
    a_local_set_is_polled_by_nobody "unpolled-set"
    nobody_waits_for_timers "undriven"
    a_task_is_in_the_slot_of_a_blocked_worker "lifo-slot"
    the_threads_for_blocking_work_are_all_taken "full-pool"
    a_thread_waits_for_a_runtime_that_nobody_runs "handle-block-on"
    a_runtime_is_dropped_and_its_closure_waits "dropped-runtime"
    a_cell_is_asked_for_by_its_initializer "own-cell"
    a_lock_is_kept_by_a_future_that_nothing_polls "unpolled-guard"
    a_lock_comes_free_for_a_listener_that_nothing_polls "unpolled-listener"
    a_notification_in_what_two_share_was_lost "shared-switch"
    guards_have_the_names_of_their_locks "shadowed-guard"
    a_thread_waits_for_a_task_that_waits_for_it "far-sender"
    a_closure_waits_for_a_lock_with_its_thread "blocking-lock"
    a_receiver_is_in_a_lock_that_one_has "shared-receiver"
    somebody_does_not_come_to_a_barrier "short-barrier"
    a_permit_was_forgotten "spent-permits"
    a_thread_waits_for_another_task_of_its_set "local-guard"
    three_ask_each_other_round "relay"
    a_stream_with_a_block_in_it_keeps_a_lock "standing-rows"
    a_thread_has_the_sender_of_what_a_task_waits_for "sender-on-thread"
    a_task_is_lent_the_only_sender "lent-sender"
    a_reply_is_owed_by_what_lies_in_the_queue_of_a_thread "reply-in-queue"
    two_static_values_are_made_of_each_other "lazy-circle"
    a_task_joins_a_thread_that_wants_its_lock "joined-thread"
    what_tasks_share_waits_for_a_lock_of_one_of_them "shared-quote"
    guards_are_kept_as_something_of_any_type "boxed-guards"
    what_ended_tasks_returned_has_the_permits "kept-outputs"
    a_static_variable_has_the_guard "kept-lease"
}

faults! { subjects::pools, every_pool_in_every_debugger:
    objects_are_with_those_who_wait_for_more "two-each"
    a_pool_of_bb8_is_with_those_who_wait_for_more "two-each-bb8"
    objects_are_with_those_who_wait_for_a_slow_answer "slow-query"
    an_object_was_forgotten "forgotten-object"
    a_statement_in_a_transaction_asks_the_pool "transaction"
    connections_are_with_those_who_wait_for_a_table "slow-statement"
    berths_are_with_those_who_wait_for_more "own-berths"
    connections_are_with_threads_that_wait_for_more "two-each-r2d2"
}

faults! { subjects::answers, every_answer_in_every_debugger:
    a_place_of_a_buffer_is_reserved_by_who_waits "buffer-place"
    a_place_of_a_limit_is_reserved_by_who_waits "limit-place"
    a_place_of_a_channel_is_reserved_by_who_waits_for_another "permit-place"
    an_answer_is_owed_by_a_message_that_nobody_takes "unread-queue"
    two_keep_each_others_questions_for_later "shelved"
    who_asks_is_the_last_to_have_the_table "pending-table"
    two_wait_with_what_nobody_has_heard_of "strangers"
    answers_are_owed_in_queues_of_other_libraries "full-desks"
    what_initializes_a_cell_of_strangers_never_ends "strange-cell"
    two_fill_each_others_pipes "full-pipes"
    two_wait_for_each_others_first_word "silent-pipes"
    two_wait_for_each_others_first_word_one_way "one-way-pipes"
    who_would_answer_has_panicked "broken-desk"
    a_closure_joins_a_thread_whose_future_waits_for_it "joined-runtime"
    a_thread_waits_for_a_condvar_of_who_waits_for_it "closed-gate"
    a_thread_waits_at_a_barrier_for_who_waits_for_it "short-meeting"
    the_threads_of_a_scope_want_the_lock_of_who_waits_for_them "scope"
    who_waits_for_the_last_sender_has_it_in_settings_that_are_exchanged "own-settings"
    a_buffered_stream_keeps_what_its_consumer_wants "buffered-prices"
    a_worker_has_the_receiver_of_jobs_by_a_temporary "shared-jobs"
    questions_lie_in_buffers_that_nobody_flushes "unsent-questions"
    a_closure_keeps_a_lock_of_tasks_in_a_call "kept-in-a-call"
    a_task_blocks_its_thread_for_who_wants_its_lock "held-in-calls"
    the_guard_of_a_call_is_optimized_away "forgotten-guard"
    a_closure_joins_a_thread_of_a_scope "scoped-join"
    all_places_of_a_channel_are_with_who_waits_for_one "all-places"
    what_initializes_a_cell_asks_for_it "reentered-cell"
    a_closure_keeps_the_lock_of_standard_error "held-errors"
}

/// Where in its loop a thread that spins is stopped differs from one stop to the next.
#[test]
fn who_counts_spins_for_the_lock_of_who_waits_for_that() -> Result<()> {
    let expected = concat!(
        r"1\. Deadlock: tasks 3 and 4 wait for each other\.\n",
        r"     the end of task 4\n",
        r"     wanted by task 3, answers::spinning::add_counted,\s+\S+spinning\.rs:\d+\n",
        r"     Mutex<u32, Spin> 0x[0-9a-f]+\n",
        r"     held   by task 3 in `kept`, answers::spinning::add_counted,\s+\S+spinning\.rs:\d+\n",
        r"     wanted by task 4, answers::spinning::count,\s+\S+spinning\.rs:\d+\n",
    );
    for (profile, fronts) in [
        (Profile::Debug, [Front::SystemGdb, Front::NewestLldb]),
        (Profile::Release, [Front::NewestGdb, Front::SystemLldb]),
    ] {
        let program = fixture::build("answers", profile)?;
        let running = Running::start(&program, &["spun-for"])?;
        let core = CoreFile::by(Front::SystemGdb, &running)?;
        let core = Subject::Core { core: core.path(), executable: &program };
        for front in fronts {
            for subject in [Subject::Process(running.pid()), core] {
                let text = front.ask(subject, &["async why"])?.concat();
                ensure!(Regex::new(expected)?.is_match(&text), "{profile:?}, {front:?}: {text}");
            }
        }
    }
    Ok(())
}

/// How often a busy thread is looked at, at most: it is not told from one that waits for a processor
/// where a machine with much to do leaves it none in the moment that it is watched.
const LOOKS: u32 = 10;

/// How long a timer has been due when the process is stopped is the one trace that a busy thread
/// leaves. Of a process that stood still before, as here before it went on, that says nothing.
#[test]
fn a_task_computes_and_does_not_pause() -> Result<()> {
    let expected = [
        r"blocked worker: task 3 keeps the only worker of runtime 0 busy, and no timer has fired",
        r"     task 3 runs faults::threads::compute, faults/src/threads\.rs:\d+\n",
        r"     task 2 waits for a timer \(overdue by \d+\.\d s\), tokio::time::Sleep,\s+",
    ];
    let missing = |text: &str| -> Result<Option<&str>> {
        for expected in expected {
            if !Regex::new(expected)?.is_match(text) {
                return Ok(Some(expected));
            }
        }
        Ok(None)
    };
    for (profile, debugger) in [
        (Profile::Debug, Front::SystemGdb),
        (Profile::Debug, Front::NewestLldb),
        (Profile::Release, Front::NewestGdb),
        (Profile::Release, Front::SystemLldb),
    ] {
        let running = subjects::faults(profile, "long-loop")?;
        let subject = Subject::Process(running.pid());
        // Of what gets a small part of the machine's time it cannot be said that it computes.
        let pid = running.pid().to_string();
        let _ = Command::new("renice").args(["-n", "-15", "-p", &pid]).output();
        let shell = match debugger {
            Front::SystemGdb | Front::NewestGdb => "shell",
            _ => "platform shell",
        };
        let signal = format!("{shell} kill -INT {}", running.pid());
        let in_debugger = ["async why", &signal, "continue", "async why"];
        for (front, commands) in [(Front::CommandLine, &[DUMP][..]), (debugger, &in_debugger)] {
            let mut said = Vec::new();
            for _ in 0..LOOKS {
                said = front.ask(subject, commands)?;
                if missing(&said[0])?.is_none() {
                    break;
                }
            }
            let missing = missing(&said[0])?;
            ensure!(missing.is_none(), "{profile:?}, {front:?}: no {missing:?} in {}", said[0]);
            if let Some(later) = said.get(3) {
                ensure!(later.starts_with("Nothing is stuck as far as memory shows"), "{later}");
            }
        }
    }
    Ok(())
}
