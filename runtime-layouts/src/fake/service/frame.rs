//! The layout of the future of a task of the miniature tokio.

use super::Service;
use super::parts::{Flag, Keep};
use crate::layout::TypeId;

/// The layout of one task's future.
pub(super) struct Frame {
    pub(super) machine: TypeId,
    /// In bytes; the state is the last one.
    pub(super) size: u64,
    /// Of the variables.
    pub(super) places: Vec<SlotOffsets>,
}

/// Where a variable and its drop flag are, in bytes from the start of the future.
pub(super) struct SlotOffsets {
    pub(super) at: u64,
    pub(super) flag: Option<u64>,
}

impl Frame {
    pub(super) fn of(
        service: &mut Service,
        name: &str,
        (awaitee, start): (TypeId, u64),
        keeps: &[Keep<'_>],
    ) -> Self {
        let mut size = start;
        let mut places = Vec::new();
        let (mut members, mut captured, mut flags) = (Vec::new(), Vec::new(), Vec::new());
        for keep in keeps {
            let (ty, length) = service.variable_type(keep.what);
            let flag = matches!(keep.flag, Flag::Set | Flag::Clear).then_some(size + length);
            let of = if keep.flag == Flag::Captured { &mut captured } else { &mut members };
            of.push((keep.name, size, ty));
            flags.extend(flag.map(|at| (format!("__{}", 90 + places.len()), at)));
            places.push(SlotOffsets { at: size, flag });
            size += length + 8;
        }
        size += 8;
        let kind = if captured.is_empty() { "async_fn_env" } else { "async_block_env" };
        let path = format!("shop::{name}::{{{kind}#0}}");
        let fake = &mut service.layouts;
        let unresumed = fake.structure(&format!("{path}::Unresumed"), size, &captured);
        let over = fake.structure(&format!("{path}::Returned"), size, &[]);
        let flag = service.types.flag;
        let mut all = vec![("__awaitee", 0, awaitee)];
        all.extend(members);
        all.extend(flags.iter().map(|(name, at)| (name.as_str(), *at, flag)));
        all.extend(captured);
        let suspended = fake.structure(&format!("{path}::Suspend0"), size, &all);
        let machine = fake.enumeration(
            &path,
            size,
            Some((size - 1, 1)),
            &[
                ("Unresumed", Some(vec![0]), unresumed, Some(1)),
                ("Returned", Some(vec![1]), over, Some(1)),
                ("Panicked", Some(vec![2]), over, Some(1)),
                ("Suspend0", Some(vec![3]), suspended, Some(10)),
            ],
        );
        Self { machine, size, places }
    }
}
