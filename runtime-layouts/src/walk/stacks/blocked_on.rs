//! Futures that threads block on, whoever wrote the function that polls them.
//!
//! By a rule, and not by a list of functions: who polls a future makes a `Context` for it, and is no
//! `poll` itself. That function, or one around it, has the future in a variable or has its type as a
//! generic argument. So it is in `futures_lite::future::block_on`, `async_io::block_on`,
//! `futures::executor::block_on`, `pollster`, `spin_on`, `extreme`, and in the ten lines that a program
//! has of its own.

use std::sync::Arc;

use super::native_stack;
use super::stack_future::{self, StackFuture};
use crate::knowledge::expectation::compiler;
use crate::layout::name::{path_segments, plain_path};
use crate::layout::origin::Origin;
use crate::layout::{Call, TypeKind};
use crate::report::{
    BesideStack, Chain, Frame, FrameSource, FutureState, SiteId, Task, TaskId, TaskIndex, TaskKind,
    TaskState, TaskWakers, ThreadRef, Trust,
};
use crate::target::{NativeFrame, Thread};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::chains::poll_roles::{Role, Roles, makes_context};
use crate::walk::named_future;
use crate::walk::search::coroutine;

/// Functions around the one that makes the context in which the future is looked for: in between are
/// closures and what calls them, as `LocalKey::with`.
const MOST_AROUND: usize = 14;
/// Pointers between a variable and a future, at most.
const DEEPEST_POINTER: usize = 8;

/// One function on a stack, inlined or not.
pub(crate) struct OnFrame {
    /// The place of its native frame.
    pub(crate) frame: usize,
    pub(crate) module: usize,
    pub(crate) call: Call,
}

/// The functions of a stack, innermost first.
pub(crate) fn calls_of(program: &Program<'_>, frames: &[NativeFrame]) -> Vec<OnFrame> {
    let mut found = Vec::new();
    for (frame, native) in frames.iter().enumerate() {
        let Some((module, address)) = program.module_at(native.pc.lookup()) else { continue };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        found.extend(calls.into_iter().map(|call| OnFrame { frame, module, call }));
    }
    found
}

/// Where a thread polls a future until it is ready.
pub(crate) struct Beginning {
    /// The place of the function that makes the context.
    pub(crate) at: usize,
    /// The place of the function that polls a runtime's task within, the outermost; `None` where none
    /// is polled.
    polls_task: Option<usize>,
    /// Whether the future is being polled now.
    is_polled: bool,
}

/// The outermost function of the first `end` ones of a stack that begins to poll a future. `None` where
/// a task is polled further out, and where a runtime's own function does it.
pub(crate) fn beginning(
    inspection: &Inspection<'_>,
    roles: &mut Roles,
    calls: &[OnFrame],
    end: usize,
) -> Option<Beginning> {
    let libraries = inspection.libraries;
    let is_task = |on: &OnFrame| libraries.polls_task(&on.call.function.name);
    let is_runtimes = |on: &OnFrame| {
        let function = &on.call.function.name;
        let first = path_segments(function).first().map(|first| first.text.to_owned());
        let passes = |path: &&str| function.starts_with(*path);
        libraries.runtimes().any(|(library, _)| {
            first.as_ref() == Some(&library.crate_name()) || library.passing_on.iter().any(passes)
        })
    };
    let mut at = None;
    for place in (0..end).rev() {
        let on = &calls[place];
        if is_task(on) {
            return None;
        }
        if roles.of(inspection.program, on.module, &on.call.function) != Role::Begins {
            continue;
        }
        if !is_runtimes(on) {
            at = Some(place);
            break;
        }
        // What is around a task that is polled makes no difference to what that does.
        if end == calls.len() || plain_path(&on.call.function.name).contains("block_on") {
            return None;
        }
    }
    let program = inspection.program;
    let at = at.or_else(|| by_name(program, calls, end, &is_runtimes))?;
    // What was inlined may have left its context with a function that polls nothing itself.
    let mut within = (0..at).rev().take_while(|place| {
        let on = &calls[*place];
        !is_task(on) && roles.of(program, on.module, &on.call.function) != Role::Polls
    });
    let is_given = |place: usize| given(program, calls, place).is_some();
    let inner = match is_given(at) {
        true => None,
        false => within.find(|place| !is_runtimes(&calls[*place]) && is_given(*place)),
    };
    let at = inner.unwrap_or(at);
    if gives_away(program, roles, calls, at) {
        return None;
    }
    let polls_task = (0..at).rev().find(|place| is_task(&calls[*place]));
    let mut inside = calls[..at].iter();
    let is_polled =
        inside.any(|on| roles.of(inspection.program, on.module, &on.call.function) == Role::Polls);
    Some(Beginning { at, polls_task, is_polled })
}

/// Whether the function there gives its context to another one that polls no future, and sleeps in that.
/// What it has in a variable is then no future that it blocks on: the thread of lapin's connection has
/// polled its attempt to connect to the end, and gives its context to what reads the socket
/// (`lapin/src/io_loop.rs`, 4.12.3).
fn gives_away(program: &Program<'_>, roles: &mut Roles, calls: &[OnFrame], at: usize) -> bool {
    for on in calls[..at].iter().rev() {
        match roles.of(program, on.module, &on.call.function) {
            Role::Polls => return false,
            Role::Begins if !makes_context(program, on.module, &on.call.function) => {
                let of_future = |id| future_type(program, Ty { module: on.module, id }).is_some();
                let mut types = on.call.function.type_parameters.iter().map(|of| of.ty);
                let mut variables = on.call.function.variables.iter().map(|it| it.ty);
                return !types.any(of_future) && !variables.any(of_future);
            }
            Role::Begins | Role::Other => {}
        }
    }
    false
}

/// The innermost function that is called as such functions are, and has a future as a generic argument.
/// Where nothing uses the context, as in `std::future::Pending`, an optimized build has no variable for
/// it left.
fn by_name(
    program: &Program<'_>,
    calls: &[OnFrame],
    end: usize,
    is_runtimes: &dyn Fn(&OnFrame) -> bool,
) -> Option<usize> {
    calls[..end].iter().position(|on| !is_runtimes(on) && blocked_on_by_name(program, on).is_some())
}

/// The future that a function blocks on which is called `block_on`, by the name of the argument where
/// nothing is left of its `poll`: `F`, `Fut`, `impl Future<…>`.
fn blocked_on_by_name(program: &Program<'_>, on: &OnFrame) -> Option<Ty> {
    let function = &on.call.function;
    if path_segments(&function.name).last().is_none_or(|last| last.text != "block_on") {
        return None;
    }
    let of = |id| Ty { module: on.module, id };
    let mut types = function.type_parameters.iter();
    types.clone().find_map(|it| future_type(program, of(it.ty))).or_else(|| {
        let is_future = |name: &str| name.starts_with('F') || name.starts_with("impl Future<");
        types.find(|it| is_future(&it.name)).map(|it| of(it.ty))
    })
}

/// The future that the function there has as a generic argument, or one around it, so many further out.
fn given(program: &Program<'_>, calls: &[OnFrame], at: usize) -> Option<(usize, Ty)> {
    let around = &calls[at..calls.len().min(at + MOST_AROUND)];
    around.iter().enumerate().find_map(|(place, on)| {
        let mut types = on.call.function.type_parameters.iter();
        let ty = types.find_map(|of| future_type(program, Ty { module: on.module, id: of.ty }));
        Some((place, ty.or_else(|| blocked_on_by_name(program, on))?))
    })
}

impl Inspection<'_> {
    /// Adds the futures that threads block on, but for those that a runtime has found and those that
    /// tasks poll. Once: what runtimes add later changes nothing of it.
    pub(crate) fn find_blocked_on(&mut self) {
        if std::mem::replace(&mut self.has_blocked_on, true) {
            return;
        }
        let target = self.program.target();
        let known = self.tasks.len();
        let mut roles = Roles::default();
        for thread in target.threads() {
            if self.interrupted() {
                return;
            }
            let frames = self.program.stack(thread);
            let calls = calls_of(self.program, &frames);
            let end = calls.len();
            let Some(beginning) = beginning(self, &mut roles, &calls, end) else { continue };
            self.note_unlisted(&calls[beginning.at..]);
            let reference = ThreadRef { number: thread.number, tid: thread.tid };
            let is_main =
                self.is_main(reference) && !self.tasks.iter().any(|task| task.id.0 == "main");
            let id = match is_main {
                true => TaskId("main".into()),
                false => self.free_id(reference),
            };
            let found = self.blocked_on(thread, &frames, &calls, &beginning, id);
            // An old runtime's own function may look like anybody's.
            self.tasks.extend(found.filter(|found| !self.is_known(found)));
        }
        if self.tasks.len() > known {
            self.put_blocked_on_first(true);
        }
    }

    /// Says of a runtime that a thread is inside of that its tasks are not read.
    fn note_unlisted(&mut self, calls: &[OnFrame]) {
        let libraries = self.libraries;
        let mut found =
            calls.iter().filter_map(|on| libraries.unlisted_runtime(&on.call.function.name));
        if let Some(name) = found.next() {
            let name = name.replace('_', "-");
            self.problem(format!(
                "the tasks of {name} are not listed: unhang knows only what threads block on there"
            ));
        }
    }

    /// Whether a runtime has found the future that a thread sleeps in.
    fn is_known(&self, found: &Task) -> bool {
        self.tasks.iter().any(|task| {
            let has_address = found.address != 0 && task.address == found.address;
            let is_same = has_address || found.root.is_some() && task.root == found.root;
            task.kind == TaskKind::BlockOn && task.thread == found.thread && is_same
        })
    }

    /// The future that a thread blocks on, as a task; `None` where nothing of it is to be seen.
    pub(crate) fn blocked_on(
        &mut self,
        thread: &Thread,
        frames: &[NativeFrame],
        calls: &[OnFrame],
        beginning: &Beginning,
        id: TaskId,
    ) -> Option<Task> {
        let reference = ThreadRef { number: thread.number, tid: thread.tid };
        let found = self.future_of(frames, calls, beginning);
        // Its own poll may run an executor, whose task is polled now: what it has stored is so. In its
        // first poll it has stored nothing.
        let is_running = beginning.is_polled && (beginning.polls_task.is_none() || found.is_none());
        let native = beginning.is_polled.then(|| {
            let start = beginning.polls_task.map_or(0, |task| task + 1);
            self.chain_on_stack(frames, calls, start, beginning.at)
        });
        let (address, mut chain, mut source, mut beside_stack) = match found {
            Some(found) => (found.address, found.chain, found.source, None),
            // Who runs tasks without a future of their own blocks on none.
            None if beginning.polls_task.is_some()
                && given(self.program, calls, beginning.at).is_none() =>
            {
                return None;
            }
            // In its first poll it has stored nothing yet.
            None => (0, native.clone()?, FrameSource::NativeStack, None),
        };
        let root = chain.frames.first().map(|frame| frame.site);
        let root = root.map(|root| self.named_root(root));
        if is_running
            && source != FrameSource::NativeStack
            && let Some(native) = native
        {
            beside_stack = BesideStack::stored(std::mem::replace(&mut chain, native));
            source = FrameSource::NativeStack;
        }
        if !self.has_users_frame(&chain) {
            chain.frames.splice(0..0, self.caller(frames, calls, beginning.at));
        }
        let parker = self.waker_of(frames, calls, beginning.at);
        Some(Task {
            id,
            runtime: None,
            kind: TaskKind::BlockOn,
            state: if is_running { TaskState::Running } else { TaskState::Idle },
            root,
            address,
            thread: Some(reference),
            spawned_at: None,
            chain,
            trust: Trust { is_stale: is_running, ..Trust::of(source) },
            beside_stack,
            panic: None,
            wakers: TaskWakers { parker, ..TaskWakers::default() },
            index: TaskIndex(0),
            problems: Vec::new(),
        })
    }

    /// The site that names a future whose outermost frame has that one.
    pub(crate) fn named_root(&mut self, root: SiteId) -> SiteId {
        let Some(ty) = self.type_of_site(root) else { return root };
        let named = named_future(self.program, self.libraries, ty);
        if named == ty { root } else { self.site_of_type(named).unwrap_or(root) }
    }

    /// Whether code of the user's is in a chain.
    fn has_users_frame(&self, chain: &Chain) -> bool {
        chain.frames.iter().any(|frame| self.is_in_users_file(frame.site))
            || chain.branches.iter().any(|branch| self.has_users_frame(branch))
    }

    /// The user's function that called the one which begins to poll, up to the task that it is in.
    fn caller(&mut self, frames: &[NativeFrame], calls: &[OnFrame], at: usize) -> Option<Frame> {
        let is_users = |on: &&OnFrame| {
            let place = on.call.location.as_ref();
            place.is_some_and(|place| place.file.origin() == Origin::User)
        };
        let is_task = |on: &&OnFrame| self.libraries.polls_task(&on.call.function.name);
        let on = calls[at..].iter().take_while(|on| !is_task(on)).find(is_users)?;
        let site = self.site_of_call(on.module, &on.call);
        Some(Frame { site, address: frames[on.frame].pc.get(), problem: None })
    }

    /// What a stack shows between two of its functions.
    pub(crate) fn chain_on_stack(
        &mut self,
        frames: &[NativeFrame],
        calls: &[OnFrame],
        start: usize,
        end: usize,
    ) -> Chain {
        let first = if start == 0 { 0 } else { calls[start].frame };
        let last = calls[end].frame;
        let mut found = native_stack::calls(self.program, &frames[first..=last]);
        let name = |on: &OnFrame| Arc::clone(&on.call.function.name);
        // The frame of the outer one may have functions around it that were inlined, as that of the
        // inner one may have some in it.
        let outer = calls[end..].iter().take_while(|on| on.frame == last).count();
        found.truncate(found.len().saturating_sub(outer));
        if start > 0 {
            let inner = calls[..start].iter().rev().take_while(|on| on.frame == first).count();
            debug_assert!(inner == 0 || name(&calls[start - 1]) != name(&calls[start]));
            found.drain(..inner.min(found.len()));
        }
        native_stack::chain_of(self.program, &mut self.sites, &found)
    }

    /// The future that the function there polls.
    fn future_of(
        &mut self,
        frames: &[NativeFrame],
        calls: &[OnFrame],
        beginning: &Beginning,
    ) -> Option<StackFuture> {
        let program = self.program;
        let around = &calls[beginning.at..calls.len().min(beginning.at + MOST_AROUND)];
        let generic = given(self.program, calls, beginning.at);
        let wanted = generic.and_then(|(_, ty)| Some(program.type_of(ty).ok()?.name.clone()));
        // Without a generic argument it is near, or not to be told from other variables.
        let reach = match &wanted {
            Some(wanted) => around.iter().rposition(|on| has_argument(program, on, wanted)),
            // What a library runs is in no variable of who called it.
            None => {
                let other = around.iter().position(|on| on.frame != around[0].frame);
                let own = around.iter().position(|on| !is_of_crate(on, &around[0]));
                other.map(|other| own.map_or(other, |own| other.min(own.saturating_sub(1))))
            }
        };
        let reach = reach.unwrap_or(around.len() - 1).max(generic.map_or(0, |(place, _)| place));
        for on in &around[..=reach] {
            for value in places(program, on, &frames[on.frame], wanted.as_deref()) {
                let chain = self.chain(value);
                if self.is_under_way(&chain) {
                    let address = chain.frames.first().map_or(value.address, |first| first.address);
                    let source = FrameSource::StateMachines;
                    return Some(StackFuture { address, chain, source });
                }
            }
        }
        let (_, ty) = generic?;
        let first = calls[beginning.at].frame;
        let last = around[reach].frame;
        let searched = frames.get(..=last)?;
        if let Some(found) = stack_future::search(self, ty, searched, first, &|_| true) {
            return Some(found);
        }
        if beginning.is_polled {
            return None;
        }
        let frame = self.site_of_type(ty).map(|site| Frame {
            site,
            address: 0,
            problem: Some("its location on the stack was optimized away".into()),
        });
        let chain = Chain { frames: frame.into_iter().collect(), ..Chain::default() };
        Some(StackFuture { address: 0, chain, source: FrameSource::TypeAlone })
    }

    /// The data pointer of the wakers of what a function polls, where a variable of it shows that.
    fn waker_of(&self, frames: &[NativeFrame], calls: &[OnFrame], at: usize) -> Option<u64> {
        let program = self.program;
        let on = &calls[at];
        let frame = &frames[on.frame];
        let (module, address) = program.module_at(frame.pc.lookup())?;
        let variables = program.layouts(module).variables_at(address).unwrap_or_default();
        let own = variables.iter().filter(|it| it.function == on.call.function.name);
        own.filter_map(|variable| {
            let (_, value) = stack_future::place(program, module, variable, frame)?;
            let value = value.referent(program, DEEPEST_POINTER).ok()?;
            let name = &value.layout(program).ok()?.name;
            if &**name != compiler::WAKER.newest() {
                return None;
            }
            let data = value.find_member(program, "data").ok()??;
            program.read_pointer(data.address).ok().filter(|data| *data != 0)
        })
        .next()
    }

    /// Whether a chain was polled, and did not end.
    pub(crate) fn is_under_way(&self, chain: &Chain) -> bool {
        let first = chain.frames.first().map(|frame| self.site(frame.site).state);
        let is_whole = chain.frames.iter().all(|frame| frame.problem.is_none());
        is_whole && matches!(first, Some(FutureState::Suspended | FutureState::Unknown))
    }
}

/// The variables of a function in which a future of that type may be, those that refer to it first:
/// a parameter may have been moved from.
fn places(
    program: &Program<'_>,
    on: &OnFrame,
    frame: &NativeFrame,
    wanted: Option<&str>,
) -> Vec<Value> {
    let Some((module, address)) = program.module_at(frame.pc.lookup()) else { return Vec::new() };
    let variables = program.layouts(module).variables_at(address).unwrap_or_default();
    let mut found: Vec<(bool, Value)> = variables
        .iter()
        .filter(|variable| variable.function == on.call.function.name)
        .filter(|variable| {
            let ty = future_type(program, Ty { module, id: variable.ty });
            let name = ty.and_then(|ty| program.type_of(ty).ok()).map(|layout| &*layout.name);
            name.is_some_and(|name| wanted.is_none_or(|wanted| wanted == name))
        })
        .filter_map(|variable| stack_future::place(program, module, variable, frame))
        .collect();
    found.sort_by_key(|(is_reference, _)| !is_reference);
    found.into_iter().map(|(_, value)| value).collect()
}

/// The future that a type is, or that one refers to; `None` for what is no future.
fn future_type(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut at = ty;
    for _ in 0..DEEPEST_POINTER {
        let layout = program.type_of(at).ok()?;
        let of = |id| Ty { module: at.module, id };
        if coroutine::is_coroutine(layout) {
            return Some(at);
        }
        at = match &layout.kind {
            TypeKind::Pointer { target: Some(target) }
                if layout.name.starts_with("&mut ")
                    || layout.name.starts_with("alloc::boxed::Box<") =>
            {
                of(*target)
            }
            TypeKind::Struct { members } if layout.name.starts_with("core::pin::Pin<") => {
                of(members.first()?.ty)
            }
            TypeKind::Struct { .. } | TypeKind::Enum { .. } => {
                let is_dyn = layout.member("vtable").is_some()
                    && layout.name.contains("dyn core::future::future::Future<");
                let is_polled = || {
                    let poll = program.layouts(at.module).poll_of(at.id);
                    poll.is_ok_and(|poll| poll.is_some())
                };
                return (is_dyn || is_polled()).then_some(at);
            }
            _ => return None,
        };
    }
    None
}

/// Whether a function is of the same crate as another one, or of the language's.
fn is_of_crate(on: &OnFrame, other: &OnFrame) -> bool {
    let crate_of = |on: &OnFrame| {
        let segments = path_segments(&on.call.function.name);
        segments.first().map(|first| first.text.to_owned()).unwrap_or_default()
    };
    let name = crate_of(on);
    matches!(&*name, "core" | "std" | "alloc") || name == crate_of(other)
}

/// Whether a function has a generic argument that is a future of that type, or refers to one.
fn has_argument(program: &Program<'_>, on: &OnFrame, wanted: &str) -> bool {
    let mut types = on.call.function.type_parameters.iter();
    types.any(|of| {
        let ty = future_type(program, Ty { module: on.module, id: of.ty });
        ty.and_then(|ty| program.type_of(ty).ok()).is_some_and(|layout| &*layout.name == wanted)
    })
}
