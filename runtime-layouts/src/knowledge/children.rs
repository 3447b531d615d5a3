//! The children of a value: the values that it contains or points to, which the walk visits.

use super::declared::DeclaredMessages;
use crate::layout::source::LayoutError;
use crate::layout::{Member, Type};
use crate::value::{Program, Ty, Value, ValueError};

/// A type that holds values behind raw pointers, which the walk's general rule does not follow.
pub struct CollectionType {
    /// Its types.
    pub(crate) types: Types,
    /// Where its elements are; `None` when the layout is not the one that is known.
    pub(crate) children: ReadChildren,
}

/// Which types something is known of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Types {
    /// Those of this path, without generic arguments.
    Of(&'static str),
    /// Those of closures.
    Closures,
}

/// Tells where the elements of a collection are.
pub(crate) type ReadChildren = fn(&Program<'_>, Ty, &Type) -> Result<Option<Children>, LayoutError>;

/// Something that holds values where the walk's general rule does not look.
#[derive(Clone, Copy)]
pub(crate) enum Collection {
    /// What a library has a function for.
    Written(&'static CollectionType),
    /// The messages in a channel, as was declared.
    Messages(&'static DeclaredMessages),
}

/// Reads the elements of a collection, so many at most.
#[derive(Clone, Copy)]
pub(crate) enum ReadElements {
    /// By a function.
    Written(fn(&Program<'_>, Value, usize) -> Result<Vec<Value>, ValueError>),
    /// As was declared.
    Messages(&'static DeclaredMessages),
}

impl std::fmt::Debug for ReadElements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadElements")
    }
}

impl ReadElements {
    /// So many of them, at most.
    pub(crate) fn of(
        self,
        program: &Program<'_>,
        value: Value,
        most: usize,
    ) -> Result<Vec<Value>, ValueError> {
        match self {
            Self::Written(read) => read(program, value, most),
            Self::Messages(messages) => messages.read(program, value, most),
        }
    }
}

impl Collection {
    /// Where its elements are; `None` when its layout is not known.
    pub(crate) fn children(
        self,
        program: &Program<'_>,
        ty: Ty,
        layout: &Type,
    ) -> Result<Option<Children>, LayoutError> {
        match self {
            Self::Written(known) => (known.children)(program, ty, layout),
            Self::Messages(messages) => {
                let element = DeclaredMessages::element(ty, layout);
                let read = ReadElements::Messages(messages);
                Ok(element.map(|element| Children::Elements { element, read, polls: Polls::No }))
            }
        }
    }
}

/// Where the values that one holds are, whatever they are.
pub(crate) enum Children {
    /// Nowhere.
    None,
    /// In these parts.
    Parts(Vec<Part>),
    /// In these parts of the active variant.
    Variants(Vec<Vec<Part>>),
    /// Behind a thin pointer.
    Pointer(Ty),
    /// Behind a `dyn Trait` pointer: the offsets of the data pointer and the vtable pointer.
    Dyn { data: u64, vtable: u64, object: Object },
    /// In each element.
    Array { element: Ty, size: u64, count: u64 },
    /// In each element of a slice: the offsets of the pointer to it and of its length.
    Slice { data: u64, length: u64, element: Ty, size: u64 },
    /// In this part of each node of a linked list: from the value to the pointer to the first
    /// node, and from a node to the pointer to the next, in bytes.
    List { head: u64, next: u64, item: Part },
    /// In the elements that this reads, of that type, or of several of which it is one.
    Elements { element: Ty, read: ReadElements, polls: Polls },
    /// In this future, which others poll as well; see [`ReadSharedFuture`]. Only futures are looked for
    /// there.
    SharedFuture { future: Ty, read: ReadSharedFuture },
    /// In the arms of a `select!`.
    Arms(Arms),
    /// In parts of which one is polled only while another one holds nothing.
    Turns(Turns),
}

/// What a `dyn Trait` is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Object {
    /// A future or stream.
    Future,
    /// None, but polled as it streams: it may have futures in it.
    Streaming,
    /// A future in all but name.
    LikeFuture,
    /// Anything.
    Any,
}

/// Whether futures are looked for among the elements of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Polls {
    /// No: they are taken out to be polled.
    No,
    /// Yes, as all else is.
    Also,
    /// Only these: they are what is polled of a future just then, and all else is in its members.
    Only,
}

/// Finds the future that a handle shares with those that poll it too; `None` where it has ended, or is
/// being polled by one of them, so that its stored state is stale.
pub(crate) type ReadSharedFuture = fn(&Program<'_>, Value) -> Result<Option<Value>, ValueError>;

/// Elements of the type that is this argument of the collection's.
pub(crate) fn elements(
    ty: Ty,
    layout: &Type,
    argument: &str,
    read: fn(&Program<'_>, Value, usize) -> Result<Vec<Value>, ValueError>,
) -> Result<Option<Children>, LayoutError> {
    let read = ReadElements::Written(read);
    let element = layout.type_parameter(argument).map(|id| Ty { module: ty.module, id });
    Ok(element.map(|element| Children::Elements { element, read, polls: Polls::No }))
}

/// The parts of a combinator that polls one of two at a time.
#[derive(Debug)]
pub(crate) struct Turns {
    /// All parts but the second one and those of a turn.
    pub(crate) parts: Vec<Part>,
    /// The first one, an enum: as long as it is in this variant,
    pub(crate) first: Part,
    /// which of an `Option` is `Some`,
    pub(crate) variant: &'static str,
    /// the second one is not polled.
    pub(crate) second: Part,
    /// As long as the first one is in another variant, these are not polled.
    pub(crate) meanwhile: Vec<Part>,
}

impl Turns {
    /// The parts of a struct whose members have these names; `None` where it has no such members.
    pub(crate) fn of(ty: Ty, layout: &Type, first: &str, second: &str) -> Option<Self> {
        let part = |member: &Member| Part {
            offset: member.offset,
            ty: Ty { module: ty.module, id: member.ty },
        };
        let second = part(layout.member(second)?);
        let parts = layout.members().iter().map(part).filter(|part| *part != second).collect();
        let first = part(layout.member(first)?);
        Some(Self { parts, first, variant: "Some", second, meanwhile: Vec::new() })
    }

    /// The same, where the first one is no `Option`, and the second one rests while it is in that variant.
    pub(crate) fn in_variant(self, variant: &'static str) -> Self {
        Self { variant, ..self }
    }

    /// The same, of which a member is polled only as long as there is something in the first one.
    pub(crate) fn meanwhile(mut self, layout: &Type, name: &str) -> Option<Self> {
        let member = layout.member(name)?;
        let is_it = |part: &Part| part.offset == member.offset && part.ty.id == member.ty;
        let at = self.parts.iter().position(is_it)?;
        self.meanwhile.push(self.parts.remove(at));
        Some(self)
    }
}

/// The arms of a `select!`: the parts of a tuple behind a pointer, but not those whose bit is set in
/// a mask behind another one.
#[derive(Debug)]
pub(crate) struct Arms {
    /// From the value to the pointer to the tuple, in bytes.
    pub(crate) tuple: u64,
    /// The arms in the tuple, in the order of their bits.
    pub(crate) parts: Vec<Part>,
    /// From the value to the pointer to the mask, in bytes.
    pub(crate) mask: u64,
    /// The size of the mask in bytes, at most 16.
    pub(crate) mask_size: u8,
}

/// A part of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Bytes from the start of the value.
    pub(crate) offset: u64,
    /// The part's type.
    pub(crate) ty: Ty,
}
