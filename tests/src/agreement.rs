//! Agreement of the commands: what one of them says of a program, no other one denies.
//!
//! `async why`, `async why ID`, `async locks`, the list and the JSON report are drawn from one graph.
//! Here they are read as a user and a script read them, from one stop of one debugger.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask::session::Subject;

use crate::front::{DUMP, Front};

/// Kinds of resources that `async locks` lists.
const LOCKS: [&str; 5] = ["mutex", "rwlock", "semaphore", "once_cell", "thread_lock"];

/// The sentence that `async why` says only when nothing is wrong.
const NOTHING: &str = "Nothing is stuck";

/// The end of a chain of reasons that leads back into itself.
const CLOSED: &str = "which closes the cycle";
const BESIDES: &str = "which closes the cycle, but ";

/// What the commands say of one stopped process.
struct Said {
    report: Value,
    why: String,
    locks: String,
    /// What `async why ID` says, by id.
    of_tasks: Vec<(String, String)>,
}

/// Asks gdb, and holds what it says against each other.
///
/// # Errors
/// When gdb cannot be asked, or two commands contradict each other: a sentence says which.
pub fn check(subject: Subject<'_>) -> Result<()> {
    let said = Said::of(subject)?;
    let findings = array(&said.report, "findings")?;
    for finding in findings {
        said.holders_are_holders(finding).with_context(|| format!("of the finding {finding}"))?;
    }
    said.nothing_is_said_of_nothing(findings)?;
    said.circles_are_findings(findings)
}

impl Said {
    fn of(subject: Subject<'_>) -> Result<Self> {
        let json = format!("{DUMP} --json");
        // The command line is the quickest to name the tasks.
        let known = Front::CommandLine.ask(subject, &[&json])?;
        let ids = ids(&serde_json::from_str(&known[0]).context("the JSON report")?)?;
        let mut commands = vec![json, "async why".into(), "async locks --all".into()];
        commands.extend(ids.iter().map(|id| format!("async why {id}")));
        let mut said = Front::SystemGdb.ask(subject, &commands)?.into_iter();
        let mut next = || said.next().context("an answer to each command");
        Ok(Self {
            report: serde_json::from_str(&next()?).context("the JSON report")?,
            why: next()?,
            locks: next()?,
            of_tasks: ids.into_iter().zip(said).collect(),
        })
    }

    /// Every holder in a finding is a holder of the wait that the finding is about, in the JSON of
    /// the task and in `async locks`.
    fn holders_are_holders(&self, finding: &Value) -> Result<()> {
        for evidence in array(finding, "evidence")? {
            let holder = &evidence["held_by"];
            if holder.is_null() {
                continue;
            }
            let address = text(evidence, "address")?;
            let task = self.task(text(evidence, "task")?)?;
            let mut waits = array(task, "waiting_on")?.iter();
            let of_wait = waits.any(|wait| {
                wait["address"] == address
                    && wait["held_by"].as_array().is_some_and(|all| all.contains(holder))
            });
            ensure!(of_wait, "no wait of the task has the holder {holder}");
            if LOCKS.contains(&text(evidence, "resource")?) && address != "0x0" {
                let rows = self.rows_of(address)?;
                let is_listed = rows.iter().any(|row| {
                    let who = holder["task"].as_str().map_or_else(
                        || format!("thread {}", holder["thread"]["id"]),
                        str::to_string,
                    );
                    let has_it = ["held by", "read by", "being initialized by"]
                        .iter()
                        .any(|label| row.contains(label));
                    has_it && row.split_whitespace().any(|word| who.ends_with(word))
                });
                ensure!(is_listed, "`async locks` lists no holder {holder} in {rows:?}");
            }
        }
        Ok(())
    }

    /// The rows of `async locks` about the lock at an address.
    fn rows_of(&self, address: &str) -> Result<Vec<&str>> {
        let mut lines = self.locks.lines();
        let is_title = |line: &&str| {
            !line.starts_with(' ') && line.split_whitespace().any(|word| word == address)
        };
        lines.find(is_title).with_context(|| format!("`async locks` does not list {address}"))?;
        Ok(lines.take_while(|line| line.starts_with(' ')).collect())
    }

    /// `async why` says that nothing is stuck only where there is no finding, no worker is blocked
    /// and no task waits for a lock that it holds itself.
    fn nothing_is_said_of_nothing(&self, findings: &[Value]) -> Result<()> {
        let says_nothing = self.why.contains(NOTHING);
        ensure!(!says_nothing || findings.is_empty(), "the JSON has findings: {}", self.why);
        if !says_nothing {
            return Ok(());
        }
        for runtime in array(&self.report, "runtimes")? {
            let blocked = array(runtime, "workers")?.iter().any(|it| it["state"] == "blocked");
            ensure!(!blocked, "a worker is blocked, but: {}", self.why);
        }
        for task in array(&self.report, "tasks")? {
            let waits_for_itself = array(task, "waiting_on")?.iter().any(|wait| {
                let is_lock = LOCKS.iter().any(|lock| wait["resource"] == *lock);
                let open = wait["polled"] == true && wait["granted"] == false;
                let mut holders = wait["held_by"].as_array().into_iter().flatten();
                is_lock
                    && open
                    && holders.any(|it| it["task"] == task["id"] && it["certain"] == true)
            });
            ensure!(!waits_for_itself, "task {} waits for itself, but: {}", task["id"], self.why);
        }
        Ok(())
    }

    /// A task whose chain of reasons is closed is in a finding, or behind one.
    fn circles_are_findings(&self, findings: &[Value]) -> Result<()> {
        for (id, why) in &self.of_tasks {
            let is_in = |finding: &Value| {
                ["tasks", "behind"].iter().any(|list| {
                    finding[list].as_array().is_some_and(|all| all.iter().any(|it| it == id))
                })
            };
            // What a task of it waits for besides may end it, or who else has an end.
            if why.contains(BESIDES) {
                ensure!(self.may_be_ended(why)?, "`async why {id}`: nothing else ends it: {why}");
                continue;
            }
            ensure!(
                !why.contains(CLOSED) || findings.iter().any(is_in),
                "`async why {id}` closes a cycle that is no finding: {why}"
            );
        }
        Ok(())
    }

    /// Whether a task that a chain names waits for more than one thing, or for what may be another's:
    /// the other end of a connection.
    fn may_be_ended(&self, why: &str) -> Result<bool> {
        let ids = why.lines().filter_map(|line| line.trim_start().strip_prefix("Task "));
        for id in ids.filter_map(|rest| rest.split_whitespace().next()) {
            let polled: Vec<&Value> = array(self.task(id)?, "waiting_on")?
                .iter()
                .filter(|wait| wait["polled"] == true)
                .collect();
            let is_peer = |wait: &&Value| {
                let holders = wait["held_by"].as_array().into_iter().flatten();
                holders.into_iter().any(|holder| holder["access"] == "peer")
            };
            if polled.len() > 1 || polled.iter().any(is_peer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn task(&self, id: &str) -> Result<&Value> {
        let mut tasks = array(&self.report, "tasks")?.iter();
        tasks.find(|task| task["id"] == id).with_context(|| format!("no task {id}"))
    }
}

fn ids(report: &Value) -> Result<Vec<String>> {
    array(report, "tasks")?.iter().map(|task| Ok(text(task, "id")?.to_string())).collect()
}

fn array<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    value[name].as_array().with_context(|| format!("no list `{name}` in {value}"))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name].as_str().with_context(|| format!("no text `{name}` in {value}"))
}
