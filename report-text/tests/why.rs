//! The diagnosis in words, of reports built by hand.

use report_text::text::{Look, why};
use runtime_layouts::fake::FakeReport;
use runtime_layouts::report::{Access, ResourceKind};

/// What is said of a story.
fn text(story: FakeReport) -> String {
    let look = Look {
        width: Some(100),
        styled: false,
        full_names: false,
        user_only: false,
        current: None,
    };
    let mut text = Vec::new();
    why::write(&story.report(), &look, &mut text).expect("a vector");
    String::from_utf8(text).expect("text")
}

/// The first line of it.
fn first_line(story: FakeReport) -> String {
    text(story).lines().next().unwrap_or_default().to_string()
}

#[test]
fn who_keeps_a_lock_is_named_though_another_one_never_ends() {
    let mut story = FakeReport::new();
    let (waiting, holder, service) = (story.task(), story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    let (end, never) = (story.end_of(&[service]), story.resource(ResourceKind::Never, "nothing"));
    story.waits(waiting, stock);
    story.holds(holder, stock);
    story.waits(holder, end);
    story.waits(service, never);
    assert_eq!(
        first_line(story),
        "1. Never woken: task 1 waits while task 2 holds Mutex<Stock> and waits forever."
    );
}

#[test]
fn what_a_task_withholds_from_itself_has_a_name() {
    let line = |kind, held, asked| {
        let mut story = FakeReport::new();
        let task = story.task();
        let channel = story.channel(kind, "mpsc<u32>", 1);
        story.holds(task, channel).access = held;
        story.waits(task, channel).access = asked;
        first_line(story)
    };
    let (send, receive) = (Access::Send, Access::Receive);
    for (kind, held, asked, what) in [
        (ResourceKind::Mpsc, send, Some(receive), "a message that only it can send"),
        (ResourceKind::Oneshot, send, Some(receive), "a value that only it can send"),
        (ResourceKind::Watch, send, Some(receive), "a change that only it can make"),
        (ResourceKind::Mpsc, receive, Some(send), "room that only it can make"),
        (ResourceKind::Oneshot, receive, None, "the end of a receiver that it holds itself"),
    ] {
        let expected = format!("1. Deadlock: task 1 waits for {what}.");
        assert_eq!(line(kind, held, asked), expected);
    }
}

#[test]
fn what_never_completes_is_evidence() {
    let mut story = FakeReport::new();
    let (waiting, holder) = (story.task(), story.task());
    let stock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
    let never = story.resource(ResourceKind::Never, "pending()");
    story.waits(waiting, stock);
    story.holds(holder, stock);
    story.waits(holder, never);
    let text = text(story);
    assert!(text.contains("task 2 waits for pending(), which never completes, "), "{text}");
}
