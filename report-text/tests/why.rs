//! The diagnosis in words, of reports built by hand.

use report_text::text::{Look, why};
use runtime_layouts::fake::FakeReport;
use runtime_layouts::report::ResourceKind;

/// The first line of what is said of a story.
fn first_line(story: FakeReport) -> String {
    let look = Look {
        width: Some(100),
        styled: false,
        full_names: false,
        user_only: false,
        current: None,
    };
    let mut text = Vec::new();
    why::write(&story.report(), &look, &mut text).expect("a vector");
    let text = String::from_utf8(text).expect("text");
    text.lines().next().unwrap_or_default().to_string()
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
        "1. Never woken: task 1 waits, while task 2 keeps Mutex<Stock> and waits for what never \
         comes."
    );
}
