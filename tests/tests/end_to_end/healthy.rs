//! No false alarm: programs that work, stopped at many moments, have no finding.
//!
//! The moments differ from run to run: each stop comes a little later in the program's turn.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::{connections, subjects};
use serde_json::Value;
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

/// How often each build of a program is stopped; a debugger, which stands still for longer, does it
/// once more.
#[derive(Clone, Copy)]
struct Stops {
    by_the_command: u32,
    builds: &'static [(Profile, Option<Front>)],
}

/// With every change.
const SOME: Stops = Stops {
    by_the_command: 5,
    builds: &[
        (Profile::Debug, Some(Front::SystemGdb)),
        (Profile::Release, Some(Front::SystemLldb)),
    ],
};

/// Where all is tried, what is optimized as one piece too.
const MANY: Stops = Stops {
    by_the_command: 50,
    builds: &[
        (Profile::Debug, Some(Front::SystemGdb)),
        (Profile::Release, Some(Front::SystemLldb)),
        (Profile::Abort, None),
    ],
};

/// A lock that is kept while its holder waits for something from outside is true of such programs,
/// and no deadlock.
const SLOW: &str = "lock_across_await";

/// Stops a program again and again, and looks for findings.
fn check(
    name: &str,
    running: &Running,
    stops: u32,
    debugger: Option<Front>,
    allowed: &[&str],
) -> Result<()> {
    let fronts = std::iter::repeat_n(Front::CommandLine, stops as usize).chain(debugger);
    for (stop, front) in (0..).zip(fronts) {
        std::thread::sleep(Duration::from_micros(1_000 + stop * 1_370));
        let subject = Subject::Process(running.pid());
        let outputs = front.ask(subject, &[format!("{DUMP} --json")])?;
        let report: Value = serde_json::from_str(&outputs[0])
            .with_context(|| format!("{name}, stop {stop}, {front:?}: {}", outputs[0]))?;
        let tasks = report["tasks"].as_array().context("tasks")?;
        ensure!(!tasks.is_empty(), "{name}, stop {stop}, {front:?}: no tasks");
        let findings = report["findings"].as_array().context("findings")?;
        let alarm = findings
            .iter()
            .find(|finding| !finding["kind"].as_str().is_some_and(|kind| allowed.contains(&kind)));
        ensure!(
            alarm.is_none(),
            "{name}, stop {stop}, {front:?}: {}",
            alarm.map_or(String::new(), Value::to_string)
        );
    }
    Ok(())
}

fn busy(program: &str, stops: Stops, allowed: &[&str]) -> Result<()> {
    for (profile, debugger) in stops.builds {
        let running = Running::start(&fixture::build("healthy", *profile)?, &[program])?;
        check(program, &running, stops.by_the_command, *debugger, allowed)?;
    }
    Ok(())
}

macro_rules! busy {
    ($($test:ident $program:literal $allowed:expr;)*) => {
        $(
            #[test]
            fn $test() -> Result<()> {
                busy($program, SOME, &$allowed)
            }
        )*

        #[test]
        #[ignore = "five thousand stops; `cargo xtask test --full` runs it"]
        fn every_program_at_many_moments() -> Result<()> {
            $(busy($program, MANY, &$allowed)?;)*
            Ok(())
        }
    };
}

busy! {
    two_locks_in_one_order "bank" [];
    guards_that_were_given_away "ledger" [];
    readers_and_writers "cache" [];
    a_pool_of_connections "pool" [];
    two_pools_in_one_order "connections" [SLOW];
    locks_that_block_threads "counters" [];
    locks_that_threads_give_back_before_they_wait "given-back" [SLOW];
    locks_that_threads_spin_for "spun-counters" [];
    a_pipe_that_many_write_to "shared-writer" [SLOW];
    a_pipeline_with_little_room "pipeline" [];
    actors_that_answer "actors" [];
    places_that_are_reserved_early "reserved-places" [];
    answers_that_are_given_later "deferred-answers" [];
    answers_over_channels_of_strangers "strangers" [];
    broadcasts_watches_and_bells "news" [];
    a_tree_of_tasks "fan-out" [];
    a_crawler "crawler" [];
    timeouts_and_selects "timeouts" [];
    senders_that_were_moved_away "closing-time" [];
    a_thread_with_a_weak_bell "weak-bell" [];
    a_thread_with_a_lent_bell "lent-bell" [];
    a_local_set_that_is_run_later "desk" [];
    a_runtime_that_is_run_now_and_then "visits" [];
    closures_that_queue_for_threads "queue-for-threads" [];
    wakers_with_other_threads "bells" [];
    switches_that_threads_flip "far-switches" [];
    a_thread_with_a_lent_switch "lent-switch" [];
    senders_in_statics_maps_and_threads "far-senders" [];
    permits_that_a_thread_adds "added-permits" [];
    meetings_of_those_who_have_all "meetings" [];
    locks_kept_by_what_is_not_polled_for_a_while "kept-for-a-while" [SLOW];
    a_reader_beside_one_that_nothing_polls "readers-beside" [SLOW];
    a_stream_whose_body_takes_permits "stream-with-body" [SLOW];
    streams_that_are_moved_to_other_tasks "moved-streams" [SLOW];
    futures_that_are_given_up_in_the_midst "given-up" [SLOW];
    workers_that_share_a_receiver "shared-jobs" [];
    what_was_moved_to_threads_and_closures "moved-away" [SLOW];
    tokens_that_others_cancel "tokens" [];
    waits_that_limits_and_aborts_end "limits" [SLOW];
    a_thread_with_a_runtime_of_its_own "own-runtime" [];
    a_thread_that_gives_a_lock_back_to_wait "conveyor" [];
    a_server_under_load "echo" [];
    a_server_on_one_thread "one-thread" [];
}

#[test]
fn idle_servers() -> Result<()> {
    let stops = SOME.by_the_command;
    let axum = connections::axum(Profile::Debug)?;
    check("axum", &axum.running, stops, Some(Front::SystemGdb), &[])?;
    let actix = connections::actix(Profile::Debug)?;
    check("actix", &actix.running, stops, Some(Front::SystemLldb), &[])?;
    check("many-tasks", &subjects::many_tasks(Profile::Release, 1_000)?, stops, None, &[])
}
