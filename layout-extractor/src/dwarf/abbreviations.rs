//! RECIPES: how to get past the entries with one abbreviation, and where in them the attributes are
//! that matter.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use elsa::sync::FrozenMap;
use gimli::{
    Abbreviation, Abbreviations, AttributeSpecification, DwAt, DwForm, DwTag, Encoding,
    constants as dw,
};
use rustc_hash::FxHashMap;

use super::attribute_forms::{Length, fixed_size, length};
use super::tags::{is_named, is_part_of_type, is_type};

/// Kinds of entries that one may look for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(u8);

impl Wanted {
    /// Every entry.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self(u8::MAX);
    /// Those that have a place in a path: see [`is_named`].
    pub(crate) const NAMED: Self = Self(1);
    /// Variables that have a location, whatever that is.
    pub(crate) const LOCATED: Self = Self(2);
    /// Variables that have a mangled name.
    pub(crate) const MANGLED: Self = Self(4);
    /// Functions that are inlined here.
    pub(crate) const INLINED: Self = Self(8);
    /// Those that may refer to an entry of another unit.
    pub(crate) const REFERRING: Self = Self(16);
    /// Types, and what a type is made of.
    pub(crate) const DESCRIBING: Self = Self(32);
    const OTHER: Self = Self(128);

    /// These and those.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How to get past the attributes of the entries with one abbreviation.
pub(crate) struct Recipe {
    pub(crate) tag: DwTag,
    pub(crate) has_children: bool,
    pub(crate) kinds: Wanted,
    /// Bytes before the first attribute whose length is not known.
    pub(crate) first: u32,
    /// The attributes whose length is not known.
    pub(crate) rest: Box<[Step]>,
    pub(crate) name: Option<Place>,
    pub(crate) location: Option<Place>,
    pub(crate) origin: Option<Place>,
    /// The references that may be to other units.
    pub(crate) references: Box<[Place]>,
    pub(crate) has_linkage_name: bool,
    pub(crate) is_declaration: bool,
    pub(crate) has_code: bool,
    /// An address and a length, where that is how the code is said.
    pub(crate) code: Option<(Place, Place)>,
    /// Whether it says that it is external.
    pub(crate) is_external: bool,
    /// Where each [`Fact`] of a type's description is; nothing for other entries.
    pub(crate) facts: [Option<Place>; Fact::COUNT],
    /// The facts that the abbreviation has, and not the entries.
    implicit: Box<[(Fact, i64)]>,
}

/// An attribute whose length is not known, and what follows it.
pub(crate) struct Step {
    pub(crate) length: Length,
    /// Bytes to the next one of these, or to the end.
    pub(crate) after: u32,
}

/// Where an attribute is: so many bytes behind so many of the attributes in `rest`, or behind the
/// entry's code where there is none of those before it. It is small, since a recipe has many.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) bytes: u16,
    pub(crate) steps: u8,
    pub(crate) form: DwForm,
}

/// What the description of a type may say, beside its name.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fact {
    /// What it is of.
    Type,
    Size,
    Align,
    Encoding,
    /// The number of the file that it is declared in.
    File,
    /// The line that it is declared in.
    Line,
    /// Where a member is.
    Location,
    /// The member that tells variants apart.
    Discriminant,
    /// What selects a variant, or stands for an enumerator.
    Value,
    /// All that selects a variant.
    Values,
    Count,
    LowerBound,
    UpperBound,
}

impl Fact {
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

/// The recipes of a whole object. Its units have a table of abbreviations each, and most of what is
/// in those is the same.
#[derive(Default)]
pub(crate) struct AllRecipes(Mutex<FxHashMap<Box<[u64]>, Arc<Recipe>>>);

impl AllRecipes {
    /// Those of a table.
    pub(crate) fn of(&self, abbreviations: &Abbreviations, encoding: Encoding) -> Recipes {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = Vec::new();
        let recipe = |abbreviation: &Abbreviation| {
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
            let recipe = Arc::new(Recipe::of(abbreviation, encoding));
            known.insert(words[..].into(), Arc::clone(&recipe));
            recipe
        };
        let all = (1..).map_while(|code| abbreviations.get(code));
        let dense: Vec<_> = all.map(recipe).collect();
        let heads = dense.iter().map(|recipe| Head::of(recipe)).collect();
        Recipes { dense, heads, odd: FrozenMap::new() }
    }
}

/// The recipes of one table of abbreviations.
pub(crate) struct Recipes {
    /// By code from 1 on, as far as codes are dense: compilers write no others.
    dense: Vec<Arc<Recipe>>,
    /// Of each of those what is needed to get past an entry.
    heads: Vec<Head>,
    odd: FrozenMap<u64, Box<Recipe>>,
}

/// What is needed to get past an entry, and to know whether to look at it: little enough for all
/// heads of a table to be at hand.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) first: u16,
    pub(crate) after: u16,
    pub(crate) kinds: Wanted,
    pub(crate) has_children: bool,
    pub(crate) shape: Shape,
}

/// How the attributes of an entry lie.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// `first` bytes in all.
    Fixed,
    /// `first` bytes, a number in LEB128, `after` bytes.
    Leb,
    /// `first` bytes, a block that begins with its length, `after` bytes.
    Block,
    /// As the recipe says.
    Other,
}

impl Head {
    pub(crate) fn of(recipe: &Recipe) -> Self {
        let sizes = |after: u32| Some((recipe.first.try_into().ok()?, after.try_into().ok()?));
        let (shape, sizes) = match &*recipe.rest {
            [] => (Shape::Fixed, sizes(0)),
            [Step { length: Length::Leb, after }] => (Shape::Leb, sizes(*after)),
            [Step { length: Length::Block, after }] => (Shape::Block, sizes(*after)),
            _ => (Shape::Other, None),
        };
        let (kinds, has_children) = (recipe.kinds, recipe.has_children);
        match sizes {
            Some((first, after)) => Self { first, after, kinds, has_children, shape },
            None => Self { first: 0, after: 0, kinds, has_children, shape: Shape::Other },
        }
    }
}

impl Recipes {
    /// The head of the recipe for a code; `None` when the code is not among the dense ones.
    #[inline]
    pub(crate) fn head(&self, code: u64) -> Option<Head> {
        self.heads.get((code as usize).wrapping_sub(1)).copied()
    }

    /// The recipe for a code; `None` when there is none in the table.
    #[inline]
    pub(crate) fn get(
        &self,
        code: u64,
        abbreviations: &Abbreviations,
        encoding: Encoding,
    ) -> Option<&Recipe> {
        match self.dense.get((code as usize).wrapping_sub(1)) {
            Some(recipe) => Some(recipe),
            None => self.odd(code, abbreviations, encoding),
        }
    }

    #[cold]
    fn odd(&self, code: u64, abbreviations: &Abbreviations, encoding: Encoding) -> Option<&Recipe> {
        if let Some(known) = self.odd.get(&code) {
            return Some(known);
        }
        let recipe = Recipe::of(abbreviations.get(code)?, encoding);
        Some(self.odd.insert(code, Box::new(recipe)))
    }
}

impl Recipe {
    fn of(abbreviation: &gimli::Abbreviation, encoding: Encoding) -> Self {
        let mut recipe = Self {
            tag: abbreviation.tag(),
            has_children: abbreviation.has_children(),
            kinds: Wanted::OTHER,
            first: 0,
            rest: Box::default(),
            name: None,
            location: None,
            origin: None,
            references: Box::default(),
            has_linkage_name: false,
            is_declaration: false,
            has_code: false,
            code: None,
            is_external: false,
            facts: [None; Fact::COUNT],
            implicit: Box::default(),
        };
        let (mut implicit, mut references) = (Vec::new(), Vec::new());
        let is_describing = is_type(recipe.tag) || is_part_of_type(recipe.tag);
        let mut rest: Vec<Step> = Vec::new();
        let (mut low, mut high) = (None, None);
        let mut bytes = 0_u32;
        for spec in abbreviation.attributes() {
            let form = spec.form();
            // What is behind more attributes than any compiler writes is not found.
            let place = match (bytes.try_into(), rest.len().try_into()) {
                (Ok(bytes), Ok(steps)) => Some(Place { bytes, steps, form }),
                _ => None,
            };
            recipe.note(spec, place);
            references.extend(place.filter(|place| place.form == dw::DW_FORM_ref_addr));
            match (spec.name(), form) {
                (dw::DW_AT_low_pc, dw::DW_FORM_addr) => low = place,
                (dw::DW_AT_high_pc, dw::DW_FORM_data4 | dw::DW_FORM_data8) => high = place,
                (dw::DW_AT_ranges, _) => (low, high) = (None, None),
                _ => {}
            }
            if let Some(fact) = Fact::of(spec.name()).filter(|_| is_describing) {
                recipe.facts[fact as usize] = place;
                implicit.extend(spec.implicit_const_value().map(|value| (fact, value)));
            }
            match fixed_size(spec.form(), encoding) {
                Some(size) => bytes = bytes.saturating_add(size),
                None => {
                    rest.push(Step { length: length(spec.form()), after: 0 });
                    bytes = 0;
                }
            }
            match rest.last_mut() {
                Some(step) => step.after = bytes,
                None => recipe.first = bytes,
            }
        }
        recipe.rest = rest.into();
        recipe.implicit = implicit.into();
        recipe.references = references.into();
        recipe.code = low.zip(high);
        let is_variable = recipe.tag == dw::DW_TAG_variable;
        for (is, kind) in [
            (is_named(recipe.tag), Wanted::NAMED),
            (is_variable && recipe.location.is_some(), Wanted::LOCATED),
            (is_variable && recipe.has_linkage_name, Wanted::MANGLED),
            (recipe.tag == dw::DW_TAG_inlined_subroutine, Wanted::INLINED),
            (is_describing, Wanted::DESCRIBING),
            (!recipe.references.is_empty(), Wanted::REFERRING),
        ] {
            if is {
                recipe.kinds = recipe.kinds.and(kind);
            }
        }
        recipe
    }

    /// The value of a fact that the abbreviation has.
    pub(crate) fn implicit(&self, fact: Fact) -> i64 {
        let known = self.implicit.iter().find(|(other, _)| *other == fact);
        known.map_or(0, |(_, value)| *value)
    }

    fn note(&mut self, spec: &AttributeSpecification, place: Option<Place>) {
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
}

/// A table of abbreviations, as units with one encoding read it.
pub(crate) struct Table {
    pub(super) abbreviations: Arc<Abbreviations>,
    pub(super) encoding: Encoding,
    pub(super) recipes: OnceLock<Recipes>,
    pub(super) all: Arc<AllRecipes>,
}

impl Table {
    /// How to get past the entries.
    pub(crate) fn recipes(&self) -> &Recipes {
        self.recipes.get_or_init(|| self.all.of(&self.abbreviations, self.encoding))
    }
}
