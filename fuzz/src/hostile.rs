//! Layouts that lie, over memory that lies: those of the miniature tokio with changes that a layout
//! file could have too.

use std::collections::HashMap;
use std::sync::Arc;

use runtime_layouts::fake::{FakeLayouts, FakeMemory, tokio};
use runtime_layouts::layout::source::{
    LayoutError, LayoutSource, ObjectFacts, Poll, PolledAs, Provenance, ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Discriminant, Function, Member, PlacedVariable, SourceLocation, StaticAddress, Type,
    TypeId, TypeKind, TypeParameter,
};

use crate::edits;

/// Bytes of input that make one change.
pub const EDIT: usize = 10;

/// Names that mean something to the walk, to the knowledge of libraries or to the printing of
/// values.
const NAMES: &[&str] = &[
    "alloc::boxed::Box<dyn core::future::future::Future<Output=()>, alloc::alloc::Global>",
    "core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output=()>>>",
    "alloc::vec::Vec<shop::Order, alloc::alloc::Global>",
    "alloc::collections::vec_deque::VecDeque<shop::Order, alloc::alloc::Global>",
    "alloc::string::String",
    "alloc::sync::Arc<shop::Order, alloc::alloc::Global>",
    "alloc::sync::ArcInner<shop::Order>",
    "alloc::rc::Rc<shop::Order, alloc::alloc::Global>",
    "core::option::Option<shop::Order>",
    "core::task::wake::Waker",
    "std::collections::hash::map::HashMap<u64, u64, std::hash::random::RandomState>",
    "alloc::collections::btree::map::BTreeMap<u64, u64, alloc::alloc::Global>",
    "&str",
    "&[shop::Order]",
    "std::sync::poison::mutex::Mutex<u64>",
    "std::time::Instant",
    "shop::wait::{async_fn_env#0}",
    "shop::inner::{async_block_env#1}",
    "tokio::sync::batch_semaphore::Acquire",
    "tokio::sync::batch_semaphore::Semaphore",
    "tokio::sync::mutex::Mutex<shop::Order>",
    "tokio::sync::mutex::MutexGuard<shop::Order>",
    "tokio::sync::rwlock::RwLock<shop::Order>",
    "tokio::sync::mpsc::chan::Chan<shop::Order, tokio::sync::mpsc::bounded::Semaphore>",
    "tokio::sync::mpsc::bounded::Receiver<shop::Order>",
    "tokio::sync::mpsc::bounded::Sender<shop::Order>",
    "tokio::sync::oneshot::Inner<shop::Order>",
    "tokio::sync::oneshot::Receiver<shop::Order>",
    "tokio::sync::broadcast::Shared<shop::Order>",
    "tokio::sync::watch::Shared<shop::Order>",
    "tokio::sync::notify::Notify",
    "tokio::sync::notify::Notified",
    "tokio::time::sleep::Sleep",
    "tokio::runtime::io::scheduled_io::ScheduledIo",
    "tokio::runtime::task::join::JoinHandle<()>",
    "tokio::runtime::task::core::Header",
    "tokio::runtime::task::list::OwnedTasks<S>",
    "tokio::task::join_set::JoinSet<()>",
    "tokio::util::idle_notified_set::ListsInner<()>",
    "tokio::util::linked_list::LinkedList<tokio::runtime::task::Task<S>, tokio::runtime::task::core::Header>",
    "futures_util::stream::futures_unordered::FuturesUnordered<shop::Order>",
    "futures_util::future::join_all::JoinAll<shop::Order>",
    "futures_util::future::maybe_done::MaybeDone<shop::Order>",
];

/// Names of members that are looked for.
const MEMBERS: &[&str] = &[
    "__awaitee",
    "__0",
    "__1",
    "pointer",
    "vtable",
    "data_ptr",
    "length",
    "ptr",
    "len",
    "buf",
    "cap",
    "head",
    "tail",
    "next",
    "prev",
    "value",
    "waiter",
    "semaphore",
    "lock",
    "state",
    "permits",
    "inner",
    "raw",
    "future",
    "data",
    "strong",
    "weak",
];

/// Layouts of which every type can be another one.
pub struct HostileLayouts {
    true_ones: FakeLayouts,
    types: Vec<Type>,
    made: Vec<Arc<Type>>,
    vtables: HashMap<StaticAddress, Vec<TypeId>>,
    futures: Vec<TypeId>,
    context: Option<(TypeId, u64)>,
}

/// The world that the input asks for: a change every [`EDIT`] bytes.
pub fn world(bytes: &[u8]) -> (HostileLayouts, FakeMemory) {
    let true_ones = tokio::layouts();
    let types: Vec<Type> =
        (0..).map_while(|id| Some((*true_ones.type_at(TypeId(id)).ok()?).clone())).collect();
    let mut layouts = HostileLayouts {
        true_ones,
        types,
        made: Vec::new(),
        vtables: HashMap::new(),
        futures: Vec::new(),
        context: None,
    };
    let mut memory = tokio::memory(edits::TASKS);
    for edit in bytes.as_chunks::<EDIT>().0 {
        layouts.change(&mut memory, edit);
    }
    layouts.made = layouts.types.drain(..).map(Arc::new).collect();
    (layouts, memory)
}

impl HostileLayouts {
    fn change(&mut self, memory: &mut FakeMemory, edit: &[u8; EDIT]) {
        let [kind, which, part, other, rest @ ..] = *edit;
        let number = u64::from_le_bytes([rest[0], rest[1], rest[2], rest[3], 0, 0, 0, 0]);
        // Small numbers, and some that are very large.
        let number = number.rotate_right(u32::from(rest[4]));
        let place = edits::place(rest[5], u16::from_le_bytes([rest[0], rest[1]]));
        let count = self.types.len() as u64;
        let id = |byte: u8| TypeId(u64::from(byte) % count);
        match kind % 20 {
            0 => self.of(which).name = NAMES[usize::from(part) % NAMES.len()].into(),
            1 => self.of(which).size = number,
            2 => self.member(which, part, |member| member.offset = number),
            3 => self.member(which, part, |member| member.ty = id(other)),
            4 => self.member(which, part, |member| {
                member.name = MEMBERS[usize::from(other) % MEMBERS.len()].into();
            }),
            5 => {
                let name = MEMBERS[usize::from(part) % MEMBERS.len()].into();
                let member = Member { name, offset: number % 128, ty: id(other) };
                match &mut self.of(which).kind {
                    TypeKind::Struct { members } | TypeKind::Union { members } => {
                        members.push(member)
                    }
                    kind => *kind = TypeKind::Struct { members: vec![member] },
                }
            }
            6 => self.of(which).kind = TypeKind::Pointer { target: Some(id(other)) },
            7 => self.of(which).kind = TypeKind::Array { element: id(other), count: Some(number) },
            8 => self.of(which).kind = self.types[id(other).0 as usize].kind.clone(),
            9 => self.types[id(which).0 as usize] = self.types[id(other).0 as usize].clone(),
            10 => self.discriminant(which, number, 1 + part % 16),
            11 => self.variant(which, part, id(other), u128::from(number)),
            12 => self.more_variants(which, usize::from(part)),
            13 => {
                let parameter = TypeParameter { name: "T".into(), ty: id(other) };
                self.of(which).type_parameters.push(parameter);
            }
            14 => {
                let address = tokio::FUTURE_VTABLE + 0x20 * (u64::from(part) % 4);
                self.vtables.entry(StaticAddress(address)).or_default().push(id(other));
            }
            15 => self.futures.push(id(which)),
            16 => self.context = Some((id(which), number % 0x1000)),
            17 => memory.put_u64(place, edits::place(which, u16::from_le_bytes([part, other]))),
            18 => memory.put_u64(place, number),
            _ => {
                let edit = [which, part, other, rest[0], rest[1], rest[2], rest[3]];
                edits::memory(memory, &edit);
            }
        }
    }

    fn of(&mut self, byte: u8) -> &mut Type {
        let number = usize::from(byte) % self.types.len();
        &mut self.types[number]
    }

    fn member(&mut self, of: u8, which: u8, change: impl FnOnce(&mut Member)) {
        if let TypeKind::Struct { members } | TypeKind::Union { members } = &mut self.of(of).kind
            && !members.is_empty()
        {
            let number = usize::from(which) % members.len();
            change(&mut members[number]);
        }
    }

    fn discriminant(&mut self, of: u8, offset: u64, size: u8) {
        if let TypeKind::Enum { discriminant, .. } = &mut self.of(of).kind {
            *discriminant = Some(Discriminant { offset, size });
        }
    }

    fn variant(&mut self, of: u8, which: u8, ty: TypeId, value: u128) {
        if let TypeKind::Enum { variants, .. } = &mut self.of(of).kind
            && !variants.is_empty()
        {
            let number = usize::from(which) % variants.len();
            variants[number].ty = ty;
            variants[number].values = Some(vec![value]);
        }
    }

    fn more_variants(&mut self, of: u8, more: usize) {
        if let TypeKind::Enum { variants, .. } = &mut self.of(of).kind
            && let Some(last) = variants.last().cloned()
        {
            variants.extend(std::iter::repeat_n(last, more));
        }
    }
}

impl LayoutSource for HostileLayouts {
    fn facts(&self) -> &ObjectFacts {
        self.true_ones.facts()
    }

    fn provenance(&self) -> Provenance {
        self.true_ones.provenance()
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        let found = usize::try_from(id.0).ok().and_then(|number| self.made.get(number));
        found.cloned().ok_or(LayoutError::NoSuchType(id.0))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        self.true_ones.functions_at(address)
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        match self.vtables.get(&address) {
            Some(types) => Ok(types.clone()),
            None => self.true_ones.vtable_types(address),
        }
    }

    fn types_named(&self, name: &str, _near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let named = (0..).zip(&self.made).filter(|(_, ty)| &*ty.name == name);
        Ok(named.map(|(id, _)| TypeId(id)).collect())
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        let mut found = self.true_ones.thread_locals(path)?;
        if let Some((ty, offset)) = self.context {
            found.iter_mut().for_each(|local| (local.ty, local.offset) = (ty, offset));
        }
        Ok(found)
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        self.true_ones.body_of(environment)
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        self.true_ones.invoked_at(machine, state)
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        if self.futures.contains(&ty) {
            return Ok(Some(Poll { polled_as: PolledAs::Future, declared: None }));
        }
        self.true_ones.poll_of(ty)
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        self.true_ones.variables_at(pc)
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.true_ones.has_function(identifier)
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.true_ones.may_have_function(identifier)
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        self.true_ones.calls_at(pc)
    }
}
