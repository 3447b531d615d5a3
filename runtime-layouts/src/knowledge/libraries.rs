//! The list of libraries that an inspection knows, and what it is asked.

use std::sync::LazyLock;

use super::children::{Collection, Types};
use super::expectation::NamedType;
use super::naming::{self, is_of_path};
use super::{
    BesideType, BlockingCall, ConnectionType, FutureSetType, GuardType, Library, ResourceType,
    Runtime, StreamingTrait, ValuePrinter, WakingType, declared,
};
use crate::layout::name::{DisplayName, Environment, base_path, path_segments};
use crate::layout::source::{KnowledgeText, LayoutSource};

/// A library that is known.
#[derive(Clone, Copy)]
pub enum KnownLibrary {
    /// Written down in the program.
    Written(&'static Library),
    /// Declared in the form of [`declared`], which is read when it is first asked for.
    Declared(&'static LazyLock<Library>),
}

impl KnownLibrary {
    /// What is known of it.
    #[must_use]
    pub fn get(self) -> &'static Library {
        match self {
            Self::Written(library) => library,
            Self::Declared(library) => library,
        }
    }
}

/// The libraries that an inspection knows.
#[derive(Clone, Copy)]
pub struct Libraries {
    known: &'static [KnownLibrary],
    /// What users and programs declare, which says nothing of what is known already.
    declared: &'static [&'static Library],
}

/// The crates of the language.
const LANGUAGE: [&str; 3] = ["core", "std", "alloc"];

impl Libraries {
    /// These libraries.
    #[must_use]
    pub const fn of(known: &'static [KnownLibrary]) -> Self {
        Self { known, declared: &[] }
    }

    /// These and what some texts declare, and a sentence for each text that cannot be used.
    #[must_use]
    pub fn with_declared(self, texts: &[KnowledgeText]) -> (Self, Vec<String>) {
        let (declared, problems) = declared::libraries(texts);
        (Self { declared, ..self }, problems)
    }

    /// Whether users or programs declare something.
    pub(crate) fn has_declared(self) -> bool {
        !self.declared.is_empty()
    }

    /// All of them.
    pub fn all(self) -> impl Iterator<Item = &'static Library> {
        self.known.iter().map(|known| known.get()).chain(self.declared.iter().copied())
    }

    /// Those that are async runtimes.
    pub fn runtimes(self) -> impl Iterator<Item = (&'static Library, &'static Runtime)> {
        self.all().filter_map(|library| Some((library, library.runtime.as_ref()?)))
    }

    /// Whether an object file has one of the runtimes in it.
    #[must_use]
    pub fn has_runtime(self, layouts: &dyn LayoutSource) -> bool {
        self.runtimes().any(|(library, _)| library.is_in(layouts))
    }

    /// The types whose variables at fixed addresses are asked for.
    pub fn static_types(self) -> impl Iterator<Item = &'static str> {
        let leading = self.all().flat_map(|library| library.statics).copied();
        leading.chain(self.holding_statics())
    }

    /// The types of variables at fixed addresses that may have ends of channels in them.
    pub(crate) fn holding_statics(self) -> impl Iterator<Item = &'static str> {
        self.all().flat_map(|library| library.holding_statics).copied()
    }

    /// Every type that is asked for by name.
    pub fn named_types(self) -> impl Iterator<Item = NamedType> {
        self.all().flat_map(|library| library.named_types).flat_map(|types| types.each())
    }

    /// The public paths of all of them.
    pub(crate) fn public_paths(self) -> Vec<(&'static str, &'static str)> {
        self.all().flat_map(|library| library.public_paths).copied().collect()
    }

    /// Whether a function only passes on the call to a future's `poll`.
    pub(crate) fn passes_on(self, function: &str) -> bool {
        let mut paths = self.all().flat_map(|library| library.passing_on);
        paths.any(|path| function.starts_with(path))
    }

    /// Whether a function is a runtime's or the language's own, between the user's code and what
    /// runs it: one that no reader of a stack looks for.
    #[must_use]
    pub fn is_plumbing(self, function: &str) -> bool {
        let of_language = ["__rust_try", "__rust_begin_short_backtrace"];
        let segments = path_segments(function);
        let first = segments.first().map_or("", |first| first.text);
        LANGUAGE.contains(&first)
            || of_language.contains(&first)
            || self.runtimes().any(|(library, _)| library.crate_name() == first)
            || self.passes_on(function)
    }

    /// What the paths of those functions begin with: `std::`, `tokio::`.
    #[must_use]
    pub fn plumbing_paths(self) -> Vec<String> {
        let runtimes = self.runtimes().map(|(library, _)| library.name.replace('-', "_"));
        let crates = LANGUAGE.map(str::to_owned).into_iter().chain(runtimes);
        let crates = crates.map(|name| format!("{name}::"));
        let passing_on = self.all().flat_map(|library| library.passing_on);
        crates.chain(passing_on.map(|path| (*path).to_owned())).collect()
    }

    /// The crate of a function of a runtime whose tasks are not read.
    pub(crate) fn unsupported_runtime(self, function: &str) -> Option<&'static str> {
        let first = path_segments(function).first().map(|first| first.text)?;
        let mut crates = self.all().flat_map(|library| library.unsupported_runtimes);
        crates.find(|name| **name == first).copied()
    }

    /// Whether a function is what a runtime polls its tasks by.
    #[must_use]
    pub fn polls_task(self, function: &str) -> bool {
        let segments = path_segments(function);
        let is = |poll: &&str| poll.split("::").eq(segments.iter().map(|segment| segment.text));
        self.runtimes().any(|(_, runtime)| runtime.task_polls.iter().any(is))
    }

    /// Whether a blocked thread enters the kernel by that function.
    pub(crate) fn enters_kernel(self, function: &str) -> bool {
        let mut paths = self.all().flat_map(|library| library.entering_kernel);
        let mut passing = self.all().flat_map(|library| library.passing_kernel);
        let segments = path_segments(function);
        let last = segments.last().map_or("", |last| last.text);
        paths.any(|path| function.starts_with(path)) && !passing.any(|name| *name == last)
    }

    /// Whether a function of that path runs an initializer.
    pub(crate) fn initializes(self, path: &str) -> bool {
        self.all().any(|library| library.initializing.contains(&path))
    }

    /// Whether a future of that name is only around another one, its member `future`.
    pub(crate) fn is_around(self, type_name: &str) -> bool {
        let mut paths = self.all().flat_map(|library| library.around);
        paths.any(|path| type_name.starts_with(path))
    }

    /// Whether a thread whose innermost function that is may be in the kernel: the system's C library,
    /// which has no debug information, or a system call.
    pub(crate) fn may_be_in_kernel(self, function: &str) -> bool {
        let mut calls = self.all().flat_map(|library| library.system_calls);
        function.is_empty() || calls.any(|path| function.starts_with(path))
    }

    /// The resource that a type of that name is.
    pub(crate) fn resource(self, name: &str) -> Option<&'static ResourceType> {
        let path = base_path(name);
        let mut known = self.all().flat_map(|library| library.resources);
        known.find(|known| is_of_path(known.path, name, path))
    }

    /// The guard that a type of that name is.
    pub(crate) fn guard(self, name: &str) -> Option<&'static GuardType> {
        let path = base_path(name);
        self.all()
            .flat_map(|library| library.guards)
            .find(|known| is_of_path(known.path, name, path))
    }

    /// The connection or request of that path.
    pub(crate) fn connection(self, path: &str) -> Option<&'static ConnectionType> {
        self.all().flat_map(|library| library.connections).find(|known| known.path == path)
    }

    /// Whether what has that name sends requests.
    pub(crate) fn sends_requests(self, type_name: &str) -> bool {
        let mut beginnings = self.all().flat_map(|library| library.sending);
        beginnings.any(|beginning| type_name.contains(beginning))
    }

    /// Whether a type is of a crate whose futures and async fns are known: its frames are looked
    /// through for what they wait for.
    pub(crate) fn is_of_known_crate(self, type_name: &str) -> bool {
        let of = |path: &'_ str| path.split("::").next().map(str::to_string);
        self.all()
            .flat_map(|library| library.resources)
            .any(|known| of(known.path) == of(type_name))
    }

    /// The collection that a type of that name is.
    pub(crate) fn collection(self, name: &str) -> Option<Collection> {
        let path = base_path(name);
        let mut known = self.all().flat_map(|library| library.collections).copied().flatten();
        let written = known.find(|known| match known.types {
            Types::Of(of) => of == path,
            Types::Closures => Environment::of(path) == Some(Environment::Closure),
        });
        written.map(Collection::Written).or_else(|| {
            let mut known = self.all().flat_map(|library| library.messages);
            let known = known.find(|known| is_of_path(known.path, name, path));
            known.map(|known| Collection::Messages(known.messages))
        })
    }

    /// The set of futures of that path.
    pub(crate) fn future_set(self, path: &str) -> Option<&'static FutureSetType> {
        self.all().flat_map(|library| library.future_sets).find(|known| known.path == path)
    }

    /// The future of that path that gives what it polls wakers of its own.
    pub(crate) fn waking(self, path: &str) -> Option<&'static WakingType> {
        self.all().flat_map(|library| library.waking).find(|known| known.path == path)
    }

    /// Whether nothing ever waits in a future or stream of that path.
    pub(crate) fn is_never_pending(self, path: &str) -> bool {
        self.all().any(|library| library.never_pending.contains(&path))
    }

    /// Whether a future of that path has ended when it holds none.
    pub(crate) fn is_ended_when_empty(self, path: &str) -> bool {
        self.all().any(|library| library.ended_when_empty.contains(&path))
    }

    /// The traits whose objects may have futures in them that are polled.
    pub fn streaming(self) -> impl Iterator<Item = &'static StreamingTrait> {
        self.all().flat_map(|library| library.streaming)
    }

    /// What a future of that path waits for beside what it polls.
    pub(crate) fn waiting_beside(self, path: &str) -> Option<&'static BesideType> {
        self.all().flat_map(|library| library.waiting_beside).find(|known| known.path == path)
    }

    /// Whether a future may be in a type of that path, and later its output.
    pub(crate) fn is_output_wrapper(self, path: &str) -> bool {
        self.all().any(|library| library.output_wrappers.contains(&path))
    }

    /// Whether the type of that path leads to a runtime or a task.
    pub(crate) fn is_handle(self, path: &str) -> bool {
        self.all().any(|library| library.handles.contains(&path))
    }

    /// How values of the type of that path are written; `None` for one that is written by its
    /// layout.
    pub(crate) fn printer(self, path: &str) -> Option<&'static ValuePrinter> {
        let printers = self.all().flat_map(|library| library.printers).copied().flatten();
        let is = |known: &&ValuePrinter| match known.path.ends_with("::") {
            true => path.starts_with(known.path),
            false => path == known.path,
        };
        printers.into_iter().find(is)
    }

    /// Whether an object file may have handles in it with which tasks can be aborted.
    pub(crate) fn makes_abort_handles(self, layouts: &dyn LayoutSource) -> bool {
        let mut functions = self.all().flat_map(|library| library.makes_abort_handles);
        functions.any(|name| layouts.may_have_function(name))
    }

    /// A name of one of an object's functions as its source has it.
    pub(crate) fn as_written(self, layouts: &dyn LayoutSource, name: DisplayName) -> DisplayName {
        let with_macros = self.all().filter(|library| !library.macro_names.is_empty());
        let mut named = with_macros.filter_map(|library| {
            let full = naming::as_written(&name.full, library.macro_names)?;
            let short = naming::as_written(&name.short, library.macro_names)?;
            // Others may have such names too.
            library.is_in(layouts).then_some(DisplayName { short, full })
        });
        named.next().unwrap_or(name)
    }

    /// A type's name as its users spell it.
    pub(crate) fn spelled(self, name: &str) -> String {
        let aliases = self.all().flat_map(|library| library.aliases);
        aliases.fold(name.to_string(), |name, (private, public)| name.replace(private, public))
    }

    /// The blocking function of that path.
    pub(crate) fn blocking(self, path: &str) -> Option<&'static BlockingCall> {
        self.all().flat_map(|library| library.blocking).find(|known| known.function == path)
    }
}
