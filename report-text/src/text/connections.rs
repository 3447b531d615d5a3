//! The list of connections.

use std::fmt::Write as _;
use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::Look;
use super::frames::{name, place};
use super::problems::write_problems;
use super::style::{Out, Style};
use super::table::{Cell, Column, Cut, Table};
use runtime_layouts::report::{Connection, Driven, Report, Request, Role, SiteId};

/// More connections than this are grouped, unless the user says otherwise.
const GROUP_ABOVE: usize = 50;
/// Lines that are shown, unless the user says otherwise.
const LINES: usize = 200;
/// Streams of one connection that have a line each.
const MAX_STREAMS: usize = 20;
/// Tasks and peers that a group names.
const NAMED_OF_GROUP: usize = 3;
/// Connections that nobody drives and that have a sentence each.
const MAX_UNDRIVEN: usize = 8;

const LIST: [Column; 8] = [
    Column { heading: "Protocol", cut: Cut::Never },
    Column { heading: "Role", cut: Cut::Never },
    Column { heading: "State", cut: Cut::Cells { rank: 2 } },
    Column { heading: "Request", cut: Cut::Cells { rank: 1 } },
    Column { heading: "Peer", cut: Cut::Never },
    Column { heading: "Local", cut: Cut::Whole },
    Column { heading: "Task", cut: Cut::Never },
    Column { heading: "Waited for by", cut: Cut::Cells { rank: 1 } },
];

const GROUPS: [Column; 7] = [
    Column { heading: "Count", cut: Cut::Never },
    Column { heading: "Protocol", cut: Cut::Never },
    Column { heading: "Role", cut: Cut::Never },
    Column { heading: "State", cut: Cut::Cells { rank: 2 } },
    Column { heading: "Request", cut: Cut::Cells { rank: 1 } },
    Column { heading: "Peers", cut: Cut::Cells { rank: 1 } },
    Column { heading: "Tasks", cut: Cut::Never },
];

/// Writes each connection, or of many those that are alike. `all` shows every one.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, all: bool, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    write_list(report, all, look, out)?;
    write_problems(report, out)
}

/// The list alone, where the report's problems stand elsewhere.
pub(super) fn write_list(
    report: &Report,
    all: bool,
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let count = report.connections.len();
    let (columns, rows): (&[Column], _) = match count > GROUP_ABOVE && !all {
        true => (&GROUPS, group_rows(report)),
        false => (&LIST, report.connections.iter().flat_map(|it| list_rows(report, it)).collect()),
    };
    let most = if all { usize::MAX } else { LINES };
    if !rows.is_empty() {
        let shown = &rows[..most.min(rows.len())];
        let mut table = Table::new(columns);
        shown.iter().for_each(|row| table.hold(row));
        table.fit(look.width, 2);
        table.headings("  ", out)?;
        shown.iter().try_for_each(|row| table.row("  ", row, out))?;
        out.end()?;
        if shown.len() < rows.len() {
            let (shown, all) = (shown.len(), rows.len());
            let more = format_args!("{shown} of {all} lines are shown; `--all` shows the others.");
            out.line(more)?;
        }
    }
    let undriven = || report.connections.iter().filter(|it| it.driven == Driven::No);
    for connection in undriven().take(MAX_UNDRIVEN) {
        let text = undriven_text(report, connection, look);
        out.paragraph("", "  ", Style::Warning, &text)?;
    }
    let text = match count {
        0 => "No task has a connection that is known.".to_string(),
        1 => "1 connection is known. One that no task has is not listed.".to_string(),
        count => format!("{count} connections are known. One that no task has is not listed."),
    };
    out.line(text)
}

/// `Nobody drives the HTTP/1 client connection in _conn of recipe, main.rs:14 (task main): …`.
fn undriven_text(report: &Report, connection: &Connection, look: &Look) -> String {
    let site = report.site(connection.frame.site);
    let variable = match &connection.variable {
        Some(variable) => format!("in `{variable}` of "),
        None => "in ".to_string(),
    };
    let mut text = format!(
        "Nobody drives the {} {variable}{}, {} (task {})",
        title(connection),
        name(site, look.full_names),
        place(site),
        report.task(connection.task).id.0,
    );
    let waiting = report.waiting_for_connection(connection);
    if let Some(tasks) = ids(report, waiting.len(), waiting.iter().copied()) {
        let waits = if waiting.len() == 1 { "waits" } else { "wait" };
        let _ = write!(text, ": task {tasks} {waits} for it");
    }
    text.push('.');
    text
}

/// `HTTP/1 server connection`.
fn title(connection: &Connection) -> String {
    let role = connection.role.map(|role| format!(" {}", role.word())).unwrap_or_default();
    format!("{}{role} connection", protocol(connection))
}

/// `HTTP/1 in TLS`.
pub(super) fn protocol(connection: &Connection) -> String {
    let name = connection.protocol.name();
    if connection.is_secure { format!("{name} in TLS") } else { name.to_string() }
}

/// What it does, and what is worth knowing beside: `in a handler, last request, 512 bytes unsent`.
fn state(connection: &Connection) -> String {
    let mut text = connection.phase.words().to_string();
    if connection.driven == Driven::No {
        text.push_str(", nobody drives it");
    }
    if connection.is_last {
        text.push_str(", last request");
    }
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    if let Some(count) = connection.streams.filter(|count| *count > 0) {
        let _ = write!(text, ", {count} stream{}", plural(count));
    }
    if let Some(count) = connection.stalled.filter(|count| *count > 0) {
        let _ = write!(text, ", {count} without window");
    }
    if let Some(count) = connection.unsent.filter(|count| *count > 0) {
        let _ = write!(text, ", {count} byte{} unsent", plural(count));
    }
    if let Some(count) = connection.owed.filter(|count| *count > 0) {
        let _ = write!(text, ", {count} answer{} owed", plural(count));
    }
    text
}

fn peer(connection: &Connection) -> String {
    match (&connection.peer, connection.descriptor) {
        (Some(peer), _) => peer.to_string(),
        (None, Some(descriptor)) => format!("fd {descriptor}"),
        (None, None) => String::new(),
    }
}

fn request_name(request: Option<&Request>) -> String {
    request.and_then(Request::name).unwrap_or_default()
}

/// `3, 4, 7, …`; `None` for none of them.
fn ids(
    report: &Report,
    count: usize,
    tasks: impl Iterator<Item = runtime_layouts::report::TaskIndex>,
) -> Option<String> {
    let mut ids: Vec<&str> =
        tasks.take(NAMED_OF_GROUP).map(|task| report.task(task).id.0.as_str()).collect();
    ids.extend((count > NAMED_OF_GROUP).then_some("…"));
    (!ids.is_empty()).then(|| ids.join(", "))
}

/// The line of a connection, and those of the streams on it.
fn list_rows(report: &Report, connection: &Connection) -> Vec<Vec<Cell>> {
    let has_streams = connection.streams.is_some();
    let own = connection.requests.first().filter(|_| !has_streams);
    let waiting = report.waiting_for_connection(connection);
    let waiting = ids(report, waiting.len(), waiting.iter().copied());
    let style = if connection.driven == Driven::No { Style::Warning } else { Style::Plain };
    let mut rows = vec![vec![
        Cell::plain(protocol(connection)),
        Cell::plain(connection.role.map_or("", Role::word)),
        Cell::words(state(connection)).in_style(style),
        Cell::styled(request_name(own), Style::Function),
        Cell::plain(peer(connection)),
        Cell::plain(connection.local.as_deref().unwrap_or_default()),
        Cell::plain(report.task(connection.task).id.0.clone()),
        Cell::plain(waiting.unwrap_or_default()),
    ]];
    let streams = connection.requests.iter().filter(|_| has_streams).take(MAX_STREAMS);
    rows.extend(streams.map(|request| {
        vec![
            Cell::styled("  stream", Style::Dim),
            Cell::plain(""),
            Cell::words(request.phase.words()),
            Cell::styled(request_name(Some(request)), Style::Function),
            Cell::plain(""),
            Cell::plain(""),
            Cell::plain(report.task(request.task).id.0.clone()),
            Cell::plain(""),
        ]
    }));
    rows
}

/// What two connections share that are alike.
type Likeness<'r> = (String, Option<Role>, String, String, SiteId);

fn group_rows(report: &Report) -> Vec<Vec<Cell>> {
    let mut groups: Vec<Vec<&Connection>> = Vec::new();
    let mut known: FxHashMap<Likeness<'_>, usize> = FxHashMap::default();
    for connection in &report.connections {
        let key = (
            protocol(connection),
            connection.role,
            state(connection),
            request_name(connection.requests.first()),
            connection.frame.site,
        );
        let place = *known.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(connection);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let row = |group: &Vec<&Connection>| {
        let [first, ..] = group.as_slice() else { return Vec::new() };
        let tasks = ids(report, group.len(), group.iter().map(|it| it.task));
        vec![
            Cell::plain(group.len().to_string()),
            Cell::plain(protocol(first)),
            Cell::plain(first.role.map_or("", Role::word)),
            Cell::words(state(first)),
            Cell::styled(request_name(first.requests.first()), Style::Function),
            Cell::plain(hosts(group)),
            Cell::plain(tasks.unwrap_or_default()),
        ]
    };
    groups.iter().map(row).collect()
}

/// The addresses of the other ends, without their ports, each once: `10.0.0.7, 10.0.0.8`.
fn hosts(group: &[&Connection]) -> String {
    let mut hosts: Vec<&str> = Vec::new();
    for connection in group {
        let peer = connection.peer.as_deref();
        let Some((host, _)) = peer.and_then(|peer| peer.rsplit_once(':')) else { continue };
        if !hosts.contains(&host) {
            if hosts.len() == NAMED_OF_GROUP {
                hosts.push("…");
                break;
            }
            hosts.push(host);
        }
    }
    hosts.join(", ")
}

/// `HTTP/1 server connection from 10.0.0.7:4123: in a handler, GET /wait`: what stands below the
/// frame of a connection.
pub(super) fn of_frame(connection: &Connection) -> String {
    let mut text = title(connection);
    let word = if connection.role == Some(Role::Server) { "from" } else { "to" };
    match (&connection.peer, connection.descriptor) {
        (Some(peer), _) => {
            let _ = write!(text, " {word} {peer}");
        }
        (None, Some(descriptor)) => {
            let _ = write!(text, " (fd {descriptor})");
        }
        (None, None) => {}
    }
    let _ = write!(text, ": {}", state(connection));
    let own = connection.requests.first().filter(|_| connection.streams.is_none());
    if let Some(request) = own.and_then(Request::name) {
        let _ = write!(text, ", {request}");
    }
    text
}

/// `GET /checkout from 10.0.0.7`: the request that a task serves.
pub(super) fn served(connection: &Connection, request: &Request) -> String {
    let mut text = request_name(Some(request));
    let peer = connection.peer.as_deref().and_then(|peer| peer.rsplit_once(':'));
    if let Some((host, _)) = peer {
        let _ = write!(text, " from {host}");
    }
    text
}
