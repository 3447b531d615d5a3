//! A layout source that answers from the cache first, and from the debug information otherwise.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use runtime_layouts::layout::source::{
    KnowledgeText, LayoutError, LayoutSource, ObjectFacts, Poll, Provenance, StaticVariable,
    ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId,
};

use super::answers::{Answers, ProgramIdentity};
use super::store::{AnswerStore, ProgramKey};
use crate::questions::source::DwarfSource;

/// Wraps complete debug information in a cache, where a program can be cached.
pub(crate) fn with_answer_cache(
    store: &AnswerStore,
    path: &Path,
    dwarf: DwarfSource,
) -> Arc<dyn LayoutSource> {
    match CachedSource::new(store, path, dwarf) {
        Ok(source) => Arc::new(source),
        Err(dwarf) => Arc::new(*dwarf),
    }
}

/// The layouts of a program, from cached answers first and from its debug information otherwise.
pub(crate) struct CachedSource {
    store: AnswerStore,
    key: ProgramKey,
    path: PathBuf,
    identity: ProgramIdentity,
    answers: Answers,
    /// Opened for the first question that is not cached.
    dwarf: OnceLock<Result<DwarfSource, String>>,
    has_new_answers: AtomicBool,
}

impl CachedSource {
    /// The cached answers for a program; `None` when there are none that can be relied on.
    pub(crate) fn load_cached(store: &AnswerStore, path: &Path) -> Option<Self> {
        let key = ProgramKey::of(path)?;
        let (identity, answers) = store.load(&key)?;
        Some(Self {
            store: store.clone(),
            key,
            path: path.to_owned(),
            identity,
            answers,
            dwarf: OnceLock::new(),
            has_new_answers: AtomicBool::new(false),
        })
    }

    /// A program that has no cached answers yet. Returns the source when the program has no build
    /// id, by which the cache tells programs apart.
    fn new(store: &AnswerStore, path: &Path, dwarf: DwarfSource) -> Result<Self, Box<DwarfSource>> {
        let identity =
            ProgramIdentity::new(dwarf.facts(), &dwarf.provenance(), &dwarf.other_files());
        let (Some(key), Some(identity)) = (ProgramKey::of(path), identity) else {
            return Err(Box::new(dwarf));
        };
        Ok(Self {
            store: store.clone(),
            key,
            path: path.to_owned(),
            identity,
            answers: Answers::default(),
            dwarf: OnceLock::from(Ok(dwarf)),
            has_new_answers: AtomicBool::new(true),
        })
    }

    /// The debug information, for a question that is not cached.
    fn dwarf(&self) -> Result<&DwarfSource, LayoutError> {
        self.has_new_answers.store(true, Ordering::Relaxed);
        let opened = self
            .dwarf
            .get_or_init(|| DwarfSource::open(&self.path).map_err(|error| error.to_string()));
        opened.as_ref().map_err(|what| LayoutError::Malformed { at: 0, what: what.clone() })
    }
}

impl LayoutSource for CachedSource {
    fn facts(&self) -> &ObjectFacts {
        &self.identity.facts
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            path: self.path.display().to_string(),
            form: self.identity.form.clone(),
            lack: None,
            rests_on: None,
        }
    }

    fn knowledge(&self) -> Vec<KnowledgeText> {
        let find = || Ok::<_, LayoutError>(self.dwarf()?.knowledge());
        self.answers.knowledge.get_or_try((), find).unwrap_or_default()
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        self.answers.types.get_or_try(id, || self.dwarf()?.type_at(id))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        self.answers.functions.get_or_try(address, || self.dwarf()?.functions_at(address))
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        self.answers.vtables.get_or_try(address, || self.dwarf()?.vtable_types(address))
    }

    fn object_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        self.dwarf()?.object_types(address)
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let key = (name.into(), near);
        self.answers.named.get_or_try(key, || self.dwarf()?.types_named(name, near))
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        self.answers.thread_locals.get_or_try(path.into(), || self.dwarf()?.thread_locals(path))
    }

    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        let find = || self.dwarf()?.static_variables(type_name);
        self.answers.static_variables.get_or_try(type_name.into(), find)
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        self.answers.bodies.get_or_try(environment, || self.dwarf()?.body_of(environment))
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        let key = (machine, state as u64);
        self.answers.invoked.get_or_try(key, || self.dwarf()?.invoked_at(machine, state))
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        self.answers.polls.get_or_try(ty, || self.dwarf()?.poll_of(ty))
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        self.answers.variables.get_or_try(pc, || self.dwarf()?.variables_at(pc))
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        self.answers.calls.get_or_try(pc, || self.dwarf()?.calls_at(pc))
    }

    fn has_function(&self, identifier: &str) -> bool {
        let find = || self.dwarf().map(|dwarf| dwarf.has_function(identifier));
        self.answers.has_function.get_or_try(identifier.into(), find).unwrap_or(false)
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        let find = || self.dwarf().map(|dwarf| dwarf.may_have_function(identifier));
        self.answers.may_have_function.get_or_try(identifier.into(), find).unwrap_or(false)
    }

    fn remember(&self) {
        if self.has_new_answers.swap(false, Ordering::Relaxed) {
            self.store.save(&self.key, &self.identity, &self.answers);
        }
    }
}
