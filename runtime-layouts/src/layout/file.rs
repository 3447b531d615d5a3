//! The layout file: a source of layouts for programs without debug information.
//!
//! `unhang extract` writes one for a build; it is small enough to keep beside a stripped binary.
//!
//! # The format, version 6
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `unhangLF` |
//! | 2 | version, little-endian, as all numbers here |
//! | 2 | length of the build id in bytes; 0 when the object has none |
//! | … | the build id |
//! | … | [`Tables`] in postcard's encoding, compressed: see [`compressed`](super::compressed) |
//!
//! A reader refuses other versions: a layout file is made again by one command. The file comes
//! from elsewhere and is not trusted: every index is checked when it is opened, and what it claims
//! to hold is bounded by what it is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::compressed::{MOST_UNCOMPRESSED, compress, decompress};
use super::file_check::check;
use super::source::{
    KnowledgeText, LayoutError, LayoutSource, ObjectFacts, Poll, PolledAs, Provenance,
    StaticVariable, ThreadLocal,
};
use super::{
    Call, Discriminant, Function, Member, PlacedVariable, SourceFile, SourceLocation,
    StaticAddress, Type, TypeId, TypeKind, TypeParameter, Variable, VariableLocation, Variant,
};

const MAGIC: &[u8; 8] = b"unhangLF";
const VERSION: u16 = 6;
/// zstd's own choice. More takes as long as a good part of what comes before, to save a tenth of a
/// file that is small anyway.
const COMPRESSION: i32 = 3;

/// Why a layout file cannot be used. Each is one sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum LayoutFileError {
    /// The file cannot be read.
    #[error("cannot read the layout file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The first bytes are another format's.
    #[error("this is not a layout file: make one with `unhang extract`")]
    Foreign,
    /// Written by another version.
    #[error(
        "this layout file has version {0}, and this unhang reads version {VERSION}: make it again \
         with `unhang extract`"
    )]
    OtherVersion(u16),
    /// Damaged, or made up.
    #[error("this layout file is damaged ({0}): make it again with `unhang extract`")]
    Damaged(String),
}

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

/// What a type is made of: see [`TypeKind`].
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

/// A field: see [`Member`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Member")]
pub struct StoredMember {
    pub name: StringNumber,
    pub offset: u64,
    pub ty: TypeNumber,
}

/// A variant: see [`Variant`].
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

/// A function: see [`Function`].
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

/// A layout file in memory, which answers as the debug information would.
pub struct LayoutFile {
    tables: Tables,
    path: String,
    types: Vec<OnceLock<Arc<Type>>>,
    functions: Vec<OnceLock<Arc<Function>>>,
    files: Vec<OnceLock<Arc<SourceFile>>>,
    names: OnceLock<HashMap<StringNumber, Vec<TypeNumber>>>,
    string_numbers: OnceLock<HashMap<Box<str>, StringNumber>>,
}

impl LayoutFile {
    /// Opens a layout file.
    ///
    /// # Errors
    /// When it cannot be read, is none, has another version, or is damaged.
    pub fn open(path: &Path) -> Result<Self, LayoutFileError> {
        let bytes = std::fs::read(path)
            .map_err(|error| LayoutFileError::Unreadable { path: path.to_owned(), error })?;
        let mut file = Self::from_bytes(&bytes)?;
        file.path = path.display().to_string();
        Ok(file)
    }

    /// Reads a layout file that is in memory.
    ///
    /// # Errors
    /// When it is none, has another version, or is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LayoutFileError> {
        let damaged = |what: &str| LayoutFileError::Damaged(what.to_owned());
        let short = || damaged("it ends early");
        let rest = bytes.strip_prefix(MAGIC).ok_or(LayoutFileError::Foreign)?;
        let (version, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(LayoutFileError::OtherVersion(version));
        }
        let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (build_id, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        let tables = decompress(rest).map_err(LayoutFileError::Damaged)?;
        let tables: Tables = postcard::from_bytes(&tables)
            .map_err(|error| LayoutFileError::Damaged(error.to_string()))?;
        let file = Self::new(tables)?;
        if file.tables.facts.build_id.clone().unwrap_or_default() != hex::encode(build_id) {
            return Err(damaged("it names two build ids"));
        }
        Ok(file)
    }

    /// Takes tables that were just made.
    ///
    /// # Errors
    /// When they refer to what they do not hold, or are not sorted as they should be.
    pub fn new(tables: Tables) -> Result<Self, LayoutFileError> {
        check(&tables).map_err(|what| LayoutFileError::Damaged(what.to_owned()))?;
        fn slots<T>(count: usize) -> Vec<OnceLock<T>> {
            (0..count).map(|_| OnceLock::new()).collect()
        }
        Ok(LayoutFile {
            path: String::new(),
            types: slots(tables.types.len()),
            functions: slots(tables.functions.len()),
            files: slots(tables.files.len()),
            names: OnceLock::new(),
            string_numbers: OnceLock::new(),
            tables,
        })
    }

    /// Adds texts that declare what its types are.
    pub fn add_knowledge(&mut self, texts: impl IntoIterator<Item = KnowledgeText>) {
        self.tables.knowledge.extend(texts);
    }

    /// What the file holds.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// When the tables are longer than a reader accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LayoutFileError> {
        let damaged = |what: String| LayoutFileError::Damaged(what);
        let plain =
            postcard::to_extend(&self.tables, Vec::with_capacity(2 * self.tables.strings.len()))
                .map_err(|error| damaged(error.to_string()))?;
        if plain.len() as u64 > MOST_UNCOMPRESSED {
            return Err(damaged(format!("{} bytes are too many", plain.len())));
        }
        let build_id = self.tables.facts.build_id.as_deref().unwrap_or_default();
        let build_id = hex::decode(build_id)
            .map_err(|_| damaged("the build id is not hexadecimal".to_owned()))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((build_id.len() as u16).to_le_bytes());
        bytes.extend(build_id);
        bytes.extend(compress(&plain, COMPRESSION).map_err(|error| damaged(error.to_string()))?);
        Ok(bytes)
    }

    fn text(&self, number: StringNumber) -> &str {
        let number = number as usize;
        let ends = &self.tables.string_ends;
        let start = number.checked_sub(1).map_or(0, |before| ends[before]) as usize;
        &self.tables.strings[start..ends[number] as usize]
    }

    fn location(&self, location: StoredLocation) -> Option<SourceLocation> {
        let (number, line) = location?;
        let file = self.files[number as usize].get_or_init(|| {
            let (path, directory) = self.tables.files[number as usize];
            let (path, directory) = (self.text(path).into(), self.text(directory).into());
            Arc::new(SourceFile { path, directory })
        });
        Some(SourceLocation { file: Arc::clone(file), line })
    }

    fn parameters(&self, stored: &[(StringNumber, TypeNumber)]) -> Vec<TypeParameter> {
        let one = |&(name, ty)| TypeParameter { name: self.text(name).into(), ty: id(ty) };
        stored.iter().map(one).collect()
    }

    fn members(&self, stored: &[StoredMember]) -> Vec<Member> {
        let one = |member: &StoredMember| Member {
            name: self.text(member.name).into(),
            offset: member.offset,
            ty: id(member.ty),
        };
        stored.iter().map(one).collect()
    }

    fn kind(&self, stored: &StoredKind) -> TypeKind {
        match stored {
            StoredKind::Opaque => TypeKind::Opaque,
            StoredKind::Integer { signed } => TypeKind::Integer { signed: *signed },
            StoredKind::Float => TypeKind::Float,
            StoredKind::Bool => TypeKind::Bool,
            StoredKind::Char => TypeKind::Char,
            StoredKind::Pointer { target } => TypeKind::Pointer { target: target.map(id) },
            StoredKind::Struct { members } => TypeKind::Struct { members: self.members(members) },
            StoredKind::Union { members } => TypeKind::Union { members: self.members(members) },
            StoredKind::Enum { discriminant, variants } => TypeKind::Enum {
                discriminant: discriminant.clone(),
                variants: variants
                    .iter()
                    .map(|variant| Variant {
                        name: self.text(variant.name).into(),
                        values: variant.values.clone(),
                        offset: variant.offset,
                        ty: id(variant.ty),
                        line: self.location(variant.line),
                    })
                    .collect(),
            },
            StoredKind::PlainEnum { enumerators } => {
                let one = |&(name, value): &(StringNumber, i128)| (self.text(name).into(), value);
                TypeKind::PlainEnum { enumerators: enumerators.iter().map(one).collect() }
            }
            StoredKind::Array { element, count } => {
                TypeKind::Array { element: id(*element), count: *count }
            }
        }
    }

    fn stored(&self, ty: TypeId) -> Result<&StoredType, LayoutError> {
        let number = usize::try_from(ty.0).ok();
        number.and_then(|n| self.tables.types.get(n)).ok_or(LayoutError::NoSuchType(ty.0))
    }

    fn function(&self, number: FunctionNumber) -> Arc<Function> {
        let made = self.functions[number as usize].get_or_init(|| {
            let stored = &self.tables.functions[number as usize];
            let variable = |&(name, ty)| Variable { name: self.text(name).into(), ty: id(ty) };
            Arc::new(Function {
                name: self.text(stored.name).into(),
                linkage_name: stored.linkage_name.map(|name| self.text(name).into()),
                type_parameters: self.parameters(&stored.type_parameters),
                variables: stored.variables.iter().map(variable).collect(),
                declared: self.location(stored.declared),
            })
        });
        Arc::clone(made)
    }

    fn string_number(&self, text: &str) -> Option<StringNumber> {
        let numbers = self.string_numbers.get_or_init(|| {
            let count = self.tables.string_ends.len() as StringNumber;
            (0..count).map(|number| (self.text(number).into(), number)).collect()
        });
        numbers.get(text).copied()
    }
}

fn id(number: TypeNumber) -> TypeId {
    TypeId(u64::from(number))
}

fn at<T>(list: &[(u64, Vec<T>)], address: StaticAddress) -> &[T] {
    match list.binary_search_by_key(&address.0, |(at, _)| *at) {
        Ok(found) => &list[found].1,
        Err(_) => &[],
    }
}

impl LayoutFile {
    /// The frames of functions whose code the program counter is in.
    fn frames_at(&self, pc: StaticAddress) -> impl Iterator<Item = &StoredFrame> {
        self.tables
            .variables
            .iter()
            .filter(move |frame| frame.code.iter().any(|&(low, high)| (low..high).contains(&pc.0)))
    }
}

impl LayoutSource for LayoutFile {
    fn facts(&self) -> &ObjectFacts {
        &self.tables.facts
    }

    fn provenance(&self) -> Provenance {
        let form = format!("layout file, from {}", self.tables.form);
        Provenance { path: self.path.clone(), form, lack: self.tables.lack.clone(), rests_on: None }
    }

    fn knowledge(&self) -> Vec<KnowledgeText> {
        self.tables.knowledge.clone()
    }

    fn type_at(&self, ty: TypeId) -> Result<Arc<Type>, LayoutError> {
        let stored = self.stored(ty)?;
        let made = self.types[ty.0 as usize].get_or_init(|| {
            Arc::new(Type {
                name: self.text(stored.name).into(),
                size: stored.size,
                align: stored.align,
                declared: self.location(stored.declared),
                type_parameters: self.parameters(&stored.type_parameters),
                kind: self.kind(&stored.kind),
            })
        });
        Ok(Arc::clone(made))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        let found = at(&self.tables.functions_at, address);
        Ok(found.iter().map(|&number| self.function(number)).collect())
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        Ok(at(&self.tables.vtables, address).iter().copied().map(id).collect())
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let names = self.names.get_or_init(|| {
            let mut names: HashMap<StringNumber, Vec<TypeNumber>> = HashMap::new();
            for (number, ty) in self.tables.types.iter().enumerate() {
                names.entry(ty.name).or_default().push(number as TypeNumber);
            }
            names
        });
        let found = self.string_number(name).and_then(|number| names.get(&number));
        let Some(found) = found else { return Ok(Vec::new()) };
        let units_of = |ty: &StoredType| &self.tables.unit_sets[ty.units as usize];
        if let Some(near) = near.and_then(|near| self.stored(near).ok()) {
            let here = units_of(near);
            let shares = |&number: &TypeNumber| {
                let there = units_of(&self.tables.types[number as usize]);
                here.iter().any(|unit| there.binary_search(unit).is_ok())
            };
            let close: Vec<_> = found.iter().copied().filter(shares).map(id).collect();
            if !close.is_empty() {
                return Ok(close);
            }
        }
        Ok(found.iter().copied().map(id).collect())
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        let is_under = |stored: &&StoredThreadLocal| {
            let rest = self.text(stored.name).strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let mut found: Vec<_> = self.tables.thread_locals.iter().filter(is_under).collect();
        // Without a symbol table, a copy that the linker dropped shows only by its offset.
        if found.iter().any(|stored| !stored.is_vouched_for && stored.offset != 0) {
            found.retain(|stored| stored.is_vouched_for || stored.offset != 0);
        }
        let variable = |stored: &StoredThreadLocal| ThreadLocal {
            name: self.text(stored.name).into(),
            ty: id(stored.ty),
            offset: stored.offset,
        };
        Ok(found.into_iter().map(variable).collect())
    }

    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        let is_wanted = |&&(_, ty): &&(u64, TypeNumber)| {
            let name = self.text(self.tables.types[ty as usize].name);
            match type_name.ends_with('<') {
                true => name.starts_with(type_name),
                false => name == type_name,
            }
        };
        let all = self.tables.static_variables.iter().filter(is_wanted);
        let all = all.map(|&(at, ty)| StaticVariable {
            ty: id(ty),
            address: StaticAddress(at),
            name: None,
        });
        Ok(all.collect())
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        Ok(self.stored(environment)?.body.map(|number| self.function(number)))
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        let StoredKind::Enum { variants, .. } = &self.stored(machine)?.kind else {
            return Ok(None);
        };
        Ok(variants.get(state).and_then(|variant| self.location(variant.invoked)))
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        let poll = self.stored(ty)?.poll;
        Ok(poll.map(|(polled_as, at)| Poll { polled_as, declared: self.location(at) }))
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.tables.notable.iter().any(|name| name == identifier)
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.has_function(identifier)
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        let mut found = Vec::new();
        for frame in self.frames_at(pc) {
            found.extend(
                frame
                    .calls
                    .iter()
                    .filter(|(ranges, _)| frame.has(ranges, pc))
                    .map(|(_, number)| Call { function: self.function(*number), location: None }),
            );
        }
        Ok(found)
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        let mut found = Vec::new();
        for frame in self.frames_at(pc) {
            for stored in &frame.variables {
                if frame.has(&stored.ranges, pc) {
                    found.push(PlacedVariable {
                        function: self.text(stored.function).into(),
                        name: self.text(stored.name).into(),
                        ty: id(stored.ty),
                        location: stored.location,
                    });
                }
            }
        }
        Ok(found)
    }
}

impl StoredFrame {
    /// Whether the program counter is in these ranges: starts from the lowest address of the
    /// function's code, and lengths; none for all of it.
    fn has(&self, ranges: &[(u64, u64)], pc: StaticAddress) -> bool {
        let low = self.code.first().map_or(0, |code| code.0);
        let is_here = |&(start, length): &(u64, u64)| {
            pc.0.checked_sub(low)
                .and_then(|into| into.checked_sub(start))
                .is_some_and(|into| into < length)
        };
        ranges.is_empty() || ranges.iter().any(is_here)
    }
}
