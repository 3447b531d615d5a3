//! Abbreviations: how many bytes their entries take, and where the attributes that matter are.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use elsa::sync::FrozenMap;
use gimli::{
    Abbreviation, Abbreviations, AttributeSpecification, DwAt, DwForm, DwTag, Encoding,
    constants as dw,
};
use rustc_hash::FxHashMap;

use super::attribute_forms::{LengthRule, fixed_size, length_rule};
use super::tags::{is_named, is_part_of_type, is_type};

/// A set of kinds of entries, for a cursor to stop at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryKinds(u8);

impl EntryKinds {
    /// Every entry.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self(u8::MAX);
    /// Entries that have a place in a path: see [`is_named`].
    pub(crate) const NAMED: Self = Self(1);
    /// Variables with a location of any form.
    pub(crate) const LOCATED: Self = Self(2);
    /// Variables with a mangled name.
    pub(crate) const MANGLED: Self = Self(4);
    /// Inlined functions.
    pub(crate) const INLINED: Self = Self(8);
    /// Entries that may refer to an entry of another unit.
    pub(crate) const REFERRING: Self = Self(16);
    /// Types, and the entries below them that describe them.
    pub(crate) const DESCRIBING: Self = Self(32);
    /// Variables with a mangled name and without a location: see [`Self::is_unplaced`].
    ///
    /// [`Self::is_unplaced`]: AbbreviationLayout::is_unplaced
    pub(crate) const UNPLACED: Self = Self(64);
    const OTHER: Self = Self(128);

    /// The union of both sets.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How the attributes of an entry are laid out: the same for all entries with one abbreviation.
pub(crate) struct AbbreviationLayout {
    pub(crate) tag: DwTag,
    pub(crate) has_children: bool,
    pub(crate) kinds: EntryKinds,
    /// Bytes before the first attribute of unknown length.
    pub(crate) first: u32,
    /// The attributes of unknown length.
    pub(crate) rest: Box<[UnsizedAttribute]>,
    pub(crate) name: Option<AttributePlace>,
    pub(crate) location: Option<AttributePlace>,
    pub(crate) origin: Option<AttributePlace>,
    /// References of the form that can leave the unit.
    pub(crate) references: Vec<AttributePlace>,
    pub(crate) has_linkage_name: bool,
    pub(crate) is_declaration: bool,
    pub(crate) has_code: bool,
    /// The first address and the length of the code, when both are given in that form.
    pub(crate) code: Option<(AttributePlace, AttributePlace)>,
    /// `DW_AT_external`.
    pub(crate) is_external: bool,
    /// The place of each [`TypeAttribute`]; all `None` when the entry describes no type.
    pub(crate) type_attributes: [Option<AttributePlace>; TypeAttribute::COUNT],
    /// Values that stand in the abbreviation, and not in the entries (`DW_FORM_implicit_const`).
    implicit: Vec<(TypeAttribute, i64)>,
}

/// An attribute of unknown length, and what follows it.
pub(crate) struct UnsizedAttribute {
    pub(crate) rule: LengthRule,
    /// Bytes from its end to the next such attribute, or to the end of the entry.
    pub(crate) after: u32,
}

/// The place of an attribute: `bytes` after the end of attribute number `steps` in
/// [`AbbreviationLayout::rest`], counted from 1, or after the abbreviation code when `steps` is 0.
/// Kept small, since a layout has many.
#[derive(Clone, Copy)]
pub(crate) struct AttributePlace {
    pub(crate) bytes: u16,
    pub(crate) steps: u8,
    pub(crate) form: DwForm,
}

/// An attribute of a type's description, other than its name.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum TypeAttribute {
    /// `DW_AT_type`.
    Type,
    Size,
    Align,
    Encoding,
    /// The declaring file, as a number in the line table.
    File,
    /// The line of the declaration.
    Line,
    /// The offset of a member.
    Location,
    /// The member that holds the discriminant.
    Discriminant,
    /// The value that selects a variant, or that an enumerator stands for.
    Value,
    /// The list of values that select a variant.
    Values,
    Count,
    LowerBound,
    UpperBound,
}

impl TypeAttribute {
    const COUNT: usize = Self::UpperBound as usize + 1;

    fn of(name: DwAt) -> Option<Self> {
        Some(match name {
            dw::DW_AT_type => Self::Type,
            dw::DW_AT_byte_size => Self::Size,
            dw::DW_AT_alignment => Self::Align,
            dw::DW_AT_encoding => Self::Encoding,
            dw::DW_AT_decl_file => Self::File,
            dw::DW_AT_decl_line => Self::Line,
            dw::DW_AT_data_member_location => Self::Location,
            dw::DW_AT_discr => Self::Discriminant,
            dw::DW_AT_discr_value | dw::DW_AT_const_value => Self::Value,
            dw::DW_AT_discr_list => Self::Values,
            dw::DW_AT_count => Self::Count,
            dw::DW_AT_lower_bound => Self::LowerBound,
            dw::DW_AT_upper_bound => Self::UpperBound,
            _ => return None,
        })
    }
}

/// Shares layouts between the units of an object: each unit has its own table of abbreviations, and
/// most abbreviations occur in many tables.
#[derive(Default)]
pub(crate) struct AbbreviationLayoutCache(Mutex<FxHashMap<Box<[u64]>, Arc<AbbreviationLayout>>>);

impl AbbreviationLayoutCache {
    /// The layouts of a table.
    pub(crate) fn of(
        &self,
        abbreviations: &Abbreviations,
        encoding: Encoding,
    ) -> AbbreviationLayouts {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = Vec::new();
        let layout = |abbreviation: &Abbreviation| {
            words.clear();
            let format = u64::from(encoding.format.word_size());
            let version = u64::from(encoding.version);
            words.push(u64::from(encoding.address_size) | format << 8 | version << 16);
            let has_children = u64::from(abbreviation.has_children());
            words.push(u64::from(abbreviation.tag().0) | has_children << 16);
            for spec in abbreviation.attributes() {
                words.push(u64::from(spec.name().0) << 16 | u64::from(spec.form().0));
                words.extend(spec.implicit_const_value().map(i64::cast_unsigned));
            }
            if let Some(known) = known.get(&*words) {
                return Arc::clone(known);
            }
            let layout = Arc::new(AbbreviationLayout::of(abbreviation, encoding));
            known.insert(words[..].into(), Arc::clone(&layout));
            layout
        };
        let all = (1..).map_while(|code| abbreviations.get(code));
        let dense: Vec<_> = all.map(layout).collect();
        let skip_rules = dense.iter().map(|layout| SkipRule::of(layout)).collect();
        AbbreviationLayouts { dense, skip_rules, sparse: FrozenMap::new() }
    }
}

/// The layouts of one table of abbreviations.
pub(crate) struct AbbreviationLayouts {
    /// By code, from 1 on, as far as codes are dense: compilers write no others.
    dense: Vec<Arc<AbbreviationLayout>>,
    /// How to skip an entry, for each of `dense`.
    skip_rules: Vec<SkipRule>,
    sparse: FrozenMap<u64, Box<AbbreviationLayout>>,
}

/// How to skip an entry, and whether to stop at it. Small, so that all rules of a table fit into
/// the processor's cache.
#[derive(Clone, Copy)]
pub(crate) struct SkipRule {
    pub(crate) first: u16,
    pub(crate) after: u16,
    pub(crate) kinds: EntryKinds,
    pub(crate) has_children: bool,
    pub(crate) shape: SkipShape,
}

/// How many attributes of unknown length an entry has.
#[derive(Clone, Copy)]
pub(crate) enum SkipShape {
    /// None: `first` bytes in all.
    Fixed,
    /// `first` bytes, a number in LEB128, `after` bytes.
    Leb,
    /// `first` bytes, a block that begins with its length, `after` bytes.
    Block,
    /// Several: see [`AbbreviationLayout::rest`].
    Other,
}

impl SkipRule {
    pub(crate) fn of(layout: &AbbreviationLayout) -> Self {
        let sizes = |after: u32| Some((layout.first.try_into().ok()?, after.try_into().ok()?));
        let (shape, sizes) = match &*layout.rest {
            [] => (SkipShape::Fixed, sizes(0)),
            [UnsizedAttribute { rule: LengthRule::Leb, after }] => (SkipShape::Leb, sizes(*after)),
            [UnsizedAttribute { rule: LengthRule::Block, after }] => {
                (SkipShape::Block, sizes(*after))
            }
            _ => (SkipShape::Other, None),
        };
        let (kinds, has_children) = (layout.kinds, layout.has_children);
        match sizes {
            Some((first, after)) => Self { first, after, kinds, has_children, shape },
            None => Self { first: 0, after: 0, kinds, has_children, shape: SkipShape::Other },
        }
    }
}

impl AbbreviationLayouts {
    /// The skip rule for a code; `None` when the code is not among the dense ones.
    #[inline]
    pub(crate) fn skip_rule(&self, code: u64) -> Option<SkipRule> {
        self.skip_rules.get((code as usize).wrapping_sub(1)).copied()
    }

    /// The layout for a code; `None` when the table has no such code.
    #[inline]
    pub(crate) fn get(
        &self,
        code: u64,
        abbreviations: &Abbreviations,
        encoding: Encoding,
    ) -> Option<&AbbreviationLayout> {
        match self.dense.get((code as usize).wrapping_sub(1)) {
            Some(layout) => Some(layout),
            None => self.sparse(code, abbreviations, encoding),
        }
    }

    #[cold]
    fn sparse(
        &self,
        code: u64,
        abbreviations: &Abbreviations,
        encoding: Encoding,
    ) -> Option<&AbbreviationLayout> {
        if let Some(known) = self.sparse.get(&code) {
            return Some(known);
        }
        let layout = AbbreviationLayout::of(abbreviations.get(code)?, encoding);
        Some(self.sparse.insert(code, Box::new(layout)))
    }
}

impl AbbreviationLayout {
    fn of(abbreviation: &Abbreviation, encoding: Encoding) -> Self {
        let specs = abbreviation.attributes();
        let Extents { first, rest, places } = Extents::of(specs, encoding);
        let mut layout = Self {
            tag: abbreviation.tag(),
            has_children: abbreviation.has_children(),
            kinds: EntryKinds::OTHER,
            first,
            rest,
            name: None,
            location: None,
            origin: None,
            references: Vec::new(),
            has_linkage_name: false,
            is_declaration: false,
            has_code: false,
            code: code_places(specs, &places),
            is_external: false,
            type_attributes: [None; TypeAttribute::COUNT],
            implicit: Vec::new(),
        };
        let is_describing = is_type(layout.tag) || is_part_of_type(layout.tag);
        for (spec, place) in specs.iter().zip(places) {
            layout.add_attribute(spec, place);
            if is_describing {
                layout.add_type_attribute(spec, place);
            }
        }
        layout.kinds = layout.find_kinds(is_describing);
        layout
    }

    fn add_attribute(&mut self, spec: &AttributeSpecification, place: Option<AttributePlace>) {
        if spec.form() == dw::DW_FORM_ref_addr {
            self.references.extend(place);
        }
        match spec.name() {
            dw::DW_AT_name => self.name = place,
            dw::DW_AT_location => self.location = place,
            dw::DW_AT_abstract_origin => self.origin = place,
            dw::DW_AT_specification => self.origin = self.origin.or(place),
            dw::DW_AT_linkage_name | dw::DW_AT_MIPS_linkage_name => self.has_linkage_name = true,
            dw::DW_AT_declaration => self.is_declaration = true,
            dw::DW_AT_external => self.is_external = true,
            dw::DW_AT_low_pc | dw::DW_AT_ranges => self.has_code = true,
            _ => {}
        }
    }

    fn add_type_attribute(&mut self, spec: &AttributeSpecification, place: Option<AttributePlace>) {
        let Some(attribute) = TypeAttribute::of(spec.name()) else { return };
        self.type_attributes[attribute as usize] = place;
        self.implicit.extend(spec.implicit_const_value().map(|value| (attribute, value)));
    }

    fn find_kinds(&self, is_describing: bool) -> EntryKinds {
        let is_variable = self.tag == dw::DW_TAG_variable;
        let kinds = [
            (is_named(self.tag), EntryKinds::NAMED),
            (is_variable && self.location.is_some(), EntryKinds::LOCATED),
            (is_variable && self.has_linkage_name, EntryKinds::MANGLED),
            (self.is_unplaced(), EntryKinds::UNPLACED),
            (self.tag == dw::DW_TAG_inlined_subroutine, EntryKinds::INLINED),
            (is_describing, EntryKinds::DESCRIBING),
            (!self.references.is_empty(), EntryKinds::REFERRING),
        ];
        let kinds = kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| kind);
        kinds.fold(EntryKinds::OTHER, EntryKinds::and)
    }

    /// Whether it defines a variable with a mangled name that it gives no place: one that was
    /// dropped, or a thread-local one where LLVM cannot say where it is. On AArch64 there is no
    /// relocation for that (LLVM 22, `AArch64TargetObjectFile`, has no `getDebugThreadLocalSymbol`;
    /// `DwarfUnit.cpp`, `addLocationAttribute`, then leaves the location out).
    fn is_unplaced(&self) -> bool {
        let is_defined = self.tag == dw::DW_TAG_variable && !self.is_declaration;
        is_defined && self.has_linkage_name && self.location.is_none()
    }

    /// The value of an attribute that the abbreviation has, and not the entries
    /// (`DW_FORM_implicit_const`); 0 when there is none.
    pub(crate) fn implicit(&self, attribute: TypeAttribute) -> i64 {
        let known = self.implicit.iter().find(|(other, _)| *other == attribute);
        known.map_or(0, |(_, value)| *value)
    }
}

/// The extents of an entry's attributes.
struct Extents {
    /// As in [`AbbreviationLayout`].
    first: u32,
    /// As in [`AbbreviationLayout`].
    rest: Box<[UnsizedAttribute]>,
    /// Of each attribute; `None` past the number of attributes that [`AttributePlace`] can count.
    places: Vec<Option<AttributePlace>>,
}

impl Extents {
    fn of(specs: &[AttributeSpecification], encoding: Encoding) -> Self {
        let mut first = 0;
        let mut rest: Vec<UnsizedAttribute> = Vec::new();
        let mut places = Vec::with_capacity(specs.len());
        for spec in specs {
            let form = spec.form();
            let bytes = rest.last_mut().map_or(&mut first, |step| &mut step.after);
            let size = fixed_size(form, encoding);
            let behind: u32 = *bytes;
            *bytes = bytes.saturating_add(size.unwrap_or(0));
            places.push(match (behind.try_into(), rest.len().try_into()) {
                (Ok(bytes), Ok(steps)) => Some(AttributePlace { bytes, steps, form }),
                _ => None,
            });
            if size.is_none() {
                rest.push(UnsizedAttribute { rule: length_rule(form), after: 0 });
            }
        }
        Self { first, rest: rest.into(), places }
    }
}

/// The places of `DW_AT_low_pc` and `DW_AT_high_pc`, when those are an address and a length.
fn code_places(
    specs: &[AttributeSpecification],
    places: &[Option<AttributePlace>],
) -> Option<(AttributePlace, AttributePlace)> {
    let (mut low, mut high) = (None, None);
    for (spec, place) in specs.iter().zip(places) {
        match (spec.name(), spec.form()) {
            (dw::DW_AT_low_pc, dw::DW_FORM_addr) => low = *place,
            (dw::DW_AT_high_pc, dw::DW_FORM_data4 | dw::DW_FORM_data8) => high = *place,
            (dw::DW_AT_ranges, _) => return None,
            _ => {}
        }
    }
    low.zip(high)
}

/// A table of abbreviations, as units with a given encoding read it.
pub(crate) struct AbbreviationTable {
    pub(super) abbreviations: Arc<Abbreviations>,
    pub(super) encoding: Encoding,
    pub(super) layouts: OnceLock<AbbreviationLayouts>,
    pub(super) all: Arc<AbbreviationLayoutCache>,
}

impl AbbreviationTable {
    /// The layouts of its abbreviations, computed on first use.
    pub(crate) fn layouts(&self) -> &AbbreviationLayouts {
        self.layouts.get_or_init(|| self.all.of(&self.abbreviations, self.encoding))
    }
}
