//! Futures that threads block on, whoever wrote the function that polls them.
//!
//! The function that begins to poll one, or one around it, has the future in a variable or has its type
//! as a generic argument.

use std::sync::Arc;

use super::beginning::{
    self, Beginning, DEEPEST_POINTER, MAX_AROUND, OnFrame, calls_of, future_type, given,
};
use super::native_stack;
use super::stack_future::{self, StackFuture};
use crate::knowledge::expectation::compiler;
use crate::layout::name::path_segments;
use crate::layout::origin::Origin;
use crate::report::{
    Chain, Frame, FrameSource, FutureState, SiblingsOfStack, SiteId, Task, TaskId, TaskIndex,
    TaskKind, TaskState, TaskWakers, ThreadRef, Trust,
};
use crate::target::{NativeFrame, Thread};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::chains::poll_roles::Roles;
use crate::walk::named_future;

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
            let Some(beginning) = beginning::of_stack(self, &mut roles, &calls, end) else {
                continue;
            };
            self.note_unsupported(&calls[beginning.at..]);
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
    fn note_unsupported(&mut self, calls: &[OnFrame]) {
        let libraries = self.libraries;
        let mut found =
            calls.iter().filter_map(|on| libraries.unsupported_runtime(&on.call.function.name));
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
        let (address, mut chain, mut source, mut siblings_of_stack) = match found {
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
            siblings_of_stack = SiblingsOfStack::stored(std::mem::replace(&mut chain, native));
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
            siblings_of_stack,
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
        let around = &calls[beginning.at..calls.len().min(beginning.at + MAX_AROUND)];
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
