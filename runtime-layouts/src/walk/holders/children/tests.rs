//! Child processes that wait for the miniature tokio.

use crate::fake::service::{Await, Flag, Keep, Service, What};
use crate::libraries::REGISTRY;
use crate::report::{BlockedChild, Report, ResourceKind};
use crate::target::host::BlockedProcess;
use crate::walk::inspect;

/// A process that child 70 began, or that it is, and which reads the other end of file 9.
fn reader(pid: u64) -> BlockedProcess {
    BlockedProcess {
        pid,
        child: 70,
        name: "cat".to_string(),
        reads: true,
        fd: 9,
        others: vec![7, 8],
    }
}

fn beside(service: Service, processes: Vec<BlockedProcess>) -> Report {
    inspect(&service.target().beside(processes), REGISTRY)
}

/// What is known of the child whose end, or whose pipe, is waited for.
fn child_of(report: &Report, kind: ResourceKind) -> Option<&BlockedChild> {
    let mut all = report.resources.iter().filter(|resource| resource.kind == kind);
    let found = all.next().unwrap_or_else(|| panic!("{:?}", report.resources));
    found.child.as_deref()
}

/// Who has the file that the child waits for: `2: input`.
fn keeper(report: &Report) -> Option<String> {
    let keeper = child_of(report, ResourceKind::Child).expect("a child that waits").keeper.as_ref();
    let one = |keeper: &crate::report::FileKeeper| {
        format!("{}: {}", report.task(keeper.task).id.0, keeper.variable.as_deref().unwrap_or("-"))
    };
    keeper.map(one)
}

/// A task that waits for the end of child 70, with these variables.
fn waiting(keeps: &[Keep<'_>]) -> Service {
    let mut service = Service::new();
    service.spawn("waiting", keeps, Await::Child(70));
    service
}

fn file(name: &str, number: u64) -> Keep<'_> {
    Keep::of(name, What::File(number))
}

#[test]
fn the_end_of_a_child_waits_for_who_has_the_pipe_that_it_reads() {
    let mut service = waiting(&[file("log", 8)]);
    service.spawn("keeper", &[file("input", 9)], Await::Socket);
    let report = beside(service, vec![reader(70)]);
    let child = child_of(&report, ResourceKind::Child).expect("a child that waits");
    assert_eq!((child.pid, child.child, &*child.name), (70, 70, "cat"));
    assert_eq!((child.reads, child.fd), (true, 9));
    assert_eq!(keeper(&report).as_deref(), Some("2: input"));
}

#[test]
fn what_a_child_began_counts_as_well() {
    let report = beside(waiting(&[file("input", 9)]), vec![reader(71)]);
    let child = child_of(&report, ResourceKind::Child).expect("a child that waits");
    assert_eq!((child.pid, child.child), (71, 70));
    assert_eq!(keeper(&report).as_deref(), Some("1: input"));
}

#[test]
fn other_processes_say_nothing_of_a_child() {
    let stranger = BlockedProcess { child: 60, others: Vec::new(), ..reader(60) };
    let report = beside(waiting(&[file("input", 9)]), vec![stranger]);
    assert_eq!(child_of(&report, ResourceKind::Child), None);
    let report = beside(waiting(&[file("input", 9)]), Vec::new());
    assert_eq!(child_of(&report, ResourceKind::Child), None);
}

#[test]
fn a_pipe_that_a_task_waits_for_is_about_to_be_used() {
    let mut service = waiting(&[]);
    service.spawn("reading", &[], Await::Pipe(9));
    let report = beside(service, vec![reader(70)]);
    assert_eq!(child_of(&report, ResourceKind::Child), None);
    assert_eq!(child_of(&report, ResourceKind::Io), None);
}

#[test]
fn who_reads_the_output_of_a_child_waits_for_its_input() {
    let mut service = Service::new();
    service.spawn("reading", &[file("input", 9)], Await::Pipe(8));
    let report = beside(service, vec![reader(70)]);
    let child = child_of(&report, ResourceKind::Io).expect("a child that waits");
    assert_eq!((child.pid, child.fd), (70, 9));
    assert_eq!(child.keeper.as_ref().and_then(|keeper| keeper.variable.as_deref()), Some("input"));

    // Who waits to read or to write may do either.
    let mut service = Service::new();
    let either = service.spawn("either", &[file("input", 9)], Await::Pipe(8));
    service.memory.put_u64(either.future, 0b11);
    let report = beside(service, vec![reader(70)]);
    assert_eq!(child_of(&report, ResourceKind::Io), None);

    // Another pipe of the program has nothing to do with it.
    let mut service = Service::new();
    service.spawn("reading", &[file("input", 9)], Await::Pipe(6));
    let report = beside(service, vec![reader(70)]);
    assert_eq!(child_of(&report, ResourceKind::Io), None);
}

#[test]
fn a_variable_that_may_be_old_is_named_where_it_is_the_only_one() {
    let old = |name| file(name, 9).with(Flag::Captured);
    let report = beside(waiting(&[old("first")]), vec![reader(70)]);
    assert_eq!(keeper(&report).as_deref(), Some("1: first"));

    let report = beside(waiting(&[old("first"), old("second")]), vec![reader(70)]);
    assert_eq!(keeper(&report), None, "which of the two is not known");

    let mut service = waiting(&[old("first"), old("second")]);
    service.spawn("keeper", &[file("input", 9)], Await::Socket);
    let report = beside(service, vec![reader(70)]);
    assert_eq!(keeper(&report).as_deref(), Some("2: input"));
}

#[test]
fn nobody_is_said_to_have_a_file_that_no_variable_has() {
    let report = beside(waiting(&[file("log", 8)]), vec![reader(70)]);
    assert_eq!(keeper(&report), None);
}
