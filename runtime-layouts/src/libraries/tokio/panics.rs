//! What tasks panicked with that nobody has asked how they ended.
//!
//! Source: `tokio/src/runtime/task/{core,error}.rs` (tokio 1.54.1): the task keeps a `JoinError` with the
//! payload, a `Box<dyn Any + Send>`. `library/std/src/panicking.rs` (Rust 1.95): that of `panic!` is a
//! `&'static str` or a `String`.

use super::state::is_ended_and_kept;
use super::task;
use crate::layout::Type;
use crate::memory::ReadError;
use crate::report::Panic;
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};

/// Bytes of a message that are read, at most.
const LONGEST: u64 = 4096;

/// What a capacity or a length may be: more is an address.
const LARGEST: u64 = 1 << 24;

/// How the task with that header panicked; `None` for one that did not, and where nothing is kept of
/// it.
pub(super) fn of(program: &Program<'_>, header: Value) -> Option<Panic> {
    let word = header.member(program, "state").ok()?.unsigned(program).ok()?;
    let result = is_ended_and_kept(word).then(|| task::result(program, header).ok())???;
    let error = result.payload_of(program, "Err").ok()??;
    let payload = error.member(program, "repr").ok()?.payload_of(program, "Panic").ok()??;
    Some(Panic { message: message(program, payload).ok().flatten().map(Into::into) })
}

/// The text of a payload, by the three words in front of its vtable: the standard library is built
/// without the names of the types behind its own.
fn message(program: &Program<'_>, payload: Value) -> Result<Option<String>, ValueError> {
    let mut is_object = |ty: &Type| ty.member("vtable").is_some();
    let path = path::find(program, payload.ty, Reach::INLINE, &mut is_object);
    let Some(object) = path.map_or(Ok(None), |path| path.follow(program, payload))? else {
        return Ok(None);
    };
    let word = u64::from(program.pointer_size());
    let words = |at: u64, count: u64| -> Result<Vec<u64>, ReadError> {
        (0..count).map(|place| program.read_pointer(at.wrapping_add(place * word))).collect()
    };
    let layout = object.layout(program)?;
    let part = |is_vtable: bool| {
        let mut members = layout.members().iter();
        let member = members.find(|member| (&*member.name == "vtable") == is_vtable);
        member.map_or(Ok(0), |member| program.read_pointer(object.address + member.offset))
    };
    let (data, vtable) = (part(false)?, part(true)?);
    let [drops, size, _] = words(vtable, 3)?[..] else { return Ok(None) };
    // A `String` frees its buffer, a `&str` nothing.
    let (start, length) = match (size / word, drops != 0) {
        (2, false) => (words(data, 1)?[0], words(data, 2)?[1]),
        (3, true) => {
            // Its capacity, its buffer and its length, in any order: the length is no larger than the
            // capacity.
            let parts = words(data, 3)?;
            let (numbers, addresses): (Vec<u64>, Vec<u64>) =
                parts.into_iter().partition(|part| *part <= LARGEST);
            let ([one, other], [start]) = (&*numbers, &*addresses) else { return Ok(None) };
            (*start, *one.min(other))
        }
        _ => return Ok(None),
    };
    if length > LARGEST {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length.min(LONGEST)).unwrap_or(0)];
    program.target().memory().read(start, &mut bytes)?;
    // A long one may be cut within a character.
    Ok(bytes.utf8_chunks().next().map(|chunk| chunk.valid().to_owned()))
}
