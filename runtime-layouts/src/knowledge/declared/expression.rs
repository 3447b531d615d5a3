//! Numbers and conditions of declarations: sums of members, and comparisons of them.
//!
//! ```text
//! condition = comparison { "and" comparison }
//! comparison = path "is" VARIANT | number [ ("==" | "!=" | "<" | "<=" | ">" | ">=") number ]
//! number = term { ("+" | "-") term }
//! term = ( path | "@strong" | "@weak" | INTEGER ) { (">>" | "&") INTEGER }
//! ```
//!
//! There is nothing in it that repeats, calls or stores.

use super::member_path::{self, MemberPath};
use crate::value::{Program, Value, ValueError};

/// Parts of one number or condition, at most.
const MAX_PARTS: usize = 32;

/// A number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Number {
    terms: Vec<(Sign, Term)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    base: Base,
    bits: Vec<Bits>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Base {
    Member(MemberPath),
    /// How many `Arc`s share what is declared.
    Strong,
    /// The weak ones, and one for all others together.
    Weak,
    Literal(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bits {
    ShiftedRight(u32),
    And(u64),
}

/// A condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Condition {
    all: Vec<Comparison>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Comparison {
    Is(MemberPath, Box<str>),
    Compares(Number, Relation, Number),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Relation {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a number or condition is of.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'p> {
    pub(crate) program: &'p Program<'p>,
    pub(crate) value: Value,
    /// The counts of the `Arc` that it lies in: strong and weak; `None` where it lies in none.
    pub(crate) counts: Option<(u64, u64)>,
}

impl Number {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words::of(text)?;
        let number = Self::read(&mut words)?;
        words.end()?;
        Ok(number)
    }

    fn read(words: &mut Words<'_>) -> Result<Self, String> {
        let mut terms = vec![(Sign::Plus, Term::read(words)?)];
        while let Some(sign) = words.one_of(&[("+", Sign::Plus), ("-", Sign::Minus)]) {
            terms.push((sign, Term::read(words)?));
        }
        Ok(Self { terms })
    }

    /// Its value; `None` where a part of it is not there, or the sum is below zero.
    ///
    /// # Errors
    /// When a part of it cannot be read.
    pub(crate) fn of(&self, subject: Subject<'_>) -> Result<Option<u64>, ValueError> {
        let mut sum: i128 = 0;
        for (sign, term) in &self.terms {
            let Some(value) = term.of(subject)? else { return Ok(None) };
            match sign {
                Sign::Plus => sum += i128::from(value),
                Sign::Minus => sum -= i128::from(value),
            }
        }
        Ok(u64::try_from(sum).ok())
    }

    /// The paths in it, that lead to numbers.
    pub(super) fn paths(&self) -> impl Iterator<Item = &MemberPath> {
        self.terms.iter().filter_map(|(_, term)| match &term.base {
            Base::Member(path) => Some(path),
            _ => None,
        })
    }
}

impl Term {
    fn read(words: &mut Words<'_>) -> Result<Self, String> {
        let word = words.next().ok_or_else(|| words.ends("a number or a member"))?;
        let base = match word {
            "@strong" => Base::Strong,
            "@weak" => Base::Weak,
            _ if word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('.') => {
                Base::Literal(literal(word)?)
            }
            _ => Base::Member(MemberPath::parse(word)?),
        };
        let mut bits = Vec::new();
        while let Some(is_shift) = words.one_of(&[(">>", true), ("&", false)]) {
            let number = words.next().ok_or_else(|| words.ends("an integer"))?;
            let number = literal(number)?;
            bits.push(match is_shift {
                true => Bits::ShiftedRight(u32::try_from(number).unwrap_or(u32::MAX)),
                false => Bits::And(number),
            });
        }
        Ok(Self { base, bits })
    }

    fn of(&self, subject: Subject<'_>) -> Result<Option<u64>, ValueError> {
        let base = match &self.base {
            Base::Literal(number) => Some(*number),
            Base::Strong => subject.counts.map(|(strong, _)| strong),
            Base::Weak => subject.counts.map(|(_, weak)| weak),
            Base::Member(path) => match path.follow(subject.program, subject.value)? {
                Some(member) => member_path::number(subject.program, member)?,
                None => None,
            },
        };
        let apply = |number: u64, bits: &Bits| match bits {
            Bits::ShiftedRight(by) => number.checked_shr(*by).unwrap_or(0),
            Bits::And(mask) => number & mask,
        };
        Ok(base.map(|number| self.bits.iter().fold(number, apply)))
    }
}

impl Condition {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words::of(text)?;
        let mut all = vec![Comparison::read(&mut words)?];
        while words.one_of(&[("and", ())]).is_some() {
            all.push(Comparison::read(&mut words)?);
        }
        words.end()?;
        Ok(Self { all })
    }

    /// Whether it holds; `None` where a part of it is not there.
    ///
    /// # Errors
    /// When a part of it cannot be read.
    pub(crate) fn of(&self, subject: Subject<'_>) -> Result<Option<bool>, ValueError> {
        let mut holds = Some(true);
        for comparison in &self.all {
            match comparison.of(subject)? {
                Some(false) => return Ok(Some(false)),
                Some(true) => {}
                None => holds = None,
            }
        }
        Ok(holds)
    }

    /// The paths in it: those that lead to numbers, and those that lead to an enum, with the variant
    /// that it is to have.
    pub(super) fn paths(&self) -> Vec<(&MemberPath, Option<&str>)> {
        self.all.iter().flat_map(Comparison::paths).collect()
    }
}

impl Comparison {
    fn read(words: &mut Words<'_>) -> Result<Self, String> {
        if words.second() == Some("is") {
            let path = words.next().ok_or_else(|| words.ends("a member"))?;
            let path = MemberPath::parse(path)?;
            let _is = words.next();
            let variant = words.next().ok_or_else(|| words.ends("the name of a variant"))?;
            return Ok(Self::Is(path, variant.into()));
        }
        let number = Number::read(words)?;
        let relation = words.one_of(&[
            ("==", Relation::Equal),
            ("!=", Relation::Unequal),
            ("<=", Relation::LessOrEqual),
            (">=", Relation::GreaterOrEqual),
            ("<", Relation::Less),
            (">", Relation::Greater),
        ]);
        Ok(match relation {
            Some(relation) => Self::Compares(number, relation, Number::read(words)?),
            // What is a `bool` is true or not.
            None => {
                let zero = Term { base: Base::Literal(0), bits: Vec::new() };
                let zero = Number { terms: vec![(Sign::Plus, zero)] };
                Self::Compares(number, Relation::Unequal, zero)
            }
        })
    }

    fn of(&self, subject: Subject<'_>) -> Result<Option<bool>, ValueError> {
        match self {
            Self::Is(path, wanted) => match path.follow(subject.program, subject.value)? {
                Some(value) => member_path::variant(subject.program, value, wanted),
                None => Ok(None),
            },
            Self::Compares(one, relation, other) => {
                let (one, other) = (one.of(subject)?, other.of(subject)?);
                Ok(one.zip(other).map(|(one, other)| match relation {
                    Relation::Equal => one == other,
                    Relation::Unequal => one != other,
                    Relation::Less => one < other,
                    Relation::LessOrEqual => one <= other,
                    Relation::Greater => one > other,
                    Relation::GreaterOrEqual => one >= other,
                }))
            }
        }
    }

    fn paths(&self) -> Vec<(&MemberPath, Option<&str>)> {
        match self {
            Self::Is(path, variant) => vec![(path, Some(variant))],
            Self::Compares(one, _, other) => {
                one.paths().chain(other.paths()).map(|path| (path, None)).collect()
            }
        }
    }
}

/// An integer, decimal or hexadecimal.
fn literal(word: &str) -> Result<u64, String> {
    let number = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16),
        None => word.replace('_', "").parse(),
    };
    number.map_err(|_| format!("`{word}` is no integer"))
}

/// The words of a text.
struct Words<'t> {
    text: &'t str,
    words: Vec<&'t str>,
    at: usize,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Result<Self, String> {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '*' | '@' | ':');
        let is_sign = |c: char| matches!(c, '+' | '-' | '&' | '<' | '>' | '=' | '!');
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match () {
                () if is_word(first) => rest.find(|c| !is_word(c)),
                () if is_sign(first) => rest.find(|c| !is_sign(c)),
                () => return Err(format!("`{first}` in `{text}` has no meaning")),
            };
            let (word, behind) = rest.split_at(length.unwrap_or(rest.len()));
            words.push(word);
            rest = behind.trim_start();
            if words.len() > 4 * MAX_PARTS {
                return Err(format!("there are more than {MAX_PARTS} parts"));
            }
        }
        Ok(Self { text, words, at: 0 })
    }

    fn next(&mut self) -> Option<&'t str> {
        let word = self.words.get(self.at).copied();
        self.at += usize::from(word.is_some());
        word
    }

    fn second(&self) -> Option<&'t str> {
        self.words.get(self.at + 1).copied()
    }

    /// Takes the next word if it is one of these.
    fn one_of<T: Copy>(&mut self, known: &[(&str, T)]) -> Option<T> {
        let word = self.words.get(self.at)?;
        let found = known.iter().find(|(sign, _)| sign == word)?;
        self.at += 1;
        Some(found.1)
    }

    fn ends(&self, wanted: &str) -> String {
        format!("`{}` ends where {wanted} is expected", self.text)
    }

    /// Whether nothing is left.
    fn end(&self) -> Result<(), String> {
        match self.words.get(self.at) {
            Some(word) => Err(format!("`{word}` in `{}` does not belong there", self.text)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let number = |text| Number::parse(text).err().unwrap_or_default();
        assert_eq!(number("size - conns.len"), "");
        assert_eq!(number("permits >> 1"), "");
        assert_eq!(number("0x10 & 0xf"), "");
        assert_eq!(number("size -"), "`size -` ends where a number or a member is expected");
        assert_eq!(number("size * 2"), "`*` in `size * 2` does not belong there");
        assert_eq!(number("a(b)"), "`(` in `a(b)` has no meaning");
        let condition = |text| Condition::parse(text).err().unwrap_or_default();
        assert_eq!(condition("state is Closed and size <= most"), "");
        assert_eq!(condition("is_closed"), "");
        assert_eq!(condition("size ="), "`=` in `size =` does not belong there");
        assert_eq!(condition("size == "), "`size == ` ends where a number or a member is expected");
    }
}
