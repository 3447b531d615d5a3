//! Reads what a declaration is of from memory.

use std::borrow::Cow;

use super::expression::{Condition, Number, Subject};
use super::member_path::{MemberPath, behind_pointers};
use super::text::Leaked;
use crate::knowledge::naming::count;
use crate::knowledge::{ObservedResource, Reading};
use crate::layout::Type;
use crate::layout::name::{base_path, last_segment};
use crate::report::{Access, ResourceKind};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Ty, Value, ValueError};

/// Words of a part that are looked at for pointers to what is waited for, at most.
const MAX_WORDS: u64 = 64;
/// The names of what an `Arc` and an `Rc` point to (`library/alloc/src/{sync,rc}.rs`, Rust 1.95; the
/// latter until 1.81).
const COUNTED: [&str; 3] = ["alloc::sync::ArcInner<", "alloc::rc::RcInner<", "alloc::rc::RcBox<"];

/// What is declared of one type.
pub(crate) struct Declaration {
    /// What it is.
    pub(super) kind: ResourceKind,
    /// The names by which it is found, one after the other: each without generic arguments, and then
    /// up to `<`.
    pub(super) names: &'static [Leaked],
    /// The names that an `Arc` with it has.
    pub(super) counted: &'static [Leaked],
    /// How it is called; `None` for its type.
    pub(super) label: Option<Leaked>,
    /// Where that was read; `None` for what is built in.
    pub(super) origin: Option<Leaked>,
    /// Its numbers.
    pub(super) numbers: Numbers,
    /// Whether someone has it.
    pub(super) taken: Option<Condition>,
    /// Whether nothing is left to be lent.
    pub(super) exhausted: Option<Condition>,
    /// Whether its numbers say what they seem to.
    pub(super) counts_if: Option<Condition>,
    /// Whether it can be got at by what is in no count.
    pub(super) reachable: Option<Condition>,
}

/// The numbers of something.
#[derive(Default)]
pub(super) struct Numbers {
    /// Who has it.
    pub(super) holders: Option<Number>,
    /// What is left of it.
    pub(super) free: Option<Number>,
    /// What is lent of it.
    pub(super) out: Option<Number>,
    /// How many there may be.
    pub(super) most: Option<Number>,
    pub(super) senders: Option<Number>,
    pub(super) receivers: Option<Number>,
    pub(super) queued: Option<Number>,
    pub(super) capacity: Option<Number>,
    /// Who came to a barrier.
    pub(super) arrived: Option<Number>,
}

impl Numbers {
    /// Each of them, with its key.
    pub(super) fn each(&self) -> [(&'static str, Option<&Number>); 9] {
        [
            ("holders", self.holders.as_ref()),
            ("free", self.free.as_ref()),
            ("out", self.out.as_ref()),
            ("most", self.most.as_ref()),
            ("senders", self.senders.as_ref()),
            ("receivers", self.receivers.as_ref()),
            ("queued", self.queued.as_ref()),
            ("capacity", self.capacity.as_ref()),
            ("arrived", self.arrived.as_ref()),
        ]
    }
}

/// How something that is declared is waited for.
pub(crate) struct DeclaredWait {
    /// What is waited for.
    pub(super) of: &'static Declaration,
    /// From what waits to it, or a part of the way; `None` where its type is looked for from there.
    pub(super) to: Option<MemberPath>,
    /// What of it is waited for further in; `None` for a future that waits for the whole.
    pub(super) through: Option<MemberPath>,
    /// How it is asked for.
    pub(super) access: Option<Access>,
    /// How many permits are.
    pub(super) permits: Option<Number>,
    /// Whether what waits was given it.
    pub(super) granted: Option<Condition>,
    /// Whether nothing waits by this: it only says what the thing is.
    pub(super) only_told: bool,
}

/// A type that takes messages out of a channel that is declared.
pub struct MessagesType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Where the messages are.
    pub(crate) messages: &'static DeclaredMessages,
}

/// How messages lie in something that is declared.
pub(crate) struct DeclaredMessages {
    pub(super) of: &'static Declaration,
    /// From what is declared to the `VecDeque` with them.
    pub(super) queue: MemberPath,
}

/// What a value leads to of these names, itself among it.
pub(super) fn find(
    program: &Program<'_>,
    from: Value,
    names: &'static [Leaked],
) -> Result<Option<Value>, ValueError> {
    for name in names {
        if let Some(found) = from.find_through_pointers(program, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The same by a path that was declared.
pub(crate) fn find_by(
    program: &Program<'_>,
    from: Value,
    to: Option<&MemberPath>,
    names: &'static [Leaked],
) -> Result<Option<Value>, ValueError> {
    let from = match to {
        Some(path) => path.follow(program, from)?,
        None => Some(from),
    };
    from.map_or(Ok(None), |from| find(program, from, names))
}

impl DeclaredWait {
    /// The type that was declared, in its first spelling.
    pub(crate) fn declared_type(&self) -> Leaked {
        self.of.names.first().copied().unwrap_or_default()
    }

    /// Reads what is waited for; `None` where it is not waited for after all.
    pub(crate) fn read(
        &self,
        reading: &Reading<'_>,
        value: Value,
    ) -> Result<Option<ObservedResource>, ValueError> {
        let program = reading.program;
        if reading.inside.is_some() && self.only_told {
            return Ok(None);
        }
        let declared = self.of;
        let Some(object) = find_by(program, value, self.to.as_ref(), declared.names)? else {
            return Ok(None);
        };
        let mut seen = ObservedResource::new(declared.kind, object);
        seen.declared_in = declared.origin;
        if let Some(inside) = reading.inside {
            let part = match &self.through {
                Some(through) => through.follow(program, object)?,
                None => Some(object),
            };
            let Some(part) = part else { return Ok(None) };
            let Some(part) = behind_pointers(program, part)? else { return Ok(None) };
            if !is_asked_for(program, part, inside)? {
                return Ok(None);
            }
            // A handle of a notification is no object.
            let is_permits = inside.kind == ResourceKind::Semaphore;
            seen.made_of = is_permits.then_some((inside.kind, inside.key));
            (seen.order, seen.is_granted) = (inside.order, inside.is_granted);
            // Who closes a pool waits for all of them.
            seen.access = inside.access.filter(|access| matches!(access, Access::Permits(2..)));
        }
        seen.access = self.access.or(seen.access);
        let counts = declared.counts(program, value, object)?;
        let of_value = Subject { program, value, counts };
        if let Some(permits) = self.permits.as_ref().and_then(|permits| known(permits.of(of_value)))
        {
            seen.access = Some(Access::Permits(permits));
        }
        if let Some(granted) = &self.granted {
            seen.is_granted |= known(granted.of(of_value)).unwrap_or(false);
        }
        declared.tell(Subject { program, value: object, counts }, &mut seen)?;
        Ok(Some(seen))
    }
}

/// What could be read. What could not is not known, and what rests on it is not said.
fn known<T>(read: Result<Option<T>, ValueError>) -> Option<T> {
    read.ok().flatten()
}

/// Whether what is waited for further in is this part, or what it points to.
fn is_asked_for(
    program: &Program<'_>,
    part: Value,
    inside: &ObservedResource,
) -> Result<bool, ValueError> {
    let size = part.layout(program)?.size;
    let end = part.address.saturating_add(size);
    if (part.address..end).contains(&inside.key) {
        return Ok(true);
    }
    let word = u64::from(program.pointer_size());
    for number in 0..(size / word).min(MAX_WORDS) {
        let pointer = program.read_pointer(part.address.wrapping_add(number * word))?;
        // Before what an `Arc` leads to are two counts.
        let behind_counts = pointer.wrapping_add(2 * word);
        if pointer != 0 && (pointer == inside.key || behind_counts == inside.key) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Declaration {
    /// The counts of the `Arc` around it, by a value that leads to it; `None` where there is none.
    fn counts(
        &self,
        program: &Program<'_>,
        value: Value,
        object: Value,
    ) -> Result<Option<(u64, u64)>, ValueError> {
        let counted = match find(program, value, self.counted)? {
            Some(counted) => counted,
            // In a lock that has it in it.
            None => {
                let Some(nearest) = find(program, value, &COUNTED)? else { return Ok(None) };
                let end = nearest.address.saturating_add(nearest.layout(program)?.size);
                if !(nearest.address..end).contains(&object.address) {
                    return Ok(None);
                }
                nearest
            }
        };
        let number = |name| counted.find_number(program, name);
        Ok(number("strong")?.zip(number("weak")?))
    }

    /// Says what its memory says.
    fn tell(&self, subject: Subject<'_>, seen: &mut ObservedResource) -> Result<(), ValueError> {
        let number = |number: &Option<Number>| number.as_ref().and_then(|it| known(it.of(subject)));
        let holds =
            |condition: &Option<Condition>| condition.as_ref().and_then(|it| known(it.of(subject)));
        let counts = self.counts_if.is_none() || holds(&self.counts_if) == Some(true);
        let numbers = &self.numbers;
        seen.name = Some(self.name(subject.program, subject.value.ty)?);
        seen.is_taken = holds(&self.taken);
        match self.kind {
            ResourceKind::Pool => {
                let (most, free) = (number(&numbers.most), number(&numbers.free));
                let lent = most.zip(free).and_then(|(most, free)| most.checked_sub(free));
                let out = number(&numbers.out).or(lent).filter(|_| counts);
                let is_exhausted = holds(&self.exhausted)
                    .or(free.map(|free| free == 0))
                    .or(out.zip(most).map(|(out, most)| out >= most));
                seen.parties = out;
                seen.is_taken = is_exhausted.filter(|is| *is).or(seen.is_taken);
                seen.is_reachable = is_exhausted != Some(true);
                seen.state = out.zip(most).map(|(out, most)| {
                    format!("{out} of {most} {} out", if out == 1 { "is" } else { "are" })
                });
            }
            ResourceKind::Semaphore => {
                let free = number(&numbers.free);
                seen.state = free.map(|free| match number(&numbers.most) {
                    Some(most) => format!("{free} of {most} free"),
                    None => format!("{free} free"),
                });
                seen.access = seen.access.or(Some(Access::Permits(1)));
            }
            ResourceKind::Barrier => {
                let arrived = number(&numbers.arrived).zip(number(&numbers.most));
                seen.state = arrived.map(|(came, most)| format!("{came} of {most} arrived"));
            }
            kind if kind.is_channel() => self.tell_channel(subject, seen),
            ResourceKind::Notify => {
                // Each owner of it can notify.
                let owners = subject.counts.map(|(strong, _)| strong);
                seen.parties = number(&numbers.holders).or(owners);
            }
            _ => {
                let taken = seen.is_taken.map(u64::from);
                seen.parties = number(&numbers.holders).or(taken).filter(|_| counts);
            }
        }
        if self.reachable.is_some() {
            // What may be got at elsewhere is.
            seen.is_reachable |= holds(&self.reachable).unwrap_or(true);
        }
        Ok(())
    }

    fn tell_channel(&self, subject: Subject<'_>, seen: &mut ObservedResource) {
        let number = |number: &Option<Number>| number.as_ref().and_then(|it| known(it.of(subject)));
        let numbers = &self.numbers;
        let (senders, receivers) = (number(&numbers.senders), number(&numbers.receivers));
        // A capacity of which all bits are set is none.
        let limitless =
            u64::MAX >> (64 - 8 * u32::from(subject.program.pointer_size().clamp(1, 8)));
        let capacity = number(&numbers.capacity).filter(|capacity| *capacity != limitless);
        let filling = match (number(&numbers.queued), capacity) {
            (Some(queued), Some(capacity)) => Some((
                format!("{queued} of {capacity} queued"),
                if queued >= capacity { "full: " } else { "" },
            )),
            (Some(queued), None) => Some((format!("{queued} queued"), "")),
            _ => None,
        };
        match seen.access {
            Some(Access::Send) => {
                seen.parties = receivers;
                let limited = filling.filter(|_| capacity.is_some());
                seen.state = limited.map(|(queued, full)| format!("{full}{queued}"));
            }
            _ => {
                seen.parties = senders;
                let senders = senders.map(|senders| count(senders, "sender"));
                seen.state = match (filling, senders) {
                    (Some((queued, _)), Some(senders)) => Some(format!("{queued}, {senders}")),
                    (filling, senders) => filling.map(|(queued, _)| queued).or(senders),
                };
            }
        }
        // An owner that is no end that was counted may become one.
        if self.reachable.is_none() {
            let ends = senders.zip(receivers).map(|(one, other)| one.saturating_add(other));
            let are_all_ends =
                |(strong, weak)| weak == 1 && ends.is_some_and(|ends: u64| strong <= ends);
            seen.is_reachable = !subject.counts.is_some_and(are_all_ends);
        }
    }

    /// How it is called: `Pool<..>` with all its generic arguments, `Pool<M>` with one of them.
    pub(super) fn name(
        &self,
        program: &Program<'_>,
        ty: Ty,
    ) -> Result<Cow<'static, str>, ValueError> {
        let layout = program.type_of(ty)?;
        let Some(label) = self.label else { return Ok(last_segment(&layout.name).into()) };
        let Some((before, arguments)) = label.split_once('<') else { return Ok(label.into()) };
        let arguments = arguments.trim_end_matches('>');
        if arguments == ".." {
            return Ok([before, program.arguments_of(ty)?].concat().into());
        }
        let named = arguments.split(',').map(|name| argument(program, ty, layout, name.trim()));
        Ok(format!("{before}<{}>", named.collect::<Vec<_>>().join(", ")).into())
    }
}

/// A generic argument of that name; the name where there is none.
fn argument(program: &Program<'_>, ty: Ty, layout: &Type, name: &str) -> String {
    let id = layout.type_parameter(name);
    let argument = id.and_then(|id| program.type_of(Ty { module: ty.module, id }).ok());
    argument.map_or_else(|| name.to_string(), |argument| last_segment(&argument.name))
}

/// The names of what an `Arc` points to that has a value of that name in it.
pub(super) fn counted(name: &str) -> impl Iterator<Item = String> {
    COUNTED.into_iter().map(move |counted| match name.ends_with('<') {
        true => format!("{counted}{name}"),
        false => format!("{counted}{name}>"),
    })
}

impl DeclaredMessages {
    /// The messages that the only receiver did not take out so far. Of several receivers any may take
    /// each.
    pub(crate) fn read(
        &self,
        program: &Program<'_>,
        receiver: Value,
        most: usize,
    ) -> Result<Vec<Value>, ValueError> {
        let Some(object) = find(program, receiver, self.of.names)? else { return Ok(Vec::new()) };
        let subject = Subject { program, value: object, counts: None };
        let receivers = self.of.numbers.receivers.as_ref();
        let receivers = receivers.map(|number| number.of(subject)).transpose()?.flatten();
        let Some(queue) = self.queue.follow(program, object)?.filter(|_| receivers == Some(1))
        else {
            return Ok(Vec::new());
        };
        let Some(elements) = VecDequeElements::of(program, queue)? else { return Ok(Vec::new()) };
        Ok((0..elements.length).take(most).map(|index| elements.get(index)).collect())
    }

    /// The type of the messages: the argument of the `VecDeque`, which is that of the end.
    pub(crate) fn element(ty: Ty, layout: &Type) -> Option<Ty> {
        let element = layout.type_parameters.first()?.ty;
        Some(Ty { module: ty.module, id: element })
    }
}

/// Whether a name of a declaration is that of a type.
pub(super) fn is_of(name: &str, layout: &Type) -> bool {
    match name.contains('<') {
        true => layout.name.starts_with(name),
        false => base_path(&layout.name) == name,
    }
}
