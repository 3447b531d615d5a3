//! Texts that declare what types are: whatever stands in one, it is read or refused.

use arbtest::arbtest;

use super::form::read;

const WHOLE: &str = r#"unhang = 1
library = "swim"
crates = ["paddle"]
blocking = "swim::Pool::blocking_get"
public-paths = { "swim::api::" = "swim::" }

[[resource]]
type = ["swim::Pool", "swim::api::Pool<swim::Warm"]
kind = "channel"
name = "Pool<T>"
senders = "ends.0 - 1 & 0xf"
receivers = "state.Open.ends >> 2 + @strong"
queued = "queue.len"
capacity = "**.capacity"
messages = "queue"
reachable = "@weak != 1 and state is Open"

[[resource.wait]]
future = "swim::Get"
through = "turn"
to = "pool"
access = "receive"
granted = "state == 3"

[[resource.wait]]
through = "turn"
access = "send"

[[resource.guard]]
type = "swim::Lane"
to = "pool"
access = "receive"
emptied = "lane"
"#;

#[test]
fn every_key_is_read() {
    let (library, declared) = read(WHOLE, None).expect("it is right");
    assert_eq!((library.name, declared.len()), ("swim", 1));
    // The crate, the wait's future, and both types, once as they are waited for.
    let paths: Vec<&str> = library.resources.iter().map(|known| known.path).collect();
    let types = ["swim::Pool", "swim::api::Pool<swim::Warm"];
    assert_eq!(paths, ["paddle", "swim::Get", types[0], types[1]]);
    assert_eq!((library.guards.len(), library.messages.len(), library.blocking.len()), (1, 1, 1));
}

#[test]
fn a_line_that_is_wrong_is_named() {
    for (right, wrong, expected) in [
        (
            "messages =",
            "mesages =",
            "line 15: [[resource]] has no key `mesages`: did you mean `messages`?",
        ),
        (
            "\"receive\"",
            "\"recieve\"",
            "line 22: `access` cannot be `recieve`: did you mean `receive`?",
        ),
        (
            "queue.len",
            "queue..len",
            "line 13: `queued`: `queue..len` is no path of members: `` is no name",
        ),
        (
            "swim::Get",
            "swim:Get",
            "line 19: `swim:Get` is no path of a type: it is names with `::` between them",
        ),
        ("unhang = 1", "unhang = 7", "line 1: it is of form 7, and this unhang reads form 1"),
        ("library", "libary", "line 1: the file has no `library`"),
        ("\"swim\"", "triggered", "line 2: texts are to be in quotes"),
    ] {
        let error = read(&WHOLE.replacen(right, wrong, 1), None).err();
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
    }
}

#[test]
fn nothing_makes_it_panic() {
    arbtest(|u| {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for _ in 0..u.int_in_range(1..=6)? {
            let at = u.choose_index(bytes.len())?;
            match u.int_in_range(0..=2)? {
                0 => bytes[at] = *u.choose(b"\"[]{}=.*<>&@#\n0a-")?,
                1 => drop(bytes.drain(at..(at + 7).min(bytes.len()))),
                _ => bytes.insert(at, *u.choose(b"\"[]{}=.*<>&@#\n0a-")?),
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let _ = read(&String::from_utf8_lossy(&bytes), None);
        Ok(())
    });
}
