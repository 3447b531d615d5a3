//! Clients of real databases, and servers, with the crates that everybody uses: what is said of them
//! where they do not go on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::agreement;
use end_to_end_tests::case::Case;
use end_to_end_tests::connections::{Connections, Talk};
use end_to_end_tests::databases::Database;
use end_to_end_tests::front::{DUMP, Front, Mode};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

/// Each debugger once, with each build live and from a core file.
const LOOKS: [(Profile, [(Front, Mode); 2]); 2] = [
    (Profile::Debug, [(Front::SystemGdb, Mode::Live), (Front::NewestLldb, Mode::Core)]),
    (Profile::Release, [(Front::SystemLldb, Mode::Live), (Front::NewestGdb, Mode::Core)]),
];

const COMMANDS: &[&str] = &["info async-tasks", "async why", "async locks", "async connections"];

/// Holds what is said of a program in that situation against one golden for both profiles and all
/// debuggers of a live process, and one of core files, which do not tell the addresses of sockets. It
/// is looked at as long as what it is started with lives.
fn check<T>(situation: &str, start: impl Fn(Profile) -> Result<(Running, T)>) -> Result<()> {
    for (profile, looks) in LOOKS {
        let (mut running, _beside) = start(profile)?;
        running.come_to_rest()?;
        for (front, mode) in looks {
            let of_core = if mode == Mode::Core { "-core" } else { "" };
            let name = &format!("clients-{situation}{of_core}");
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

/// Holds the command line against what it must say of a program whose tasks come in any order: words,
/// however the lines are broken.
fn check_words<T>(
    start: impl Fn(Profile) -> Result<(Running, T)>,
    expected: &[&str],
) -> Result<()> {
    for profile in [Profile::Debug, Profile::Release] {
        let (mut running, _beside) = start(profile)?;
        running.come_to_rest()?;
        let command = format!("{DUMP} --connections");
        let text = Front::CommandLine.ask(Subject::Process(running.pid()), &[command])?.concat();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words_of in expected {
            ensure!(words.contains(words_of), "{profile:?}: no {words_of:?} in {text}");
        }
    }
    Ok(())
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
    let broker = Database::rabbitmq()?;
    let address = broker.address().to_string();
    let owed = format!("an answer from {address} (");
    let expected = [
        // The thread of the connection blocks on no future.
        &"tasks and 1 block_on future of 1 runtime.".to_string(),
        &format!("of_lapin.rs:46 {owed}"),
        &format!("of_lapin.rs:55 {owed}"),
        &format!("of_lapin.rs:39 {owed}"),
        &format!("AMQP client connection to {address}: held up by the other side, "),
    ];
    let client = |profile| {
        let program = fixture::client("databases", profile)?;
        Ok((Running::start(&program, &["lapin-held-up", &address])?, ()))
    };
    check_words(client, &expected.map(String::as_str))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_handler_of_tonic_waits_for_a_lock() -> Result<()> {
    let expected = [
        "holds Mutex<Vec<i32>> and waits for a timer",
        "in `table`, which waits for a timer",
        "stream waiting for the answer",
        "stream in a handler POST",
    ];
    check_words(|profile| both("tonic-lock", profile), &expected)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn nobody_reads_what_a_server_of_tonic_streams() -> Result<()> {
    let expected = [
        "waits for the window of HTTP/2 stream 1 (the other side takes no more)",
        "keeps another task waiting and waits for a timer",
        "stream writing a body",
    ];
    check_words(|profile| both("tonic-unread", profile), &expected)
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
    let expected = [
        "POST /upload/lamp",
        "waits for a message on HTTP body",
        "HTTP/1 server connection from 127.0.0.1:",
        "in a handler, body not whole, POST /upload/lamp waits for a socket to 127.0.0.1:",
        "of_actix.rs:22 a signal",
        "1 connection is known",
    ];
    check_words(|profile| server("actix-upload", &[HALF_AN_UPLOAD], profile), &expected)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_service_of_axum_asks_itself() -> Result<()> {
    let expected = [
        "in `stock`, servers::of_axum::take_order",
        "wait for each other: task",
        "for the answer to GET /price from 127.0.0.1:",
        "for Mutex<u32> (servers::of_axum::price, servers/src/of_axum.rs:44). Others may end that",
        "other end in task",
        "4 connections are known",
    ];
    check_words(|profile| both("axum-asks-itself", profile), &expected)
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_handler_of_axum_waits_for_an_upgrade_before_it_answers() -> Result<()> {
    check("axum-upgrades-first", |profile| both("axum-upgrades-first", profile))
}

#[test]
#[ignore = "takes minutes to build: `cargo xtask test --full`"]
fn a_stream_of_quinn_is_unheard_of() -> Result<()> {
    let expected = [
        "waits for a message on QUIC stream 0 to 127.0.0.1:",
        "(nothing was sent on it: the other side does not know of it)",
        "a new stream from 127.0.0.1:",
        "waits for a socket on 127.0.0.1:",
        "QUIC client open 127.0.0.1:",
        "2 connections are known",
    ];
    check_words(|profile| both("quinn-silent-stream", profile), &expected)
}

const REPORT: Talk<'_> = (b"GET /report HTTP/1.1\r\nHost: test\r\n\r\n", None);

const HALF_AN_UPLOAD: Talk<'_> =
    (b"POST /upload/lamp HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf", None);
