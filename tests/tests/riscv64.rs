//! Programs for RISC-V, looked at from another machine through a gdb server: the texts are those of
//! this machine's programs.

use anyhow::Result;
use end_to_end_tests::emulated::check;
use end_to_end_tests::front::Front;
use xtask::fixture::Profile;
use xtask::riscv64::RiscV64;

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn each_shape_has_its_backtrace() -> Result<()> {
    let tools = RiscV64::tools()?;
    for (profile, golden) in [(Profile::Debug, "shapes"), (Profile::Release, "shapes-release")] {
        let program = tools.build("shapes", profile)?;
        let fronts = &[Front::NewestGdb, Front::NewestLldb];
        check(&tools.emulator()?, &program, &[], golden, fronts)?;
    }
    Ok(())
}
