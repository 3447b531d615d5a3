//! Where to look where a library's own tasks wait for work.

use std::time::Duration;

use super::leads::{lines, told};
use crate::fake::FakeReport;
use crate::report::{Access, Due, LeadReason, ResourceKind};

#[test]
fn what_serves_others_and_waits_for_work_is_no_lead_beside_the_users_own() {
    let beside = |with_users: bool| {
        let mut story = FakeReport::new();
        let (service, asked) = (story.task(), story.task());
        let jobs = story.channel(ResourceKind::Mpsc, "mpsc<Job>", 1);
        story.waits(service, jobs).access = Some(Access::Receive);
        let answer = story.channel(ResourceKind::Broadcast, "broadcast<Answer>", 1);
        let waits = story.waits(asked, answer);
        (waits.access, waits.user) = (Some(Access::Receive), with_users.then_some(waits.leaf));
        lines(&told(story))
    };
    let end = LeadReason::ChainEnd;
    assert_eq!(beside(true), [(end, vec![2], 0)]);
    assert_eq!(beside(false), [(end, vec![1], 0), (end, vec![2], 0)], "there is nothing better");
}

#[test]
fn services_that_wait_for_each_others_work_are_counted_where_the_users_code_waits_for_none() {
    let mut story = FakeReport::new();
    let (main, first, second) = (story.task(), story.task(), story.task());
    let signal = story.resource(ResourceKind::Signal, "a signal");
    let waits = story.waits(main, signal);
    waits.user = Some(waits.leaf);
    for (service, other) in [(first, second), (second, first)] {
        let jobs = story.channel(ResourceKind::Mpsc, "mpsc<Job>", 2);
        story.waits(service, jobs).access = Some(Access::Receive);
        story.holds(other, jobs).access = Access::Send;
    }
    let leads = told(story);
    assert_eq!(lines(&leads), []);
    assert_eq!((leads.inside, leads.serving), (0, 2));
    assert_eq!(leads.outside, [(ResourceKind::Signal, 1)]);
}

#[test]
fn a_service_that_the_users_code_waits_for_is_a_lead() {
    let mut story = FakeReport::new();
    let (service, waiting) = (story.task(), story.task());
    let jobs = story.channel(ResourceKind::Mpsc, "mpsc<Job>", 1);
    story.waits(service, jobs).access = Some(Access::Receive);
    let end = story.end_of(&[service]);
    let waits = story.waits(waiting, end);
    waits.user = Some(waits.leaf);
    assert_eq!(lines(&told(story)), [(LeadReason::ChainEnd, vec![1], 1)]);
}

#[test]
fn what_a_task_brings_itself_from_a_socket_is_a_wait_for_that_socket() {
    let with = |waits_for_a_socket: bool| {
        let mut story = FakeReport::new();
        let connection = story.task();
        let handler = story.awaits(connection);
        let body = story.channel(ResourceKind::Mpsc, "HTTP body", 2);
        story.holds(connection, body).access = Access::Send;
        story.waits(handler, body).access = Some(Access::Receive);
        if waits_for_a_socket {
            let socket = story.resource(ResourceKind::Io, "TcpStream");
            story.waits(connection, socket);
        }
        lines(&told(story))
    };
    assert_eq!(with(true), []);
    assert_eq!(with(false).len(), 1);
}

/// The owner of a client waits for ever, and tasks of the client's own for orders of it; with `is_awaited`
/// a task of the user's waits for the owner as well.
fn client(is_awaited: bool) -> Vec<(LeadReason, Vec<u32>, usize)> {
    let mut story = FakeReport::new();
    let (owner, background, waiter) = (story.task(), story.task(), story.task());
    let never = story.resource(ResourceKind::Never, "pending()");
    let orders = story.resource(ResourceKind::Oneshot, "oneshot<Order>");
    let end = story.end_of(&[owner]);
    let timer = story.timer("Sleep", Due::In(Duration::from_secs(7)));
    story.holds(owner, orders).access = Access::Send;
    story.waits(owner, never);
    story.waits(waiter, if is_awaited { end } else { timer });
    story.of_the_user();
    story.waits(background, orders).access = Some(Access::Receive);
    lines(&told(story))
}

#[test]
fn a_librarys_own_tasks_are_kept_waiting_by_nobody_who_has_a_handle_of_it() {
    assert_eq!(client(false), []);
    assert_eq!(client(true), [(LeadReason::ChainEnd, vec![1], 2)]);
}
