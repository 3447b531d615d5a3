//! Parts of values that are found by name: what the structures of libraries are read with.
//!
//! A member that moved into another struct, or that was wrapped once more, is still found.

use std::rc::Rc;

use super::path::{self, Path, Reach};
use super::{Program, Ty, Value, ValueError};
use crate::layout::Type;

/// What a part is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Sought {
    /// The name of its type; of a generic one the name up to `<`, included.
    Type(&'static str),
    /// A member that it has.
    Owner(&'static str),
}

impl Sought {
    fn is(self, ty: &Type) -> bool {
        match self {
            Self::Type(name) => match name.ends_with('<') {
                true => ty.name.starts_with(name),
                false => &*ty.name == name,
            },
            Self::Owner(member) => ty.member(member).is_some(),
        }
    }
}

impl Program<'_> {
    /// The shortest path from a type to what is sought, searched for once.
    fn path_to(&self, start: Ty, sought: Sought, pointers: bool) -> Option<Rc<Path>> {
        let key = (start, sought, pointers);
        if let Some(known) = self.paths.borrow().get(&key) {
            return known.clone();
        }
        let reach = if pointers { Reach::RUNTIME } else { Reach::INLINE };
        let found = path::find(self, start, reach, &mut |ty| sought.is(ty)).map(Rc::new);
        self.paths.borrow_mut().insert(key, found.clone());
        found
    }
}

impl Value {
    fn sought(
        self,
        program: &Program<'_>,
        sought: Sought,
        pointers: bool,
    ) -> Result<Option<Self>, ValueError> {
        match program.path_to(self.ty, sought, pointers) {
            Some(path) => path.follow(program, self),
            None => Ok(None),
        }
    }

    /// The nearest part of a type in the value itself. The name of a generic type ends with `<`.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn inside(
        self,
        program: &Program<'_>,
        type_name: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        self.sought(program, Sought::Type(type_name), false)
    }

    /// The nearest value of a type, behind pointers too. The name of a generic type ends with `<`.
    /// `None` when a pointer on the way is null, or an enum there has another variant.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn behind(
        self,
        program: &Program<'_>,
        type_name: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        self.sought(program, Sought::Type(type_name), true)
    }

    /// The nearest member of that name in the value itself.
    ///
    /// # Errors
    /// When memory on the way cannot be read.
    pub fn within(
        self,
        program: &Program<'_>,
        member: &'static str,
    ) -> Result<Option<Self>, ValueError> {
        match self.sought(program, Sought::Owner(member), false)? {
            Some(owner) => owner.member(program, member).map(Some),
            None => Ok(None),
        }
    }

    /// The nearest member of that name as an unsigned integer.
    ///
    /// # Errors
    /// When memory cannot be read, or the member is larger than 8 bytes.
    pub fn number(
        self,
        program: &Program<'_>,
        member: &'static str,
    ) -> Result<Option<u64>, ValueError> {
        match self.within(program, member)? {
            Some(member) => member.unsigned(program).map(Some),
            None => Ok(None),
        }
    }
}
