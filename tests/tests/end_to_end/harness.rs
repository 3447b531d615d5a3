//! The harness itself: programs start, debuggers attach, nothing is left behind.

use anyhow::{Result, ensure};
use end_to_end_tests::front::{CoreFile, Front, GDBS};
use end_to_end_tests::subjects::{self, QUEUE};
use end_to_end_tests::third_party::Tunnel;
use xtask::fixture::Profile;
use xtask::session::Subject;

#[test]
fn the_shop_hangs_and_a_plain_gdb_sees_parked_threads() -> Result<()> {
    let mut shop = subjects::hung_shop(Profile::Debug)?;
    ensure!(shop.service.alive_tasks()? == QUEUE + 1, "one task for each open connection");
    for front in GDBS {
        let outputs = front
            .ask_alone(Subject::Process(shop.service.pid()), &["bt", "thread apply all bt 1"])?;
        let [main, threads] = outputs.as_slice() else { anyhow::bail!("two outputs") };
        ensure!(main.contains("inventory_service::main"), "{front:?}: {main}");
        ensure!(threads.contains("epoll_wait"), "{front:?}: {threads}");
        ensure!(!threads.contains("restock"), "{front:?}: {threads}");
    }
    ensure!(shop.service.alive_tasks()? == QUEUE + 1, "the service goes on");
    Ok(())
}

#[test]
fn a_core_file_shows_the_same_threads() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let core = CoreFile::of(&shop.service)?;
    let path = core.path().to_owned();
    let subject = Subject::Core { core: &path, executable: shop.service.executable() };
    for front in GDBS {
        let outputs = front.ask_alone(subject, &["bt"])?;
        ensure!(outputs[0].contains("inventory_service::main"), "{front:?}: {}", outputs[0]);
    }
    drop(core);
    ensure!(!path.exists(), "the core file is gone");
    Ok(())
}

#[test]
fn a_command_that_fails_does_not_end_the_run() -> Result<()> {
    for front in GDBS {
        let outputs = front.ask_alone(Subject::Nothing, &["no-such-command", "echo on\\n"])?;
        ensure!(outputs[0].contains("Undefined command"), "{front:?}: {outputs:?}");
        ensure!(outputs[1] == "on\n", "{front:?}: {outputs:?}");
    }
    Ok(())
}

#[test]
fn the_gdbs_are_two() -> Result<()> {
    let versions: Result<Vec<_>> = GDBS.iter().map(|front| front.debugger()).collect();
    let versions: Vec<_> = versions?.iter().map(|debugger| debugger.version.as_str()).collect();
    ensure!(Front::NewestGdb.debugger()?.version == "18.1", "{versions:?}");
    ensure!(versions[0] != versions[1], "{versions:?}");
    Ok(())
}

#[test]
fn nothing_is_left_behind() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let process = format!("/proc/{}", shop.service.pid());
    ensure!(std::fs::exists(&process)?, "it runs");
    drop(shop);
    ensure!(!std::fs::exists(&process)?, "it has ended");
    Ok(())
}

#[test]
fn the_tunnel_opens() -> Result<()> {
    let mut tunnel = Tunnel::open(2)?;
    tunnel.client.come_to_rest()
}
