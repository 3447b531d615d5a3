//! Hashes of type descriptions: equal when two units describe a type in the same words.
//!
//! A hash covers what the description says itself. The types that it refers to are returned
//! separately, for [`merge`](super::merge) to compare.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::quality::FixedState;
use gimli::{DwTag, Dwarf, constants as dw};
use runtime_layouts::layout::source::{LayoutError, LayoutSource};
use runtime_layouts::layout::{Function, TypeId};
use rustc_hash::FxHashMap;

use super::edges::types_of_type;
use crate::dwarf::discriminants::Signedness;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::tags::{is_alias, is_type};
use crate::dwarf::type_description::{Declared, Description, DescriptionReader, VariantPart};
use crate::dwarf::unit_view::UnitView;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;
use crate::questions::source::DwarfSource;
use crate::support::direct_mapped_cache::DirectMappedCache;

/// Adds the types that a description refers to, in the order of [`types_of_type`].
fn add_references(tag: DwTag, described: &Description<'_>, referred: &mut Vec<TypeId>) {
    referred.extend(described.type_parameters.iter().map(|(_, ty)| TypeId(*ty)));
    match tag {
        dw::DW_TAG_pointer_type
        | dw::DW_TAG_reference_type
        | dw::DW_TAG_rvalue_reference_type
        | dw::DW_TAG_array_type => referred.extend(described.target.map(TypeId)),
        dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type => {
            match described.enum_part(tag) {
                Some(part) => {
                    let members = part.variants.iter().filter_map(|variant| variant.member);
                    referred.extend(members.map(|member| TypeId(member.ty)));
                }
                None if described.is_declaration => {}
                None => referred.extend(described.members.iter().map(|member| TypeId(member.ty))),
            }
        }
        _ => {}
    }
}

/// Hashes of files with larger numbers are not cached.
const MAX_FILES: usize = 1 << 16;

/// Cached hashes of what many descriptions share, used by one thread at a time. A name is hashed by
/// its bytes, not by its offset: a linker may leave several copies of it.
pub(super) struct SharedHashes {
    /// By [`NameRef::key`].
    names: DirectMappedCache<u64, u64>,
    /// By the numbers of the unit and the node.
    paths: DirectMappedCache<u64, u64>,
    /// By the entry of the type.
    discriminants: FxHashMap<u64, (u8, Signedness)>,
}

/// Slots of the caches of names and paths, as a power of two: most repetitions follow soon.
const RECENT_NAMES: u32 = 11;

impl Default for SharedHashes {
    fn default() -> Self {
        let cache = || DirectMappedCache::new(RECENT_NAMES, u64::MAX);
        Self { names: cache(), paths: cache(), discriminants: FxHashMap::default() }
    }
}

/// Hashes the descriptions of one unit.
pub(super) struct DescriptionHasher<'u, 's> {
    pub(super) source: &'s DwarfSource,
    pub(super) dwarf: &'u Dwarf<Slice<'s>>,
    pub(super) view: &'u UnitView<'s>,
    pub(super) index: &'s UnitIndex,
    pub(super) reader: DescriptionReader<'u, 's>,
    /// Hashes of its files, by number; 0 where none was needed yet.
    pub(super) files: Vec<u64>,
    pub(super) hashes: &'u mut SharedHashes,
}

impl<'s> DescriptionHasher<'_, 's> {
    /// The body of a closure or async fn, if this is the environment of one.
    pub(super) fn body(&self, id: TypeId, node: Option<NodeNumber>) -> Option<Arc<Function>> {
        let may_be = self.index.node(node?).name().from(self.dwarf).starts_with(b"{");
        may_be.then(|| self.source.body_of(id).ok().flatten())?
    }

    /// Hashes what a description says itself, and adds the types that its layout refers to.
    pub(super) fn hash_description(
        &mut self,
        id: TypeId,
        node: Option<NodeNumber>,
        described: &mut Description<'s>,
        referred: &mut Vec<TypeId>,
    ) -> Result<u64, LayoutError> {
        let is_of_type = |node: &NodeNumber| is_type(self.index.node(*node).tag());
        let node = node.filter(is_of_type).ok_or(LayoutError::NoSuchType(id.0))?;
        let (tag, name) = (self.index.node(node).tag(), self.index.node(node).name());
        let mut hasher = FixedState::default().build_hasher();
        if is_alias(tag) || matches!(name, NameRef::Origin(_)) {
            // rustc writes no such types. Each is treated as distinct.
            types_of_type(&*self.source.type_at(id)?, referred);
            id.0.hash(&mut hasher);
            return Ok(hasher.finish());
        }
        described.read_again(&mut self.reader, id.0)?;
        self.source.separate_members(self.dwarf, self.view, self.index, node, described);
        self.hash(id, node, described, &mut hasher)?;
        add_references(tag, described, referred);
        Ok(hasher.finish())
    }

    /// Hashes everything but the types that are referred to.
    fn hash(
        &mut self,
        id: TypeId,
        node: NodeNumber,
        described: &Description<'s>,
        hasher: &mut impl Hasher,
    ) -> Result<(), LayoutError> {
        let tag = self.index.node(node).tag();
        hasher.write_u64(self.path(node));
        let said = [
            described.has_name,
            described.is_declaration,
            described.size.is_some(),
            described.align.is_some(),
            described.encoding.is_some(),
            described.target.is_some(),
        ];
        let said = said.iter().fold(0, |flags, flag| flags << 1 | u64::from(*flag));
        let encoding = described.encoding.map_or(0, |encoding| encoding.0);
        hasher.write_u64(u64::from(tag.0) << 16 | u64::from(encoding) << 8 | said);
        hasher.write_u64(described.size.unwrap_or(0));
        hasher.write_u64(described.align.unwrap_or(0));
        hasher.write_usize(described.type_parameters.len());
        hasher.write_usize(described.members.len());
        self.hash_place(described.declared, hasher);
        described.counts.hash(hasher);
        for (name, _) in &described.type_parameters {
            hasher.write_u64(self.name(*name));
        }
        for member in &described.members {
            hasher.write_u64(self.name(member.name));
            hasher.write_u64(member.offset);
        }
        for (name, value) in &described.enumerators {
            hasher.write_u64(self.name(*name));
            hasher.write_i128(*value);
        }
        if let Some(part) = described.enum_part(tag) {
            self.hash_variants(part, hasher)?;
        }
        if tag == dw::DW_TAG_subroutine_type {
            // Its name is composed of types that it does not refer to.
            self.source.type_name(self.dwarf, id.0, 0)?.hash(hasher);
        }
        Ok(())
    }

    fn hash_variants(
        &mut self,
        part: &VariantPart<'s>,
        hasher: &mut impl Hasher,
    ) -> Result<(), LayoutError> {
        if let Some((offset, ty)) = part.found {
            let kind = match self.hashes.discriminants.get(&ty) {
                Some(known) => *known,
                None => self.source.discriminant_type(self.dwarf, ty)?,
            };
            self.hashes.discriminants.insert(ty, kind);
            (offset, kind).hash(hasher);
        }
        for variant in &part.variants {
            let Some(member) = variant.member else { continue };
            (variant.value, variant.values).hash(hasher);
            hasher.write_u64(self.name(member.name));
            hasher.write_u64(member.offset);
            self.hash_place(variant.declared, hasher);
        }
        Ok(())
    }

    fn name(&mut self, name: NameRef) -> u64 {
        let key = name.key();
        if let Some(known) = self.hashes.names.get(key) {
            return known;
        }
        let hash = FixedState::default().hash_one(self.source.name_bytes(self.dwarf, name));
        self.hashes.names.put(key, hash);
        hash
    }

    /// A hash of the path of a node.
    fn path(&mut self, node: NodeNumber) -> u64 {
        let mut path = 0;
        // Nodes of the same namespace or type share all of the path but its end.
        let mut unknown = Vec::new();
        for parent in self.index.self_and_parents(node).skip(1) {
            if let Some(known) = self.hashes.paths.get(self.key(parent)) {
                path = known;
                break;
            }
            unknown.push(parent);
        }
        for parent in unknown.into_iter().rev() {
            path = self.longer_path(path, parent);
            self.hashes.paths.put(self.key(parent), path);
        }
        self.longer_path(path, node)
    }

    fn key(&self, node: NodeNumber) -> u64 {
        (self.view.number as u64) << 32 | u64::from(node)
    }

    fn longer_path(&mut self, path: u64, node: NodeNumber) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_u64(path);
        hasher.write_u64(self.name(self.index.node(node).name()));
        hasher.finish()
    }

    fn hash_place(&mut self, declared: Declared, hasher: &mut impl Hasher) {
        let line = declared.line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        hasher.write_u32(line);
        // A file without a line is no location.
        if let Some(number) = declared.file.filter(|_| line != 0) {
            hasher.write_u64(self.file(number, declared));
        }
    }

    fn file(&mut self, number: u64, declared: Declared) -> u64 {
        let slot = usize::try_from(number).ok().filter(|slot| *slot < MAX_FILES);
        let known = slot.and_then(|slot| self.files.get(slot).copied());
        if let Some(known) = known.filter(|hash| *hash != 0) {
            return known;
        }
        let place = self.source.described_location(self.dwarf, self.view, declared);
        let file = place.map(|place| place.file);
        let file = file.as_deref().map(|file| (&*file.path, &*file.directory));
        let hash = FixedState::default().hash_one(file) | 1;
        if let Some(slot) = slot {
            if self.files.len() <= slot {
                self.files.resize(slot + 1, 0);
            }
            self.files[slot] = hash;
        }
        hash
    }
}
