//! SiteTable: what all frames of one type in one state have in common.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::poll_roles::Roles;
use crate::knowledge::Libraries;
use crate::layout::coroutine::UNRESUMED;
use crate::layout::name::{DisplayName, Environment, environment_of_body};
use crate::layout::origin::Origin;
use crate::layout::source::{LayoutError, PolledAs};
use crate::layout::{Call, SourceFile, SourceLocation, TypeKind, TypeParameter};
use crate::report::{Chain, FrameKind, FutureState, Site, SiteId, Task};
use crate::target::CodeAddress;
use crate::target::code_symbols::CodeSymbols;
use crate::value::{Program, Ty};
use crate::walk::search::coroutine::state_of_variant;

/// The sites of a report, each made when it is first seen.
pub(crate) struct SiteTable {
    libraries: Libraries,
    sites: Vec<Site>,
    known: FxHashMap<(Ty, StateKey), SiteId>,
    /// The type and where it stands, by number; `None` for native calls.
    keys: Vec<Option<(Ty, StateKey)>>,
    native: FxHashMap<(Arc<str>, Option<SourceLocation>), SiteId>,
    /// Those of code that no debug information describes.
    unknown: FxHashMap<SiteId, UnknownCode>,
    symbols: CodeSymbols,
    roles: Roles,
    /// Those of functions that begin to poll a future.
    beginnings: FxHashSet<SiteId>,
    /// Which are the user's; `None` until that is known.
    own: Option<OwnCode>,
}

/// Code that no debug information describes.
struct UnknownCode {
    /// As its object exports it.
    function: Option<Arc<str>>,
    object: Option<Arc<str>>,
}

/// Which of two calls stands for both.
pub(crate) enum Joined {
    Outer,
    Inner,
    /// Each says something of its own.
    Neither,
}

/// What is the user's own code.
enum OwnCode {
    /// What is in no dependency and no library.
    NoDependency,
    /// What is in these folders of dependencies.
    In(Vec<String>),
}

impl OwnCode {
    fn has(&self, site: &Site) -> bool {
        let Some(file) = file_of(site) else { return false };
        match self {
            Self::NoDependency => file.origin() == Origin::User,
            Self::In(folders) => {
                file.dependency_folder().is_some_and(|own| folders.iter().any(|it| it == own))
            }
        }
    }
}

/// A site and what it is the site of.
pub(crate) type KeyedSite = (Site, Ty, StateKey);

/// The numbers that a report gives to the sites that a walker has numbered itself.
#[derive(Default)]
pub(crate) struct SiteNumbers {
    ids: Vec<SiteId>,
    /// Whether any is not the walker's own number.
    differ: bool,
}

/// What is known of where a future of some type stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum StateKey {
    /// Nothing, or it does not matter.
    Unknown,
    /// In the state of that number, as a state machine.
    Variant(usize),
    /// At its end, as a future that is no state machine.
    Ended,
}

impl SiteTable {
    /// None yet; names are as these libraries export them.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self {
            libraries,
            sites: Vec::new(),
            known: FxHashMap::default(),
            keys: Vec::new(),
            native: FxHashMap::default(),
            unknown: FxHashMap::default(),
            symbols: CodeSymbols::default(),
            roles: Roles::default(),
            beginnings: FxHashSet::default(),
            own: None,
        }
    }

    /// The libraries that are known.
    pub(crate) fn libraries(&self) -> Libraries {
        self.libraries
    }

    /// The site of a type that stands there.
    pub(crate) fn of_type(
        &mut self,
        program: &Program<'_>,
        ty: Ty,
        state: StateKey,
    ) -> Result<SiteId, LayoutError> {
        if let Some(known) = self.known.get(&(ty, state)) {
            return Ok(*known);
        }
        let id = self.add(make(program, self.libraries, ty, state)?, Some((ty, state)));
        self.known.insert((ty, state), id);
        Ok(id)
    }

    /// The site of a type, wherever it stands.
    pub(crate) fn of_any(&mut self, program: &Program<'_>, ty: Ty) -> Option<SiteId> {
        self.of_type(program, ty, StateKey::Unknown).ok()
    }

    /// The site of a native call: a function that runs, at a line.
    pub(crate) fn of_call(&mut self, program: &Program<'_>, module: usize, call: &Call) -> SiteId {
        let key = (Arc::clone(&call.function.name), call.location.clone());
        if let Some(known) = self.native.get(&key) {
            return *known;
        }
        let function = &call.function;
        let arguments = arguments(program, module, &function.type_parameters).unwrap_or_default();
        let linkage_name = function.linkage_name.as_deref();
        let name = DisplayName::of_function(&function.name, linkage_name, &arguments);
        let environment = environment_of_body(&function.name);
        let site = Site {
            name: self
                .libraries
                .as_written(program.layouts(module), name)
                .with_public_path(&self.libraries.public_paths()),
            type_name: function.name.to_string(),
            kind: match environment.as_deref().and_then(Environment::of) {
                Some(Environment::AsyncFn) => FrameKind::AsyncFn,
                Some(Environment::AsyncBlock) => FrameKind::AsyncBlock,
                Some(Environment::AsyncClosure) => FrameKind::AsyncClosure,
                Some(Environment::Closure) | None => FrameKind::Native,
            },
            state: FutureState::Running,
            location: call.location.clone(),
            expanded: None,
            defined: function.declared.clone().filter(|_| environment.is_some()),
            user: false,
        };
        let id = self.add(site, None);
        self.native.insert(key, id);
        if self.roles.begins(program, module, call) {
            self.beginnings.insert(id);
        }
        id
    }

    /// Whether a site is of a function that begins to poll a future, as `block_on` does.
    pub(crate) fn begins_to_poll(&self, id: SiteId) -> bool {
        self.beginnings.contains(&id)
    }

    /// The site of native code that no debug information describes, by the function that its object
    /// exports.
    pub(crate) fn of_unknown_code(&mut self, program: &Program<'_>, pc: CodeAddress) -> SiteId {
        let address = pc.lookup();
        let executable = program.modules().first().map_or(0, |module| {
            module.load_bias.wrapping_add(module.layouts.facts().address_range.0.0)
        });
        let name = self.symbols.at(program.target().memory(), executable, address);
        let text = match (name.function, name.object) {
            (Some(function), Some(object)) => format!("{function} ({object})"),
            (Some(function), None) => function.to_string(),
            (None, Some(object)) => format!("(code of {object} without debug information)"),
            (None, None) => "(code without debug information)".to_string(),
        };
        let key: (Arc<str>, _) = (text.as_str().into(), None);
        if let Some(known) = self.native.get(&key) {
            return *known;
        }
        let code = UnknownCode {
            function: name.function.map(Arc::from),
            object: name.object.map(Arc::from),
        };
        let site = Site {
            name: DisplayName { short: text.clone(), full: text },
            type_name: String::new(),
            kind: FrameKind::Native,
            state: FutureState::Running,
            location: None,
            expanded: None,
            defined: None,
            user: false,
        };
        let id = self.add(site, None);
        self.native.insert(key, id);
        self.unknown.insert(id, code);
        id
    }

    /// The function of a site that no debug information describes, as its object exports it; `None` for
    /// all others.
    pub(crate) fn exported_function(&self, id: SiteId) -> Option<&str> {
        self.unknown.get(&id)?.function.as_deref()
    }

    /// Which of two calls say enough of code that no debug information describes, where `outer` makes
    /// `inner`: of several calls within one object the first that has a name.
    pub(crate) fn joins(&self, outer: SiteId, inner: SiteId) -> Joined {
        let Some((outer, inner)) = self.unknown.get(&outer).zip(self.unknown.get(&inner)) else {
            return Joined::Neither;
        };
        if outer.object == inner.object {
            let is_outer_enough = outer.function.is_some() || inner.function.is_none();
            return if is_outer_enough { Joined::Outer } else { Joined::Inner };
        }
        // For example the vDSO, through which 32-bit x86 makes system calls.
        let is_nameless = inner.object.is_none() && inner.function.is_none();
        if is_nameless { Joined::Outer } else { Joined::Neither }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sites.len()
    }

    /// All that are known, by number.
    pub(crate) fn all(&self) -> &[Site] {
        &self.sites
    }

    /// Those of futures, from that number on. A walker that gives its sites to a report makes no others.
    pub(crate) fn since(&self, first: usize) -> Vec<KeyedSite> {
        let keys = self.keys[first..].iter();
        let new = self.sites[first..].iter().zip(keys);
        new.filter_map(|(site, key)| key.map(|(ty, state)| (site.clone(), ty, state))).collect()
    }

    /// Takes in what a walker found, in its order.
    pub(crate) fn take_in(
        &mut self,
        numbers: &mut SiteNumbers,
        found: impl Iterator<Item = KeyedSite>,
    ) {
        for (site, ty, state) in found {
            let id = match self.known.get(&(ty, state)) {
                Some(known) => *known,
                None => {
                    let id = self.add(site, Some((ty, state)));
                    self.known.insert((ty, state), id);
                    id
                }
            };
            numbers.differ |= id.0 as usize != numbers.ids.len();
            numbers.ids.push(id);
        }
    }

    fn add(&mut self, mut site: Site, key: Option<(Ty, StateKey)>) -> SiteId {
        site.user = self.own.as_ref().is_some_and(|own| own.has(&site));
        let id = SiteId(u32::try_from(self.sites.len()).unwrap_or(u32::MAX));
        self.sites.push(site);
        self.keys.push(key);
        id
    }

    /// The site of that number, which [`SiteTable::of`] gave.
    pub(crate) fn get(&self, id: SiteId) -> &Site {
        &self.sites[id.0 as usize]
    }

    /// The paths of the source files that those of one module stand in.
    pub(crate) fn source_files(&self, module: usize) -> impl Iterator<Item = &str> {
        let sites = (0..).map(SiteId).zip(&self.sites);
        let sites =
            sites.filter(move |(id, _)| self.type_of(*id).is_some_and(|ty| ty.module == module));
        let locations = sites.flat_map(|(_, site)| [&site.location, &site.defined]);
        locations.flatten().map(|location| location.file.path.as_str())
    }

    /// The type whose site this is; `None` for a native call's.
    pub(crate) fn type_of(&self, id: SiteId) -> Option<Ty> {
        self.key(id).map(|(ty, _)| ty)
    }

    /// The type whose site this is, and where it stands; `None` for a native call's.
    pub(crate) fn key(&self, id: SiteId) -> Option<(Ty, StateKey)> {
        *self.keys.get(id.0 as usize)?
    }

    /// Whether a site is the user's code, once [`SiteTable::classify_user_code`] was called.
    pub(crate) fn is_user_code(&self, id: SiteId) -> bool {
        self.get(id).user
    }

    /// Whether a site stands in a package of that name, which cargo unpacked to `NAME-VERSION`.
    pub(crate) fn is_of_package(&self, id: SiteId, name: &str) -> bool {
        let folder = file_of(self.get(id)).and_then(SourceFile::dependency_folder);
        let package = folder.and_then(|folder| folder.trim_end_matches('/').rsplit('/').next());
        let version = package.and_then(|package| package.strip_prefix(name)?.strip_prefix('-'));
        version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Finds out which sites are the user's code, those that are still to come too. `roots` are the
    /// sites of futures that threads block on: where nothing is the user's, the crates that those are
    /// in are.
    pub(crate) fn classify_user_code(&mut self, roots: &[SiteId]) {
        let own = match self.sites.iter().any(|site| OwnCode::NoDependency.has(site)) {
            true => OwnCode::NoDependency,
            false => {
                let files = roots.iter().filter_map(|root| file_of(self.get(*root)));
                let folders = files.filter_map(SourceFile::dependency_folder);
                OwnCode::In(folders.map(str::to_string).collect())
            }
        };
        self.sites.iter_mut().for_each(|site| site.user = own.has(site));
        self.own = Some(own);
    }

    /// The types of all of them, by number; `None` for native calls.
    pub(crate) fn types_by_site(&self) -> Vec<Option<Ty>> {
        self.keys.iter().map(|key| key.map(|(ty, _)| ty)).collect()
    }

    /// All of them, by number.
    pub(crate) fn into_sites(self) -> Vec<Site> {
        self.sites
    }
}

impl SiteNumbers {
    /// How many sites of the walker are known to the report.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Renumbers a site, which must be one of those.
    pub(crate) fn apply(&self, site: &mut SiteId) {
        *site = self.ids[site.0 as usize];
    }

    /// The same for all frames of a chain.
    pub(crate) fn apply_to(&self, chain: &mut Chain) {
        if !self.differ {
            return;
        }
        chain.frames.iter_mut().for_each(|frame| self.apply(&mut frame.site));
        chain.branches.iter_mut().for_each(|branch| self.apply_to(branch));
    }

    /// The same for a task.
    pub(crate) fn apply_to_task(&self, task: &mut Task) {
        task.root.iter_mut().for_each(|root| self.apply(root));
        self.apply_to(&mut task.chain);
    }
}

fn make(
    program: &Program<'_>,
    libraries: Libraries,
    ty: Ty,
    state: StateKey,
) -> Result<Site, LayoutError> {
    let layout = program.type_of(ty)?;
    let layouts = program.layouts(ty.module);
    let variant = match (&layout.kind, state) {
        (TypeKind::Enum { variants, .. }, StateKey::Variant(state)) => variants.get(state),
        _ => None,
    };
    let defined = match &layout.kind {
        TypeKind::Enum { variants, .. } => variants
            .iter()
            .find(|variant| &*variant.name == UNRESUMED)
            .and_then(|variant| variant.line.clone()),
        _ => None,
    };
    let environment = Environment::of(&layout.name);
    let name = if environment.is_some() {
        environment_name(program, ty, &layout.name)?
    } else {
        DisplayName::of_type(&layout.name)
    };
    let line = variant.and_then(|variant| variant.line.clone());
    let invoked = match state {
        StateKey::Variant(state) if line.is_some() => layouts.invoked_at(ty.id, state)?,
        _ => None,
    };
    let poll = if environment.is_some() { None } else { layouts.poll_of(ty.id)? };
    let kind = match environment {
        Some(Environment::AsyncFn) => FrameKind::AsyncFn,
        Some(Environment::AsyncBlock) => FrameKind::AsyncBlock,
        Some(Environment::AsyncClosure) => FrameKind::AsyncClosure,
        Some(Environment::Closure) | None => match poll.as_ref().map(|poll| poll.polled_as) {
            Some(PolledAs::Stream) => FrameKind::Stream,
            _ => FrameKind::Future,
        },
    };
    Ok(Site {
        name: libraries.as_written(layouts, name).with_public_path(&libraries.public_paths()),
        type_name: layout.name.to_string(),
        kind,
        state: match (variant, state) {
            (Some(variant), _) => state_of_variant(&variant.name),
            (None, StateKey::Ended) => FutureState::Returned,
            (None, _) => FutureState::Unknown,
        },
        expanded: line.clone().filter(|_| invoked.is_some()),
        location: match variant {
            Some(_) => invoked.or(line),
            None => poll.and_then(|poll| poll.declared),
        },
        defined,
        user: false,
    })
}

fn environment_name(
    program: &Program<'_>,
    ty: Ty,
    type_name: &str,
) -> Result<DisplayName, LayoutError> {
    // Only an unnamed `impl` needs the body.
    if !type_name.contains("{impl#") {
        return Ok(DisplayName::of_environment(type_name, None, &[]));
    }
    let Some(body) = program.layouts(ty.module).body_of(ty.id)? else {
        return Ok(DisplayName::of_environment(type_name, None, &[]));
    };
    let arguments = arguments(program, ty.module, &body.type_parameters)?;
    Ok(DisplayName::of_environment(type_name, body.linkage_name.as_deref(), &arguments))
}

/// Generic arguments by the names of their parameters.
fn arguments(
    program: &Program<'_>,
    module: usize,
    parameters: &[TypeParameter],
) -> Result<Vec<(String, String)>, LayoutError> {
    parameters
        .iter()
        .map(|parameter| {
            let argument = program.type_of(Ty { module, id: parameter.ty })?;
            Ok((parameter.name.to_string(), argument.name.to_string()))
        })
        .collect()
}

/// The file that says whose code a site is.
fn file_of(site: &Site) -> Option<&SourceFile> {
    site.defined.as_ref().or(site.location.as_ref()).map(|location| &*location.file)
}
