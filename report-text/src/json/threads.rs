//! The threads of the process in JSON.

use serde::Serialize;

use super::waits::access_text;
use super::{PlaceJson, hexadecimal, resource_word};
use runtime_layouts::report::{BlockedCall, ProcessThread, Report, ThreadRole};

#[derive(Serialize)]
pub(super) struct ProcessThreadJson<'r> {
    id: u32,
    tid: u64,
    main: bool,
    role: &'static str,
    runtime: Option<usize>,
    worker: Option<usize>,
    task: Option<&'r str>,
    activity: &'static str,
    blocked_by: Option<BlockedCallJson<'r>>,
}

#[derive(Serialize)]
struct BlockedCallJson<'r> {
    resource: &'static str,
    name: &'r str,
    address: Option<String>,
    access: Option<&'static str>,
    function: &'r str,
    at: Option<PlaceJson<'r>>,
}

impl<'r> ProcessThreadJson<'r> {
    pub(super) fn new(report: &'r Report, thread: &'r ProcessThread) -> Self {
        let (runtime, worker) = match thread.role {
            ThreadRole::Worker { runtime, worker } => (Some(runtime), Some(worker)),
            ThreadRole::BlockingPool | ThreadRole::Other => (None, None),
        };
        Self {
            id: thread.thread.number,
            tid: thread.thread.tid,
            main: thread.is_main,
            role: thread.role.word(),
            runtime,
            worker,
            task: thread.task.map(|task| report.task(task).id.0.as_str()),
            activity: thread.activity.word(),
            blocked_by: thread.blocked.map(|call| BlockedCallJson::new(report, call)),
        }
    }
}

impl<'r> BlockedCallJson<'r> {
    fn new(report: &'r Report, call: BlockedCall) -> Self {
        let resource = report.resource(call.resource);
        let user = report.site(call.user.unwrap_or(call.call).site);
        Self {
            resource: resource_word(resource.kind),
            name: &resource.name,
            address: (resource.address != 0).then(|| hexadecimal(resource.address)),
            access: call.access.map(access_text),
            function: &report.site(call.call.site).name.full,
            at: user.location.as_ref().map(PlaceJson::new),
        }
    }
}
