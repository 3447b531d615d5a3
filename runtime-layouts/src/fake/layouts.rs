//! Layouts made by hand.

use std::collections::HashMap;
use std::sync::Arc;

use super::processor::WIDE;
use crate::layout::source::UNWINDING;
use crate::layout::source::{
    LayoutError, LayoutSource, ObjectFacts, ObjectFormat, Poll, PolledAs, Provenance, ThreadLocal,
    TlsSegment,
};
use crate::layout::{
    Call, Discriminant, Function, Member, PlacedVariable, SourceFile, SourceLocation,
    StaticAddress, Type, TypeId, TypeKind, TypeParameter, Variant,
};
use crate::target::processors::Processor;

/// Layouts that are put together type by type. The static addresses are the live ones.
#[derive(Clone)]
pub struct FakeLayouts {
    facts: ObjectFacts,
    types: Vec<Arc<Type>>,
    functions: HashMap<StaticAddress, Vec<Arc<Function>>>,
    vtables: HashMap<StaticAddress, Vec<TypeId>>,
    polls: HashMap<TypeId, Poll>,
    thread_locals: Vec<ThreadLocal>,
    unwinds: bool,
}

/// One variant: name, the discriminant values that select it, the variant's struct, and for a
/// state machine the line of its await point.
pub(crate) type FakeVariant<'a> = (&'a str, Option<Vec<u128>>, TypeId, Option<u32>);

impl Default for FakeLayouts {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeLayouts {
    /// No types yet; an object with a TLS segment of one page, at addresses below 2^47, for the
    /// processor [`WIDE`](super::processor::WIDE).
    #[must_use]
    pub fn new() -> Self {
        Self::on(&WIDE)
    }

    /// The same for another processor.
    #[must_use]
    pub fn on(processor: &Processor) -> Self {
        Self {
            facts: ObjectFacts {
                build_id: Some("00".into()),
                format: ObjectFormat::Elf,
                machine: processor.machine,
                pointer_size: processor.words.pointer_size,
                big_endian: processor.words.big_endian,
                entry: StaticAddress(0),
                tls: Some(TlsSegment { address: 0, size: 0x1000, align: 0x10 }),
                tls_module: None,
                address_range: (StaticAddress(0), StaticAddress(1 << 47)),
                is_fixed: false,
            },
            types: Vec::new(),
            functions: HashMap::new(),
            vtables: HashMap::new(),
            polls: HashMap::new(),
            thread_locals: Vec::new(),
            unwinds: true,
        }
    }

    /// The same program, built with `panic = "abort"`.
    #[must_use]
    pub fn with_abort(mut self) -> Self {
        self.unwinds = false;
        self
    }

    /// A place in the user's `src/main.rs`.
    #[must_use]
    pub fn line(line: u32) -> SourceLocation {
        let file = SourceFile { path: "/shop/src/main.rs".into(), directory: "/shop".into() };
        SourceLocation { file: Arc::new(file), line }
    }

    fn add(&mut self, name: &str, size: u64, kind: TypeKind) -> TypeId {
        self.types.push(Arc::new(Type {
            name: name.into(),
            size,
            align: None,
            declared: None,
            type_parameters: Vec::new(),
            kind,
        }));
        TypeId(self.types.len() as u64 - 1)
    }

    /// An unsigned integer of `size` bytes.
    pub fn integer(&mut self, size: u64) -> TypeId {
        self.add(&format!("u{}", size * 8), size, TypeKind::Integer { signed: false })
    }

    /// `bool`.
    pub fn boolean(&mut self) -> TypeId {
        self.add("bool", 1, TypeKind::Bool)
    }

    /// A thin pointer. The target may be given later with [`FakeLayouts::point`].
    pub fn pointer(&mut self, name: &str, target: Option<TypeId>) -> TypeId {
        self.add(name, self.facts.pointer_size.into(), TypeKind::Pointer { target })
    }

    /// Lets a pointer point to a type that was made after it.
    pub fn point(&mut self, pointer: TypeId, target: TypeId) {
        if let Some(ty) = self.types.get_mut(pointer.0 as usize) {
            let mut changed = (**ty).clone();
            changed.kind = TypeKind::Pointer { target: Some(target) };
            *ty = Arc::new(changed);
        }
    }

    /// What a pointer points to; the pointer itself when it says nothing of that.
    pub(super) fn pointee(&self, pointer: TypeId) -> TypeId {
        match self.types.get(pointer.0 as usize).map(|ty| &ty.kind) {
            Some(TypeKind::Pointer { target: Some(target) }) => *target,
            _ => pointer,
        }
    }

    /// Gives a type a generic argument.
    pub fn parameter(&mut self, of: TypeId, name: &str, argument: TypeId) {
        if let Some(ty) = self.types.get_mut(of.0 as usize) {
            let parameter = TypeParameter { name: name.into(), ty: argument };
            Arc::make_mut(ty).type_parameters.push(parameter);
        }
    }

    /// Puts the members that a struct lacked when it was made into it: its own type can be among
    /// theirs.
    pub fn complete(&mut self, of: TypeId, members: &[(&str, u64, TypeId)]) {
        if let Some(ty) = self.types.get_mut(of.0 as usize) {
            Arc::make_mut(ty).kind = TypeKind::Struct { members: members_of(members) };
        }
    }

    /// A struct with its members' names, offsets and types.
    pub fn structure(&mut self, name: &str, size: u64, members: &[(&str, u64, TypeId)]) -> TypeId {
        self.add(name, size, TypeKind::Struct { members: members_of(members) })
    }

    /// An enum or state machine. `discriminant` is its offset and size in bytes.
    pub fn enumeration(
        &mut self,
        name: &str,
        size: u64,
        discriminant: Option<(u64, u8)>,
        variants: &[FakeVariant<'_>],
    ) -> TypeId {
        let variants = variants
            .iter()
            .map(|(name, values, ty, line)| Variant {
                name: (*name).into(),
                values: values.clone(),
                offset: 0,
                ty: *ty,
                line: line.map(Self::line),
            })
            .collect();
        let discriminant = discriminant.map(|(offset, size)| Discriminant { offset, size });
        self.add(name, size, TypeKind::Enum { discriminant, variants })
    }

    /// `[element; count]`.
    pub fn array(&mut self, element: TypeId, count: u64) -> TypeId {
        let size = self.types.get(element.0 as usize).map_or(0, |ty| ty.size);
        let kind = TypeKind::Array { element, count: Some(count) };
        self.add(&format!("[_; {count}]"), size.saturating_mul(count), kind)
    }

    /// The state machine of an `async fn` that awaits one future at `line`: its discriminant is
    /// the byte at 8, and the awaitee lies at 0.
    pub fn async_fn(&mut self, path: &str, awaitee: TypeId, line: u32) -> TypeId {
        let name = format!("{path}::{{async_fn_env#0}}");
        let size = self.types.get(awaitee.0 as usize).map_or(0, |ty| ty.size).max(8) + 8;
        let empty = self.structure(&format!("{name}::Unresumed"), size, &[]);
        let suspended =
            self.structure(&format!("{name}::Suspend0"), size, &[("__awaitee", 0, awaitee)]);
        self.enumeration(
            &name,
            size,
            Some((size - 8, 1)),
            &[
                ("Unresumed", Some(vec![0]), empty, Some(1)),
                ("Returned", Some(vec![1]), empty, Some(1)),
                ("Panicked", Some(vec![2]), empty, Some(1)),
                ("Suspend0", Some(vec![3]), suspended, Some(line)),
            ],
        )
    }

    /// A fat pointer `Box<dyn Future>`: data at 0, vtable at 8.
    pub fn boxed_dyn_future(&mut self) -> TypeId {
        let data = self.structure("dyn core::future::future::Future<Output=()>", 0, &[]);
        let data = self.pointer("*mut dyn", Some(data));
        let word = self.integer(8);
        let vtable = self.array(word, 4);
        let vtable = self.pointer("&[usize; 4]", Some(vtable));
        self.structure(
            "alloc::boxed::Box<dyn core::future::future::Future<Output=()>, alloc::alloc::Global>",
            16,
            &[("pointer", 0, data), ("vtable", 8, vtable)],
        )
    }

    /// Says that a type implements `Future`.
    pub fn implement_future(&mut self, ty: TypeId) {
        self.polls.insert(ty, Poll { polled_as: PolledAs::Future, declared: None });
    }

    /// Puts the vtable of a `dyn Future` of this type at an address.
    pub fn vtable(&mut self, address: u64, ty: TypeId) {
        self.vtables.entry(StaticAddress(address)).or_default().push(ty);
    }

    /// Puts a function at an address, with type parameters and local variables.
    pub fn function(
        &mut self,
        address: u64,
        name: &str,
        type_parameters: &[(&str, TypeId)],
        variables: &[(&str, TypeId)],
    ) {
        let function = Function {
            name: name.into(),
            linkage_name: None,
            type_parameters: type_parameters
                .iter()
                .map(|(name, ty)| TypeParameter { name: (*name).into(), ty: *ty })
                .collect(),
            variables: variables
                .iter()
                .map(|(name, ty)| crate::layout::Variable { name: (*name).into(), ty: *ty })
                .collect(),
            declared: None,
        };
        self.functions.entry(StaticAddress(address)).or_default().push(Arc::new(function));
    }

    /// Declares a thread-local at an offset from the start of the TLS segment.
    pub fn thread_local(&mut self, path: &str, ty: TypeId, offset: u64) {
        self.thread_locals.push(ThreadLocal { name: path.into(), ty, offset });
    }
}

fn members_of(members: &[(&str, u64, TypeId)]) -> Vec<Member> {
    members
        .iter()
        .map(|(name, offset, ty)| Member { name: (*name).into(), offset: *offset, ty: *ty })
        .collect()
}

impl LayoutSource for FakeLayouts {
    fn facts(&self) -> &ObjectFacts {
        &self.facts
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            path: "/shop/shop".into(),
            form: "built by hand".into(),
            lack: None,
            rests_on: None,
        }
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        usize::try_from(id.0)
            .ok()
            .and_then(|index| self.types.get(index))
            .cloned()
            .ok_or(LayoutError::NoSuchType(id.0))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        Ok(self.functions.get(&address).cloned().unwrap_or_default())
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        Ok(self.vtables.get(&address).cloned().unwrap_or_default())
    }

    fn types_named(&self, name: &str, _near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let ids = (0_u64..).zip(&self.types);
        Ok(ids.filter(|(_, ty)| &*ty.name == name).map(|(id, _)| TypeId(id)).collect())
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        Ok(self.thread_locals.iter().filter(|local| &*local.name == path).cloned().collect())
    }

    fn body_of(&self, _environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        Ok(None)
    }

    fn invoked_at(
        &self,
        _machine: TypeId,
        _state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        Ok(None)
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        Ok(self.polls.get(&ty).cloned())
    }

    fn variables_at(&self, _pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        Ok(Vec::new())
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.unwinds && identifier == UNWINDING
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.has_function(identifier)
    }

    fn calls_at(&self, _pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        Ok(Vec::new())
    }
}
