//! The messages that lie in an `mpsc` channel: who sent them with what may answer them has nothing more
//! to do with that.
//!
//! Source: `tokio/src/sync/mpsc/{list,block}.rs` (tokio 1.54.1; before 1.26 or so a block had no header
//! of its own).

use super::mpsc::CHAN;
use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Polls, ReadElements, Types};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeKind};
use crate::value::{Program, Ty, Value, ValueError};

/// The channel has one receiver, so what lies in it is that one's alone.
pub(in crate::libraries::tokio) const COLLECTIONS: &[CollectionType] = &[
    CollectionType {
        types: Types::Of("tokio::sync::mpsc::bounded::Receiver"),
        children: of_receiver,
    },
    CollectionType {
        types: Types::Of("tokio::sync::mpsc::unbounded::UnboundedReceiver"),
        children: of_receiver,
    },
];

fn of_receiver(_: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let message = layout.type_parameter("T").map(|id| Ty { module: ty.module, id });
    Ok(message.map(|element| Children::Elements {
        element,
        read: ReadElements::Written(messages),
        polls: Polls::No,
    }))
}

/// The messages that a receiver did not take out so far, first come first.
fn messages(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    let message = receiver.layout(program)?.type_parameter("T");
    let message = message.map(|id| Ty { module: receiver.ty.module, id });
    let chan = receiver.find_through_pointers(program, CHAN)?;
    let (Some(message), Some(chan)) = (message, chan) else { return Ok(found) };
    let tail = chan.member(program, "tx")?.find_number(program, "tail_position")?;
    let fields = chan.member(program, "rx_fields")?;
    let index = fields.find_number(program, "index")?;
    let head = fields.find_member(program, "head")?;
    let (Some(tail), Some(index), Some(head)) = (tail, index, head) else { return Ok(found) };
    let Some(mut block) = head.find_through_pointers(program, BLOCK)? else { return Ok(found) };
    let Some(slots) = slots(program, block)? else { return Ok(found) };
    let size = program.type_of(message)?.size;
    let mut at = index;
    // A block is gone past when all of its slots are; one that is not there yet has no messages.
    while at != tail && found.len() < most && !program.is_interrupted() {
        let first = block.find_number(program, "start_index")?.unwrap_or(0);
        let place = at.wrapping_sub(first);
        if place >= slots {
            let next = block.find_member(program, "next")?;
            let next = next.map(|next| program.read_pointer(next.address)).transpose()?;
            match next {
                Some(address) if address != 0 && place < MAX_MESSAGES => {
                    block.address = address;
                    continue;
                }
                _ => break,
            }
        }
        let ready = block.find_number(program, "ready_slots")?.unwrap_or(0);
        // One that is being written is none yet.
        if ready >> place & 1 != 0 {
            let values = block.member(program, "values")?;
            let address = values.address.wrapping_add(place.wrapping_mul(size));
            found.push(Value { ty: message, address });
        }
        at = at.wrapping_add(1);
    }
    Ok(found)
}

const BLOCK: &str = "tokio::sync::mpsc::block::Block<";
/// So far behind the first block no block is looked for.
const MAX_MESSAGES: u64 = 1 << 20;

/// How many messages a block has room for; `None` where the layout is not the one that is known.
fn slots(program: &Program<'_>, block: Value) -> Result<Option<u64>, ValueError> {
    let Ok(values) = block.member(program, "values") else { return Ok(None) };
    let layout = values.layout(program)?;
    let [array] = layout.members() else { return Ok(None) };
    let array = program.type_of(Ty { module: values.ty.module, id: array.ty })?;
    Ok(match array.kind {
        TypeKind::Array { count, .. } => count,
        _ => None,
    })
}
