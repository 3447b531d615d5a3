//! The form: from the text of a declaration to a [`Library`].

use toml::de::DeTable;

use super::expression::{Condition, Number};
use super::member_path::MemberPath;
use super::read::{Declaration, DeclaredMessages, DeclaredWait, MessagesType, Numbers, counted};
use super::reader::{Reader, Text, Word, nearest};
use super::text::{Leaked, leaked, leaked_all};
use super::{DeclarationError, Declared, DeclaredGuard, FORM, LARGEST, PlacedWait};
use crate::knowledge::{BlockingCall, GuardType, Library, ResourceType};
use crate::report::{Access, ResourceKind};

/// Resources of one declaration, and waits and guards of one resource, at most.
const MAX: usize = 256;
/// The longest name of a type or path, in bytes.
const LONGEST_NAME: usize = 1000;

/// The kinds that can be declared.
const KINDS: [(&str, ResourceKind); 11] = [
    ("mutex", ResourceKind::Mutex),
    ("rwlock", ResourceKind::RwLock),
    ("semaphore", ResourceKind::Semaphore),
    ("pool", ResourceKind::Pool),
    ("cell", ResourceKind::OnceCell),
    ("channel", ResourceKind::Mpsc),
    ("oneshot", ResourceKind::Oneshot),
    ("watch", ResourceKind::Watch),
    ("broadcast", ResourceKind::Broadcast),
    ("event", ResourceKind::Notify),
    ("barrier", ResourceKind::Barrier),
];

/// How something can be asked for or kept.
const ACCESSES: [(&str, Access); 5] = [
    ("exclusive", Access::Exclusive),
    ("shared", Access::Shared),
    ("send", Access::Send),
    ("receive", Access::Receive),
    ("handle", Access::Handle),
];

/// What a declaration has become so far.
#[derive(Default)]
struct Parts {
    resources: Vec<ResourceType>,
    guards: Vec<GuardType>,
    messages: Vec<MessagesType>,
    declared: Vec<Declared>,
}

/// Reads a declaration. `origin` says where the text is from; `None` for what is built in.
pub(super) fn read(
    text: &str,
    origin: Option<Leaked>,
) -> Result<(Library, Vec<Declared>), DeclarationError> {
    let source = Text(text);
    if text.len() > LARGEST {
        let what = format!("it has more than {LARGEST} bytes");
        return Err(source.error(&(0..0), what));
    }
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let what = match error.message() {
            // `kind = true` may be meant, and `library = triggered` mostly is.
            "invalid boolean, expected `true`" | "invalid boolean, expected `false`" => {
                "texts are to be in quotes".to_string()
            }
            other => other.replace('\n', ", "),
        };
        source.error(&span, what)
    })?;
    let (span, table) = (table.span(), table.into_inner());
    let mut top = Reader::of(source, &table, span, "the file");
    let version = top.needed("unhang")?;
    if version.text != FORM {
        let what = format!("it is of form {}, and this unhang reads form {FORM}", version.text);
        return Err(source.error(&version.span, what));
    }
    let library = top.needed("library")?;
    if library.text.is_empty() || library.text.len() > LONGEST_NAME {
        return Err(source.error(&library.span, "`library` is to be a name"));
    }
    let mut paths = Vec::new();
    for (private, public) in top.pairs("public-paths")? {
        // An empty one would be the beginning of every path.
        if private.is_empty() {
            return Err(source.error(&public.span, "a path of `public-paths` is empty"));
        }
        paths.push((leaked(&private), leaked(&public.text)));
    }
    let mut parts = Parts::default();
    for name in top.words("crates")? {
        parts.resources.push(ResourceType::nothing(path(source, &name)?));
    }
    let blocking: Result<Vec<_>, _> =
        top.words("blocking")?.iter().map(|word| path(source, word)).collect();
    let resources = top.tables("resource", "[[resource]]")?;
    top.end()?;
    if resources.len() > MAX {
        return Err(source.error(&(0..0), format!("it has more than {MAX} resources")));
    }
    for resource in resources {
        parts.add(resource, origin)?;
    }
    let Parts { resources, guards, messages, declared } = parts;
    let library = Library {
        public_paths: leaked_all(paths),
        resources: leaked_all(resources),
        guards: leaked_all(guards),
        messages: leaked_all(messages),
        blocking: leaked_all(blocking?.into_iter().map(BlockingCall::call).collect()),
        ..Library::named(leaked(&library.text))
    };
    Ok((library, declared))
}

impl Parts {
    fn add(
        &mut self,
        mut table: Reader<'_>,
        origin: Option<Leaked>,
    ) -> Result<(), DeclarationError> {
        let text = table.text;
        let missing = table.missing("type");
        let types = paths(text, table.words("type")?)?;
        if types.is_empty() {
            return Err(missing);
        }
        let kind_word = table.needed("kind")?;
        let kind = one_of(text, "kind", &kind_word, &KINDS)?;
        let names: Vec<Leaked> = types.iter().flat_map(|ty| names_of(ty)).collect();
        let counted = names.iter().flat_map(|name| counted(name));
        let counted = counted.map(|name| leaked(&name)).collect();
        let declaration = Declaration {
            kind,
            names: leaked_all(names),
            counted: leaked_all(counted),
            label: table.parsed("name", label)?,
            origin,
            numbers: numbers(&mut table, kind, &kind_word)?,
            taken: table.parsed("taken", Condition::parse)?,
            exhausted: table.parsed("exhausted", Condition::parse)?,
            counts_if: table.parsed("counts-if", Condition::parse)?,
            reachable: table.parsed("reachable", Condition::parse)?,
        };
        let declaration: &'static Declaration = Box::leak(Box::new(declaration));
        let messages = table.parsed("messages", MemberPath::parse)?;
        let waits = table.tables("wait", "[[resource.wait]]")?;
        let guards = table.tables("guard", "[[resource.guard]]")?;
        let (span, places) = (table.span.clone(), table.places());
        table.end()?;
        if waits.len().max(guards.len()) > MAX {
            return Err(
                text.error(&span, format!("a resource has more than {MAX} waits or guards"))
            );
        }
        let mut declared = Declared {
            of: declaration,
            types,
            places,
            messages: messages.clone(),
            waits: vec![],
            guards: vec![],
        };
        for wait in waits {
            self.add_wait(wait, &mut declared)?;
        }
        for guard in guards {
            self.add_guard(guard, &mut declared)?;
        }
        if let Some(queue) = messages {
            self.add_messages(queue, &declared);
        }
        // What it says of itself, where someone has it and nobody waits.
        for ty in &declared.types {
            if !self.resources.iter().any(|known| known.path == *ty) {
                let told = DeclaredWait { only_told: true, ..bare(declaration) };
                let told = Box::leak(Box::new(told));
                self.resources.push(ResourceType::declared(ty, told, true, origin.is_some()));
            }
        }
        self.declared.push(declared);
        Ok(())
    }

    fn add_wait(
        &mut self,
        mut table: Reader<'_>,
        declared: &mut Declared,
    ) -> Result<(), DeclarationError> {
        let text = table.text;
        let futures = paths(text, table.words("future")?)?;
        let selves = paths(text, table.words("self")?)?;
        let through = table.parsed("through", MemberPath::parse)?;
        let is_around = futures.is_empty();
        let types = match (is_around, through.is_some()) {
            (false, _) if selves.is_empty() => futures,
            (true, true) if selves.is_empty() => declared.types.clone(),
            (true, true) => selves,
            _ => {
                let what = "[[resource.wait]] has either `future`, the type of a future of its own, \
                            or `through`, the member that its async fns wait for";
                return Err(text.error(&table.span, what));
            }
        };
        let wait = DeclaredWait {
            to: table.parsed("to", MemberPath::parse)?,
            through,
            access: access(&mut table)?,
            permits: table.parsed("permits", Number::parse)?,
            granted: table.parsed("granted", Condition::parse)?,
            ..bare(declared.of)
        };
        let wait: &'static DeclaredWait = Box::leak(Box::new(wait));
        let is_of_user = declared.of.origin.is_some();
        for ty in &types {
            self.resources.push(ResourceType::declared(ty, wait, is_around, is_of_user));
        }
        declared.waits.push(PlacedWait {
            types,
            wait,
            key: if is_around { "self" } else { "future" },
            places: table.places(),
        });
        table.end()
    }

    fn add_guard(
        &mut self,
        mut table: Reader<'_>,
        declared: &mut Declared,
    ) -> Result<(), DeclarationError> {
        let text = table.text;
        let missing = table.missing("type");
        let types = paths(text, table.words("type")?)?;
        if types.is_empty() {
            return Err(missing);
        }
        let kind = declared.of.kind;
        let permits = table.parsed("permits", Number::parse)?;
        let told = access(&mut table)?;
        if told.is_none() && kind.is_channel() {
            let what = "the end of a channel needs `access`: send or receive";
            return Err(text.error(&table.span, what));
        }
        let usual = match kind {
            ResourceKind::Semaphore => Access::Permits(1),
            ResourceKind::Notify => Access::Handle,
            _ => Access::Exclusive,
        };
        let emptied = table.word("emptied")?;
        let emptied = emptied.map_or("", |word| leaked(&word.text));
        let to = table.parsed("to", MemberPath::parse)?;
        let (first, others) = declared.of.names.split_first().unwrap_or((&"", &[]));
        let guard = |path: Leaked| GuardType {
            emptied,
            other_keys: others,
            to: to.clone().map(|to| &*Box::leak(Box::new(to))),
            permits: permits.clone().map(|number| &*Box::leak(Box::new(number))),
            ..GuardType::lock(path, kind, told.unwrap_or(usual), first)
        };
        self.guards.extend(types.iter().map(|path| guard(path)));
        let places = table.places();
        declared.guards.push(DeclaredGuard { types, to, permits, emptied, places });
        table.end()
    }

    /// The messages in it, behind each end that takes some out.
    fn add_messages(&mut self, queue: MemberPath, declared: &Declared) {
        let messages = DeclaredMessages { of: declared.of, queue };
        let messages: &'static DeclaredMessages = Box::leak(Box::new(messages));
        let ends = declared.guards.iter().flat_map(|guard| &guard.types);
        for path in ends {
            let receives = self
                .guards
                .iter()
                .any(|guard| guard.path == *path && guard.access == Access::Receive);
            if receives {
                self.messages.push(MessagesType { path, messages });
            }
        }
    }
}

/// A wait of which nothing else is said.
fn bare(of: &'static Declaration) -> DeclaredWait {
    DeclaredWait {
        of,
        to: None,
        through: None,
        access: None,
        permits: None,
        granted: None,
        only_told: false,
    }
}

/// The numbers of a resource. One that its kind has no use for is an error.
fn numbers(
    table: &mut Reader<'_>,
    kind: ResourceKind,
    word: &Word,
) -> Result<Numbers, DeclarationError> {
    let mut places = Vec::new();
    let mut number = |key: &'static str| {
        places.extend(table.value(key).map(|value| (key, value.span())));
        table.parsed(key, Number::parse)
    };
    let numbers = Numbers {
        holders: number("holders")?,
        free: number("free")?,
        out: number("out")?,
        most: number("most")?,
        senders: number("senders")?,
        receivers: number("receivers")?,
        queued: number("queued")?,
        capacity: number("capacity")?,
        arrived: number("arrived")?,
    };
    let used: &[&str] = match kind {
        ResourceKind::Pool => &["out", "free", "most"],
        ResourceKind::Semaphore => &["free", "most"],
        ResourceKind::Barrier => &["arrived", "most"],
        kind if kind.is_channel() => &["senders", "receivers", "queued", "capacity"],
        _ => &["holders"],
    };
    match places.iter().find(|(key, _)| !used.contains(key)) {
        Some((key, span)) => {
            let (kind, used) = (&word.text, used.join(", "));
            let what = format!("a {kind} has no `{key}`: its numbers are {used}");
            Err(table.text.error(span, what))
        }
        None => Ok(numbers),
    }
}

fn access(table: &mut Reader<'_>) -> Result<Option<Access>, DeclarationError> {
    let Some(word) = table.word("access")? else { return Ok(None) };
    one_of(table.text, "access", &word, &ACCESSES).map(Some)
}

/// What a word stands for.
fn one_of<T: Copy>(
    text: Text<'_>,
    key: &str,
    word: &Word,
    known: &[(&'static str, T)],
) -> Result<T, DeclarationError> {
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == word.text) {
        return Ok(*found);
    }
    let names = || known.iter().map(|(name, _)| *name);
    let hint = match nearest(&word.text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(text.error(&word.span, format!("`{key}` cannot be `{}`: {hint}", word.text)))
}

/// The path of a type or function: `swimmers::pool::Pool`.
fn path(text: Text<'_>, word: &Word) -> Result<Leaked, DeclarationError> {
    let wrong = |what: &str| {
        let what = format!("`{}` is no path of a type: {what}", word.text);
        Err(text.error(&word.span, what))
    };
    let path = word.text.trim();
    let plain = path.split('<').next().unwrap_or_default();
    let is_name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '#'))
    };
    if path.len() > LONGEST_NAME {
        return wrong("it is too long");
    }
    if !plain.split("::").all(is_name) {
        return wrong("it is names with `::` between them");
    }
    // What belongs to all would be found in all.
    if matches!(plain.split("::").next(), Some("core" | "alloc" | "std")) {
        return wrong("what the standard library has is known");
    }
    if path.contains('<') {
        // The first arguments are matched, whatever follows.
        return Ok(leaked(path.trim_end_matches('>')));
    }
    Ok(leaked(path))
}

fn paths(text: Text<'_>, words: Vec<Word>) -> Result<Vec<Leaked>, DeclarationError> {
    if let Some(extra) = words.get(MAX) {
        return Err(text.error(&extra.span, "there are too many"));
    }
    words.iter().map(|word| path(text, word)).collect()
}

/// The names by which a type is found: as it is written where it has generic arguments, else without
/// any, and then with some.
fn names_of(ty: Leaked) -> Vec<Leaked> {
    match ty.contains('<') {
        true => vec![ty],
        false => vec![ty, leaked(&format!("{ty}<"))],
    }
}

/// `Pool`, `Pool<..>`, `Pool<M>`.
fn label(text: &str) -> Result<Leaked, String> {
    let is_closed = text.contains('<') == text.ends_with('>');
    let is_name = !text.is_empty() && text.len() <= LONGEST_NAME && is_closed;
    match is_name && !text.contains(|c: char| c.is_control()) {
        true => Ok(leaked(text)),
        false => Err(format!("`{text}` is no name; one is `Pool`, `Pool<..>` or `Pool<T>`")),
    }
}
