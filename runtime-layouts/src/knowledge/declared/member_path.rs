//! Paths from one value to a part of it, by the names of members: `internals.conns.len`.
//!
//! What only wraps is looked through by rule, so a path has the names that the author of a type gave
//! its members, and not those of `Arc`, `Mutex` and `AtomicUsize`.

use super::text::{Leaked, leaked};
use crate::layout::name::{base_path, path_segments};
use crate::layout::{Type, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// Wrappers in each other that are looked through, at most.
const DEEPEST: usize = 24;
/// Steps of one path, at most.
const MAX_STEPS: usize = 32;

/// The crates whose wrappers are looked through, and within whose types a member is searched for.
const CRATES: [&str; 15] = [
    "core",
    "alloc",
    "std",
    "tokio",
    "lock_api",
    "parking_lot",
    "spin",
    "once_cell",
    "crossbeam_utils",
    "futures_util",
    "async_lock",
    "async_once_cell",
    "portable_atomic",
    "hashbrown",
    "arc_swap",
];

/// Their types that have one value in them, or lead to one: their argument `T`.
const WRAPPERS: [&str; 26] = [
    "Arc",
    "Rc",
    "ArcInner",
    "RcInner",
    "RcBox",
    "NonNull",
    "Unique",
    "AtomicPtr",
    "UnsafeCell",
    "SyncUnsafeCell",
    "Cell",
    "RefCell",
    "ManuallyDrop",
    "MaybeUninit",
    "MaybeDangling",
    "Mutex",
    "FairMutex",
    "ReentrantLock",
    "ReentrantMutex",
    "RwLock",
    "OnceCell",
    "OnceLock",
    "LazyLock",
    "Lazy",
    "CachePadded",
    "AssertUnwindSafe",
];

/// Of these those that only lead to it.
const POINTERS: [&str; 4] = ["Arc", "Rc", "NonNull", "Unique"];

/// A path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MemberPath {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// To a member of that name, or to what the variant of that name has in it.
    Named(Leaked),
    /// To the nearest member of that name, wherever it is in the value.
    Nearest(Leaked),
}

/// Where a step leads, by types alone.
pub(super) enum Checked {
    /// To values of these types.
    To(Ty),
    /// Nowhere: the type has no such member.
    Missing { type_name: String, step: String, has: Vec<String> },
}

impl MemberPath {
    /// Reads one: names with dots between them.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut is_nearest = false;
        for part in text.split('.') {
            let is_name = part.chars().all(|c| c.is_alphanumeric() || c == '_') && !part.is_empty();
            if part == "**" && !is_nearest {
                is_nearest = true;
                continue;
            }
            if !is_name {
                return Err(format!("`{text}` is no path of members: `{part}` is no name"));
            }
            let name = match part.parse::<u16>() {
                Ok(number) => leaked(&format!("__{number}")),
                Err(_) => leaked(part),
            };
            steps.push(if is_nearest { Step::Nearest(name) } else { Step::Named(name) });
            is_nearest = false;
        }
        if is_nearest {
            return Err(format!("`{text}` ends with `**`, behind which a name is to stand"));
        }
        if steps.len() > MAX_STEPS {
            return Err(format!("`{text}` has more than {MAX_STEPS} names"));
        }
        Ok(Self { steps })
    }

    /// The value at its end; `None` where a pointer on the way is null, or an enum has another
    /// variant.
    ///
    /// # Errors
    /// When memory on the way cannot be read, or a type has no such member.
    pub(crate) fn follow(
        &self,
        program: &Program<'_>,
        from: Value,
    ) -> Result<Option<Value>, ValueError> {
        let mut at = from;
        for step in &self.steps {
            let next = match step {
                Step::Named(name) => named(program, at, name)?,
                Step::Nearest(name) => at.find_member(program, name)?,
            };
            match next {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Where it leads from values of a type, without a look at any.
    pub(super) fn check(&self, program: &Program<'_>, from: Ty) -> Result<Checked, ValueError> {
        let mut at = from;
        for step in &self.steps {
            let name = match step {
                Step::Named(name) | Step::Nearest(name) => *name,
            };
            let found = match step {
                Step::Named(_) => type_of_named(program, at, name)?,
                Step::Nearest(_) => member_within(program, at, name),
            };
            match found {
                Some(next) => at = next,
                None => {
                    let ty = innermost(program, at)?;
                    let layout = program.type_of(ty)?;
                    return Ok(Checked::Missing {
                        type_name: layout.name.to_string(),
                        step: shown(name).to_string(),
                        has: names_in(layout),
                    });
                }
            }
        }
        Ok(Checked::To(at))
    }
}

/// A member of a tuple as the source has it.
fn shown(name: &str) -> &str {
    match name.strip_prefix("__") {
        Some(number) if number.parse::<u16>().is_ok() => number,
        _ => name,
    }
}

/// The names by which a path can go on from a type.
fn names_in(layout: &Type) -> Vec<String> {
    match &layout.kind {
        TypeKind::Enum { variants, .. } => {
            variants.iter().map(|variant| variant.name.to_string()).collect()
        }
        _ => layout.members().iter().map(|member| shown(&member.name).to_string()).collect(),
    }
}

/// Whether a type is one of the crates that are looked through.
fn is_transparent(layout: &Type) -> bool {
    let first = layout.name.split("::").next().unwrap_or_default();
    CRATES.contains(&first)
}

/// The last part of a type's path, without generic arguments.
fn own_name(layout: &Type) -> &str {
    path_segments(base_path(&layout.name)).last().map_or("", |last| last.text)
}

fn is_one_of(layout: &Type, names: &[&str]) -> bool {
    is_transparent(layout) && names.contains(&own_name(layout))
}

/// What one wrapper has in it, or a pointer points to, by types; `None` for what is none.
fn unwrapped_type(program: &Program<'_>, ty: Ty) -> Result<Option<Ty>, ValueError> {
    let layout = program.type_of(ty)?;
    let of = |id| Ty { module: ty.module, id };
    Ok(match &layout.kind {
        TypeKind::Pointer { target: Some(target) } => Some(of(*target)),
        TypeKind::Enum { variants, .. } if base_path(&layout.name) == "core::option::Option" => {
            let some = variants.iter().find(|variant| &*variant.name == "Some");
            let fields = some.map(|some| program.type_of(of(some.ty))).transpose()?;
            fields.and_then(|fields| fields.member("__0")).map(|member| of(member.ty))
        }
        TypeKind::Struct { members } | TypeKind::Union { members } => {
            if is_pin(layout) {
                members.first().map(|member| of(member.ty))
            } else if is_one_of(layout, &WRAPPERS) {
                layout.type_parameter("T").map(of)
            } else {
                None
            }
        }
        _ => None,
    })
}

fn is_pin(layout: &Type) -> bool {
    layout.name.starts_with("core::pin::Pin<")
}

/// The same of a value; `None` where nothing is there: a null pointer, `None`.
///
/// The outer `None` is for what wraps nothing.
fn unwrapped(program: &Program<'_>, value: Value) -> Result<Option<Option<Value>>, ValueError> {
    let layout = value.layout(program)?;
    match &layout.kind {
        TypeKind::Pointer { target: Some(_) } => return value.pointee(program).map(Some),
        TypeKind::Enum { .. } if base_path(&layout.name) == "core::option::Option" => {
            return Ok(Some(match value.is_some(program)? {
                true => Some(value.active_variant(program)?.1.member(program, "__0")?),
                false => None,
            }));
        }
        _ => {}
    }
    let Some(inside) = unwrapped_type(program, value.ty)? else { return Ok(None) };
    let wanted = program.type_of(inside)?.name.clone();
    let mut is_wanted = |ty: &Type| ty.name == wanted;
    // Its argument need not be a type that has a value in it, as of `PhantomData`.
    let Some(way) = path::find(program, value.ty, Reach::RUNTIME, &mut is_wanted) else {
        return Ok(None);
    };
    way.follow(program, value).map(Some)
}

/// The member of that name of a value, or of what it wraps.
fn named(program: &Program<'_>, from: Value, name: Leaked) -> Result<Option<Value>, ValueError> {
    let mut at = from;
    for _ in 0..DEEPEST {
        let layout = at.layout(program)?;
        if let TypeKind::Enum { variants, .. } = &layout.kind
            && variants.iter().any(|variant| *variant.name == *name)
        {
            let (active, fields) = at.active_variant(program)?;
            let is_active = variants.get(active).is_some_and(|variant| *variant.name == *name);
            return Ok(is_active.then_some(fields));
        }
        // What is in a wrapper counts before what the wrapper is made of.
        if !is_one_of(layout, &WRAPPERS) && layout.member(name).is_some() {
            return at.member(program, name).map(Some);
        }
        match unwrapped(program, at)? {
            Some(Some(inside)) => at = inside,
            Some(None) => return Ok(None),
            None if is_transparent(layout) => {
                return match at.find_member(program, name)? {
                    Some(found) => Ok(Some(found)),
                    None => at.member(program, name).map(Some),
                };
            }
            None => return at.member(program, name).map(Some),
        }
    }
    at.member(program, name).map(Some)
}

/// The type of that, by types alone.
fn type_of_named(program: &Program<'_>, from: Ty, name: Leaked) -> Result<Option<Ty>, ValueError> {
    let mut at = from;
    for _ in 0..DEEPEST {
        let layout = program.type_of(at)?;
        let of = |id| Ty { module: at.module, id };
        if let TypeKind::Enum { variants, .. } = &layout.kind
            && let Some(variant) = variants.iter().find(|variant| *variant.name == *name)
        {
            return Ok(Some(of(variant.ty)));
        }
        if !is_one_of(layout, &WRAPPERS)
            && let Some(member) = layout.member(name)
        {
            return Ok(Some(of(member.ty)));
        }
        match unwrapped_type(program, at)? {
            Some(inside) => at = inside,
            None if is_transparent(layout) => return Ok(member_within(program, at, name)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The type of the nearest member of that name in values of a type.
fn member_within(program: &Program<'_>, ty: Ty, name: Leaked) -> Option<Ty> {
    let mut has = |ty: &Type| ty.member(name).is_some();
    let owner = path::find(program, ty, Reach::INLINE, &mut has)?.end;
    let member = program.type_of(owner).ok()?.member(name)?.ty;
    Some(Ty { module: owner.module, id: member })
}

/// The type in all wrappers.
fn innermost(program: &Program<'_>, ty: Ty) -> Result<Ty, ValueError> {
    let mut at = ty;
    for _ in 0..DEEPEST {
        match unwrapped_type(program, at)? {
            Some(inside) => at = inside,
            None => break,
        }
    }
    Ok(at)
}

/// What a value leads to, behind all pointers; `None` where one is null.
pub(super) fn behind_pointers(
    program: &Program<'_>,
    value: Value,
) -> Result<Option<Value>, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST {
        let layout = at.layout(program)?;
        let leads = matches!(layout.kind, TypeKind::Pointer { target: Some(_) })
            || is_pin(layout)
            || base_path(&layout.name) == "core::option::Option"
            || is_one_of(layout, &POINTERS);
        match leads.then(|| unwrapped(program, at)).transpose()?.flatten() {
            Some(Some(inside)) => at = inside,
            Some(None) => return Ok(None),
            None => break,
        }
    }
    Ok(Some(at))
}

/// A value as a number, through all that wraps it: `AtomicUsize`, `Mutex<u32>`, `struct Count(u16)`.
/// `None` where nothing is there.
///
/// # Errors
/// When it is no number, or its memory cannot be read.
pub(super) fn number(program: &Program<'_>, value: Value) -> Result<Option<u64>, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST {
        let layout = at.layout(program)?;
        let is_atomic = ["core::sync::atomic::", "core::num::", "portable_atomic::"]
            .iter()
            .any(|of| layout.name.starts_with(of));
        match &layout.kind {
            TypeKind::Integer { .. } | TypeKind::Bool | TypeKind::PlainEnum { .. } => {
                return at.unsigned(program).map(Some);
            }
            TypeKind::Struct { .. } if is_atomic && !is_one_of(layout, &WRAPPERS) => {
                return at.unsigned(program).map(Some);
            }
            _ => {}
        }
        match (unwrapped(program, at)?, layout.members()) {
            (Some(Some(inside)), _) => at = inside,
            (Some(None), _) => return Ok(None),
            (None, [only]) => at = at.member(program, &only.name)?,
            (None, _) => break,
        }
    }
    let layout = at.layout(program)?;
    Err(ValueError::Shape { type_name: layout.name.to_string(), wanted: "number".into() })
}

/// Whether values of a type can be read as a number.
pub(super) fn is_number(program: &Program<'_>, ty: Ty) -> Result<bool, ValueError> {
    let mut at = ty;
    for _ in 0..DEEPEST {
        let layout = program.type_of(at)?;
        let is_plain = matches!(
            layout.kind,
            TypeKind::Integer { .. } | TypeKind::Bool | TypeKind::PlainEnum { .. }
        );
        let is_atomic = ["core::sync::atomic::", "core::num::", "portable_atomic::"]
            .iter()
            .any(|of| layout.name.starts_with(of));
        if is_plain || is_atomic && !is_one_of(layout, &WRAPPERS) {
            return Ok(layout.size <= 8);
        }
        match (unwrapped_type(program, at)?, layout.members()) {
            (Some(inside), _) => at = inside,
            (None, [only]) => at = Ty { module: at.module, id: only.ty },
            (None, _) => break,
        }
    }
    Ok(false)
}

/// The name of the variant that an enum holds, through all that wraps it; `None` where nothing is
/// there.
///
/// # Errors
/// When it is no enum, or its memory cannot be read.
pub(super) fn variant(
    program: &Program<'_>,
    value: Value,
    wanted: &str,
) -> Result<Option<bool>, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST {
        let layout = at.layout(program)?;
        match &layout.kind {
            TypeKind::Enum { variants, .. }
                if variants.iter().any(|variant| &*variant.name == wanted) =>
            {
                let (active, _) = at.active_variant(program)?;
                let name = variants.get(active).map(|variant| &*variant.name);
                return Ok(Some(name == Some(wanted)));
            }
            TypeKind::PlainEnum { enumerators } => {
                let value = i128::from(at.unsigned(program)?);
                let mut named = enumerators.iter().filter(|(name, _)| &**name == wanted);
                let wanted = named.next().map(|(_, value)| *value);
                return Ok(Some(wanted == Some(value)));
            }
            _ => {}
        }
        match unwrapped(program, at)? {
            Some(Some(inside)) => at = inside,
            Some(None) => return Ok(None),
            None => break,
        }
    }
    let layout = at.layout(program)?;
    let wanted = format!("variant `{wanted}`");
    Err(ValueError::Shape { type_name: layout.name.to_string(), wanted })
}
