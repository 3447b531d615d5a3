//! The story: a web shop hangs, and the debugger says where.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DUMP, GDBS, Mode};
use end_to_end_tests::listing::Listing;
use end_to_end_tests::subjects::{self, QUEUE};
use xtask::fixture::Profile;
use xtask::session::Subject;

fn check(profile: Profile, name: &str) -> Result<()> {
    let shop = subjects::hung_shop(profile)?;
    Case { name, commands: &[DUMP], fronts: ALL, modes: &[Mode::Live, Mode::Core] }
        .check(&shop.service)
}

#[test]
fn debug() -> Result<()> {
    check(Profile::Debug, "hung-service")
}

/// The same but for the note that says how the future of `block_on` was found.
#[test]
fn release() -> Result<()> {
    check(Profile::Release, "hung-service-release")
}

/// Without a golden text in between: the right frames at the right lines.
#[test]
fn every_checkout_has_its_chain() -> Result<()> {
    let mut shop = subjects::hung_shop(Profile::Debug)?;
    let alive = shop.service.alive_tasks()?;
    ensure!(alive == QUEUE + 1);
    let sources = Sources::read()?;
    for front in GDBS {
        let subject = Subject::Process(shop.service.pid());
        let outputs = front.ask(subject, &["info async-tasks", "async bt all"])?;
        let [list, traces] = outputs.as_slice() else { anyhow::bail!("two outputs") };
        let listing = Listing::read(list)?;
        ensure!(listing.is_complete, "{list}");
        ensure!(listing.tasks == alive + 1, "the tasks and `main`: {list}");

        let tasks: Vec<&str> = traces.split("\n\n").collect();
        let hung = tasks.iter().filter(|task| task.contains("inventory::stock::restock")).count();
        ensure!(hung == 1, "{hung} tasks hang in `restock`: {traces}");
        let checkouts = tasks.iter().filter(|task| task.contains("inventory::http::checkout"));
        ensure!(checkouts.clone().count() == alive, "{traces}");
        for task in checkouts {
            let mut chain = vec!["tokio::sync::Mutex<Inventory>::lock".to_owned()];
            if task.contains("inventory::stock::restock") {
                chain.push(sources.place("stock.rs", "restock", "inventory.lock().await"));
                chain.push(sources.place("stock.rs", "reserve", "restock(inventory, item).await"));
            } else {
                chain.push(sources.place("stock.rs", "reserve", "inventory.lock().await"));
            }
            chain.push(sources.place("checkout.rs", "buy", "stock::reserve("));
            chain.push(sources.place("http.rs", "checkout", "checkout::buy("));
            let mut rest = *task;
            for link in &chain {
                let (_, after) =
                    rest.split_once(link.as_str()).with_context(|| format!("{link} in {task}"))?;
                rest = after;
            }
        }
        let main = tasks.iter().find(|task| task.contains("block_on")).context("`block_on`")?;
        for frame in
            ["tokio::net::TcpListener::accept", "axum::serve", "inventory-service/src/main.rs:"]
        {
            ensure!(main.contains(frame), "{frame} in {main}");
        }
    }
    Ok(())
}

/// The source files of the service.
struct Sources(Vec<(&'static str, String)>);

impl Sources {
    fn read() -> Result<Self> {
        let folder = xtask::workspace::root().join("tests/fixtures/inventory-service/src");
        let read = |name: &'static str| {
            let text = std::fs::read_to_string(folder.join(name)).context(name)?;
            Ok((name, text))
        };
        ["stock.rs", "checkout.rs", "http.rs"]
            .into_iter()
            .map(read)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// `FILE:LINE` of the first line with `code` in it, from `fn function` on.
    fn place(&self, file: &str, function: &str, code: &str) -> String {
        let text = self.0.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| text);
        let lines = text.lines().enumerate();
        let begin = format!("async fn {function}(");
        let line = lines
            .skip_while(|(_, line)| !line.contains(&begin))
            .find(|(_, line)| line.contains(code))
            .map_or(0, |(number, _)| number + 1);
        format!("inventory-service/src/{file}:{line}\n")
    }
}
