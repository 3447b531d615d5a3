//! [`DwarfSource`]: an object with its debug information, and access to its units and entries.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::Dwarf;
use runtime_layouts::knowledge::Libraries;
use runtime_layouts::layout::source::{LayoutError, Poll};
use runtime_layouts::layout::{Function, Type};
use runtime_layouts::libraries::LIBRARIES;

use crate::dwarf::reader::{UnitNumber, malformed};
use crate::dwarf::tags::is_type;
use crate::dwarf::unit_view::UnitView;
use crate::dwarf::units::Units;
use crate::indexes::address_units::AddressMap;
use crate::indexes::line_tables::LineTables;
use crate::indexes::name_users::NameUsers;
use crate::indexes::node::NodeNumber;
use crate::indexes::poll_index::PolledSymbols;
use crate::indexes::unit_index::UnitIndex;
use crate::indexes::whole_program::WholeProgram;
use crate::object::object_file::{ObjectFile, OpenError};
use crate::object::sections::Slice;
use crate::object::shared_bytes::SharedBytes;
use crate::support::concurrent_cache::ConcurrentCache;

/// The layouts of one ELF or Mach-O object, from its DWARF 4 or 5, resolved on demand.
///
/// Opening reads the headers and the unit headers; of a Mach-O program whose debug information is in
/// its object files all of it, to move it to the program's addresses. A question reads the units that it needs,
/// each once. Answers are cached, and threads may share a source.
///
/// The questions are the methods of
/// [`LayoutSource`](runtime_layouts::layout::source::LayoutSource). A
/// [`TypeId`](runtime_layouts::layout::TypeId) is the offset of the type's entry in `.debug_info`.
///
/// # Example
///
/// ```
/// use layout_extractor::DwarfSource;
/// use runtime_layouts::layout::TypeKind;
/// use runtime_layouts::layout::source::LayoutSource;
///
#[doc = include_str!("../../doc/compile.txt")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // `compile` runs `rustc -g`.
/// let (_folder, program) = compile(
///     "async fn wait(a: u8) -> u8 { std::future::ready(a).await + a }
///      fn main() { std::hint::black_box(wait(1)); }",
/// )?;
///
/// // The state machine of an async fn is an enum with a variant for each await point.
/// let source = DwarfSource::open(&program)?;
/// let machine = source.types_named("app::wait::{async_fn_env#0}", None)?[0];
/// let TypeKind::Enum { variants, .. } = &source.type_at(machine)?.kind else { panic!("an enum") };
/// let names: Vec<&str> = variants.iter().map(|variant| &*variant.name).collect();
/// assert_eq!(names, ["Unresumed", "Returned", "Panicked", "Suspend0"]);
///
/// // The future that it awaits there is a member of that variant.
/// let suspended = source.type_at(variants[3].ty)?;
/// let awaitee = suspended.member("__awaitee").expect("an awaitee");
/// assert_eq!(&*source.type_at(awaitee.ty)?.name, "core::future::ready::Ready<u8>");
/// # Ok(())
/// # }
/// ```
pub struct DwarfSource {
    pub(crate) object: ObjectFile,
    pub(crate) libraries: Libraries,
    pub(crate) units: Units,
    /// By the number of the unit; built on first use.
    indexes: Box<[OnceLock<Result<UnitIndex, gimli::Error>>]>,
    pub(crate) addresses: OnceLock<AddressMap>,
    pub(crate) rust_units: OnceLock<Vec<UnitNumber>>,
    pub(crate) polled_symbols: OnceLock<PolledSymbols>,
    pub(crate) name_users: OnceLock<NameUsers>,
    pub(crate) whole_program: OnceLock<WholeProgram>,
    pub(crate) types: ConcurrentCache<u64, Arc<Type>>,
    pub(crate) functions: ConcurrentCache<u64, Arc<Function>>,
    pub(crate) bodies: ConcurrentCache<u64, Option<u64>>,
    /// By the path of the body.
    pub(crate) bodies_elsewhere: ConcurrentCache<Arc<str>, Option<u64>>,
    pub(crate) poll_answers: ConcurrentCache<u64, Option<Poll>>,
    /// By the name of the type.
    pub(crate) polled_elsewhere: ConcurrentCache<Arc<str>, Option<Poll>>,
    pub(crate) lines: LineTables,
    /// The folders that the program's own and vendored crates were compiled in, the longest first.
    pub(crate) folders: OnceLock<Vec<Arc<str>>>,
    pub(super) missing_debug_info: OnceLock<Option<String>>,
    pub(super) rejected_files: Mutex<Vec<String>>,
}

impl DwarfSource {
    /// Opens an executable or shared library, ELF or Mach-O.
    ///
    /// An object without debug information opens too; its
    /// [`provenance`](runtime_layouts::layout::source::LayoutSource::provenance) says what it
    /// lacks.
    ///
    /// # Errors
    /// When the file cannot be read, or is no linked object.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::new(ObjectFile::open(path)?))
    }

    /// Opens an object that is in memory, such as a vDSO or a file that was fetched. Messages use
    /// `name` in place of its path.
    ///
    /// # Errors
    /// When the bytes are no linked ELF object.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, OpenError> {
        let object = ObjectFile::from_bytes(Path::new(name), SharedBytes::from(bytes))?;
        Ok(Self::new(object))
    }

    /// Answers for these libraries instead of all that are known.
    #[must_use]
    pub fn with_libraries(self, libraries: Libraries) -> Self {
        Self { libraries, ..self }
    }

    /// Bytes of debug information, decompressed: what a layout file is small against.
    #[must_use]
    pub fn debug_information_size(&self) -> u64 {
        self.object.sections.size()
    }

    /// The bytes of any section; `None` when there is no such section.
    pub(crate) fn section(&self, name: &str) -> Option<Vec<u8>> {
        self.object.section(name)
    }

    /// The separate, split and object files that debug information was read from.
    pub(crate) fn other_files(&self) -> Vec<PathBuf> {
        let split = self.object.split.as_ref();
        let separate = self.object.separate_path().map(Path::to_owned);
        let map = self.object.debug_map.as_ref();
        separate
            .into_iter()
            .chain(map.into_iter().flat_map(|map| map.files.clone()))
            .chain(split.into_iter().flat_map(|split| split.files.clone()))
            .collect()
    }

    /// Says of a file that could have helped why it does not.
    pub(crate) fn reject_file(&self, why: &str) {
        let mut known = self.rejected_files.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(why.to_owned());
    }

    fn new(object: ObjectFile) -> Self {
        let units = Units::read(&object);
        let indexes = (0..units.len()).map(|_| OnceLock::new()).collect();
        DwarfSource {
            object,
            libraries: LIBRARIES,
            units,
            indexes,
            addresses: OnceLock::new(),
            rust_units: OnceLock::new(),
            polled_symbols: OnceLock::new(),
            name_users: OnceLock::new(),
            whole_program: OnceLock::new(),
            types: ConcurrentCache::default(),
            functions: ConcurrentCache::default(),
            bodies: ConcurrentCache::default(),
            bodies_elsewhere: ConcurrentCache::default(),
            poll_answers: ConcurrentCache::default(),
            polled_elsewhere: ConcurrentCache::default(),
            lines: LineTables::default(),
            folders: OnceLock::new(),
            missing_debug_info: OnceLock::new(),
            rejected_files: Mutex::default(),
        }
    }

    /// The debug sections for gimli. The call is cheap.
    pub(crate) fn dwarf(&self) -> Dwarf<Slice<'_>> {
        self.object.sections.dwarf(self.object.endian)
    }

    /// The index of a unit, built on first use.
    pub(crate) fn index<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<&'s UnitIndex, LayoutError> {
        let broken = |error: &gimli::Error| malformed(self.units.entry(number).start, *error);
        let slot = &self.indexes[number];
        if let Some(known) = slot.get() {
            return known.as_ref().map_err(broken);
        }
        let view = self.units.view(dwarf, number)?;
        slot.get_or_init(|| UnitIndex::build(dwarf, &view)).as_ref().map_err(broken)
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

    /// The unit that holds a type's entry, and the type's node.
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
}
