//! Everything that can be said of a process: each of these must end, and none may panic.

use report_text::json;
use report_text::text::{Beside, Look, backtrace, locks, tasks, whatis, why, workers};
use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::target::Target;
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::walk::inspect;

/// Tasks whose addresses are asked for.
const MAX_ASKED: usize = 4;

/// Inspects the process and makes every text of what was found.
pub fn say(target: &dyn Target) {
    let report = inspect(target, REGISTRY);
    let locals = LocalTable::of(target, &report, &report.tasks, LIBRARIES, Limits::SHORT);
    let beside = Beside::with(locals);
    let look =
        Look { width: Some(80), styled: true, full_names: true, user_only: false, current: None };
    let mut out = Vec::new();
    let _ = tasks::write(&report, &tasks::TaskFilter::default(), &look, &mut out);
    let _ = workers::write(&report, &look, &mut out);
    let _ = json::write(&report, &beside, &mut out);
    let _ = json::write_shared(&report, &beside, &mut out);
    let _ = locks::write(&report, true, &look, &mut out);
    let _ = why::write(&report, &look, &mut out);
    for task in report.tasks.iter().take(MAX_ASKED) {
        for address in [task.address, task.chain.frames.last().map_or(1, |last| last.address.wrapping_add(1))] {
            let found = runtime_layouts::whatis::of(target, &report, LIBRARIES, address);
            let _ = whatis::write(&report, &found, &look, &mut out);
        }
    }
    for task in &report.tasks {
        let _ = backtrace::write(&report, task, &look, &beside, &mut out);
        let _ = why::write_task(&report, task, &look, &mut out);
    }
}
