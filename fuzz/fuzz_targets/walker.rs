//! Any memory behind true layouts: the walk ends, and every text can be made of what it found.
//!
//! The memory is that of a healthy miniature runtime with bytes of it replaced: each seven bytes
//! of input are a place in it and what to write there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::fake::{FakeTarget, tokio};
use report_text::json;
use report_text::text::{Beside, Look, backtrace, locks, tasks, why, workers};
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::walk::inspect;

const TASKS: u64 = 4;

fuzz_target!(|bytes: &[u8]| {
    let mut memory = tokio::memory(TASKS);
    for edit in bytes.chunks_exact(7) {
        let into = u64::from(u16::from_le_bytes([edit[1], edit[2]]));
        let address = match edit[0] % 8 {
            0 => tokio::CONTEXT + into % 64,
            1 => tokio::HANDLE + into % 64,
            2 => tokio::TASK_VTABLE + into % 64,
            3 => tokio::FUTURE_VTABLE + into % 64,
            4 => tokio::boxed(1 + into % TASKS) + into % 32,
            _ => tokio::task(1 + into % TASKS) + (into / 8) % 96,
        };
        if edit[0] & 0x80 != 0 {
            memory.hole(address, 1 + into % 16);
        } else {
            memory.put(address, &edit[3..7]);
        }
    }
    let target = FakeTarget::new(tokio::layouts(), memory, tokio::THREAD_POINTER);
    let report = inspect(&target, REGISTRY);
    let locals = LocalTable::of(&target, &report, &report.tasks, LIBRARIES, Limits::SHORT);
    let beside = Beside::with(locals);
    let look =
        Look { width: Some(80), styled: true, full_names: true, user_only: false, current: None };
    let mut out = Vec::new();
    let _ = tasks::write(&report, &tasks::TaskFilter::default(), &look, &mut out);
    let _ = workers::write(&report, &look, &mut out);
    let _ = json::write(&report, &beside.locals, &mut out);
    let _ = locks::write(&report, true, &look, &mut out);
    let _ = why::write(&report, &look, &mut out);
    for task in &report.tasks {
        let _ = backtrace::write(&report, task, &look, &beside, &mut out);
        let _ = why::write_task(&report, task, &look, &mut out);
    }
});
