//! The task list.

use std::collections::HashMap;
use std::io::{self, Write};

use super::Look;
use super::connections;
use super::counts;
use super::frames::{name, place, short_name, short_place, telling_root, user_position};
use super::groups::{Token, groups, stack_of};
use super::style::{Out, Style};
use super::table::{Cell, Column, Cut, Table};
use super::waiting;
use super::workers;
use runtime_layouts::report::{
    Chain, Report, ResourceKind, SiteId, Task, TaskKind, TaskState, Wait,
};

/// Which tasks to show, and how.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only tasks in one of these states; empty for all.
    pub states: Vec<TaskState>,
    /// Only tasks that have each of these texts in a function or file of one of their frames, or in
    /// the name of something that they wait for.
    pub with: Vec<String>,
    /// Only tasks that have none of these texts in any of those.
    pub without: Vec<String>,
    /// Only tasks that wait for something of one of these kinds; empty for all.
    pub waiting_on: Vec<ResourceKind>,
    /// Group by await stack (`Some(true)`), never (`Some(false)`), or when there are many tasks.
    pub group: Option<bool>,
    /// Show at most so many lines; `None` for the default, 0 for all of them (`--all`).
    pub limit: Option<usize>,
}

/// More tasks than this are grouped, unless the user says otherwise.
pub(super) const GROUP_ABOVE: usize = 50;
/// Lines that are shown, unless the user says otherwise.
const LINES: usize = 200;
/// The columns that say where a stack stands; they follow those of the task or group.
const STACK: [Column; 4] = [
    Column { heading: "Where", cut: Cut::Cells { rank: 1 } },
    Column { heading: "", cut: Cut::Cells { rank: 2 } },
    Column { heading: "Waiting for", cut: Cut::Cells { rank: 1 } },
    Column { heading: "Task", cut: Cut::Whole },
];
/// The same behind requests, which say where a task stands as well.
const REQUEST_AND_STACK: [Column; 5] = [
    Column { heading: "Request", cut: Cut::Cells { rank: 2 } },
    Column { heading: "Where", cut: Cut::Cells { rank: 1 } },
    Column { heading: "", cut: Cut::Cells { rank: 3 } },
    Column { heading: "Waiting for", cut: Cut::Cells { rank: 2 } },
    Column { heading: "Task", cut: Cut::Whole },
];
const ID: Column = Column { heading: "Id", cut: Cut::Never };
const STATE: Column = Column { heading: "State", cut: Cut::Never };
const TASKS: Column = Column { heading: "Tasks", cut: Cut::Never };
const IDS: Column = Column { heading: "Ids", cut: Cut::Never };
/// Ids that a group names.
const IDS_OF_GROUP: usize = 3;

/// The columns that say where a stack stands, and where one of the tasks serves a request, that.
fn stack_columns(serves: bool) -> &'static [Column] {
    if serves { &REQUEST_AND_STACK } else { &STACK }
}

/// Writes the header line, a line a task (or a group), how complete the list is, and what to type
/// next.
///
/// # Errors
/// What `out` returns; the listing then ends at once.
pub fn write(
    report: &Report,
    filter: &TaskFilter,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    let tasks: Vec<&Task> =
        report.tasks.iter().filter(|task| matches(report, task, filter)).collect();
    // `--all` is every line: a group would hide some.
    let every = filter.limit == Some(0);
    let grouped = filter.group.unwrap_or(tasks.len() > GROUP_ABOVE && !every);
    let limit = if every { usize::MAX } else { filter.limit.unwrap_or(LINES) };
    let hint = " `async bt ID` shows one.";
    match grouped {
        true => write_rows(report, Rows::Groups(&groups(tasks)), limit, look, hint, out),
        false => write_rows(report, Rows::Tasks(&tasks), limit, look, hint, out),
    }
}

/// The same for all tasks, by their groups, and without what to type next.
pub(super) fn write_all(
    report: &Report,
    groups: &[Vec<&Task>],
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    if report.tasks.len() > GROUP_ABOVE {
        return write_rows(report, Rows::Groups(groups), LINES, look, "", out);
    }
    let tasks: Vec<&Task> = report.tasks.iter().collect();
    write_rows(report, Rows::Tasks(&tasks), LINES, look, "", out)
}

/// What has a line each.
#[derive(Clone, Copy)]
enum Rows<'r> {
    Tasks(&'r [&'r Task]),
    Groups(&'r [Vec<&'r Task>]),
}

fn write_rows(
    report: &Report,
    rows: Rows<'_>,
    limit: usize,
    look: &Look,
    hint: &str,
    out: &mut Out<'_>,
) -> io::Result<()> {
    for runtime in &report.runtimes {
        out.styled_line(Style::Heading, workers::summary(report, runtime))?;
    }
    if is_blocked_on_alone(report) {
        out.styled_line(Style::Heading, "No runtime; threads block on futures")?;
    }
    let count = match rows {
        Rows::Tasks(tasks) => tasks.len(),
        Rows::Groups(groups) => groups.iter().map(Vec::len).sum(),
    };
    if count > 0 {
        out.end()?;
        let (what, shown) = match rows {
            Rows::Tasks(tasks) => ("tasks", write_tasks(report, tasks, limit, look, out)?),
            Rows::Groups(groups) => ("groups", write_groups(report, groups, limit, look, out)?),
        };
        out.end()?;
        if let Some(text) = shown.more(what) {
            out.line(text)?;
        }
    }
    footer(report, count, hint, out)
}

struct Shown {
    lines: usize,
    of: usize,
}

impl Shown {
    fn more(&self, what: &str) -> Option<String> {
        (self.lines < self.of).then(|| {
            format!("{} of {} {what} are shown; `--all` shows every task.", self.lines, self.of)
        })
    }
}

fn write_tasks(
    report: &Report,
    tasks: &[&Task],
    limit: usize,
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<Shown> {
    let shown = &tasks[..limit.min(tasks.len())];
    let serves = shown.iter().any(|task| report.served_by(task.index).is_some());
    let columns = [&[ID, STATE], stack_columns(serves)].concat();
    let mut cells = RowCells::new(report, look, serves);
    let mut table = Table::new(&columns);
    for task in shown {
        table.hold(&cells.row(task));
    }
    table.fit(look.width, 2);
    table.headings("  ", out)?;
    for task in shown {
        let margin = if look.current.as_ref() == Some(&task.id) { "* " } else { "  " };
        table.row(margin, &cells.row(task), out)?;
    }
    Ok(Shown { lines: shown.len(), of: tasks.len() })
}

/// What the list says of a task, beside its id and its state; empty where it says nothing.
pub(crate) struct RowWords {
    /// The innermost function of the user's own code, and where it stands.
    pub(crate) function: String,
    pub(crate) at: String,
    pub(crate) waiting_for: String,
    /// What the task is.
    pub(crate) future: String,
    /// The request that it serves.
    pub(crate) request: String,
}

/// Makes the words of one task's row after the other.
pub(crate) fn row_words<'r>(report: &'r Report) -> impl FnMut(&Task) -> RowWords + use<'r> {
    let mut cells = RowCells::new(report, &Look::PLAIN, true);
    move |task| cells.words(task)
}

/// The rows of tasks, each stack's text made once.
struct RowCells<'r> {
    report: &'r Report,
    look: &'r Look,
    stacks: HashMap<Vec<Token>, [Cell; 4]>,
    /// Whether there is a cell for the request that a task serves.
    serves: bool,
}

impl<'r> RowCells<'r> {
    fn new(report: &'r Report, look: &'r Look, serves: bool) -> Self {
        Self { report, look, stacks: HashMap::new(), serves }
    }

    fn row(&mut self, task: &Task) -> Vec<Cell> {
        let mut row = vec![Cell::plain(task.id.0.clone()), state_cell(self.report, task)];
        if self.serves {
            row.push(request_cell(self.report, task));
        }
        let stack = row.len();
        row.extend(self.stack(task).iter().cloned());
        row[stack + 2] = waiting_cell(self.report, task, self.look);
        if let Some(ended) = panicked_cell(self.report, task, self.look) {
            row[stack] = ended;
        }
        row
    }

    /// The words of a task's row.
    fn words(&mut self, task: &Task) -> RowWords {
        let request = request_cell(self.report, task).into_text();
        let [function, at, _, future] = self.stack(task).clone().map(Cell::into_text);
        let waiting_for = waiting_cell(self.report, task, self.look).into_text();
        let ended = panicked_cell(self.report, task, self.look).map(Cell::into_text);
        let function = ended.unwrap_or(function);
        RowWords { function, at, waiting_for, future, request }
    }

    fn stack(&mut self, task: &Task) -> &[Cell; 4] {
        let (report, look) = (self.report, self.look);
        self.stacks.entry(stack_of(task)).or_insert_with(|| stack_cells(report, task, look))
    }
}

/// The request that a task serves.
fn request_cell(report: &Report, task: &Task) -> Cell {
    match report.served_by(task.index) {
        Some((connection, request)) => {
            let name = request.name().unwrap_or_default();
            Cell::plain(connections::served(connection, request)).or_short(name)
        }
        None => Cell::plain(""),
    }
}

/// `Where` (function, place), `Waiting for`, `Task`.
fn stack_cells(report: &Report, task: &Task, look: &Look) -> [Cell; 4] {
    let user_position = user_position(report, task);
    let root = telling_root(report, task);
    let (function, file) = match (user_position.user, root) {
        (Some(user), _) => {
            let (name, place) = (plain_name(&user.name, look), place(user));
            let (short, short_place) =
                (short_name(&name).to_string(), short_place(&place).to_string());
            (
                Cell::styled(name, Style::Function).or_short(short),
                Cell::styled(place, Style::File).or_short(short_place),
            )
        }
        (None, Some(root)) if !task.chain.frames.is_empty() => {
            let name = plain_name(&root.name, look);
            let short = short_name(&name).to_string();
            let at = library_of(&name);
            (Cell::plain(name).or_short(short).dim_to(at), Cell::plain(""))
        }
        (None, _) => (Cell::plain(""), Cell::plain("")),
    };
    let of = match (root, task.kind) {
        (Some(root), TaskKind::BlockOn) => format!("block_on {}", name(root, look.full_names)),
        (Some(root), _) => name(root, look.full_names),
        (None, _) => "(unknown)".to_string(),
    };
    [function, file, waiting_cell(report, task, look), Cell::styled(of, Style::Dim)]
}

/// What a task was that has panicked, of which no frame is left.
fn panicked_cell(report: &Report, task: &Task, look: &Look) -> Option<Cell> {
    let root = telling_root(report, task).filter(|_| task.panic.is_some())?;
    let name = plain_name(&root.name, look);
    let short = short_name(&name).to_string();
    Some(Cell::styled(name, Style::Function).or_short(short))
}

/// Where in the name of a library's function the name of its crate ends.
fn library_of(name: &str) -> usize {
    let path = name.rfind(" in ").map_or(0, |at| at + " in ".len());
    match name[path..].find(|it: char| !(it.is_alphanumeric() || it == '_')) {
        Some(end) if name[path + end..].starts_with("::") => path + end + "::".len(),
        _ => 0,
    }
}

/// What blocks the thread that polls a task.
fn running_cell(report: &Report, task: &Task) -> Cell {
    match waiting::of_task(report, task) {
        Some(known) => Cell::words(known),
        None => Cell::plain("(running)"),
    }
}

/// What a task waits for: what is known of it, or the future that it awaits.
fn waiting_cell(report: &Report, task: &Task, look: &Look) -> Cell {
    let woken = match task.state {
        TaskState::Scheduled if task.kind == TaskKind::Blocking => {
            return Cell::plain("(queued for a thread)");
        }
        TaskState::Idle | TaskState::Unknown => "",
        TaskState::Scheduled => "(woken) ",
        TaskState::Running => return running_cell(report, task),
        TaskState::Complete if task.panic.is_some() => {
            return Cell::words(waiting::panicked_with(task).unwrap_or_default());
        }
        TaskState::Complete => return Cell::plain("(complete)"),
        TaskState::Cancelled => return Cell::plain("(cancelled)"),
    };
    match waiting::of_task(report, task) {
        Some(known) => Cell::words(format!("{woken}{known}")),
        None => {
            let awaits = user_position(report, task).awaits;
            let names: Vec<String> =
                awaits.iter().map(|site| plain_name(&site.name, look)).collect();
            Cell::plain(format!("{woken}{}", names.join(" | ")).trim_end())
        }
    }
}

fn plain_name(name: &runtime_layouts::layout::name::DisplayName, look: &Look) -> String {
    if look.full_names { name.full.clone() } else { name.short.clone() }
}

fn state_cell(report: &Report, task: &Task) -> Cell {
    let text = match (task.state, task.thread) {
        // Code that is not async blocks the thread that polls it.
        (TaskState::Running, Some(thread)) if !report.waits_of(task.index).is_empty() => {
            format!("blocked (thread {})", thread.number)
        }
        (TaskState::Running, Some(thread)) => format!("running (thread {})", thread.number),
        _ => task.state_word().to_string(),
    };
    let is_odd = task.state == TaskState::Running || task.panic.is_some();
    let style = if is_odd { Style::Warning } else { Style::Plain };
    Cell::styled(text, style)
}

fn write_groups(
    report: &Report,
    groups: &[Vec<&Task>],
    limit: usize,
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<Shown> {
    let requests = |group: &Vec<&Task>| {
        let first = group.first().map(|task| request_cell(report, task))?;
        let all_same = group.iter().all(|task| request_cell(report, task).is_same(&first));
        Some(first).filter(|_| all_same)
    };
    let serves =
        groups.iter().any(|group| group.iter().any(|task| report.served_by(task.index).is_some()));
    let columns = [&[TASKS, IDS, STATE], stack_columns(serves)].concat();
    let mut groups: Vec<&Vec<&Task>> = groups.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .take(limit)
        .map(|group| {
            let mut ids: Vec<&str> =
                group.iter().take(IDS_OF_GROUP).map(|task| task.id.0.as_str()).collect();
            if group.len() > IDS_OF_GROUP {
                ids.push("…");
            }
            let mut row = vec![
                Cell::plain(group.len().to_string()),
                Cell::plain(ids.join(", ")),
                Cell::plain(group[0].state_word()),
            ];
            if serves {
                row.push(requests(group).unwrap_or_else(|| Cell::plain("(several)")));
            }
            row.extend(stack_cells(report, group[0], look));
            row
        })
        .collect();
    let mut table = Table::new(&columns);
    for row in &rows {
        table.hold(row);
    }
    table.fit(look.width, 2);
    table.headings("  ", out)?;
    for row in &rows {
        table.row("  ", row, out)?;
    }
    Ok(Shown { lines: rows.len(), of: groups.len() })
}

fn footer(report: &Report, shown: usize, hint: &str, out: &mut Out<'_>) -> io::Result<()> {
    let completeness = report.completeness();
    for reason in &completeness.reasons {
        out.styled_line(Style::Warning, reason)?;
    }
    if report.interrupted {
        return Ok(());
    }
    if report.runtimes.is_empty() && !is_blocked_on_alone(report) {
        return Ok(());
    }
    let total = report.tasks.len();
    let what = counts::tasks_of(report);
    let runtimes = match report.runtimes.len() {
        0 => "no runtime".to_string(),
        1 => "1 runtime".to_string(),
        count => format!("{count} runtimes"),
    };
    let verdict = if completeness.is_complete() { "Complete" } else { "Incomplete" };
    let all = if shown == total {
        format!("{what} of {runtimes}")
    } else {
        format!("{shown} of {what} of {runtimes} match")
    };
    out.line(format_args!("{verdict}: {all}.{hint}"))?;
    for caveat in &report.caveats {
        out.styled_line(Style::Dim, caveat)?;
    }
    Ok(())
}

/// Whether threads block on futures, and no runtime was found: a future is polled without one, too.
fn is_blocked_on_alone(report: &Report) -> bool {
    let mut tasks = report.tasks.iter();
    report.runtimes.is_empty()
        && !report.tasks.is_empty()
        && tasks.all(|task| task.kind == TaskKind::BlockOn)
}

/// Whether a task passes the filter.
#[must_use]
pub fn matches(report: &Report, task: &Task, filter: &TaskFilter) -> bool {
    let polled = || report.waits_of(task.index).iter().filter(|wait| wait.is_polled);
    let has = |text: &String| {
        let in_name = |wait: &Wait| report.resource(wait.resource).name.contains(text.as_str());
        polled().any(in_name)
            || frames_of(&task.chain).any(|id| {
                let site = &report.sites[id.0 as usize];
                let in_file = [&site.location, &site.defined]
                    .into_iter()
                    .flatten()
                    .any(|location| location.file.path.contains(text.as_str()));
                site.name.full.contains(text.as_str())
                    || site.name.short.contains(text.as_str())
                    || in_file
            })
    };
    let waits_for = |kinds: &[ResourceKind]| {
        polled().any(|wait| kinds.contains(&report.resource(wait.resource).kind))
    };
    (filter.states.is_empty() || filter.states.contains(&task.state))
        && filter.with.iter().all(has)
        && !filter.without.iter().any(has)
        && (filter.waiting_on.is_empty() || waits_for(&filter.waiting_on))
}

fn frames_of(chain: &Chain) -> Box<dyn Iterator<Item = SiteId> + '_> {
    let own = chain.frames.iter().map(|frame| frame.site);
    Box::new(own.chain(chain.branches.iter().flat_map(frames_of)))
}
