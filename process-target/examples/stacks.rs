//! Prints the native stack of every thread of a process or a core file: program counter, canonical
//! frame address, and the registers that are known, by DWARF number.
//!
//! `cargo run -p process-target --example stacks -- PID | CORE [EXECUTABLE]`

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use process_target::{CoreOptions, CoreTarget, LiveOptions, LiveTarget};
use runtime_layouts::target::Target;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let subject = arguments.first().ok_or("name a process or a core file")?;
    let target: Box<dyn Target> = match subject.parse() {
        Ok(pid) => Box::new(LiveTarget::attach(pid, &LiveOptions::default())?),
        Err(_) => {
            let executable = arguments.get(1).map(PathBuf::from);
            let options = CoreOptions { executable, ..CoreOptions::default() };
            Box::new(CoreTarget::open(Path::new(subject), &options)?)
        }
    };
    let mut out = std::io::stdout().lock();
    for thread in target.threads() {
        writeln!(out, "thread {} {}", thread.number, thread.tid)?;
        for frame in target.native_frames(thread, 1000) {
            write!(out, "{:#x} {:#x}", frame.pc.get(), frame.frame_address.unwrap_or(0))?;
            for (number, value) in &frame.registers {
                write!(out, " {number}={value:#x}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}
