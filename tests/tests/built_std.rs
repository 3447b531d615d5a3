//! Programs for processors whose standard library is built first, looked at from another machine
//! through a gdb server: the texts are those of this machine's programs.

use anyhow::Result;
use end_to_end_tests::emulated::check;
use end_to_end_tests::front::Front;
use xtask::built_std::{Foreign, RISCV64};
use xtask::fixture::Profile;

fn each_shape_has_its_backtrace(on: &'static Foreign) -> Result<()> {
    let tools = on.tools()?;
    let program = tools.build("shapes", Profile::Debug)?;
    // lldb hears of the libraries before it hears of the program, or not at all: by hand.
    check(&tools.emulator()?, &program, &[], "shapes", &[Front::NewestGdb])
}

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_riscv64() -> Result<()> {
    each_shape_has_its_backtrace(&RISCV64)
}
