//! Debug information by the gigabyte: a C file full of types, linked to a program often enough.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::fixture::Profile;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// Structs in the C file, and members of each: some 9 MB of `.debug_info`.
const STRUCTS: usize = 50_000;
const MEMBERS: usize = 12;

/// The object file.
fn object_file(step: &Step) -> Result<PathBuf> {
    let folder = target().join("bench");
    let (source, object) = (folder.join("filler.c"), folder.join("filler.o"));
    if object.exists() {
        return Ok(object);
    }
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let mut text = String::new();
    for number in 0..STRUCTS {
        write!(text, "struct filler_of_a_large_program_{number} {{ ")?;
        for member in 0..MEMBERS {
            write!(text, "long member_{member}; ")?;
        }
        text.push_str("};\n");
    }
    std::fs::write(&source, text).context("writing the C file")?;
    let mut cc = workspace::command(std::env::var_os("CC").unwrap_or("cc".into()), root());
    cc.args(["-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-c", "-o"]).arg(&object);
    workspace::run(cc.arg(&source), step)?;
    Ok(object)
}

/// `many-tasks`, optimized, with the object file linked to it so often. Without it, the program as
/// the tests have it.
pub(super) fn many_tasks(copies: usize) -> Result<PathBuf> {
    if copies == 0 {
        return crate::fixture::build("many-tasks", Profile::Release);
    }
    let built = target().join("bench").join(format!("many-tasks-{copies}"));
    exclusively("bench", || {
        if built.exists() {
            return Ok(());
        }
        let step = Step::begin(format!("linking {copies} times 9 MB of debug information"));
        let object = object_file(&step)?;
        let mut build = cargo(&root().join("tests/fixtures"));
        build.args(["rustc", "--locked", "--package", "many-tasks", "--release", "--target-dir"]);
        build.arg(target().join("bench/build")).arg("--");
        build.args(vec![format!("-Clink-arg={}", object.display()); copies]);
        workspace::run(&mut build, &step)?;
        let program = target().join("bench/build/release/many-tasks");
        std::fs::rename(&program, &built).context("putting it aside")?;
        step.done();
        Ok(())
    })?;
    Ok(built)
}
