//! Connections and requests: what a library says of a value that is one.

use std::borrow::Cow;

use crate::layout::TypeKind;
use crate::report::{Phase, Protocol, Role};
use crate::value::{Program, Value, ValueError};

/// A request's text that is longer is cut.
const LONGEST_TEXT: u64 = 240;

/// A type whose values are connections, streams of one, requests, buffers of what is to be written, or
/// sockets.
pub struct ConnectionType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Reads one.
    pub(crate) read: ReadConnection,
    /// Who drives it.
    pub(crate) driver: Driver,
}

/// What a connection needs to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Driver {
    /// To be polled, whoever reads or writes.
    Poll,
    /// Nothing else than who reads or writes.
    Users,
    /// The future that keeps it in a variable, which does not poll it.
    Keeper,
}

impl ConnectionType {
    /// A connection that has to be polled.
    pub(crate) const fn polled(path: &'static str, read: ReadConnection) -> Self {
        Self { path, read, driver: Driver::Poll }
    }

    /// One that is driven by who uses it, or a request.
    pub(crate) const fn used(path: &'static str, read: ReadConnection) -> Self {
        Self { path, read, driver: Driver::Users }
    }

    /// A socket, of which nothing is read.
    pub(crate) const fn socket(path: &'static str) -> Self {
        Self::used(path, |_, _| Ok(Some(Observed::Socket)))
    }

    /// One that goes on as long as the future is there that keeps it.
    pub(crate) const fn kept(path: &'static str, read: ReadConnection) -> Self {
        Self { path, read, driver: Driver::Keeper }
    }
}

/// Reads what a value is; `None` for one that is no connection any more, and for a layout that is not
/// the one that is known.
pub(crate) type ReadConnection = fn(&Program<'_>, Value) -> Result<Option<Observed>, ValueError>;

/// What such a value is.
pub(crate) enum Observed {
    /// A connection.
    Connection(ObservedConnection),
    /// A stream of a connection with streams.
    Stream {
        /// The key of the connection.
        of: u64,
        /// What the task that has it does.
        phase: Phase,
    },
    /// A request.
    Request(ObservedRequest),
    /// A buffer of what is to be written.
    Buffer(ObservedBuffer),
    /// A socket, which listens or is connected: its number is that of the open file in it.
    Socket,
}

/// A buffer of what is to be written, as it was read.
pub(crate) struct ObservedBuffer {
    /// Bytes that were written and not sent.
    pub(crate) bytes: u64,
    /// What they would be sent to.
    pub(crate) io: Value,
    /// What it is called, if not as its type.
    pub(crate) name: Option<&'static str>,
}

impl ObservedBuffer {
    /// `BufWriter { inner, buf: Vec<u8>, written }`, as all crates have it: `buf` is written from
    /// `written` on.
    ///
    /// Source: `tokio/src/io/util/buf_writer.rs` (1.54.1), `futures-util/src/io/buf_writer.rs`
    /// (0.3.34), `async-std/src/io/buf_writer.rs` (1.13.2), `futures-lite/src/io.rs` (2.6.1).
    pub(crate) fn writer(
        program: &Program<'_>,
        value: Value,
    ) -> Result<Option<Observed>, ValueError> {
        let all = value.member(program, "buf")?.find_number(program, "len")?;
        let written = value.member(program, "written")?.unsigned(program)?;
        let bytes = all.and_then(|all| all.checked_sub(written)).unwrap_or_default();
        Ok(Some(Observed::Buffer(Self { bytes, io: value.member(program, "inner")?, name: None })))
    }
}

/// A connection as it was read.
pub(crate) struct ObservedConnection {
    pub(crate) protocol: Protocol,
    pub(crate) role: Option<Role>,
    pub(crate) phase: Phase,
    /// See [`crate::report::Connection::is_last`].
    pub(crate) is_last: bool,
    /// What tells it from others where its streams lead to it, or where it is behind a pointer that may
    /// have been moved; 0 for one that neither is true of.
    pub(crate) key: u64,
    /// What it reads from and writes to.
    pub(crate) io: Option<Value>,
    /// Its far end, where it keeps that itself.
    pub(crate) peer: Option<String>,
    /// The method of the request in flight, where it keeps that itself.
    pub(crate) method: Option<Cow<'static, str>>,
    pub(crate) streams: Option<u64>,
    pub(crate) stalled: Option<u64>,
    pub(crate) unsent: Option<u64>,
    pub(crate) owed: Option<u64>,
    /// What tells the memory into which it reads from other memory, where others may refer to that too;
    /// `None` where they cannot, or that is not known.
    pub(crate) buffer: Option<u64>,
}

impl ObservedConnection {
    /// One of which no more is known.
    pub(crate) fn new(protocol: Protocol, role: Option<Role>, phase: Phase) -> Self {
        Self {
            protocol,
            role,
            phase,
            is_last: false,
            key: 0,
            io: None,
            peer: None,
            method: None,
            streams: None,
            stalled: None,
            unsent: None,
            owed: None,
            buffer: None,
        }
    }
}

/// A request as it was read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct ObservedRequest {
    pub(crate) method: Option<Cow<'static, str>>,
    /// Its path and query.
    pub(crate) path: Option<String>,
    /// Whether it names the server that it is for, as requests do that are to be sent.
    pub(crate) names_server: bool,
    /// Whether its type is that of requests that came.
    pub(crate) came: bool,
    /// Its far end, where it keeps that itself.
    pub(crate) peer: Option<String>,
    /// Whether it was sent, and what has it waits for the answer.
    pub(crate) is_sent: bool,
    /// What tells the memory that its text is in, as the line with which it came, from other memory;
    /// `None` where that line is not there.
    pub(crate) buffer: Option<u64>,
}

/// The name of an enum's active variant.
pub(crate) fn variant(program: &Program<'_>, value: Value) -> Result<String, ValueError> {
    let layout = value.layout(program)?;
    match &layout.kind {
        TypeKind::Enum { variants, .. } => {
            let (active, _) = value.active_variant(program)?;
            Ok(variants[active].name.to_string())
        }
        TypeKind::PlainEnum { enumerators } => {
            let number = i128::from(value.unsigned(program)?);
            let known = enumerators.iter().find(|(_, known)| *known == number);
            known.map(|(name, _)| name.to_string()).ok_or_else(|| ValueError::NoVariant {
                type_name: layout.name.to_string(),
                address: value.address,
            })
        }
        _ => Err(ValueError::Shape {
            type_name: layout.name.to_string(),
            wanted: "variants".to_string(),
        }),
    }
}

/// What an `Option` has in it.
pub(crate) fn some(program: &Program<'_>, option: Value) -> Result<Option<Value>, ValueError> {
    match option.is_some(program)? {
        true => Ok(Some(option.active_variant(program)?.1.member(program, "__0")?)),
        false => Ok(None),
    }
}

/// So many bytes as text, cut where there are very many; `None` for what is no text of visible
/// characters, as bytes are that were overwritten.
pub(crate) fn visible_text(
    program: &Program<'_>,
    start: u64,
    length: u64,
) -> Result<Option<String>, ValueError> {
    let shown = length.min(LONGEST_TEXT);
    let mut bytes = vec![0; usize::try_from(shown).unwrap_or(0)];
    program.target().memory().read(start, &mut bytes)?;
    let is_visible = |byte: &u8| matches!(byte, 0x21..=0x7e);
    if bytes.is_empty() || !bytes.iter().all(is_visible) {
        return Ok(None);
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if shown < length {
        text.push('…');
    }
    Ok(Some(text))
}
