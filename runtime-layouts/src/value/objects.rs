//! Objects: what lies behind a `dyn Trait` that a value owns or borrows exclusively.

use std::rc::Rc;

use super::path::{self, Path, Reach};
use super::{Program, Ty, Value};
use crate::layout::{Type, TypeKind};

/// Objects of one value that are looked at, those in each other included, at most.
const MAX_OBJECTS: usize = 16;

impl Program<'_> {
    /// The concrete type behind a `dyn Trait`, by the live address of its vtable; `None` where the debug
    /// information does not name it.
    #[must_use]
    pub fn object_type(&self, vtable: u64) -> Option<Ty> {
        if let Some(known) = self.objects.borrow().get(&vtable) {
            return *known;
        }
        let found = self.module_at(vtable).and_then(|(module, address)| {
            let types = self.layouts(module).object_types(address).ok()?;
            // Of several it may be any.
            let [id] = types.as_slice() else { return None };
            Some(Ty { module, id: *id })
        });
        self.objects.borrow_mut().insert(vtable, found);
        found
    }

    /// The ways from a type to what its values own or borrow exclusively through a pointer, searched
    /// for once.
    fn boxes_in(&self, ty: Ty) -> Rc<[Path]> {
        if let Some(known) = self.boxes.borrow().get(&ty) {
            return Rc::clone(known);
        }
        let found: Rc<[Path]> =
            path::find_all(self, ty, Reach::INLINE, MAX_OBJECTS, &mut is_exclusive).into();
        self.boxes.borrow_mut().insert(ty, Rc::clone(&found));
        found
    }
}

/// Whether a type is a `Box` or `&mut`, of a `dyn Trait` or not.
fn is_exclusive(layout: &Type) -> bool {
    let is_pointer = matches!(layout.kind, TypeKind::Pointer { .. });
    (is_pointer || layout.member("vtable").is_some())
        && (layout.name.starts_with("alloc::boxed::Box<") || layout.name.starts_with("&mut "))
}

impl Value {
    /// What it owns or borrows exclusively behind pointers, objects behind `dyn Trait`s as what they
    /// are, and what those have: nearest first. Objects whose type the debug information does not name
    /// are missing.
    #[must_use]
    pub fn objects(self, program: &Program<'_>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut next = 0;
        let mut around = Some(self);
        while let Some(value) = around {
            for path in program.boxes_in(value.ty).iter() {
                let Ok(Some(pointer)) = path.follow(program, value) else { continue };
                let object = pointer.behind(program).filter(|object| !found.contains(object));
                if found.len() < MAX_OBJECTS {
                    found.extend(object);
                }
            }
            around = found.get(next).copied();
            next += 1;
        }
        found
    }

    /// What an `Arc<dyn Trait>` leads to, as what it is; `None` where the debug information does not name
    /// its type, and for what has no such pointer in it.
    ///
    /// The counts, two words, lie before it (`ArcInner` in `library/alloc/src/sync.rs`, Rust 1.95).
    #[must_use]
    pub fn shared_object(self, program: &Program<'_>) -> Option<Self> {
        let mut is_fat = |layout: &Type| {
            layout.member("vtable").is_some() && layout.name.contains("alloc::sync::ArcInner<dyn ")
        };
        let path = path::find(program, self.ty, Reach::INLINE, &mut is_fat)?;
        let counted = path.follow(program, self).ok()??.behind(program)?;
        let align = program.type_of(counted.ty).ok()?.align.unwrap_or(1).max(1);
        let counts = 2 * u64::from(program.pointer_size());
        let offset = counts.checked_next_multiple_of(align)?;
        Some(Self { address: counted.address.checked_add(offset)?, ..counted })
    }

    /// What such a pointer leads to.
    fn behind(self, program: &Program<'_>) -> Option<Self> {
        let members = program.type_of(self.ty).ok()?.members();
        let Some(vtable) = members.iter().find(|member| &*member.name == "vtable") else {
            return self.pointee(program).ok()?;
        };
        let data = members.iter().find(|member| &*member.name != "vtable")?;
        let pointer = |offset: u64| program.read_pointer(self.address.wrapping_add(offset)).ok();
        let address = pointer(data.offset).filter(|address| *address != 0)?;
        let ty = program.object_type(pointer(vtable.offset)?)?;
        Some(Self { ty, address })
    }
}
