//! Guard types: values that hold a resource, such as guards, permits and channel ends.

use super::declared::{MemberPath, Number};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// A type whose values keep a resource from others.
pub struct GuardType {
    /// Its path, without generic arguments; where the first of these matters, with that.
    pub(crate) path: &'static str,
    /// What it keeps.
    pub(crate) kind: ResourceKind,
    /// How. Of `Permits` the number is that in its member `permits`, or without one this.
    pub(crate) access: Access,
    /// The end of a channel that it is besides: a place that owns a sender.
    pub(crate) also: Option<Access>,
    /// The name of the type whose address is the resource's identity; of a generic one up to `<`,
    /// included.
    pub(crate) key: &'static str,
    /// The name of the type that the user knows, in the same way; the same as `key` where the guard
    /// does not lead to that.
    pub(crate) object: &'static str,
    /// Other names of `key`, for what has one of several.
    pub(crate) other_keys: &'static [&'static str],
    /// The members that lead from it to what it keeps, or a part of the way; `None` where that is
    /// looked for by its type.
    pub(crate) to: Option<&'static MemberPath>,
    /// The member from which what it keeps is looked for; empty for the whole.
    pub(crate) from: &'static str,
    /// What it keeps besides: the end of another channel; `None` for what keeps one thing.
    pub(crate) besides: Option<&'static GuardType>,
    /// How many permits it is; `None` for what its member `permits` says.
    pub(crate) permits: Option<&'static Number>,
    /// Its member that is `None` once it keeps nothing any more; empty for a guard without one.
    pub(crate) emptied: &'static str,
    /// A member somewhere in it whose number is another one in each object of a pool, so that two copies
    /// of one are told from two objects; empty for none.
    pub(crate) number: &'static str,
}

impl GuardType {
    /// A guard that leads to the lock itself.
    pub(crate) const fn lock(
        path: &'static str,
        kind: ResourceKind,
        access: Access,
        lock: &'static str,
    ) -> Self {
        Self {
            path,
            kind,
            access,
            also: None,
            key: lock,
            object: lock,
            other_keys: &[],
            to: None,
            from: "",
            besides: None,
            permits: None,
            emptied: "",
            number: "",
        }
    }

    /// An end of a channel, by the name of what all its ends share.
    pub(crate) const fn end(
        path: &'static str,
        kind: ResourceKind,
        access: Access,
        shared: &'static str,
    ) -> Self {
        Self::lock(path, kind, access, shared)
    }

    /// What it keeps, from a part of it that leads there.
    pub(crate) fn find_key(
        &self,
        program: &Program<'_>,
        from: Value,
    ) -> Result<Option<Value>, ValueError> {
        for name in std::iter::once(self.key).chain(self.other_keys.iter().copied()) {
            if let Some(found) = from.find_through_pointers(program, name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
