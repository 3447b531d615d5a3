//! Holds a declaration against the types of a program: which type is not there, which member does not
//! exist, and which there are.

use std::ops::Range;

use super::expression::{Condition, Number};
use super::member_path::{Checked, MemberPath, is_number};
use super::read::is_of;
use super::reader::{Places, Text, nearest};
use super::text::Leaked;
use super::{DeclarationError, Declared, form};
use crate::layout::name::last_segment;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty};

/// Types of one name that are looked at, at most: the instances of a generic one are alike.
const MAX_INSTANCES: usize = 8;
/// Members that an error lists, at most.
const MAX_LISTED: usize = 12;

/// How a declaration stands to a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// The program does not have what it is of, or has it by another name.
    Absent,
    /// Something in it is wrong.
    Wrong,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// The line of the declaration, counted from 1.
    pub line: usize,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found, without a full stop.
    pub text: String,
}

/// What became of a declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedDeclaration {
    /// The library that it names.
    pub library: &'static str,
    /// What was found, resource by resource.
    pub remarks: Vec<Remark>,
}

/// Holds a declaration against a program, the types of whose first module
/// `find` finds by their names: of a generic one up to `<`, included.
///
/// # Errors
/// When the text itself is wrong.
pub fn check(
    text: &str,
    program: &Program<'_>,
    find: &mut dyn FnMut(&[&str]) -> Vec<Vec<TypeId>>,
) -> Result<CheckedDeclaration, DeclarationError> {
    let (library, declared) = form::read(text, None)?;
    let mut names: Vec<Leaked> = Vec::new();
    for of in &declared {
        names.extend(&of.types);
        names.extend(of.waits.iter().flat_map(|wait| &wait.types));
        names.extend(of.guards.iter().flat_map(|guard| &guard.types));
    }
    names.sort_unstable();
    names.dedup();
    let asked: Vec<String> = names
        .iter()
        .flat_map(|name| match name.contains('<') {
            true => [name.to_string(), String::new()],
            false => [name.to_string(), format!("{name}<")],
        })
        .collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let found = find(&asked);
    let types = names.iter().zip(found.chunks(2)).map(|(name, found)| {
        let all = found.iter().flatten().map(|id| Ty { module: 0, id: *id });
        (*name, all.take(MAX_INSTANCES).collect())
    });
    let mut check =
        Check { program, text: Text(text), types: types.collect(), remarks: Vec::new() };
    if !declared.is_empty() && check.types.iter().all(|(_, found)| found.is_empty()) {
        check.remark(&(0..0), Verdict::Absent, "none of its types is in this program".to_string());
    } else {
        declared.iter().for_each(|declared| check.resource(declared));
    }
    Ok(CheckedDeclaration { library: library.name, remarks: check.remarks })
}

struct Check<'c> {
    program: &'c Program<'c>,
    text: Text<'c>,
    types: Vec<(Leaked, Vec<Ty>)>,
    remarks: Vec<Remark>,
}

impl Check<'_> {
    fn remark(&mut self, span: &Range<usize>, verdict: Verdict, text: String) {
        let line = self.text.error(span, "").line;
        let remark = Remark { line, verdict, text };
        // The instances of a generic type are mostly wrong in the same way.
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn of_name(&self, name: Leaked) -> Vec<Ty> {
        let known = self.types.iter().find(|(known, _)| *known == name);
        known.map(|(_, types)| types.clone()).unwrap_or_default()
    }

    /// The types of all spellings; says so where there is none.
    fn of_spellings(&mut self, names: &[Leaked], places: &Places, key: &str) -> Vec<Ty> {
        let found: Vec<Ty> = names.iter().flat_map(|name| self.of_name(name)).collect();
        if found.is_empty() {
            let names = names.join(" and no ");
            let hint = "the program does not use it, or its path is another one";
            let what = format!("`{key}`: there is no type {names}: {hint}");
            self.remark(places.of(key), Verdict::Absent, what);
        }
        found
    }

    fn resource(&mut self, declared: &Declared) {
        let places = &declared.places;
        let types = self.of_spellings(&declared.types, places, "type");
        let before = self.remarks.len();
        let of = declared.of;
        let mut checked = 0;
        for ty in &types {
            for (key, number) in of.numbers.each() {
                checked += number.map_or(0, |number| self.number(number, *ty, key, places));
            }
            let conditions = [
                ("taken", &of.taken),
                ("exhausted", &of.exhausted),
                ("counts-if", &of.counts_if),
                ("reachable", &of.reachable),
            ];
            for (key, condition) in conditions {
                let Some(condition) = condition else { continue };
                checked += self.condition(condition, *ty, key, places);
            }
            if let Some(messages) = &declared.messages {
                checked += usize::from(self.path(messages, *ty, "messages", places).is_some());
            }
        }
        for wait in &declared.waits {
            let found = self.of_spellings(&wait.types, &wait.places, wait.key);
            for ty in &found {
                self.leads(*ty, wait.wait.to.as_ref(), declared, &wait.places);
                if let Some(permits) = &wait.wait.permits {
                    checked += self.number(permits, *ty, "permits", &wait.places);
                }
                if let Some(granted) = &wait.wait.granted {
                    checked += self.condition(granted, *ty, "granted", &wait.places);
                }
            }
            for ty in &types {
                if let Some(through) = &wait.wait.through {
                    checked +=
                        usize::from(self.path(through, *ty, "through", &wait.places).is_some());
                }
            }
        }
        for guard in &declared.guards {
            for ty in &self.of_spellings(&guard.types, &guard.places, "type") {
                self.leads(*ty, guard.to.as_ref(), declared, &guard.places);
                self.emptied(*ty, guard.emptied, &guard.places);
                if let Some(permits) = &guard.permits {
                    checked += self.number(permits, *ty, "permits", &guard.places);
                }
            }
        }
        if let Some(ty) = types.first()
            && !self.remarks[before..].iter().any(|remark| remark.verdict == Verdict::Wrong)
        {
            let name = of.name(self.program, *ty).unwrap_or_default();
            let fits = if checked == 0 { "found" } else { "all paths lead to what is there" };
            self.remark(places.of("type"), Verdict::Fits, format!("{name}: {fits}"));
        }
    }

    /// Whether a way leads to what is declared from what waits for it or keeps it.
    fn leads(&mut self, from: Ty, to: Option<&MemberPath>, declared: &Declared, places: &Places) {
        let start = match to {
            Some(path) => match self.path(path, from, "to", places) {
                Some(end) => end,
                None => return,
            },
            None => from,
        };
        let mut wanted = |ty: &Type| declared.types.iter().any(|name| is_of(name, ty));
        if path::find(self.program, start, Reach::RUNTIME, &mut wanted).is_none() {
            let (from, to) = (self.name(from), declared.types.join(" or "));
            self.remark(
                places.of("type"),
                Verdict::Wrong,
                format!("no way leads from {from} to {to}"),
            );
        }
    }

    fn emptied(&mut self, ty: Ty, member: Leaked, places: &Places) {
        if member.is_empty() {
            return;
        }
        let Ok(layout) = self.program.type_of(ty) else { return };
        let option = layout.member(member).map(|found| Ty { module: ty.module, id: found.ty });
        let option = option.and_then(|ty| self.program.type_of(ty).ok());
        let is_option = |option: &Type| match &option.kind {
            TypeKind::Enum { variants, .. } => variants.iter().any(|it| &*it.name == "Some"),
            _ => false,
        };
        if !option.is_some_and(is_option) {
            let what = format!("`emptied`: {} has no `Option` `{member}`", self.name(ty));
            self.remark(places.of("emptied"), Verdict::Wrong, what);
        }
    }

    /// Checks what a number is made of; returns how many paths lead somewhere.
    fn number(&mut self, number: &Number, ty: Ty, key: &str, places: &Places) -> usize {
        let of = |path| self.is_number_at(path, ty, key, places);
        number.paths().map(of).map(usize::from).sum()
    }

    fn is_number_at(&mut self, path: &MemberPath, ty: Ty, key: &str, places: &Places) -> bool {
        let Some(end) = self.path(path, ty, key, places) else { return false };
        if is_number(self.program, end).unwrap_or(true) {
            return true;
        }
        let what = format!("`{key}`: a {} is no number", self.name(end));
        self.remark(places.of(key), Verdict::Wrong, what);
        false
    }

    fn condition(&mut self, condition: &Condition, ty: Ty, key: &str, places: &Places) -> usize {
        let of = |(path, variant): (&MemberPath, Option<&str>)| match variant {
            None => self.is_number_at(path, ty, key, places),
            Some(variant) => self.has_variant(path, variant, ty, (key, places)),
        };
        condition.paths().into_iter().map(of).map(usize::from).sum()
    }

    fn has_variant(
        &mut self,
        path: &MemberPath,
        variant: &str,
        ty: Ty,
        (key, places): (&str, &Places),
    ) -> bool {
        let Some(end) = self.path(path, ty, key, places) else { return false };
        let program = self.program;
        let has = |ty: &Type| match &ty.kind {
            TypeKind::Enum { variants, .. } => variants.iter().any(|it| &*it.name == variant),
            TypeKind::PlainEnum { enumerators } => {
                enumerators.iter().any(|(name, _)| &**name == variant)
            }
            _ => false,
        };
        if path::find(program, end, Reach::RUNTIME, &mut { has }).is_some() {
            return true;
        }
        let what = format!("`{key}`: {} has no variant `{variant}`", self.name(end));
        self.remark(places.of(key), Verdict::Wrong, what);
        false
    }

    /// Where a path leads; says so where it leads nowhere.
    fn path(&mut self, path: &MemberPath, from: Ty, key: &str, places: &Places) -> Option<Ty> {
        match path.check(self.program, from) {
            Ok(Checked::To(ty)) => Some(ty),
            Ok(Checked::Missing { type_name, step, has }) => {
                let hint = match nearest(&step, has.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if has.is_empty() => "it has none".to_string(),
                    None => {
                        let more = if has.len() > MAX_LISTED { ", …" } else { "" };
                        let listed: Vec<&str> =
                            has.iter().take(MAX_LISTED).map(String::as_str).collect();
                        format!("it has {}{more}", listed.join(", "))
                    }
                };
                let owner = last_segment(&type_name);
                let what = format!("`{key}`: {owner} has no member `{step}`: {hint}");
                self.remark(places.of(key), Verdict::Wrong, what);
                None
            }
            Err(error) => {
                self.remark(places.of(key), Verdict::Wrong, format!("`{key}`: {error}"));
                None
            }
        }
    }

    fn name(&self, ty: Ty) -> String {
        self.program.type_of(ty).map_or_else(|error| error.to_string(), |it| last_segment(&it.name))
    }
}
