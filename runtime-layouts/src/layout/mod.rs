//! Layouts: the types of a program as they lie in memory.
//!
//! The model has what a debugger needs to read a value: sizes, offsets, discriminants. It does not
//! depend on the origin of a layout; see [`source::LayoutSource`] for that.

pub mod compressed;
pub mod coroutine;
pub mod file;
pub mod name;
pub mod origin;
pub mod source;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Identifies a type within one [`source::LayoutSource`].
///
/// For DWARF it is the offset of the type's DIE in `.debug_info`, for a layout file an index. It
/// means nothing in another source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TypeId(pub u64);

/// An address as the object file has it, before the loader moved the object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaticAddress(pub u64);

impl fmt::Debug for StaticAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "static {:#x}", self.0)
    }
}

/// A source file named by the debug information.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SourceFile {
    /// The whole path, joined with the compilation directory.
    pub path: String,
    /// The compilation directory, which for a cargo build is the workspace's root; empty when the
    /// debug information does not name it.
    pub directory: String,
}

/// A place in a source file.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SourceLocation {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The line, counted from 1.
    pub line: u32,
}

/// One type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Type {
    /// The full path with generic arguments, as rustc spells it in DWARF:
    /// `tokio::sync::mutex::{impl#10}::lock::{async_fn_env#0}<app::Stock>`.
    pub name: Arc<str>,
    /// Size in bytes.
    pub size: u64,
    /// Alignment in bytes; `None` when the debug information does not say.
    pub align: Option<u64>,
    /// Where it is declared; `None` for most types, since rustc records it for few.
    pub declared: Option<SourceLocation>,
    /// Generic arguments that are types, in the order of declaration.
    pub type_parameters: Vec<TypeParameter>,
    /// What it is made of.
    pub kind: TypeKind,
}

/// One generic argument: `T = app::Stock`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TypeParameter {
    /// The parameter's name in the source.
    pub name: Arc<str>,
    /// The argument.
    pub ty: TypeId,
}

/// What a type is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TypeKind {
    /// `u8` … `i128`, `usize`.
    Integer {
        /// Whether it is signed.
        signed: bool,
    },
    /// `f32`, `f64`.
    Float,
    /// `bool`.
    Bool,
    /// `char`, four bytes.
    Char,
    /// A thin pointer of any sort: `&T`, `*const T`, `Box<T>`. The name tells which.
    Pointer {
        /// What it points to; `None` for `*const ()` without a type.
        target: Option<TypeId>,
    },
    /// A struct, tuple, closure, or fat pointer (members `data_ptr` and `length`, or `pointer` and
    /// `vtable`).
    Struct {
        /// In the order of the debug information.
        members: Vec<Member>,
    },
    /// A union: every member lies over the others.
    Union {
        /// In the order of the debug information.
        members: Vec<Member>,
    },
    /// An enum with data, or the state machine of an async fn or block.
    Enum {
        /// `None` when there is at most one variant, so that nothing needs to tell them apart.
        discriminant: Option<Discriminant>,
        /// In the order of the debug information.
        variants: Vec<Variant>,
    },
    /// An enum without data.
    PlainEnum {
        /// The enumerators and their values.
        enumerators: Vec<(Arc<str>, i128)>,
    },
    /// `[T; N]`.
    Array {
        /// `T`.
        element: TypeId,
        /// `N`; `None` when the debug information does not say.
        count: Option<u64>,
    },
    /// A function pointer's target, `()`, `!`, or what the source does not describe.
    Opaque,
}

/// A field of a struct, or a captured or saved variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The field's name: `__0` in a tuple.
    pub name: Arc<str>,
    /// Bytes from the start of the struct.
    pub offset: u64,
    /// Its type.
    pub ty: TypeId,
}

/// Where an enum keeps the value that tells its variants apart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Discriminant {
    /// Bytes from the start of the enum.
    pub offset: u64,
    /// Size in bytes, at most 16.
    pub size: u8,
}

/// One variant of an enum, or one state of a state machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// `Some`, `Running`; for a state machine `Unresumed`, `Returned`, `Panicked`, `Suspend0`.
    pub name: Arc<str>,
    /// The discriminant values that select it, zero-extended from the discriminant's size; `None`
    /// for the variant that all other values select (the one that has the niche).
    pub values: Option<Vec<u128>>,
    /// Bytes from the start of the enum to the variant's struct.
    pub offset: u64,
    /// The struct of the variant's fields.
    pub ty: TypeId,
    /// For a state machine the line of the await point; `None` where the debug information does
    /// not say.
    pub line: Option<SourceLocation>,
}

/// A function: one instance, if it is generic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Function {
    /// The full path with generic arguments, as rustc spells it in DWARF.
    pub name: Arc<str>,
    /// The symbol's name, mangled.
    pub linkage_name: Option<Arc<str>>,
    /// Generic arguments that are types.
    pub type_parameters: Vec<TypeParameter>,
    /// Parameters, then local variables of every scope, with their types; without places.
    pub variables: Vec<Variable>,
    /// Where it is declared.
    pub declared: Option<SourceLocation>,
}

/// A parameter or local variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Variable {
    /// Its name in the source.
    pub name: Arc<str>,
    /// Its type.
    pub ty: TypeId,
}

/// A function whose code a program counter is in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The function.
    pub function: Arc<Function>,
    /// The line that it stands at: where it calls the next one that was inlined into it, or what
    /// the line table says. `None` when the debug information does not say.
    pub location: Option<SourceLocation>,
}

/// A variable that has a place at one program counter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlacedVariable {
    /// The function that declares it: the physical one or one that was inlined into it.
    pub function: Arc<str>,
    /// Its name in the source.
    pub name: Arc<str>,
    /// Its type.
    pub ty: TypeId,
    /// Where it is.
    pub location: VariableLocation,
}

/// Where a variable is, relative to a frame's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum VariableLocation {
    /// In memory, at a base plus an offset in bytes.
    Memory(LocationBase, i64),
    /// In memory, at the address that is stored at a base plus the first offset, plus the second.
    Indirect(LocationBase, i64, i64),
    /// Its value is a base plus an offset: a reference to a stack slot that was optimized away, or, with
    /// an offset of 0, what is in a register.
    Value(LocationBase, i64),
}

/// What a [`VariableLocation`] counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LocationBase {
    /// The register with this DWARF number.
    Register(u16),
    /// The canonical frame address.
    FrameAddress,
}

impl Type {
    /// Whether it says something to the compiler alone: `PhantomData`, the global allocator.
    #[must_use]
    pub fn is_marker(&self) -> bool {
        let markers = ["core::marker::Phantom", "alloc::alloc::Global"];
        self.size == 0 && markers.iter().any(|marker| self.name.starts_with(marker))
    }

    /// The members of a struct or union; empty for everything else.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            TypeKind::Struct { members } | TypeKind::Union { members } => members,
            _ => &[],
        }
    }

    /// The member of that name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| &*member.name == name)
    }

    /// The generic argument of that name.
    #[must_use]
    pub fn type_parameter(&self, name: &str) -> Option<TypeId> {
        self.type_parameters.iter().find(|p| &*p.name == name).map(|p| p.ty)
    }
}
