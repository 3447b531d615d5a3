//! [`DwarfSource`]: the layouts of one object, resolved from its DWARF as they are asked for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::Dwarf;
use runtime_layouts::layout::source::{
    LayoutError, LayoutSource, ObjectFacts, Poll, Provenance, ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId,
};

use crate::addresses::AddressMap;
use crate::cache::Cache;
use crate::elf::{ObjectFile, OpenError};
use crate::everything::Everything;
use crate::index::{NameRef, NodeNumber, UnitIndex, is_type};
use crate::lines::Lines;
use crate::mapping::SharedBytes;
use crate::mentions::Mentions;
use crate::polls::PolledSymbols;
use crate::units::{Slice, UnitNumber, UnitView, Units, malformed, malformed_because};

/// The layouts of one ELF object, from its DWARF 4 or 5, resolved on demand.
///
/// Opening reads the ELF headers and the unit headers. A question reads the units that it needs,
/// each once. Answers are cached; the type may be shared between threads.
///
/// A [`TypeId`] is the offset of the type's entry in `.debug_info`.
pub struct DwarfSource {
    pub(crate) object: ObjectFile,
    pub(crate) units: Units,
    pub(crate) addresses: OnceLock<AddressMap>,
    pub(crate) rust_units: OnceLock<Vec<UnitNumber>>,
    pub(crate) polled_symbols: OnceLock<PolledSymbols>,
    pub(crate) mentions: OnceLock<Mentions>,
    pub(crate) everything: OnceLock<Everything>,
    pub(crate) types: Cache<u64, Arc<Type>>,
    pub(crate) functions: Cache<u64, Arc<Function>>,
    pub(crate) bodies: Cache<u64, Option<u64>>,
    /// By the path of the body.
    pub(crate) bodies_elsewhere: Cache<Arc<str>, Option<u64>>,
    pub(crate) poll_answers: Cache<u64, Option<Poll>>,
    /// By the name of the type.
    pub(crate) polled_elsewhere: Cache<Arc<str>, Option<Poll>>,
    pub(crate) lines: Lines,
    /// The folders that the program's own and vendored crates were compiled in.
    pub(crate) folders: OnceLock<Vec<Arc<str>>>,
    lack: OnceLock<Option<String>>,
    passed_over: Mutex<Vec<String>>,
}

impl DwarfSource {
    /// Opens an ELF executable or shared library.
    ///
    /// An object without debug information opens too; [`LayoutSource::provenance`] says what it
    /// lacks.
    ///
    /// # Errors
    /// When the file cannot be read, or is no linked ELF object.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::new(ObjectFile::open(path)?))
    }

    /// Opens an object that is in memory: a vDSO, a file that was fetched. `name` stands for its
    /// path in messages.
    ///
    /// # Errors
    /// When the bytes are no linked ELF object.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, OpenError> {
        let object = ObjectFile::from_bytes(Path::new(name), SharedBytes::from(bytes))?;
        Ok(Self::new(object))
    }

    /// Bytes of debug information, decompressed: what a layout file is small against.
    #[must_use]
    pub fn debug_information_size(&self) -> u64 {
        self.object.sections.size()
    }

    /// The bytes of a section that is not of DWARF; `None` when there is none.
    pub(crate) fn section(&self, name: &str) -> Option<Vec<u8>> {
        self.object.section(name)
    }

    /// The files with debug information that is not in the program itself.
    pub(crate) fn other_files(&self) -> Vec<PathBuf> {
        let split = self.object.split.as_ref();
        let separate = self.object.separate_path().map(Path::to_owned);
        separate
            .into_iter()
            .chain(split.into_iter().flat_map(|split| split.files.clone()))
            .collect()
    }

    /// Says of a file that could have helped why it does not.
    pub(crate) fn passed_over(&self, why: &str) {
        let mut known = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(why.to_owned());
    }

    fn lack(&self) -> Option<String> {
        self.lack.get_or_init(|| self.find_lack()).clone()
    }

    fn with_passed_over(&self, mut lack: String) -> String {
        let known = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        for why in known.iter() {
            lack.push_str(". ");
            lack.push_str(why);
        }
        lack
    }

    fn new(object: ObjectFile) -> Self {
        let units = Units::read(&object);
        DwarfSource {
            object,
            units,
            addresses: OnceLock::new(),
            rust_units: OnceLock::new(),
            polled_symbols: OnceLock::new(),
            mentions: OnceLock::new(),
            everything: OnceLock::new(),
            types: Cache::default(),
            functions: Cache::default(),
            bodies: Cache::default(),
            bodies_elsewhere: Cache::default(),
            poll_answers: Cache::default(),
            polled_elsewhere: Cache::default(),
            lines: Lines::default(),
            folders: OnceLock::new(),
            lack: OnceLock::new(),
            passed_over: Mutex::default(),
        }
    }

    /// The sections, ready to be read. Making it costs next to nothing.
    pub(crate) fn dwarf(&self) -> Dwarf<Slice<'_>> {
        self.object.sections.dwarf(self.object.endian)
    }

    /// The index of a unit, made if it is not there yet.
    pub(crate) fn index<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<&'s UnitIndex, LayoutError> {
        let entry = self.units.entry(number);
        if let Some(known) = entry.index.get() {
            return known.as_ref().map_err(|error| malformed(entry.start, *error));
        }
        let view = self.units.view(dwarf, number)?;
        let index = entry.index.get_or_init(|| UnitIndex::build(dwarf, &view));
        index.as_ref().map_err(|error| malformed(entry.start, *error))
    }

    /// The unit that holds an entry, and the entry's node.
    pub(crate) fn node_at<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
    ) -> Result<(UnitNumber, &'s UnitIndex, NodeNumber), LayoutError> {
        let unknown = LayoutError::NoSuchType(offset);
        let number = self.units.at(offset).ok_or(unknown.clone())?;
        let index = self.index(dwarf, number)?;
        let within = offset - self.units.entry(number).start;
        let node = index.node_at(within).ok_or(unknown)?;
        Ok((number, index, node))
    }

    /// The unit that holds a type's entry, ready to be read.
    pub(crate) fn type_entry<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
    ) -> Result<(UnitView<'s>, &'s UnitIndex, NodeNumber), LayoutError> {
        let (number, index, node) = self.node_at(dwarf, offset)?;
        if !is_type(index.node(node).tag()) {
            return Err(LayoutError::NoSuchType(offset));
        }
        Ok((self.units.view(dwarf, number)?, index, node))
    }

    /// The bytes of a name. [`NameRef::Origin`] has none here: see [`Self::path_of`].
    pub(crate) fn name_bytes<'s>(&self, dwarf: &Dwarf<Slice<'s>>, name: NameRef) -> &'s [u8] {
        let from = name.from(dwarf);
        &from[..memchr::memchr(0, from).unwrap_or(0)]
    }

    /// The node that has the name of this one: itself, or what it stands for. A definition may
    /// stand outside of what it defines; its path is that of its declaration.
    pub(crate) fn named_node<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
    ) -> Result<(&'s UnitIndex, NodeNumber), LayoutError> {
        let (mut index, mut at) = (index, node);
        for _ in 0..MOST_ORIGINS {
            match index.node(at).name() {
                NameRef::Origin(origin) => match index.own_node_at(origin) {
                    Some(node) => at = node,
                    None => (_, index, at) = self.node_at(dwarf, origin)?,
                },
                _ => return Ok((index, at)),
            }
        }
        Err(malformed_because(u64::from(index.node(at).offset), "origins refer to each other"))
    }

    /// The full path of a node: its parents and its own name, joined with `::`.
    pub(crate) fn path_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
    ) -> Result<String, LayoutError> {
        let (index, node) = self.named_node(dwarf, index, node)?;
        Ok(self.joined_path(dwarf, index, node))
    }

    pub(crate) fn joined_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &UnitIndex,
        node: NodeNumber,
    ) -> String {
        let mut parts = Vec::with_capacity(8);
        for part in index.with_parents(node) {
            parts.push(self.name_bytes(dwarf, index.node(part).name()));
        }
        let mut path = String::with_capacity(parts.iter().map(|part| part.len() + 2).sum());
        for part in parts.iter().rev() {
            if !path.is_empty() {
                path.push_str("::");
            }
            match std::str::from_utf8(part) {
                Ok(part) => path.push_str(part),
                Err(_) => path.push_str(&String::from_utf8_lossy(part)),
            }
        }
        path
    }

    /// Whether a node has this full path, which [`Self::joined_path`] would put together.
    pub(crate) fn has_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &UnitIndex,
        node: NodeNumber,
        path: &str,
    ) -> bool {
        let mut rest = path.as_bytes();
        for (depth, part) in index.with_parents(node).enumerate() {
            let name = self.name_bytes(dwarf, index.node(part).name());
            if rest.is_empty() && name.is_empty() {
                continue;
            }
            let before = if depth == 0 { Some(rest) } else { rest.strip_suffix(b"::") };
            match before.and_then(|before| before.strip_suffix(name)) {
                Some(before) => rest = before,
                None => return false,
            }
        }
        rest.is_empty()
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        let near = near.and_then(|near| self.units.at(near.0));
        if let Some(number) = near {
            self.types_in_unit(&dwarf, number, name, &mut found)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let (_, last) = crate::names::split_last(name);
        let mut units = self.units_mentioning(&dwarf, last);
        // `&T`, tuples and fat pointers stand in no namespace: their name is all of it.
        units.extend(self.units_mentioning(&dwarf, name));
        units.sort_unstable();
        units.dedup();
        for number in units {
            if Some(number) != near {
                self.types_in_unit(&dwarf, number, name, &mut found)?;
            }
        }
        Ok(found)
    }
}

/// How often an entry may refer to another one for its name: two are usual (an out-of-line copy of
/// an inlined function that is declared in a struct).
pub(crate) const MOST_ORIGINS: usize = 8;

impl LayoutSource for DwarfSource {
    fn facts(&self) -> &ObjectFacts {
        &self.object.facts
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            path: self.object.path.display().to_string(),
            form: self.form(),
            lack: self.lack().map(|lack| self.with_passed_over(lack)),
        }
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        self.types.get_or_try(id.0, || self.read_type(id.0).map(Arc::new))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        self.find_functions(address.0)
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        self.find_vtable_types(address.0)
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        self.types_named(name, near)
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        self.find_thread_locals(path)
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        let body = self.bodies.get_or_try(environment.0, || self.find_body(environment.0))?;
        body.map(|function| self.function(function)).transpose()
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        self.find_invocation(machine, state)
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        self.poll_answers.get_or_try(ty.0, || self.find_poll(ty))
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        self.find_variables(pc.0)
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.object.has_symbol_part(identifier)
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        self.find_calls(pc.0)
    }
}
