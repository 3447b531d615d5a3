//! Clients of real databases, and servers, with the crates that everybody uses: what is said of them
//! where they do not go on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::agreement;
use end_to_end_tests::case::Case;
use end_to_end_tests::connections::{Connections, Talk};
use end_to_end_tests::databases::Database;
use end_to_end_tests::front::{Front, Mode};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

/// Each debugger once, with each build live and from a core file.
const LOOKS: [(Profile, [(Front, Mode); 2]); 2] = [
    (Profile::Debug, [(Front::SystemGdb, Mode::Live), (Front::NewestLldb, Mode::Core)]),
    (Profile::Release, [(Front::SystemLldb, Mode::Live), (Front::NewestGdb, Mode::Core)]),
];

/// Of which an optimized build says more: what a closure that is a thread's has captured, as the sender
/// of actix's acceptor, the debug information of the other one does not describe.
const DIFFERENT: &[&str] = &["actix-upload"];

const COMMANDS: &[&str] = &["info async-tasks", "async why", "async locks", "async connections"];

/// Holds what is said of a program in that situation against one golden for both profiles (but for those
/// that are [`DIFFERENT`]) and all debuggers of a live process, and one of core files, which do not tell the addresses of sockets. It
/// is looked at as long as what it is started with lives.
fn check<T>(situation: &str, start: impl Fn(Profile) -> Result<(Running, T)>) -> Result<()> {
    for (profile, looks) in LOOKS {
        let (mut running, _beside) = start(profile)?;
        running.come_to_rest()?;
        for (front, mode) in looks {
            let of_core = if mode == Mode::Core { "-core" } else { "" };
            let is_own = profile == Profile::Release && DIFFERENT.contains(&situation);
            let of_release = if is_own { "-release" } else { "" };
            let name = &format!("clients-{situation}{of_release}{of_core}");
            Case { name, commands: COMMANDS, fronts: &[front], modes: &[mode] }.check(&running)?;
        }
        agreement::check(Subject::Process(running.pid()))?;
    }
    Ok(())
}

/// A client of a database.
fn check_client(situation: &str, database: fn() -> Result<Database>) -> Result<()> {
    let database = database()?;
    let address = database.address().to_string();
    check(situation, |profile| {
        let program = fixture::client("databases", profile)?;
        Ok((Running::start(&program, &[situation, &address])?, ()))
    })
}

/// A server, and what its clients have said to it, one after the other.
fn server(
    situation: &str,
    talks: &[Talk<'_>],
    profile: Profile,
) -> Result<(Running, Vec<Connections>)> {
    let mut running = Running::start(&fixture::client("servers", profile)?, &[situation])?;
    let address = running.greeting().parse().context("an address")?;
    let mut open = Vec::new();
    for talk in talks {
        open.push(Connections::open(address, &[*talk])?);
        running.come_to_rest()?;
    }
    Ok((running, open))
}

/// A server and its clients in one process.
fn both(situation: &str, profile: Profile) -> Result<(Running, ())> {
    Ok((Running::start(&fixture::client("servers", profile)?, &[situation])?, ()))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn users_of_a_pool_of_sqlx_want_two_connections_each() -> Result<()> {
    check_client("sqlx-two-each", Database::postgres)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn statements_of_sqlx_are_slow() -> Result<()> {
    check_client("sqlx-slow-query", Database::postgres)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn users_of_a_pool_of_deadpool_want_two_connections_each() -> Result<()> {
    check_client("deadpool-two-each", Database::postgres)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn statements_of_tokio_postgres_are_slow() -> Result<()> {
    check_client("deadpool-slow-query", Database::postgres)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_connection_to_redis_waits_behind_a_blocking_command() -> Result<()> {
    check_client("redis-blocking-pop", Database::redis)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_broker_of_amqp_holds_up_who_publishes() -> Result<()> {
    check_client("lapin-held-up", Database::rabbitmq)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_handler_of_tonic_waits_for_a_lock() -> Result<()> {
    check("tonic-lock", |profile| both("tonic-lock", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn nobody_reads_what_a_server_of_tonic_streams() -> Result<()> {
    check("tonic-unread", |profile| both("tonic-unread", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn two_actors_of_actix_wait_for_each_others_answers() -> Result<()> {
    check("actix-actors", |profile| both("actix-actors", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_client_of_reqwest_has_a_slow_server() -> Result<()> {
    let start = |profile| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a server")?;
        let address = listener.local_addr().context("its address")?;
        let server = std::thread::spawn(move || answer_slowly(&listener));
        let program = fixture::client("servers", profile)?;
        let running = Running::start(&program, &["reqwest-slow-server", &address.to_string()])?;
        let server = server.join().expect("no panic");
        Ok((running, server?))
    };
    check("reqwest-slow-server", start)
}

/// Answers nothing to a first request and half a body to a second one.
fn answer_slowly(listener: &TcpListener) -> Result<[TcpStream; 2]> {
    let (first, _) = listener.accept().context("a first request")?;
    let (mut second, _) = listener.accept().context("a second request")?;
    let length = second.read(&mut [0; 4096]).context("reading it")?;
    ensure!(length > 0, "the client has gone");
    second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").context("answering")?;
    Ok([first, second])
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_stack_of_tower_is_full() -> Result<()> {
    check("tower-full", |profile| server("tower-full", &[REPORT; 7], profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn an_upload_to_actix_is_half_there() -> Result<()> {
    check("actix-upload", |profile| server("actix-upload", &[HALF_AN_UPLOAD], profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_service_of_axum_asks_itself() -> Result<()> {
    check("axum-asks-itself", |profile| both("axum-asks-itself", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_handler_of_axum_waits_for_an_upgrade_before_it_answers() -> Result<()> {
    check("axum-upgrades-first", |profile| both("axum-upgrades-first", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_stream_of_quinn_is_unheard_of() -> Result<()> {
    check("quinn-silent-stream", |profile| both("quinn-silent-stream", profile))
}

const REPORT: Talk<'_> = (b"GET /report HTTP/1.1\r\nHost: test\r\n\r\n", None);

const HALF_AN_UPLOAD: Talk<'_> =
    (b"POST /upload/lamp HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf", None);
