//! Reads a table of TOML key by key, and says with the line what is wrong with it: a key that nobody
//! asked for is an error.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::DeclarationError;

/// A text, whose lines errors name.
#[derive(Clone, Copy)]
pub(super) struct Text<'t>(pub(super) &'t str);

impl Text<'_> {
    /// An error at a place in it.
    pub(super) fn error(self, at: &Range<usize>, what: impl Into<String>) -> DeclarationError {
        let before = self.0.get(..at.start.min(self.0.len())).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        DeclarationError { line, what: what.into() }
    }
}

/// A table that is read.
pub(super) struct Reader<'t> {
    pub(super) text: Text<'t>,
    table: &'t DeTable<'t>,
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// What errors call it: `[[resource]]`.
    name: &'static str,
    asked: BTreeSet<&'static str>,
}

/// Where a table and its keys stand.
pub(super) struct Places {
    table: Range<usize>,
    keys: Vec<(String, Range<usize>)>,
}

impl Places {
    /// The place of a key; that of the table for one that is not there.
    pub(super) fn of(&self, key: &str) -> &Range<usize> {
        let known = self.keys.iter().find(|(known, _)| known == key);
        known.map_or(&self.table, |(_, place)| place)
    }
}

/// A text in the table, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl<'t> Reader<'t> {
    pub(super) fn of(
        text: Text<'t>,
        table: &'t DeTable<'t>,
        span: Range<usize>,
        name: &'static str,
    ) -> Self {
        Self { text, table, span, name, asked: BTreeSet::new() }
    }

    /// Where it and its keys stand.
    pub(super) fn places(&self) -> Places {
        let place =
            |key: &Spanned<std::borrow::Cow<'_, str>>| (key.get_ref().to_string(), key.span());
        Places { table: self.span.clone(), keys: self.table.keys().map(place).collect() }
    }

    /// The value of a key; `None` where it is not there.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// The text of a key.
    pub(super) fn word(&mut self, key: &'static str) -> Result<Option<Word>, DeclarationError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        self.as_word(key, value).map(Some)
    }

    /// The text of a key that has to be there.
    pub(super) fn needed(&mut self, key: &'static str) -> Result<Word, DeclarationError> {
        let missing = self.missing(key);
        self.word(key)?.ok_or(missing)
    }

    /// That a key is missing.
    pub(super) fn missing(&self, key: &str) -> DeclarationError {
        self.text.error(&self.span, format!("{} has no `{key}`", self.name))
    }

    /// One text, or a list of some.
    pub(super) fn words(&mut self, key: &'static str) -> Result<Vec<Word>, DeclarationError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        match value.get_ref() {
            DeValue::Array(array) => array.iter().map(|one| self.as_word(key, one)).collect(),
            _ => Ok(vec![self.as_word(key, value)?]),
        }
    }

    fn as_word(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Word, DeclarationError> {
        let span = value.span();
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_string(),
            DeValue::Boolean(is) => if *is { "1" } else { "0" }.to_string(),
            other => {
                let what = format!("`{key}` is no text but {}", kind_of(other));
                return Err(self.text.error(&span, what));
            }
        };
        Ok(Word { text, span })
    }

    /// What another function makes of a text.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, DeclarationError> {
        let Some(word) = self.word(key)? else { return Ok(None) };
        let parsed = parse(&word.text);
        parsed.map(Some).map_err(|what| self.text.error(&word.span, format!("`{key}`: {what}")))
    }

    /// The tables of a list of tables.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        name: &'static str,
    ) -> Result<Vec<Reader<'t>>, DeclarationError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let wrong = |span| self.text.error(&span, format!("`{key}` is to be written as {name}"));
        let DeValue::Array(array) = value.get_ref() else { return Err(wrong(value.span())) };
        let one = |one: &'t Spanned<DeValue<'t>>| match one.get_ref() {
            DeValue::Table(table) => Ok(Reader::of(self.text, table, one.span(), name)),
            _ => Err(wrong(one.span())),
        };
        array.iter().map(one).collect()
    }

    /// The texts by their keys, whatever these are.
    pub(super) fn pairs(
        &mut self,
        key: &'static str,
    ) -> Result<Vec<(String, Word)>, DeclarationError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.text.error(&value.span(), format!("`{key}` is to be a table")));
        };
        let pair = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = name.get_ref();
            Ok((name.to_string(), self.as_word(key, value)?))
        };
        table.iter().map(pair).collect()
    }

    /// Ends: a key that was not asked for is an error, with what may have been meant.
    pub(super) fn end(self) -> Result<(), DeclarationError> {
        let unknown = |(key, _): &(&Spanned<_>, _)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            !self.asked.contains(&**name)
        };
        let Some((key, _)) = self.table.iter().find(unknown) else { return Ok(()) };
        let name = key.get_ref();
        let near = nearest(name, self.asked.iter().copied());
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let all: Vec<&str> = self.asked.iter().copied().collect();
                format!("its keys are {}", all.join(", "))
            }
        };
        let what = format!("{} has no key `{name}`: {hint}", self.name);
        Err(self.text.error(&key.span(), what))
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        _ => "something else",
    }
}

/// The name that is nearest to another one, if it is near enough to be meant.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Names longer than this are not compared.
    const LONGEST: usize = 100;
    let measured = known
        .filter(|known| known.len().max(name.len()) <= LONGEST)
        .map(|known| (distance(name, known), known));
    let (distance, nearest) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.chars().count().div_ceil(3)).then_some(nearest)
}

/// The letters that are to be put in, left out or changed to get from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = number + 1;
        for at in 0..other.len() {
            let changed = before + usize::from(letter != other[at]);
            before = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_a_name_is_meant() {
        let known = ["guard", "wait", "kind"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(near("gaurd"), Some("guard"));
        assert_eq!(near("guards"), Some("guard"));
        assert_eq!(near("wiat"), Some("wait"));
        assert_eq!(near("knd"), Some("kind"));
        assert_eq!(near("zzzzzz"), None);
    }
}
