//! What tasks that have ended leave to who has their handles and did not ask for it so far: a permit or
//! a guard in it is kept as long.
//!
//! Source: `tokio/src/runtime/task/{core,harness,join}.rs`, `tokio/src/task/join_set.rs` (tokio 1.54.1).

use super::join;
use super::task::{self, HEADER};
use crate::knowledge::CollectionType;
use crate::knowledge::children::{self, Types};
use crate::value::{Program, Value, ValueError};

pub(super) const COLLECTIONS: &[CollectionType] = &[
    CollectionType {
        types: Types::Of("tokio::runtime::task::join::JoinHandle"),
        children: |_, ty, layout| children::elements(ty, layout, "T", of_handle),
    },
    CollectionType {
        types: Types::Of("tokio::task::join_set::JoinSet"),
        children: |_, ty, layout| children::elements(ty, layout, "T", of_set),
    },
];

fn of_handle(program: &Program<'_>, handle: Value, _: usize) -> Result<Vec<Value>, ValueError> {
    let header = handle.find_through_pointers(program, HEADER)?;
    let output = header.map_or(Ok(None), |header| task::output(program, header))?;
    Ok(output.into_iter().collect())
}

fn of_set(program: &Program<'_>, set: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    for header in join::headers(program, set)? {
        if found.len() >= most || program.is_interrupted() {
            break;
        }
        found.extend(task::output(program, header)?);
    }
    Ok(found)
}
