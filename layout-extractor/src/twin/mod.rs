//! Layouts of a program without debug information from its twin: another build of the same sources by
//! the same compiler, with debug information.
//!
//! Types are the same in both, addresses are not. What the walk asks by an address, a task's `poll`,
//! a vtable, a place in code, is translated to the twin's address: by the names of symbols without
//! what differs between builds, by the code itself, and by the sizes and offsets that stand in
//! vtables. Where several functions of the twin fit, all of them are given, as for functions that a
//! linker folded.

mod image;
mod mapping;
mod same_code;
mod source_places;
mod symbol_name;
mod traces;

use std::path::Path;
use std::sync::Arc;

use runtime_layouts::layout::source::{
    KnowledgeText, LayoutError, LayoutSource, ObjectFacts, ObjectFormat, Poll, Provenance,
    StaticVariable, ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId,
};
use runtime_layouts::libraries::LIBRARIES;

use self::image::Image;
use self::mapping::Mapping;
use crate::object::object_file::{ObjectFile, OpenError};
use crate::questions::source::DwarfSource;

/// Why a file is no twin of a program, in a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// One of the files cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The twin has no types.
    #[error("{twin} cannot be a twin: {lack}")]
    NoTypes {
        /// The twin.
        twin: String,
        /// What it lacks.
        lack: String,
    },
    /// It is another program, another version of it, or built by another compiler.
    #[error(
        "{twin} is no twin of {program}: {what}. Build the same sources with the same compiler"
    )]
    DoesNotFit {
        /// The twin.
        twin: String,
        /// The program.
        program: String,
        /// The first thing in which they differ.
        what: String,
    },
}

/// Opens the layouts of a program that its twin has.
///
/// # Errors
/// When one of them cannot be read, when the twin has no debug information, and when it is built from
/// other sources or for another processor.
pub fn open_twin(program: &Path, twin: &Path) -> Result<Arc<dyn LayoutSource>, TwinError> {
    let layouts = DwarfSource::open(twin)?;
    let (own, others) = (ObjectFile::open(program)?, ObjectFile::open(twin)?);
    let does_not_fit = |what: String| TwinError::DoesNotFit {
        twin: twin.display().to_string(),
        program: program.display().to_string(),
        what,
    };
    if let Some(lack) = layouts.provenance().lack {
        return Err(TwinError::NoTypes { twin: twin.display().to_string(), lack });
    }
    if [&own, &others].iter().any(|of| of.facts.format != ObjectFormat::Elf) {
        return Err(does_not_fit("twins of programs for a Mac are not read".to_owned()));
    }
    if own.facts.machine != others.facts.machine {
        return Err(does_not_fit("it is for another processor".to_owned()));
    }
    let facts = own.facts.clone();
    let images = Image::of(own).zip(Image::of(others));
    let Some((own, others)) = images else {
        return Err(does_not_fit("it has no sections".to_owned()));
    };
    if let Some(what) = source_places::contradiction(&own, &others) {
        return Err(does_not_fit(what));
    }
    let mapping = Mapping::new(own, others);
    let polls = LIBRARIES.runtimes().flat_map(|(_, runtime)| runtime.task_polls);
    for poll in polls {
        if let Some(what) = mapping.first_contradiction(&mangled(poll)) {
            return Err(does_not_fit(what));
        }
    }
    let path = twin.display().to_string();
    Ok(Arc::new(TwinSource { facts, layouts, mapping, path }))
}

/// The segments of a path as both manglings write them: `5tokio7runtime`.
fn mangled(path: &str) -> Vec<u8> {
    let segments = path.split("::").map(|segment| format!("{}{segment}", segment.len()));
    segments.collect::<String>().into_bytes()
}

/// The twin's layouts at the program's addresses.
struct TwinSource {
    facts: ObjectFacts,
    layouts: DwarfSource,
    mapping: Mapping,
    path: String,
}

impl TwinSource {
    /// What the twin says of each of these addresses, one after the other.
    fn of_all<T>(
        addresses: Vec<u64>,
        ask: impl Fn(StaticAddress) -> Result<Vec<T>, LayoutError>,
    ) -> Result<Vec<T>, LayoutError> {
        let mut found = Vec::new();
        for address in addresses {
            found.extend(ask(StaticAddress(address))?);
        }
        Ok(found)
    }

    /// Whether all are instances for one type.
    fn agree_on_first_parameter(&self, functions: &[Arc<Function>]) -> Result<bool, LayoutError> {
        let mut names = Vec::new();
        for function in functions {
            let Some(parameter) = function.type_parameters.first() else { return Ok(false) };
            names.push(self.layouts.type_at(parameter.ty)?.name.clone());
        }
        Ok(names.windows(2).all(|pair| pair[0] == pair[1]))
    }
}

impl LayoutSource for TwinSource {
    fn facts(&self) -> &ObjectFacts {
        &self.facts
    }

    fn provenance(&self) -> Provenance {
        let by = if self.mapping.program.has_names() { "symbols and code" } else { "code alone" };
        Provenance {
            path: self.path.clone(),
            form: format!("{} of a twin, matched by {by}", self.layouts.provenance().form),
            lack: None,
            rests_on: Some(format!(
                "Types, lines and variables are those of the twin {}, matched by {by}; a future that \
                 a thread blocks on may be missing.",
                self.path
            )),
        }
    }

    fn knowledge(&self) -> Vec<KnowledgeText> {
        self.layouts.knowledge()
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        self.layouts.type_at(id)
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        let (found, is_one) = self.mapping.functions_at(address.0);
        let found = Self::of_all(found, |address| self.layouts.functions_at(address))?;
        // What polls a task is there once for each scheduler: whichever it is, the task is the same.
        let agree = is_one || self.agree_on_first_parameter(&found)?;
        Ok(if agree { found } else { Vec::new() })
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        let found = self.mapping.vtables_at(address.0);
        Self::of_all(found, |address| self.layouts.vtable_types(address))
    }

    fn object_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        let found = self.mapping.vtables_at(address.0);
        Self::of_all(found, |address| self.layouts.object_types(address))
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        self.layouts.types_named(name, near)
    }

    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        let found = self.layouts.static_variables(type_name)?.into_iter();
        let here = found.filter_map(|variable| {
            let name = self.mapping.twin.variable_at(variable.address.0)?;
            let address = StaticAddress(self.mapping.program.variable(name)?);
            Some(StaticVariable { address, ..variable })
        });
        Ok(here.collect())
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        let found = self.layouts.thread_locals(path)?.into_iter();
        let here = found.filter_map(|variable| {
            let offset = match self.mapping.program.has_names() {
                true => {
                    let name = self.mapping.twin.thread_local_at(variable.offset)?;
                    self.mapping.program.thread_local(name)?
                }
                // The linker lays them out in one way where there are the same of them.
                false => {
                    let twins = self.layouts.facts().tls;
                    let same = self.facts.tls.map(|tls| (tls.size, tls.align))
                        == twins.map(|tls| (tls.size, tls.align));
                    same.then_some(variable.offset)?
                }
            };
            Some(ThreadLocal { offset, ..variable })
        });
        Ok(here.collect())
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        self.layouts.body_of(environment)
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        self.layouts.invoked_at(machine, state)
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        self.layouts.poll_of(ty)
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        match self.mapping.code_at(pc.0) {
            Some(pc) => self.layouts.variables_at(StaticAddress(pc)),
            None => Ok(Vec::new()),
        }
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        if let Some(pc) = self.mapping.code_at(pc.0) {
            return self.layouts.calls_at(StaticAddress(pc));
        }
        // Which function it is, the name still tells; what was inlined there it does not.
        let Some(function) = self.mapping.function_around(pc.0) else { return Ok(Vec::new()) };
        let physical = self.layouts.calls_at(StaticAddress(function))?.pop();
        Ok(physical.map(|call| Call { location: None, ..call }).into_iter().collect())
    }

    fn has_function(&self, identifier: &str) -> bool {
        let own = self.mapping.program.object();
        if self.mapping.program.has_names() {
            own.has_symbol_part(identifier)
        } else {
            self.layouts.has_function(identifier)
        }
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.layouts.may_have_function(identifier)
    }
}
