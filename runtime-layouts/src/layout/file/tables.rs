//! What a layout file holds.

use serde::{Deserialize, Serialize};

use crate::layout::source::{KnowledgeText, ObjectFacts, PolledAs};
use crate::layout::{Discriminant, StaticAddress, VariableLocation};

/// The number of a string in [`Tables::string_ends`].
pub type StringNumber = u32;
/// The number of a type in [`Tables::types`].
pub type TypeNumber = u32;
/// The number of a function in [`Tables::functions`].
pub type FunctionNumber = u32;

/// Everything a layout file holds. What a list is sorted by is searched by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tables {
    /// What wrote the file.
    pub producer: String,
    /// Where the layouts were taken from: `DWARF 4`.
    pub form: String,
    /// What the debug information lacked when the file was written.
    pub lack: Option<String>,
    /// What the object file says about itself.
    pub facts: ObjectFacts,
    /// All strings, one after the other.
    pub strings: String,
    /// Where each string ends, in bytes.
    pub string_ends: Vec<u32>,
    /// Source files: path and compilation directory.
    pub files: Vec<(StringNumber, StringNumber)>,
    /// The types.
    pub types: Vec<StoredType>,
    /// Sets of numbers of units, sorted: where types occurred in the debug information.
    pub unit_sets: Vec<Vec<u32>>,
    /// The functions.
    pub functions: Vec<StoredFunction>,
    /// Functions by the address at which they are entered; sorted.
    pub functions_at: Vec<(u64, Vec<FunctionNumber>)>,
    /// Types by the addresses of their vtables for polled traits; sorted.
    pub vtables: Vec<(u64, Vec<TypeNumber>)>,
    /// The thread-local variables of the runtimes.
    pub thread_locals: Vec<StoredThreadLocal>,
    /// Variables at fixed addresses whose types a library is found by: address and type; sorted.
    pub static_variables: Vec<(u64, TypeNumber)>,
    /// Variables of functions that keep futures on the stack, by the functions' code.
    pub variables: Vec<StoredFrame>,
    /// Which of the notable functions have code, and which of those that abort tasks may have some.
    pub notable: Vec<String>,
    /// The texts that declare what its types are.
    pub knowledge: Vec<KnowledgeText>,
}

/// A line of a file: the file's number and the line.
pub type StoredLocation = Option<(u32, u32)>;

/// One type.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredType {
    /// The full name.
    pub name: StringNumber,
    /// Bytes.
    pub size: u64,
    /// Bytes.
    pub align: Option<u64>,
    /// Where it is declared.
    pub declared: StoredLocation,
    /// Name and type of each generic argument.
    pub type_parameters: Vec<(StringNumber, TypeNumber)>,
    /// What it is made of.
    pub kind: StoredKind,
    /// Which of [`Tables::unit_sets`] it occurred in.
    pub units: u32,
    /// The function whose environment it is.
    pub body: Option<FunctionNumber>,
    /// How it is polled.
    pub poll: Option<(PolledAs, StoredLocation)>,
}

/// What a type is made of: see [`TypeKind`](crate::layout::TypeKind).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in TypeKind")]
pub enum StoredKind {
    Opaque,
    Integer { signed: bool },
    Float,
    Bool,
    Char,
    Pointer { target: Option<TypeNumber> },
    Struct { members: Vec<StoredMember> },
    Union { members: Vec<StoredMember> },
    Enum { discriminant: Option<Discriminant>, variants: Vec<StoredVariant> },
    PlainEnum { enumerators: Vec<(StringNumber, i128)> },
    Array { element: TypeNumber, count: Option<u64> },
}

/// A field: see [`Member`](crate::layout::Member).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Member")]
pub struct StoredMember {
    pub name: StringNumber,
    pub offset: u64,
    pub ty: TypeNumber,
}

/// A variant: see [`Variant`](crate::layout::Variant).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Variant")]
pub struct StoredVariant {
    pub name: StringNumber,
    pub values: Option<Vec<u128>>,
    pub offset: u64,
    pub ty: TypeNumber,
    pub line: StoredLocation,
    /// Where the macro was invoked whose code awaits in this state.
    pub invoked: StoredLocation,
}

/// A function: see [`Function`](crate::layout::Function).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Function")]
pub struct StoredFunction {
    pub name: StringNumber,
    pub linkage_name: Option<StringNumber>,
    pub type_parameters: Vec<(StringNumber, TypeNumber)>,
    pub variables: Vec<(StringNumber, TypeNumber)>,
    pub declared: StoredLocation,
}

/// A thread-local variable.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredThreadLocal {
    /// The full path.
    pub name: StringNumber,
    /// Its type.
    pub ty: TypeNumber,
    /// Bytes from the start of the TLS segment.
    pub offset: u64,
    /// Whether the object's symbol table vouches for the offset.
    pub is_vouched_for: bool,
}

/// The variables of one function that have places in memory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredFrame {
    /// The function's code, sorted by start: `start..end`.
    pub code: Vec<(u64, u64)>,
    /// Those of inner scopes first.
    pub variables: Vec<StoredPlacedVariable>,
    /// The functions that keep a future on the stack and have code here, the innermost inlined one
    /// first, each with its code as start from the lowest address and length; no code for all of it.
    pub calls: Vec<(Vec<(u64, u64)>, FunctionNumber)>,
}

/// A variable, and in which part of the function's code it has this place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredPlacedVariable {
    /// Parts of the code: start, counted from the lowest address of the function's code, and
    /// length; empty for all of it.
    pub ranges: Vec<(u64, u64)>,
    /// The function that declares it.
    pub function: StringNumber,
    /// Its name.
    pub name: StringNumber,
    /// Its type.
    pub ty: TypeNumber,
    /// Where it is.
    pub location: VariableLocation,
}

impl StoredFrame {
    /// Whether the program counter is in these ranges: starts from the lowest address of the
    /// function's code, and lengths; none for all of it.
    pub(super) fn has(&self, ranges: &[(u64, u64)], pc: StaticAddress) -> bool {
        let low = self.code.first().map_or(0, |code| code.0);
        let is_here = |&(start, length): &(u64, u64)| {
            pc.0.checked_sub(low)
                .and_then(|into| into.checked_sub(start))
                .is_some_and(|into| into < length)
        };
        ranges.is_empty() || ranges.iter().any(is_here)
    }
}
