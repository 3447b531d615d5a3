//! The source of layouts: the trait between the walk and whatever describes the program.
//!
//! A source describes one object file. There are two: the program's own DWARF, resolved on demand,
//! and a layout file, which holds the results of the same resolver for the whole program. The walk
//! cannot tell which one it has.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId};

/// Why a source could not answer. An answer that is merely absent is an empty list or `None`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// The debug information is malformed where the answer would be.
    #[error("the debug information is malformed at {at:#x}: {what}")]
    Malformed {
        /// Offset in `.debug_info`, or 0 for a layout file.
        at: u64,
        /// What was wrong.
        what: String,
    },
    /// The identifier is none of this source's.
    #[error("no type at {0:#x}")]
    NoSuchType(u64),
}

/// What an object file says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ObjectFacts {
    /// The GNU build id in lower-case hexadecimal, or the UUID of a Mach-O file; `None` when the
    /// object has none.
    pub build_id: Option<String>,
    /// What sort of file it is.
    pub format: ObjectFormat,
    /// ELF `e_machine`; of a Mach-O file the one of the same processor.
    pub machine: u16,
    /// 4 or 8 bytes.
    pub pointer_size: u8,
    /// The byte order.
    pub big_endian: bool,
    /// ELF `e_entry`, or the start of `LC_MAIN`.
    pub entry: StaticAddress,
    /// The `PT_TLS` segment, or the sections of a Mach-O file that a thread's copy begins as; `None`
    /// when the object has no thread-local storage.
    pub tls: Option<TlsSegment>,
    /// Where the loader stores how it knows the object's thread-local storage. `None` when it does
    /// not, as for executables of ELF.
    pub tls_module: Option<TlsModule>,
    /// The sections that hold addresses worth asking about lie within `start..end`.
    pub address_range: (StaticAddress, StaticAddress),
    /// Whether it runs at the addresses that it was linked for, and nowhere else: ELF `ET_EXEC`.
    pub is_fixed: bool,
}

/// What sort of file an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectFormat {
    /// ELF.
    Elf,
    /// Mach-O.
    MachO,
}

/// The `PT_TLS` program header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TlsSegment {
    /// `p_vaddr`.
    pub address: u64,
    /// `p_memsz` in bytes.
    pub size: u64,
    /// `p_align` in bytes.
    pub align: u64,
}

/// Where the loader stores how it knows an object's thread-local storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TlsModule {
    /// A word with the storage's number: of a relocation `DTPMOD`, or the key in a Mach-O file's
    /// first descriptor of such a variable.
    Number(StaticAddress),
    /// Two words about one variable, of a relocation `TLSDESC`: a function, and what it is given.
    Descriptor {
        /// The first word.
        place: StaticAddress,
        /// Bytes from the start of the object's TLS segment to the variable.
        offset: u64,
    },
}

/// A thread-local variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThreadLocal {
    /// The full path of the variable, as rustc spells it in DWARF.
    pub name: Arc<str>,
    /// Its type.
    pub ty: TypeId,
    /// Bytes from the start of the object's TLS segment, as the symbol table has it.
    pub offset: u64,
}

/// A variable at a fixed address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StaticVariable {
    /// Its type.
    pub ty: TypeId,
    /// Its address.
    pub address: StaticAddress,
    /// Its path, as far as the linker's name tells; `None` where there is none, as in a layout file.
    pub name: Option<Arc<str>>,
}

/// How a type is polled, when it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Poll {
    /// Which trait it implements.
    pub polled_as: PolledAs,
    /// Where its `poll` is declared; `None` when only the symbol table knows of it.
    pub declared: Option<SourceLocation>,
}

/// The traits that make a type part of an await chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PolledAs {
    /// `core::future::future::Future`.
    Future,
    /// `futures_core::stream::Stream`.
    Stream,
}

/// Where the layouts of one object come from, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// The file that was read.
    pub path: String,
    /// `DWARF 4, resolved on demand` or `layout file`.
    pub form: String,
    /// What is missing, in one sentence with what to do next: no debug information, no types.
    /// `None` when nothing is.
    pub lack: Option<String>,
    /// What all that is said rests on, beside the program itself: a sentence; `None` where that is
    /// nothing.
    pub rests_on: Option<String>,
}

/// A text that declares what types are: see [`knowledge::declared`](crate::knowledge::declared).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct KnowledgeText {
    /// Where it stands, for people: a file's path, or a section of a program.
    pub origin: String,
    /// The text; else why it cannot be read.
    pub text: Result<String, String>,
}

/// Answers questions about the types, functions and variables of one object file.
///
/// Every answer is for that object alone, with its static addresses. Lists are in the order of the
/// object file. Sources cache; asking again is cheap.
pub trait LayoutSource: Send + Sync {
    /// What the object file says about itself.
    fn facts(&self) -> &ObjectFacts;

    /// Where the layouts come from and what they lack.
    fn provenance(&self) -> Provenance;

    /// The type with that identifier.
    ///
    /// # Errors
    /// When the identifier is unknown or the debug information there is malformed.
    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError>;

    /// The functions that start at this address: several when the linker folded identical ones,
    /// none when the debug information knows of none.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError>;

    /// The concrete types whose `dyn Trait` vtable lies at this address, for traits that are
    /// polled: several when the linker folded identical vtables.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError>;

    /// The concrete types whose `dyn Trait` vtable lies at this address, for any trait, as far as the
    /// debug information describes the vtable; none where that was not kept, as in a layout file.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn object_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        let _ = address;
        Ok(Vec::new())
    }

    /// The types with exactly this full name. Looks first where `near` is (its unit, for DWARF)
    /// and no further if it finds one there: two versions of one crate have the same paths.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError>;

    /// The thread-local variables declared by `thread_local!` under this path
    /// (`tokio::runtime::context::CONTEXT`), with the offsets of the symbol table: copies that the
    /// linker dropped are left out.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError>;

    /// The variables at fixed addresses whose type has this full name; where that ends with `<`,
    /// whose type's name begins with it. By address; copies that the linker dropped are left out. A
    /// layout file knows those of the types that a library says it is found by.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        let _ = type_name;
        Ok(Vec::new())
    }

    /// The function whose body the environment type of a closure, async fn, async block or async
    /// closure belongs to: for `…::lock::{async_fn_env#0}<T>` the function
    /// `…::lock::{async_fn#0}<T>`. `None` for other types, and when the compiler left no trace of
    /// the body.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError>;

    /// Where the macro was invoked whose code awaits in this state of a state machine (`state` is
    /// the number of its variant): the line that the invocation starts at (`tokio::select! {`), for
    /// `select!` and `join!` of any crate. Of macros in macros it is the outermost one of another
    /// crate; a macro of the function's own crate stands for itself, so the line may be in its
    /// text.
    ///
    /// `None` where the await stands in the function's own file, and where the debug information
    /// does not tell for certain: another state awaits a future of the same type, or what is awaited
    /// has no declaration. The knowledge is from `DW_AT_decl_line` of the variable `__awaitee`.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError>;

    /// How the type is polled: `None` when the program has no `poll` of it, or when the type is a
    /// state machine (which the walker knows by its states).
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError>;

    /// The variables that have a place at this program counter, those of the innermost inlined
    /// function first. Variables that are only in registers or optimized away are left out.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError>;

    /// The functions that the code at this program counter belongs to, the innermost inlined one
    /// first and the physical one last. Empty when the debug information knows of none. A layout
    /// file knows only the functions that keep a future on the stack (`block_on`), without lines.
    ///
    /// # Errors
    /// When the debug information there is malformed.
    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError>;

    /// Whether a function of that name, without its path, has code in the program as a symbol of
    /// its own. `false` also when there is no symbol table, or when every call was inlined. A
    /// layout file knows those that are notable of a runtime.
    fn has_function(&self, identifier: &str) -> bool;

    /// Whether a function of that name, without its path, may have code in the program: as
    /// [`has_function`](Self::has_function), or because the debug information mentions it, as it
    /// does when every call was inlined, and when the linker dropped the code. A layout file knows
    /// those that abort tasks.
    fn may_have_function(&self, identifier: &str) -> bool;

    /// The texts in the object that declare what its types are; none for most.
    fn knowledge(&self) -> Vec<KnowledgeText> {
        Vec::new()
    }

    /// Keeps the answers given so far for another look at the same program, if the source does such
    /// a thing. To be called when a look is over and shown.
    fn remember(&self) {}
}

/// The function of `panic_unwind` that an unwinder calls for an exception which it drops
/// (`library/panic_unwind/src/gcc.rs`, Rust 1.63 to 1.95). Its address is taken, so that it has code
/// wherever panics unwind; with `panic = "abort"` another crate is in its place.
pub const UNWINDING: &str = "exception_cleanup";
