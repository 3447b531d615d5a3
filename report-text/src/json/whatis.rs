//! What lies at addresses, in JSON.

use serde::Serialize;

use super::{PlaceJson, ThreadJson, hexadecimal};
use runtime_layouts::report::{Report, ThreadRef};
use runtime_layouts::whatis::{Part, Place, Pointer, WhatIs};

#[derive(Serialize)]
pub(super) struct WhatIsJson<'r> {
    address: String,
    readable: bool,
    places: Vec<AnyPlaceJson<'r>>,
    pointed_at_by: Vec<AnyPlaceJson<'r>>,
    more_pointers: usize,
    whole: bool,
}

/// Something at an address, or something that points at it.
#[derive(Serialize, Default)]
struct AnyPlaceJson<'r> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'r str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certain: Option<bool>,
}

impl<'r> WhatIsJson<'r> {
    pub(super) fn new(report: &'r Report, found: &'r WhatIs) -> Self {
        let pointer = |pointer: &'r Pointer| match pointer {
            Pointer::Part(it) => part(report, it),
            Pointer::Stack(thread) => AnyPlaceJson { certain: Some(false), ..stack(*thread) },
        };
        Self {
            address: hexadecimal(found.address),
            readable: found.is_readable,
            places: found.places.iter().map(|it| place(report, it)).collect(),
            pointed_at_by: found.pointers.iter().map(pointer).collect(),
            more_pointers: found.more_pointers,
            whole: found.is_whole,
        }
    }
}

fn place<'r>(report: &'r Report, place: &'r Place) -> AnyPlaceJson<'r> {
    let id = |task| report.task(task).id.0.as_str();
    let nothing = AnyPlaceJson::default();
    match place {
        Place::Resource(resource) => AnyPlaceJson {
            kind: report.resource(*resource).kind.word(),
            name: Some(&report.resource(*resource).name),
            ..nothing
        },
        Place::Connection(number) => AnyPlaceJson {
            kind: "connection",
            number: Some(*number),
            task: Some(id(report.connections[*number].task)),
            ..nothing
        },
        Place::Task { task, offset } => {
            AnyPlaceJson { kind: "task", task: Some(id(*task)), offset: Some(*offset), ..nothing }
        }
        Place::Runtime(number) => {
            AnyPlaceJson { kind: "runtime", number: Some(*number), ..nothing }
        }
        Place::Waker { task } => AnyPlaceJson { kind: "waker", task: task.map(id), ..nothing },
        Place::Part(it) => part(report, it),
        Place::Stack { thread, function } => {
            AnyPlaceJson { function: function.as_deref(), ..stack(*thread) }
        }
        Place::Code { function } => {
            AnyPlaceJson { kind: "code", function: Some(function), ..nothing }
        }
        Place::Object { path, offset } => {
            AnyPlaceJson { kind: "object", path: Some(path), offset: Some(*offset), ..nothing }
        }
    }
}

fn part<'r>(report: &'r Report, part: &'r Part) -> AnyPlaceJson<'r> {
    let site = report.site(part.frame.site);
    AnyPlaceJson {
        kind: "part",
        task: Some(&report.task(part.task).id.0),
        offset: Some(part.offset),
        path: Some(&part.path),
        type_name: Some(&part.type_name),
        size: Some(part.size),
        function: Some(&site.name.full),
        place: site.location.as_ref().map(PlaceJson::new),
        certain: Some(!part.may_be_moved),
        ..AnyPlaceJson::default()
    }
}

fn stack<'r>(thread: ThreadRef) -> AnyPlaceJson<'r> {
    AnyPlaceJson { kind: "stack", thread: Some(ThreadJson::of(thread)), ..AnyPlaceJson::default() }
}
