//! Finding parts of a value by the name of their type or member.
//!
//! The search still finds a member that a new version moved into another struct or wrapped once
//! more.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::path::{self, Path, Reach};
use super::{Program, Ty, Value, ValueError};
use crate::layout::{Type, TypeKind};

/// Values that a search by way of active variants looks at, at most.
const MAX_SEARCHED: usize = 500;

/// What a part is found by. The names are written in the source of this program: those in the same
/// place are the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum PartName {
    /// The name of its type; of a generic one the name up to `<`, included.
    Type(&'static str),
    /// A member that it has.
    Owner(&'static str),
}

/// Whether a type has that name; of a generic one the name up to `<`, included.
#[must_use]
pub fn is_named(ty: &Type, name: &str) -> bool {
    match name.ends_with('<') {
        true => ty.name.starts_with(name),
        false => &*ty.name == name,
    }
}

impl PartName {
    /// What tells it from others.
    fn identity(self) -> (bool, *const str) {
        match self {
            Self::Type(name) => (true, name),
            Self::Owner(member) => (false, member),
        }
    }

    fn is(self, ty: &Type) -> bool {
        match self {
            Self::Type(name) => is_named(ty, name),
            Self::Owner(member) => ty.member(member).is_some(),
        }
    }
}

impl PartialEq for PartName {
    fn eq(&self, other: &Self) -> bool {
        let ((is_type, name), (is_other_type, other)) = (self.identity(), other.identity());
        is_type == is_other_type && std::ptr::eq(name, other)
    }
}

impl Eq for PartName {}

impl Hash for PartName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Two with the same name in the same place are rare.
        self.identity().1.cast::<u8>().addr().hash(state);
    }
}

impl Program<'_> {
    /// The shortest path from a type to what is sought, searched for once.
    fn path_to(&self, start: Ty, name: PartName, pointers: bool) -> Option<Rc<Path>> {
        let key = (start, name, pointers);
        if let Some(known) = self.paths.borrow().get(&key) {
            return known.clone();
        }
        let reach = if pointers { Reach::RUNTIME } else { Reach::INLINE };
        let found = path::find(self, start, reach, &mut |ty| name.is(ty)).map(Rc::new);
        self.paths.borrow_mut().insert(key, found.clone());
        found
    }
}

impl Value {
    fn find_part(
        self,
        program: &Program<'_>,
        name: PartName,
        pointers: bool,
    ) -> Result<Option<Self>, ValueError> {
        let Some(path) = program.path_to(self.ty, name, pointers) else { return Ok(None) };
        match path.follow(program, self)? {
            Some(found) => Ok(Some(found)),
            // The shortest path may lead through a variant that is not the active one.
            None => Ok(self.search(program, name, pointers)),
        }
    }

    /// What is sought, by way of active variants only.
    fn search(self, program: &Program<'_>, name: PartName, pointers: bool) -> Option<Self> {
        let mut seen = FxHashSet::from_iter([self]);
        let mut queue = VecDeque::from([self]);
        while let Some(value) = queue.pop_front() {
            let Ok(layout) = program.type_of(value.ty) else { continue };
            if name.is(layout) {
                return Some(value);
            }
            let next = match path::first_element(program, value, layout) {
                Some(element) => element.filter(|_| pointers).into_iter().collect(),
                None => value.parts(program, layout, pointers),
            };
            for value in next {
                if seen.len() < MAX_SEARCHED && seen.insert(value) {
                    queue.push_back(value);
                }
            }
        }
        None
    }

    /// What it has in it, of the active variant, or points to.
    fn parts(self, program: &Program<'_>, layout: &Type, pointers: bool) -> Vec<Self> {
        match &layout.kind {
            TypeKind::Struct { members } | TypeKind::Union { members } => {
                members.iter().map(|member| self.part(member.ty, member.offset)).collect()
            }
            TypeKind::Enum { .. } => {
                self.active_variant(program).map(|(_, fields)| fields).into_iter().collect()
            }
            TypeKind::Pointer { target: Some(_) } if pointers => {
                self.pointee(program).ok().flatten().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The nearest part of a type in the value itself. The name of a generic type ends with `<`.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn find_inline(
        self,
        program: &Program<'_>,
        type_name: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        self.find_part(program, PartName::Type(type_name), false)
    }

    /// The nearest value of a type, behind pointers too. The name of a generic type ends with `<`.
    /// `None` when a pointer on the way is null, or an enum there has another variant.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn find_through_pointers(
        self,
        program: &Program<'_>,
        type_name: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        self.find_part(program, PartName::Type(type_name), true)
    }

    /// The nearest member of that name in the value itself.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn find_member(
        self,
        program: &Program<'_>,
        member: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        match self.find_part(program, PartName::Owner(member), false)? {
            Some(owner) => owner.member(program, member).map(Some),
            None => Ok(None),
        }
    }

    /// The nearest member of that name as an unsigned integer.
    ///
    /// # Errors
    /// When memory cannot be read, or the member is larger than 8 bytes.
    pub fn find_number(
        self,
        program: &Program<'_>,
        member: &'static str,
    ) -> Result<Option<u64>, ValueError> {
        match self.find_member(program, member)? {
            Some(member) => member.unsigned(program).map(Some),
            None => Ok(None),
        }
    }
}
