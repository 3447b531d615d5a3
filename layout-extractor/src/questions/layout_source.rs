//! The [`LayoutSource`] implementation of [`DwarfSource`].

use std::sync::Arc;

use runtime_layouts::layout::source::{
    KnowledgeText, LayoutError, LayoutSource, ObjectFacts, Poll, Provenance, StaticVariable,
    ThreadLocal,
};
use runtime_layouts::layout::{
    Call, Function, PlacedVariable, SourceLocation, StaticAddress, Type, TypeId,
};

use super::source::DwarfSource;
use crate::find_knowledge::in_object;

impl LayoutSource for DwarfSource {
    fn facts(&self) -> &ObjectFacts {
        &self.object.facts
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            path: self.object.path.display().to_string(),
            form: self.form(),
            lack: self.missing_debug_info(),
            rests_on: None,
        }
    }

    fn knowledge(&self) -> Vec<KnowledgeText> {
        in_object(&self.object)
    }

    fn type_at(&self, id: TypeId) -> Result<Arc<Type>, LayoutError> {
        self.types.get_or_try(id.0, || self.read_type(id.0).map(Arc::new))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        self.find_functions(address.0)
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        self.find_vtable_types(address.0)
    }

    fn object_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        self.find_object_types(address.0)
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        self.find_types_named(name, near)
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        self.find_thread_locals(path)
    }

    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        self.find_static_variables(type_name)
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        let body = self.bodies.get_or_try(environment.0, || self.find_body(environment.0))?;
        body.map(|function| self.function(function)).transpose()
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        self.find_invocation(machine, state)
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        self.poll_answers.get_or_try(ty.0, || self.find_poll(ty))
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        self.find_variables(pc.0)
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.object.has_symbol_part(identifier)
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.object.has_symbol_part(identifier) || self.object.mentions_symbol_part(identifier)
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        self.find_calls(pc.0)
    }
}
