//! The variables of a suspended frame.

use std::collections::HashMap;

use super::{Limits, value};
use crate::knowledge::Libraries;
use crate::layout::name::last_segment;
use crate::layout::{Member, TypeKind};
use crate::report::{Chain, Frame, FrameKind, FrameRef, FutureState, Report, Task};
use crate::target::Target;
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::search::coroutine::{self, is_coroutine};

/// One variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// Its name in the source.
    pub name: String,
    /// Where it is.
    pub value: Value,
    /// Its type as the debug information spells it, by which a debugger knows it.
    pub type_name: String,
    /// The same as the source spells it, shortened.
    pub type_text: String,
    /// Its value.
    pub text: String,
    /// Whether it may have been moved away, so that these are old bytes.
    pub may_be_moved: bool,
}

/// The variables of many frames.
#[derive(Clone, Default, Debug)]
pub struct LocalTable {
    frames: HashMap<FrameRef, Vec<Local>>,
}

impl LocalTable {
    /// Those of every frame of some tasks.
    #[must_use]
    pub fn of<'r>(
        target: &dyn Target,
        report: &Report,
        tasks: impl IntoIterator<Item = &'r Task>,
        libraries: Libraries,
        limits: Limits,
    ) -> Self {
        let locals = Locals::new(target, libraries, limits);
        let mut table = Self::default();
        for task in tasks {
            table.add(&locals, report, &task.chain);
        }
        table
    }

    fn add(&mut self, locals: &Locals<'_>, report: &Report, chain: &Chain) {
        for frame in &chain.frames {
            if locals.program.is_interrupted() {
                return;
            }
            if let Ok(variables) = locals.of(report, frame) {
                self.frames.insert(FrameRef::of(frame), variables);
            }
        }
        for branch in &chain.branches {
            self.add(locals, report, branch);
        }
    }

    /// The variables of one frame.
    #[must_use]
    pub fn of_frame(&self, frame: &Frame) -> &[Local] {
        self.frames.get(&FrameRef::of(frame)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Reads variables of frames. It is right as long as the process stands still, as the report is.
pub struct Locals<'t> {
    program: Program<'t>,
    libraries: Libraries,
    limits: Limits,
}

impl<'t> Locals<'t> {
    /// A reader that prints values that long, in the notations of these libraries.
    #[must_use]
    pub fn new(target: &'t dyn Target, libraries: Libraries, limits: Limits) -> Self {
        Self { program: Program::new(target), libraries, limits }
    }

    /// The program that is read.
    #[must_use]
    pub fn program(&self) -> &Program<'t> {
        &self.program
    }

    /// The variables of a frame in the order of the debug information: of a state machine those
    /// that it keeps where it stands, of another future its fields.
    ///
    /// # Errors
    /// A sentence, when the frame has none that can be read here.
    pub fn of(&self, report: &Report, frame: &Frame) -> Result<Vec<Local>, String> {
        let site = report.site(frame.site);
        let ty = report.types.get(frame.site.0 as usize).copied().flatten();
        let Some(ty) = ty.filter(|_| site.kind != FrameKind::Native) else {
            return Err(
                "This frame runs on a thread: the debugger's own `frame` and `info locals` \
                        show its variables."
                    .to_string(),
            );
        };
        if frame.address == 0 {
            return Err("The location of this future on the stack is unknown.".to_string());
        }
        let value = Value { ty, address: frame.address };
        self.of_value(value).map_err(|error| format!("The frame cannot be read: {error}."))
    }

    fn of_value(&self, value: Value) -> Result<Vec<Local>, ValueError> {
        let layout = self.program.type_of(value.ty)?;
        if is_coroutine(layout) {
            let (active, _) = value.active_variant(&self.program)?;
            let mut states = coroutine::states(&self.program, value.ty)?;
            if active >= states.len() {
                return Ok(Vec::new());
            }
            let state = states.swap_remove(active);
            if matches!(state.kind, FutureState::Returned | FutureState::Panicked) {
                return Ok(Vec::new());
            }
            return Ok(state
                .variables
                .iter()
                .filter(|variable| is_named(&variable.name))
                .map(|variable| {
                    let address = value.address.wrapping_add(variable.part.offset);
                    let place = Value { ty: variable.part.ty, address };
                    let may_be_moved =
                        self.is_movable(place.ty) && variable.may_be_moved(&self.program, value);
                    self.local(&variable.name, place, may_be_moved)
                })
                .collect());
        }
        let fields = match &layout.kind {
            TypeKind::Enum { .. } => value.active_variant(&self.program)?.1,
            _ => value,
        };
        let members = self.program.type_of(fields.ty)?;
        let is_sized = |member: &&Member| {
            let ty = Ty { module: fields.ty.module, id: member.ty };
            self.program.type_of(ty).is_ok_and(|layout| layout.size > 0)
        };
        Ok(members
            .members()
            .iter()
            .filter(is_sized)
            .map(|member| {
                let address = fields.address.wrapping_add(member.offset);
                let ty = Ty { module: fields.ty.module, id: member.ty };
                self.local(&member.name, Value { ty, address }, false)
            })
            .collect())
    }

    /// Whether old bytes of a type mean nothing: those of a number or of a reference were copied,
    /// not moved.
    fn is_movable(&self, ty: Ty) -> bool {
        let Ok(layout) = self.program.type_of(ty) else { return true };
        match &layout.kind {
            TypeKind::Pointer { .. } => layout.name.starts_with("alloc::boxed::Box<"),
            TypeKind::Struct { .. } => !layout.name.starts_with('&'),
            TypeKind::Enum { .. } | TypeKind::Union { .. } | TypeKind::Array { .. } => true,
            _ => false,
        }
    }

    fn local(&self, name: &str, value: Value, may_be_moved: bool) -> Local {
        let layout = self.program.type_of(value.ty);
        Local {
            name: name.strip_prefix("_ref__").or(name.strip_prefix("__")).unwrap_or(name).into(),
            value,
            type_name: layout.map_or_else(|_| String::new(), |layout| layout.name.to_string()),
            type_text: self.type_text(value),
            text: self.text_of(value),
            may_be_moved,
        }
    }

    /// A value as text.
    #[must_use]
    pub fn text_of(&self, of: Value) -> String {
        value(&self.program, self.libraries, of, self.limits)
    }

    /// A type's name as the source spells it.
    fn type_text(&self, of: Value) -> String {
        let name = self.program.type_of(of.ty).map(|layout| layout.name.to_string());
        name.map_or_else(|error| format!("<{error}>"), |name| last_segment(&name))
    }
}

/// Whether a saved variable has a name in the source.
fn is_named(name: &str) -> bool {
    !name.strip_prefix("__").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}
