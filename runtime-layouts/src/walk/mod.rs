//! The walk from a stopped process to its report: await chains, waits, and holders of locks.

use std::ops::Range;

use rustc_hash::FxHashSet;

pub(crate) mod chains;
mod connections;
mod holders;
mod known_libraries;
pub(crate) mod search;
pub(crate) mod stacks;
#[cfg(test)]
mod tests;
pub(crate) mod threads;
mod unaccepted;
mod unflushed;
pub(crate) mod waits;
mod waits_and_holders;

pub(crate) use self::chains::Walker;
pub(crate) use self::chains::live_values::LiveValue;
use self::chains::live_values::LiveValues;
use self::chains::site_table::{SiteNumbers, SiteTable};
use self::chains::{moved_away, useless_wakers};
use self::connections::FoundConnections;
pub use self::known_libraries::{Registry, RegistryEntry, knowledge_of, libraries_of};
use self::search::search_for::SearchFor;
pub(crate) use self::search::shared::shared_target;
use self::stacks::block_on_calls::PolledByCalls;
pub(crate) use self::stacks::words::of_stack as words_of_stack;
use self::stacks::{blocked_calls, cut_stacks, native_stack, sibling_branches};
use self::threads::stack_references;
use self::waits::waker_sweep;
use self::waits_and_holders::Found;
use crate::knowledge::Libraries;
use crate::layout::origin::Origin;
use crate::layout::{Call, TypeKind};
use crate::parallel::Job;
use crate::report::{
    Chain, FutureState, LocalSet, Report, ResourceId, Runtime, SiblingsOfStack, Site, SiteId,
    TargetSummary, Task, TaskIndex, TaskKind, ThreadRef, WaitList, sentence,
};
use crate::target::Target;
use crate::value::{Program, Ty, Value};

/// Finds every runtime and task of the target and walks every await chain.
///
/// It knows the libraries of `registry`; [`libraries::REGISTRY`](crate::libraries::REGISTRY) has all
/// of them. It never fails: unreadable memory becomes a problem of the frame, task or runtime that it
/// belongs to.
///
/// ```
/// use runtime_layouts::fake::{FakeTarget, tokio};
/// use runtime_layouts::libraries::REGISTRY;
/// use runtime_layouts::report::TaskState;
/// use runtime_layouts::walk::inspect;
///
/// // Two tasks; the box in the frame of the second one cannot be read.
/// let memory = tokio::memory(2).with_hole(tokio::boxed(2), 16);
/// let target = FakeTarget::new(tokio::layouts(), memory, tokio::THREAD_POINTER);
/// let report = inspect(&target, REGISTRY);
///
/// let [runtime] = &*report.runtimes else { panic!("one runtime") };
/// assert_eq!((runtime.library, runtime.listed_tasks), ("tokio", 2));
/// let names = |task: usize| -> Vec<&str> {
///     let frames = report.tasks[task].chain.frames.iter();
///     frames.map(|frame| &*report.site(frame.site).name.short).collect()
/// };
/// assert_eq!(names(0), ["shop::wait", "shop::inner", "leaf::Leaf"]);
/// assert_eq!(names(1), ["shop::wait"], "down to where memory ends");
/// assert!(report.tasks[1].chain.frames[0].problem.is_some());
/// assert!(report.tasks.iter().all(|task| task.state == TaskState::Idle));
/// ```
#[must_use]
pub fn inspect(target: &dyn Target, registry: Registry) -> Report {
    let (libraries, misread) = libraries_of(target, registry.libraries);
    let program = Program::new(target);
    let mut inspection = Inspection {
        program: &program,
        libraries,
        walker: Walker::of(libraries),
        sites: SiteTable::of(libraries),
        numbers: SiteNumbers::default(),
        handles: LiveValues::of(SearchFor::Handles, libraries),
        runtimes: Vec::new(),
        local_sets: Vec::new(),
        tasks: Vec::new(),
        problems: lacks(target),
        caveats: rests_on(target),
        knows_a_runtime: false,
        has_blocked_on: false,
        inside: FxHashSet::default(),
        interrupted: false,
    };
    misread.into_iter().for_each(|problem| inspection.problem(problem));
    for discover in registry.runtimes() {
        discover(&mut inspection);
    }
    inspection.find_blocked_on();
    let is_empty = inspection.runtimes.is_empty() && inspection.tasks.is_empty();
    if is_empty && inspection.problems.is_empty() {
        let program = &target.identity().executable;
        let names: Vec<_> = libraries.runtimes().map(|(library, _)| library.name).collect();
        let runtimes = match names.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            _ => names.concat(),
        };
        inspection.problem(match inspection.knows_a_runtime {
            true => format!(
                "No thread is inside an async runtime now: {program} contains {runtimes}, but none \
                 of its threads runs a runtime or blocks on a future."
            ),
            false => {
                let it = if names.len() > 1 { "one of them" } else { &runtimes };
                format!(
                    "No async runtime was found: the debug information of {program} does not mention \
                     {runtimes}, and no thread blocks on a future. If it does use {it}, build it with \
                     `debug = true`, its dependencies too."
                )
            }
        });
    }
    inspection.into_report()
}

/// What the modules' layouts lack. A program that only hosts runtimes of its libraries, such as an
/// interpreter, need not have any.
fn lacks(target: &dyn Target) -> Vec<String> {
    let hosts = usize::from(target.modules().len() > 1);
    let modules = target.modules().iter().skip(hosts);
    let lacks = modules.filter_map(|module| module.layouts.provenance().lack);
    lacks.map(|lack| sentence(&lack)).collect()
}

/// What the modules' layouts rest on, beside the program.
fn rests_on(target: &dyn Target) -> Vec<String> {
    let all = target.modules().iter().filter_map(|module| module.layouts.provenance().rests_on);
    all.map(|what| sentence(&what)).collect()
}

/// The future that names what one does: itself, or the one that libraries have put something around.
pub(crate) fn named_future(program: &Program<'_>, libraries: Libraries, ty: Ty) -> Ty {
    /// What is around one future, at most.
    const MAX_AROUND: usize = 8;
    let mut at = ty;
    for _ in 0..MAX_AROUND {
        let of = |id| Ty { module: at.module, id };
        let Ok(layout) = program.type_of(at) else { break };
        if !libraries.is_around(&layout.name) {
            break;
        }
        // What an async fn was given is there before it was polled.
        let fields = match &layout.kind {
            TypeKind::Enum { variants, .. } => {
                variants.first().and_then(|first| program.type_of(of(first.ty)).ok())
            }
            _ => Some(layout),
        };
        let Some(inside) = fields.and_then(|fields| fields.member("future")) else { break };
        at = of(inside.ty);
    }
    at
}

/// An inspection that is under way: what a runtime's folder adds to.
pub(crate) struct Inspection<'t> {
    pub(crate) program: &'t Program<'t>,
    /// The libraries that are known.
    pub(crate) libraries: Libraries,
    /// This thread's own, which numbers sites in its own way.
    pub(crate) walker: Walker,
    /// Of all walkers.
    pub(crate) sites: SiteTable,
    /// Of this thread's walker.
    pub(crate) numbers: SiteNumbers,
    handles: LiveValues,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) local_sets: Vec<LocalSet>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) problems: Vec<String>,
    pub(crate) caveats: Vec<String>,
    /// Whether the program has a runtime's code, even if no thread is inside one.
    pub(crate) knows_a_runtime: bool,
    /// Whether the futures that threads block on were looked for.
    has_blocked_on: bool,
    /// The kernel's ids of threads that a runtime says are inside of it, on whose stacks it is not.
    inside: FxHashSet<u64>,
    interrupted: bool,
}

impl Inspection<'_> {
    /// Whether to stop here, because the user asked for it.
    pub(crate) fn interrupted(&mut self) -> bool {
        self.interrupted = self.interrupted || self.program.target().interrupted();
        self.interrupted
    }

    /// Whether a runtime has added tasks that were spawned, which have numbers.
    pub(crate) fn has_spawned_tasks(&self) -> bool {
        self.tasks.iter().any(|task| task.kind != TaskKind::BlockOn)
    }

    /// The await chain of a value that is known to be a future.
    pub(crate) fn chain(&mut self, future: Value) -> Chain {
        let mut chain = self.walker.chain(self.program, future);
        self.take_in_sites();
        self.numbers.apply_to(&mut chain);
        chain
    }

    /// Takes note that a runtime says that a thread is inside of it.
    pub(crate) fn is_inside(&mut self, thread: ThreadRef) {
        self.inside.insert(thread.tid);
    }

    /// Takes in the sites that this thread's walker found.
    pub(crate) fn take_in_sites(&mut self) {
        let known = self.numbers.len();
        if self.walker.sites.len() > known {
            let found = self.walker.sites.since(known);
            self.sites.take_in(&mut self.numbers, found.into_iter());
        }
    }

    /// The paths of the source files that the frames found so far of one module stand in.
    pub(crate) fn source_files(&self, module: usize) -> impl Iterator<Item = &str> {
        self.sites.source_files(module)
    }

    /// The type whose site this is; `None` for a native call's.
    pub(crate) fn type_of_site(&self, id: SiteId) -> Option<Ty> {
        self.sites.type_of(id)
    }

    /// What a thread executes on behalf of the future that the function `is_poll` names polls.
    /// `None` when the thread's stack does not show such a poll.
    pub(crate) fn native_chain(
        &mut self,
        thread: ThreadRef,
        is_poll: &dyn Fn(&str) -> bool,
    ) -> Option<Chain> {
        let target = self.program.target();
        let thread = target.threads().iter().find(|known| known.tid == thread.tid)?;
        let frames = self.program.stack(thread);
        let calls = native_stack::calls(self.program, &frames);
        native_stack::chain(self.program, &mut self.sites, &calls, is_poll)
    }

    /// Looks what memory keeps of the futures whose threads are blocked, beside what the stacks show:
    /// so far there is what was stored last.
    fn look_at_siblings(&mut self) {
        for at in 0..self.tasks.len() {
            if let Some(stored) = self.tasks[at].siblings_of_stack.take() {
                let beside = self.siblings_of_stack(at, &stored.chain);
                self.tasks[at].siblings_of_stack = beside.map(Box::new);
            }
        }
    }

    fn siblings_of_stack(&mut self, task: usize, stored: &Chain) -> Option<SiblingsOfStack> {
        let program = self.program;
        let task = &self.tasks[task];
        blocked_calls::of_task(program, &self.sites, task)?;
        let tid = task.thread?.tid;
        let thread = program.target().threads().iter().find(|known| known.tid == tid)?;
        let first = stored.frames.first()?;
        let root = Value { ty: self.sites.type_of(first.site)?, address: first.address };
        let frames = program.stack(thread);
        let calls = native_stack::calls(program, &frames);
        let on_stack = sibling_branches::on_stack(program, &frames, &calls);
        let of_root = program.type_of(root.ty).ok()?;
        // A thread may poll another task within the one that it blocks on.
        let start = on_stack.iter().rposition(|it| it.is_of(&of_root.name))?;
        let mut found = self.walker.siblings_of_stack(program, root, &on_stack[start..])?;
        self.take_in_sites();
        self.numbers.apply_to(&mut found.chain);
        Some(found)
    }

    /// Adds the handles of runtimes and tasks that the frames of tasks keep.
    pub(crate) fn handles_in(&mut self, tasks: Range<usize>, found: &mut Vec<LiveValue>) {
        let sites = &self.sites;
        let batch = |program: &Program<'_>, live_values: &mut LiveValues, tasks: &[Task]| {
            let mut kept = Vec::new();
            for task in tasks.iter().take_while(|_| !program.target().interrupted()) {
                live_values.of_chain(program, sites, &task.chain, &mut kept);
            }
            kept
        };
        let libraries = self.libraries;
        let begin = || LiveValues::of(SearchFor::Handles, libraries);
        let job = Job { items: &self.tasks[tasks], begin: &begin, batch: &batch };
        job.run(self.program, &mut self.handles, &mut |_, kept| {
            found.extend(kept);
        });
    }

    /// Adds the handles of runtimes and tasks in a value.
    pub(crate) fn handles_of(&mut self, value: Value, found: &mut Vec<Value>) {
        let values = self.handles.of_value(self.program, value);
        found.extend(values);
    }

    /// The future behind a pointer to a `dyn Future`, whatever owns it; `None` for a null pointer, and
    /// where the debug information does not name the type.
    pub(crate) fn behind_object(&self, pointer: Value) -> Option<Value> {
        let program = self.program;
        let address = |name| program.read_pointer(pointer.member(program, name).ok()?.address).ok();
        let data = address("pointer").or_else(|| address("data_ptr"))?;
        let ty = program.object_type(address("vtable")?)?;
        (data != 0).then_some(Value { ty, address: data })
    }

    /// The site of a function on a thread's stack.
    pub(crate) fn site_of_call(&mut self, module: usize, call: &Call) -> SiteId {
        self.sites.of_call(self.program, module, call)
    }

    /// Whether a frame stands in a file that is neither a dependency's nor the standard library's.
    pub(crate) fn is_in_users_file(&self, site: SiteId) -> bool {
        let location = self.sites.get(site).location.as_ref();
        location.is_some_and(|location| location.file.origin() == Origin::User)
    }

    /// Whether that is the process's first thread, which runs `main`.
    pub(crate) fn is_main(&self, thread: ThreadRef) -> bool {
        let pid = self.program.target().identity().pid;
        pid.map_or(thread.number == 1, |pid| pid == thread.tid)
    }

    /// A site by its number.
    pub(crate) fn site(&self, id: SiteId) -> &Site {
        self.sites.get(id)
    }

    /// Whether there is a site of a type whose name begins with one of these.
    pub(crate) fn has_sites_of(&self, beginnings: &[&str]) -> bool {
        self.sites
            .all()
            .iter()
            .any(|site| beginnings.iter().any(|beginning| site.type_name.starts_with(beginning)))
    }

    /// The site of a future's type, whatever its state.
    pub(crate) fn site_of_type(&mut self, ty: Ty) -> Option<SiteId> {
        self.sites.of_any(self.program, ty)
    }

    /// Puts the futures that threads block on before the tasks, as the report has them: by the kernel's
    /// thread ids, which are the same in every front, or in their order.
    fn put_blocked_on_first(&mut self, by_thread: bool) {
        let (mut first, rest): (Vec<usize>, Vec<usize>) =
            (0..self.tasks.len()).partition(|at| self.tasks[*at].kind == TaskKind::BlockOn);
        if by_thread {
            first.sort_by_key(|at| self.tasks[*at].thread.map_or(0, |thread| thread.tid));
        }
        self.rearrange(&[first, rest].concat());
    }

    /// Leaves out the tasks of which that is not true.
    pub(crate) fn retain_tasks(&mut self, mut is_kept: impl FnMut(&Task) -> bool) {
        let kept: Vec<usize> =
            (0..self.tasks.len()).filter(|at| is_kept(&self.tasks[*at])).collect();
        self.rearrange(&kept);
    }

    /// Puts the tasks into that order, by their places; one that is in it nowhere is left out. What was
    /// said of places before goes with them.
    fn rearrange(&mut self, order: &[usize]) {
        if order.len() == self.tasks.len() && order.iter().enumerate().all(|(to, at)| to == *at) {
            return;
        }
        let mut places: Vec<Option<TaskIndex>> = vec![None; self.tasks.len()];
        let mut old: Vec<Option<Task>> = self.tasks.drain(..).map(Some).collect();
        for (to, at) in (0..).map(TaskIndex).zip(order) {
            places[*at] = Some(to);
            self.tasks.extend(old[*at].take());
        }
        let place = |index: TaskIndex| places.get(index.0 as usize).copied().flatten();
        let moved = |tasks: &mut Vec<TaskIndex>| {
            *tasks = tasks.iter().filter_map(|index| place(*index)).collect();
        };
        for runtime in &mut self.runtimes {
            runtime.queues.iter_mut().for_each(|queue| moved(&mut queue.tasks));
        }
        for set in &mut self.local_sets {
            moved(&mut set.tasks);
            set.tasks.sort_unstable();
            moved(&mut set.queue);
            if let Some(kept) = &mut set.kept {
                kept.task = kept.task.and_then(place);
            }
        }
    }

    /// Adds a problem unless it is known already.
    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        let problem = sentence(&problem.into());
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The outermost frames of what threads block on that are not a runtime's own, as
    /// `LocalSet::run_until` is: of the main thread, or where it blocks on nothing, of all.
    fn users_roots(&self) -> Vec<SiteId> {
        let sites = &self.sites;
        let of_runtime = |site: SiteId| {
            self.runtimes.iter().any(|runtime| sites.is_of_package(site, runtime.library))
        };
        let blocked = || self.tasks.iter().filter(|task| task.kind == TaskKind::BlockOn);
        let is_main = |task: &&Task| task.thread.is_some_and(|thread| self.is_main(thread));
        let anywhere = !blocked().any(|task| is_main(&task));
        blocked()
            .filter(|task| anywhere || is_main(task))
            .filter_map(|task| {
                let mut frames = task.chain.frames.iter().map(|frame| frame.site);
                frames.find(|site| !of_runtime(*site))
            })
            .collect()
    }

    fn into_report(mut self) -> Report {
        let target = self.program.target();
        let identity = target.identity();
        let roots = self.users_roots();
        self.sites.classify_user_code(&roots);
        self.look_at_siblings();
        let polled = self.find_block_on_calls();
        let roots = self.users_roots();
        let sites = &mut self.sites;
        sites.classify_user_code(&roots);
        for (index, task) in (0..).zip(&mut self.tasks) {
            task.index = TaskIndex(index);
        }
        let is_new = |site| sites.get(site).state == FutureState::Unresumed;
        moved_away::leave_out(&mut self.tasks, &is_new);
        useless_wakers::count(self.program, sites, &mut self.tasks);
        let polled = PolledByCalls::of(&self.tasks, polled);
        let tasks = (&*self.runtimes, &*self.tasks, &polled);
        let found = waits_and_holders::find(self.program, sites, tasks);
        let Found { mut waits, connections, threads, is_whole } = found;
        let FoundConnections { connections, serving, sent, buffers, sockets } =
            connections::collect(connections);
        let known = (&*self.runtimes, &*self.tasks);
        stack_references::mark(self.program, sites, known, &mut waits);
        self.interrupted |= !is_whole || self.program.was_interrupted();
        waker_sweep::mark(self.program, sites, (&self.runtimes, &self.tasks), &mut waits);
        threads::mark_blocked_workers(&mut self.runtimes, &self.tasks, &waits);
        threads::give_joined(&threads, &self.tasks, &mut waits);
        let cut = cut_stacks::problem(self.program, &self.tasks, &self.inside);
        self.problems.extend(cut.map(|cut| sentence(&cut)));
        sites.classify_user_code(&roots);
        let mut modules = target.modules().iter();
        moved_away::take_in(&mut self.tasks, &waits.resources);
        let has_abort_handles =
            modules.any(|module| self.libraries.makes_abort_handles(&*module.layouts));
        let facts = target.modules().first().map(|module| module.layouts.facts());
        let mut holdings: Vec<_> = waits
            .resources
            .iter()
            .enumerate()
            .flat_map(|(id, resource)| {
                let id = ResourceId(u32::try_from(id).unwrap_or(u32::MAX));
                let holders = (0..).zip(&resource.holders);
                holders.filter_map(move |(number, holder)| Some((holder.task?, id, number)))
            })
            .collect();
        holdings.sort_unstable();
        let list = WaitList::from(std::mem::take(&mut waits.waits));
        let libraries = self.sites.libraries();
        let unflushed = unflushed::of_waits(self.program, libraries, buffers, (&list, &waits));
        let unaccepted = unaccepted::of_listeners(self.program, sockets, (&list, &waits));
        let mut report = Report {
            target: TargetSummary {
                kind: identity.kind,
                pid: identity.pid,
                executable: identity.executable.clone(),
                build_id: facts.and_then(|facts| facts.build_id.clone()),
            },
            runtimes: self.runtimes,
            threads,
            local_sets: self.local_sets,
            types: self.sites.types_by_site(),
            sites: self.sites.into_sites(),
            tasks: self.tasks,
            resources: waits.resources,
            waits: list,
            holdings,
            connections,
            serving,
            unflushed,
            unaccepted,
            has_abort_handles,
            problems: self.problems,
            caveats: self.caveats,
            interrupted: self.interrupted,
        };
        FoundConnections::name_sent(&sent, &mut report);
        report
    }
}
