//! Which address of the twin an address of the program is, and the other way round.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::image::{FunctionNumber, Image};
use super::same_code::SameCode;
use super::traces::Traces;

/// Words of the head of a vtable: `drop_in_place`, size, alignment.
const HEAD: u64 = 3;

/// Words of a table of functions that are compared.
const MAX_WORDS: u64 = 16;

/// Two builds of the same code.
pub(super) struct Mapping {
    pub(super) program: Image,
    pub(super) twin: Image,
    /// What fits each function of the program.
    known: Mutex<HashMap<FunctionNumber, Fitting>>,
}

/// The functions of the twin that a function of the program may be.
#[derive(Clone, Default)]
struct Fitting {
    functions: Vec<FunctionNumber>,
    /// Whether they have its code: then they are one to the machine, as functions are that a linker
    /// folded. Otherwise one of them is it, and nothing says which.
    is_same_code: bool,
}

impl Mapping {
    pub(super) fn new(program: Image, twin: Image) -> Self {
        Self { program, twin, known: Mutex::default() }
    }

    /// The functions of the twin that may be the one at this address, and whether they are one to the
    /// machine. Otherwise one of them is it, and nothing says which.
    pub(super) fn functions_at(&self, address: u64) -> (Vec<u64>, bool) {
        let Some(function) = self.program.at(address) else { return (Vec::new(), true) };
        let Fitting { functions, is_same_code } = self.fitting(function);
        let is_one = is_same_code || functions.len() < 2;
        (functions.into_iter().map(|number| self.twin.functions[number].address).collect(), is_one)
    }

    /// The place in the twin's code of a place in the program's; `None` where the code differs.
    pub(super) fn code_at(&self, pc: u64) -> Option<u64> {
        let function = self.program.around(pc)?;
        let into = pc - self.program.functions[function].address;
        let mut same = SameCode::new(&self.program, &self.twin);
        match self.candidates(function).as_slice() {
            [only] if same.is_same(function, *only) => {
                Some(self.twin.functions[*only].address + into)
            }
            _ => None,
        }
    }

    /// Where the function of the twin begins that has this code or is compiled from the same source;
    /// `None` where several may.
    pub(super) fn function_around(&self, pc: u64) -> Option<u64> {
        match self.candidates(self.program.around(pc)?).as_slice() {
            [only] => Some(self.twin.functions[*only].address),
            _ => None,
        }
    }

    /// The vtables of the twin that may be the one at this address, by a function in it, by the size
    /// and by the alignment.
    pub(super) fn vtables_at(&self, address: u64) -> Vec<u64> {
        let word = u64::from(self.program.object().facts.pointer_size);
        let slot = |slot: u64| address.wrapping_add(slot * word);
        let function = |slot_number| {
            let code = self.program.word(slot(slot_number))?;
            let function = self.program.at(self.program.object().code_address(code))?;
            Some((slot_number, function))
        };
        let Some((at, function)) = function(HEAD).or_else(|| function(0)) else {
            return Vec::new();
        };
        let Fitting { functions, is_same_code } = self.fitting(function);
        let has_same_numbers = |table: &u64| {
            (1..HEAD).all(|number| {
                self.twin.word(table.wrapping_add(number * word)) == self.program.word(slot(number))
            })
        };
        let tables = functions.into_iter().map(|candidate| {
            let places = self.twin.places_of(self.twin.functions[candidate].address);
            let tables = places.map(|place| place.wrapping_sub(at * word));
            tables.filter(has_same_numbers).collect::<Vec<_>>()
        });
        let found: Vec<_> = tables.filter(|tables| !tables.is_empty()).collect();
        if !is_same_code && found.len() > 1 {
            return Vec::new();
        }
        let mut found = found.concat();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The functions of the twin that this one is: one, or several with the same code.
    fn candidates(&self, function: FunctionNumber) -> Vec<FunctionNumber> {
        let Fitting { functions, is_same_code } = self.fitting(function);
        if is_same_code || functions.len() == 1 { functions } else { Vec::new() }
    }

    fn fitting(&self, function: FunctionNumber) -> Fitting {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&function) {
            return found.clone();
        }
        let found = self.find_fitting(function);
        known().insert(function, found.clone());
        found
    }

    fn find_fitting(&self, function: FunctionNumber) -> Fitting {
        let mut same = SameCode::new(&self.program, &self.twin);
        let named = self.program.name(function).map(|name| self.twin.named(name));
        let of_size = || self.twin.sized(self.program.functions[function].size);
        let all = named.unwrap_or_else(of_size);
        let exact: Vec<_> =
            all.iter().copied().filter(|&twin| same.is_same(function, twin)).collect();
        let own = Table::beginning_with(&self.program, function);
        // Compiled otherwise, which a name survives, and a table of functions.
        let others = || match named {
            Some(named) => named.to_vec(),
            None if own.is_empty() => Vec::new(),
            None => self.twin.functions_in_data().collect(),
        };
        let fitting = |functions, is_same_code| Fitting { functions, is_same_code };
        if own.is_empty() {
            return match exact.is_empty() {
                false => fitting(exact, true),
                true => fitting(self.most_alike(function, others()), false),
            };
        }
        let has_code = !exact.is_empty();
        let found = self.agreeing(&own, exact, named.is_some(), Some(&mut same));
        // The same code may be that of a task with another size, whose own code is compiled
        // otherwise: the same name is nearer then.
        if !found.is_empty() || has_code && named.is_none() {
            return fitting(found, true);
        }
        // What else the tables lead to is compiled otherwise as well: it does not tell them apart.
        let found = self.agreeing(&own, others(), named.is_some(), None);
        fitting(self.most_alike(function, found), false)
    }

    /// The one of several that leaves the traces which the program's function leaves; all of those
    /// that may be it where none does best.
    fn most_alike(
        &self,
        function: FunctionNumber,
        found: Vec<FunctionNumber>,
    ) -> Vec<FunctionNumber> {
        if found.len() < 2 {
            return found;
        }
        let own = Traces::of(&self.program, &self.twin, function);
        let alike = found.iter().filter_map(|&twin| {
            let traces = Traces::of(&self.twin, &self.program, twin);
            Some((own.likeness(&traces)?, twin))
        });
        let alike: Vec<_> = alike.collect();
        let best = alike.iter().map(|it| it.0).max();
        let best = alike.into_iter().filter(|it| Some(it.0) == best).map(|it| it.1);
        let best: Vec<_> = best.collect();
        // Nothing contradicts the twin as a whole where traces alone do.
        if best.is_empty() { found } else { best }
    }

    /// Those of the twin's functions whose tables agree with one of the program's function; with
    /// `same`, of those the ones whose tables have most functions with the same code.
    fn agreeing(
        &self,
        own: &[Table],
        found: Vec<FunctionNumber>,
        is_named: bool,
        mut same: Option<&mut SameCode<'_>>,
    ) -> Vec<FunctionNumber> {
        let mut scored: Vec<(usize, FunctionNumber)> = Vec::new();
        for twin in found {
            let tables = Table::beginning_with(&self.twin, twin);
            let pairs = own.iter().flat_map(|own| tables.iter().map(move |table| (own, table)));
            let agreeing = pairs.filter(|(own, table)| own.words == table.words);
            let scores = agreeing.map(|(own, table)| {
                let pairs = own.functions.iter().zip(&table.functions);
                let Some(same) = same.as_deref_mut() else { return 0 };
                pairs.filter(|(own, twin)| same.is_same(**own, **twin)).count()
            });
            match scores.max() {
                Some(score) => scored.push((score, twin)),
                // The twin may have it in no table: then nothing speaks against it.
                None if tables.is_empty() && is_named => scored.push((0, twin)),
                None => {}
            }
        }
        let best = scored.iter().map(|it| it.0).max();
        scored.into_iter().filter(|it| Some(it.0) == best).map(|it| it.1).collect()
    }

    /// The first function of those with this part in their name whose table has other numbers in the
    /// program than in the twin: code that was compiled from other sources. `None` where there is
    /// none.
    pub(super) fn first_contradiction(&self, part: &[u8]) -> Option<String> {
        let functions = 0..self.program.functions.len();
        let mut polls = functions.filter(|&function| {
            let name = self.program.name(function);
            name.is_some_and(|name| memchr::memmem::find(name, part).is_some())
        });
        let stranger = polls.find(|&function| self.fitting(function).functions.is_empty())?;
        let function = self.program.functions[stranger];
        Some(format!(
            "it has no task of the size of the one that the program's function at {:#x} polls",
            function.address
        ))
    }
}

/// A table of functions, such as a task's vtable, with the numbers behind them.
struct Table {
    words: Vec<Word>,
    functions: Vec<FunctionNumber>,
}

/// A word of a table of functions.
#[derive(PartialEq, Eq, Debug)]
enum Word {
    /// A function. Which one does not count: the linker and LLVM fold those with one code, and
    /// either name may be left.
    Function,
    /// What is no address.
    Number(u64),
}

impl Table {
    /// The tables with numbers in them that begin with a function.
    fn beginning_with(image: &Image, function: FunctionNumber) -> Vec<Self> {
        let places = image.places_of(image.functions[function].address).take(MAX_WORDS as usize);
        let tables = places.map(|place| Self::at(image, place));
        tables.filter(|table| table.words.len() > table.functions.len()).collect()
    }

    fn at(image: &Image, place: u64) -> Self {
        let word = u64::from(image.object().facts.pointer_size);
        let mut table = Self { words: Vec::new(), functions: Vec::new() };
        for slot in 0..MAX_WORDS {
            let at = place.wrapping_add(slot * word);
            let Some(value) = image.word(at) else { break };
            let had_numbers = table.words.len() > table.functions.len();
            match image.at(image.object().code_address(value)) {
                Some(_) if had_numbers => break,
                Some(function) => {
                    table.words.push(Word::Function);
                    table.functions.push(function);
                }
                // What follows the table may begin with anything.
                None if value == 0 || image.is_address(at) => break,
                None => table.words.push(Word::Number(value)),
            }
        }
        table
    }
}
