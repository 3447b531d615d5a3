//! `mpsc` channels: many senders and one receiver.
//!
//! Source: `tokio/src/sync/mpsc/{bounded,unbounded,chan,list}.rs` (tokio 1.54.1).

use super::{notify, semaphore};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::waker;
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ReservedPlaces, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What all ends of a channel share.
pub(in crate::libraries::tokio) const CHAN: &str = "tokio::sync::mpsc::chan::Chan<";

/// What a channel says of itself.
struct State {
    /// Messages in it.
    queued: u64,
    /// Messages that it can take; `None` for an unbounded one.
    capacity: Option<u64>,
    /// Places that are promised: to permits, and to senders that wait to be polled.
    reserved: u64,
    senders: u64,
    /// Handles that can be made senders as long as there is one.
    weak_senders: u64,
    is_closed: bool,
}

/// `Receiver`, `UnboundedReceiver`: the next message.
pub(in crate::libraries::tokio) fn receiver(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(chan) = value.find_through_pointers(reading.program, CHAN)? else { return Ok(None) };
    let state = state(reading.program, chan)?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, chan);
    seen.name = Some(generic_name("mpsc", value, reading.program)?);
    seen.access = Some(Access::Receive);
    seen.parties = Some(state.senders);
    seen.is_reachable = state.weak_senders > 0;
    seen.reserved = state.reserved(true);
    let mut text = format!("{}, {}", state.filling(), count(state.senders, "sender"));
    if state.is_closed {
        text.push_str(", closed");
    }
    seen.state = Some(text);
    // What is there will be taken as soon as the task is polled.
    seen.is_granted = state.queued > 0 || state.senders == 0;
    Ok(Some(seen))
}

/// `Sender`, `UnboundedSender`: room for a message, or the end of the receiver.
pub(crate) fn sender(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(chan) = value.find_through_pointers(program, CHAN)? else { return Ok(None) };
    let state = state(program, chan)?;
    let room = match semaphore::is_asked_for(reading)? {
        true => chan.find_inline(program, semaphore::SEMAPHORE)?,
        false => None,
    };
    let mut seen = match room {
        Some(inner) => {
            let mut seen = semaphore::of_inner(reading, ResourceKind::Mpsc, chan, inner)?;
            seen.access = Some(Access::Send);
            seen.reserved = state.reserved(false);
            let full = if state.is_full() { "full: " } else { "" };
            seen.state = Some(format!("{full}{}", state.filling()));
            seen
        }
        None => {
            let mut seen = ObservedResource::new(ResourceKind::Mpsc, chan);
            seen.state = Some(state.filling());
            seen.is_granted = notify::is_granted(reading)?;
            seen
        }
    };
    seen.name = Some(generic_name("mpsc", value, program)?);
    seen.key = chan.address;
    seen.parties = Some(u64::from(!state.is_closed));
    Ok(Some(seen))
}

/// The semaphore of which each permit is a place in the channel that something is an end of, or leads
/// to one; `None` for an unbounded one.
pub(crate) fn room(program: &Program<'_>, end: Value) -> Result<Option<Value>, ValueError> {
    match end.find_through_pointers(program, CHAN)? {
        Some(chan) => chan.find_inline(program, semaphore::SEMAPHORE),
        None => Ok(None),
    }
}

/// The waker that a receiver has left in its channel.
pub(in crate::libraries::tokio) fn receiver_wakers(
    program: &Program<'_>,
    value: Value,
) -> Result<Vec<u64>, ValueError> {
    let Some(chan) = value.find_through_pointers(program, CHAN)? else { return Ok(Vec::new()) };
    waker::stored(program, chan.member(program, "rx_waker")?)
}

fn state(program: &Program<'_>, chan: Value) -> Result<State, ValueError> {
    let senders = chan.member(program, "tx_count")?.unsigned(program)?;
    let tail = chan.member(program, "tx")?.find_number(program, "tail_position")?.unwrap_or(0);
    let fields = chan.member(program, "rx_fields")?;
    let head = fields.find_number(program, "index")?.unwrap_or(0);
    // The last sender to go leaves a mark behind the messages.
    let queued = tail.wrapping_sub(head).saturating_sub(u64::from(senders == 0));
    let semaphore = chan.member(program, "semaphore")?;
    let capacity = match semaphore.find_number(program, "bound")? {
        // Before tokio 1.27 or so it is a tuple of the semaphore and the bound.
        None if semaphore.find_inline(program, semaphore::SEMAPHORE)?.is_some() => {
            Some(semaphore.member(program, "__1")?.unsigned(program)?)
        }
        bound => bound,
    };
    let free = match capacity {
        Some(_) => semaphore::free_in(program, semaphore)?,
        None => None,
    };
    let taken = capacity.zip(free).map_or(0, |(capacity, free)| capacity.saturating_sub(free));
    Ok(State {
        queued,
        capacity,
        reserved: taken.saturating_sub(queued),
        senders,
        // Since tokio 1.23.
        weak_senders: chan.find_number(program, "tx_weak_count")?.unwrap_or(0),
        is_closed: fields.find_number(program, "rx_closed")?.is_some_and(|closed| closed != 0),
    })
}

impl State {
    fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.queued.saturating_add(self.reserved) >= capacity)
    }

    /// The places that are reserved, for who waits for messages or for room.
    fn reserved(&self, is_for_messages: bool) -> Option<ReservedPlaces> {
        let are_all = self.queued == 0 && self.is_full() && !self.is_closed;
        let places = ReservedPlaces { count: self.reserved, are_all, is_for_messages };
        (self.reserved > 0).then_some(places)
    }

    /// `3 of 8 queued, 1 reserved`.
    fn filling(&self) -> String {
        let queued = self.queued;
        let mut text = match self.capacity {
            Some(capacity) => format!("{queued} of {capacity} queued"),
            None => format!("{queued} queued"),
        };
        if self.reserved > 0 {
            text.push_str(&format!(", {} reserved", self.reserved));
        }
        text
    }
}
