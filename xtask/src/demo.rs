//! `cargo xtask demo`: a web shop hangs; what gdb alone says, and what unhang says.

use std::time::Duration;

use anyhow::{Result, ensure};
use console::{Term, style};

use crate::debugger::{self, Debugger};
use crate::fixture::{self, Profile, Running};
use crate::hung_service::{HungService, Purchase};
use crate::progress::Step;
use crate::session::{Session, Subject};
use crate::story::{Scheduler, Story};
use crate::{build, workspace};

/// How long a customer waits before we say that the shop hangs.
const A_MOMENT: Duration = Duration::from_secs(1);

/// How many customers queue behind the one that hangs.
const QUEUE: usize = 2;

/// How long gdb may take.
const GDB_LIMIT: Duration = Duration::from_secs(120);

/// So much is shown of a backtrace that says nothing.
const LINES_OF_GDB: usize = 14;

/// What is shown of gdb, and what of unhang.
const GDB_ALONE: [&str; 2] = ["bt", "info threads"];
const UNHANG: [&str; 3] = ["info async-tasks", "async why", "async bt all"];

/// `cargo xtask demo`, with that version of tokio and its current-thread scheduler, or with the
/// service as it is.
pub fn run(tokio: Option<&str>) -> Result<()> {
    let built = build::build()?;
    let executable = match tokio {
        Some(version) => Story::plain(version, Profile::Debug, Scheduler::CurrentThread).build()?,
        None => fixture::build("inventory-service", Profile::Debug)?,
    };
    let gdb = debugger::gdb()?;

    let service = Running::start::<&str>(&executable, &[])?;
    let shop = HungService::new(service)?;
    heading("A web shop, and its customers");
    if let Some(version) = tokio {
        println!("With tokio {version} and its current-thread scheduler.");
    }
    println!("The service listens on {} (process {})", shop.address(), shop.service.pid());
    println!();
    let waiting = send_customers(&shop)?;

    let setup = [format!("source {}", built.gdb_script.display())];
    let step = Step::begin(format!("attaching gdb {}", gdb.version));
    let alone = look(&gdb, &shop, &[], &GDB_ALONE)?;
    let with_unhang = look(&gdb, &shop, &setup, &UNHANG)?;
    step.done();

    heading("What gdb alone says");
    let short: Vec<String> = alone.iter().map(|text| shortened(text)).collect();
    show(&GDB_ALONE, &short);
    println!("Every thread is parked. Which request hangs, where, and why: not a word.");

    heading("What gdb says with unhang");
    show(&UNHANG, &with_unhang);
    ensure!(
        with_unhang.iter().any(|text| text.contains("waits for a lock that it holds itself")),
        "unhang did not say why the shop hangs"
    );

    println!("There it is: `reserve` holds the inventory and calls `restock`, which waits for the");
    println!("inventory. Every later checkout queues behind the two of them.");

    // They are kept to here: a customer who goes away takes its task along.
    drop(waiting);
    let pid = shop.service.pid();
    drop(shop);
    heading("Try it yourself");
    println!("The service (process {pid}) has been stopped. To look at a program of your own:");
    println!();
    let script = built.gdb_script.strip_prefix(workspace::root()).unwrap_or(&built.gdb_script);
    println!("  gdb -p PID -x {}", script.display());
    println!("  (gdb) info async-tasks");
    Ok(())
}

/// Sends customers until one gets no answer, and a few more behind it.
fn send_customers(shop: &HungService) -> Result<Vec<Purchase>> {
    let mut waiting = Vec::new();
    while waiting.len() <= QUEUE {
        let purchase = shop.buy("lamp");
        let answer = purchase.answer(A_MOMENT)?;
        let said = match &answer {
            Some(answer) => style(answer.as_str()).green(),
            None => style("no answer").red(),
        };
        println!("  POST /checkout/lamp   {said}");
        if answer.is_none() {
            waiting.push(purchase);
        }
    }
    Ok(waiting)
}

/// Attaches gdb, runs the commands, and lets the service go again.
fn look(
    gdb: &Debugger,
    shop: &HungService,
    setup: &[String],
    commands: &[&str],
) -> Result<Vec<String>> {
    Session {
        debugger: gdb,
        subject: Subject::Process(shop.service.pid()),
        setup,
        width: width(),
        limit: GDB_LIMIT,
        keeps_indexes: false,
    }
    .run(commands)
}

fn show(commands: &[&str], outputs: &[String]) {
    for (command, output) in commands.iter().zip(outputs) {
        println!("{} {}", style("(gdb)").dim(), style(command).bold());
        println!("{}\n", output.trim_end());
    }
}

/// The beginning of each line, and of many lines the first few.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let mut shown: Vec<String> = lines
        .iter()
        .take(LINES_OF_GDB)
        .map(|line| console::truncate_str(line, width().into(), "…").into_owned())
        .collect();
    if lines.len() > LINES_OF_GDB {
        let more = format!("… and {} more lines", lines.len() - LINES_OF_GDB);
        shown.push(style(more).dim().to_string());
    }
    shown.join("\n")
}

/// How wide the screen is; where there is none, as wide as reads well.
fn width() -> u16 {
    Term::stdout().size_checked().map_or(100, |(_, columns)| columns.clamp(60, 120))
}

fn heading(text: &str) {
    let rule = "─".repeat(76_usize.saturating_sub(text.chars().count()));
    println!("\n{} {} {}\n", style("──").cyan(), style(text).cyan().bold(), style(rule).cyan());
}
