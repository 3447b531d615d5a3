//! Places of channels that are reserved by who waits for something else.

use super::{reader, said};
use crate::fake::{FakeFrame, FakeReport};
use crate::report::{Access, ReservedPlaces, ResourceId, ResourceKind};

/// A channel that is full of reserved places, as those see it who wait for room and who wait for
/// messages.
fn full_channel(story: &mut FakeReport, places: u64) -> [ResourceId; 2] {
    [false, true].map(|is_for_messages| {
        let channel = story.channel(ResourceKind::Mpsc, "mpsc", 1);
        let reserved = ReservedPlaces { count: places, are_all: true, is_for_messages };
        story.resource_mut(channel).reserved = Some(reserved);
        channel
    })
}

fn reserves(story: &mut FakeReport, at: FakeFrame, channel: [ResourceId; 2]) {
    for of in channel {
        story.holds(at, of).access = Access::Place;
    }
}

/// A receiver, and a task that waits for room.
fn ends(story: &mut FakeReport, [room, messages]: [ResourceId; 2]) -> [FakeFrame; 2] {
    let (receiver, sender) = (story.task(), story.task());
    story.holds(receiver, room).access = Access::Receive;
    story.waits(receiver, messages).access = Some(Access::Receive);
    story.holds(sender, messages);
    story.waits(sender, room).access = Some(Access::Send);
    [receiver, sender]
}

#[test]
fn who_has_the_place_and_waits_for_who_wants_it_waits_for_ever() {
    let mut story = FakeReport::new();
    let channel = full_channel(&mut story, 1);
    let keeper = story.task();
    reserves(&mut story, keeper, channel);
    let [_, sender] = ends(&mut story, channel);
    let end = story.end_of(&[sender]);
    story.waits(keeper, end);
    assert_eq!(
        said(story),
        ["Deadlock: 1 waits for the end of a task, since 3 has not ended; \
          3 waits for mpsc, held by 1; behind: 2"]
    );
}

#[test]
fn whoever_has_the_place_may_use_it() {
    let mut story = FakeReport::new();
    let channel = full_channel(&mut story, 1);
    let keeper = reader(&mut story);
    reserves(&mut story, keeper, channel);
    ends(&mut story, channel);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_place_that_was_not_found_may_be_used() {
    let mut story = FakeReport::new();
    let channel = full_channel(&mut story, 2);
    let keeper = story.task();
    reserves(&mut story, keeper, channel);
    let [_, sender] = ends(&mut story, channel);
    let end = story.end_of(&[sender]);
    story.waits(keeper, end);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn a_receiver_that_goes_on_may_close_the_channel() {
    let mut story = FakeReport::new();
    let channel = full_channel(&mut story, 1);
    let (keeper, receiver) = (story.task(), reader(&mut story));
    reserves(&mut story, keeper, channel);
    story.holds(receiver, channel[0]).access = Access::Receive;
    story.waits(keeper, channel[0]).access = Some(Access::Send);
    assert_eq!(said(story), [""; 0]);
}

#[test]
fn who_was_given_a_place_and_is_polled_goes_on() {
    for is_granted in [false, true] {
        let mut story = FakeReport::new();
        let channel = full_channel(&mut story, 1);
        let keeper = story.task();
        reserves(&mut story, keeper, channel);
        let [_, sender] = ends(&mut story, channel);
        let end = story.end_of(&[sender]);
        story.waits(keeper, end);
        let other = story.task();
        story.waits(other, channel[0]).is_granted = is_granted;
        assert_eq!(said(story).is_empty(), is_granted);
    }
}
