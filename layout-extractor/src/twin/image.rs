//! What a linked program holds, by address and by name: functions, variables, code, pointers.

use std::collections::HashMap;
use std::ops::Range;

use gimli::{BaseAddresses, CieOrFde, EhFrame, EndianSlice, UnwindSection};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use super::symbol_name::without_identity;
use crate::object::object_file::ObjectFile;

/// A function, by its place in [`Image::functions`].
pub(super) type FunctionNumber = usize;

/// A function's code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) address: u64,
    pub(super) size: u64,
    /// Its place in [`Image::names`]; `None` without a symbol table.
    pub(super) name: Option<usize>,
}

/// A section that is loaded.
struct Section {
    address: u64,
    size: u64,
    name: String,
    /// Its bytes in the file; empty where the file has none.
    in_file: Range<usize>,
    is_code: bool,
}

/// A program as its file has it.
pub(super) struct Image {
    object: ObjectFile,
    sections: Vec<Section>,
    /// By address; of those at one address, one.
    pub(super) functions: Vec<Function>,
    names: Vec<Box<[u8]>>,
    by_name: HashMap<Box<[u8]>, Vec<FunctionNumber>>,
    by_size: HashMap<u64, Vec<FunctionNumber>>,
    /// Variables, and thread-local ones by their offset, by name.
    variables: HashMap<Box<[u8]>, Vec<u64>>,
    thread_locals: HashMap<Box<[u8]>, Vec<u64>>,
    /// `(value, place)` of the words that hold addresses, by value.
    pointers: Vec<(u64, u64)>,
}

/// What an address is of, as far as two builds can agree on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Referent<'a> {
    /// The beginning of a function.
    Function(FunctionNumber),
    /// A section without code.
    Data(&'a str),
}

impl Image {
    /// `None` for what is no program after all.
    pub(super) fn of(object: ObjectFile) -> Option<Self> {
        let file = object::File::parse(object.bytes()).ok()?;
        let sections = file.sections().filter_map(|section| {
            // What each thread has a copy of lies at no address.
            let is_loaded =
                section.address() != 0 && section.kind() != SectionKind::UninitializedTls;
            Some(Section {
                address: section.address(),
                size: section.size(),
                name: section.name().ok()?.to_owned(),
                in_file: section.file_range().map_or(0..0, |(start, length)| {
                    start as usize..start.saturating_add(length) as usize
                }),
                is_code: section.kind() == SectionKind::Text,
            })
            .filter(|_| is_loaded)
        });
        let mut sections: Vec<_> = sections.collect();
        sections.sort_by_key(|section| section.address);
        drop(file);
        let mut image = Self {
            object,
            sections,
            functions: Vec::new(),
            names: Vec::new(),
            by_name: HashMap::new(),
            by_size: HashMap::new(),
            variables: HashMap::new(),
            thread_locals: HashMap::new(),
            pointers: Vec::new(),
        };
        image.read_symbols();
        if image.functions.is_empty() {
            image.read_unwind_entries();
        }
        image.index();
        Some(image)
    }

    fn read_symbols(&mut self) {
        let Ok(file) = object::File::parse(&**self.object.symbol_bytes()) else { return };
        for symbol in file.symbols().filter(|symbol| !symbol.is_undefined()) {
            let Ok(name) = symbol.name_bytes() else { continue };
            let (address, size) = (symbol.address(), symbol.size());
            match symbol.kind() {
                SymbolKind::Text if size > 0 => {
                    let name = Some(self.names.len()).filter(|_| !name.is_empty());
                    self.functions.push(Function { address, size, name });
                    self.names.push(without_identity(symbol.name_bytes().unwrap_or_default()));
                }
                SymbolKind::Tls => {
                    self.thread_locals.entry(without_identity(name)).or_default().push(address);
                }
                SymbolKind::Data => {
                    self.variables.entry(without_identity(name)).or_default().push(address);
                }
                _ => {}
            }
        }
    }

    /// Functions of a program without a symbol table: what its unwinder needs is kept.
    fn read_unwind_entries(&mut self) {
        let Some(section) = self.sections.iter().find(|section| section.name == ".eh_frame") else {
            return;
        };
        let text = self.sections.iter().find(|section| section.name == ".text");
        let mut bases = BaseAddresses::default().set_eh_frame(section.address);
        if let Some(text) = text {
            bases = bases.set_text(text.address);
        }
        let bytes = self.object.bytes().get(section.in_file.clone()).unwrap_or_default();
        let mut frames = EhFrame::from(EndianSlice::new(bytes, self.object.endian));
        frames.set_address_size(self.object.facts.pointer_size);
        let mut entries = frames.entries(&bases);
        while let Ok(Some(entry)) = entries.next() {
            if let CieOrFde::Fde(partial) = entry
                && let Ok(fde) = partial.parse(EhFrame::cie_from_offset)
            {
                let (address, size) = (fde.initial_address(), fde.len());
                self.functions.push(Function { address, size, name: None });
            }
        }
    }

    fn index(&mut self) {
        self.functions.sort_by_key(|function| function.address);
        self.functions.dedup_by_key(|function| function.address);
        for (number, function) in self.functions.iter().enumerate() {
            if let Some(name) = function.name {
                self.by_name.entry(self.names[name].clone()).or_default().push(number);
            }
            self.by_size.entry(function.size).or_default().push(number);
        }
        let words = self.object.relocated_words();
        self.pointers = match words.is_empty() {
            false => words.iter().map(|&(place, value)| (value, place)).collect(),
            // A program that runs where it was linked for needs no relocations.
            true => self.stored_words(),
        };
        self.pointers.sort_unstable();
    }

    fn stored_words(&self) -> Vec<(u64, u64)> {
        let word = u64::from(self.object.facts.pointer_size);
        let data = self.sections.iter().filter(|section| !section.is_code);
        let places = data.flat_map(|section| {
            (section.address.next_multiple_of(word)..section.address + section.in_file.len() as u64)
                .step_by(word as usize)
        });
        let words = places.filter_map(|place| Some((self.object.pointer_at(place)?, place)));
        words.filter(|&(value, _)| self.at(value).is_some()).collect()
    }

    pub(super) fn object(&self) -> &ObjectFile {
        &self.object
    }

    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// The name of a function, without what differs between builds.
    pub(super) fn name(&self, function: FunctionNumber) -> Option<&[u8]> {
        self.functions[function].name.map(|name| &*self.names[name])
    }

    /// The functions of that name.
    pub(super) fn named(&self, name: &[u8]) -> &[FunctionNumber] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The functions with so many bytes of code.
    pub(super) fn sized(&self, size: u64) -> &[FunctionNumber] {
        self.by_size.get(&size).map_or(&[], Vec::as_slice)
    }

    /// The function that begins at an address.
    pub(super) fn at(&self, address: u64) -> Option<FunctionNumber> {
        self.functions.binary_search_by_key(&address, |function| function.address).ok()
    }

    /// The function whose code an address is in.
    pub(super) fn around(&self, address: u64) -> Option<FunctionNumber> {
        let after = self.functions.partition_point(|function| function.address <= address);
        let number = after.checked_sub(1)?;
        let function = &self.functions[number];
        (address - function.address < function.size).then_some(number)
    }

    /// The bytes of a function; empty where the file has none.
    pub(super) fn code(&self, function: FunctionNumber) -> &[u8] {
        let Function { address, size, .. } = self.functions[function];
        let Some(section) = self.section(address) else { return &[] };
        let bytes = self.object.bytes().get(section.in_file.clone()).unwrap_or_default();
        let start = (address - section.address) as usize;
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        bytes.get(start..end).unwrap_or_default()
    }

    fn section(&self, address: u64) -> Option<&Section> {
        let after = self.sections.partition_point(|section| section.address <= address);
        let section = &self.sections[after.checked_sub(1)?];
        (address - section.address < section.size).then_some(section)
    }

    /// What an address in code refers to; `None` for the middle of code, and for nothing.
    pub(super) fn referent(&self, address: u64) -> Option<Referent<'_>> {
        if let Some(function) = self.at(address) {
            return Some(Referent::Function(function));
        }
        let section = self.section(address).filter(|section| !section.is_code)?;
        Some(Referent::Data(&section.name))
    }

    /// The places of the words that hold an address.
    pub(super) fn places_of(&self, value: u64) -> impl Iterator<Item = u64> {
        let start = self.pointers.partition_point(|&(found, _)| found < value);
        self.pointers[start..].iter().take_while(move |it| it.0 == value).map(|it| it.1)
    }

    /// The functions whose address is in the program's data.
    pub(super) fn functions_in_data(&self) -> impl Iterator<Item = FunctionNumber> {
        let all = self.pointers.iter().map(|&(value, _)| self.object.code_address(value));
        let mut functions: Vec<_> = all.filter_map(|address| self.at(address)).collect();
        functions.dedup();
        functions.into_iter()
    }

    /// The words of the program's data that hold an address of data, each with its place.
    pub(super) fn data_pointers(&self) -> impl Iterator<Item = (u64, u64)> {
        let is_data = |address| self.section(address).is_some_and(|section| !section.is_code);
        self.pointers.iter().copied().filter(move |&(value, _)| is_data(value))
    }

    /// Bytes of the program's file, by their address; `None` where the file has not so many.
    pub(super) fn bytes(&self, address: u64, length: u64) -> Option<&[u8]> {
        let section = self.section(address)?;
        let start = usize::try_from(address - section.address).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        self.object.bytes().get(section.in_file.clone())?.get(start..end)
    }

    /// A word of the program's data.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        self.object.pointer_at(address)
    }

    /// Whether the word at a place is an address of this program.
    pub(super) fn is_address(&self, place: u64) -> bool {
        let words = self.object.relocated_words();
        match words.is_empty() {
            false => words.binary_search_by_key(&place, |&(place, _)| place).is_ok(),
            true => self.word(place).is_some_and(|value| self.section(value).is_some()),
        }
    }

    /// The offset of a thread-local variable, by its name without what differs between builds;
    /// `None` where there is none, or more than one.
    pub(super) fn thread_local(&self, name: &[u8]) -> Option<u64> {
        only(self.thread_locals.get(name)?)
    }

    /// The name of the thread-local variable at an offset.
    pub(super) fn thread_local_at(&self, offset: u64) -> Option<&[u8]> {
        let found = self.thread_locals.iter().find(|(_, offsets)| offsets.contains(&offset));
        found.map(|(name, _)| &**name)
    }

    /// The address of a variable of that name; `None` where there is none, or more than one.
    pub(super) fn variable(&self, name: &[u8]) -> Option<u64> {
        only(self.variables.get(name)?)
    }

    /// The name of the variable at an address.
    pub(super) fn variable_at(&self, address: u64) -> Option<&[u8]> {
        let found = self.variables.iter().find(|(_, addresses)| addresses.contains(&address));
        found.map(|(name, _)| &**name)
    }
}

fn only(found: &[u64]) -> Option<u64> {
    match found {
        [one] => Some(*one),
        _ => None,
    }
}
