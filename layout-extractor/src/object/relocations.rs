//! Dynamic relocations, and the pointers that they leave in the data of an object.

use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationTarget};
use runtime_layouts::target::processors;

use super::mach_o;
use super::object_file::ObjectFile;

impl ObjectFile {
    /// The pointer at an address of the object's data after relocation, without the load bias: the
    /// addend of a relocation, or else what the file holds there.
    pub(crate) fn pointer_at(&self, address: u64) -> Option<u64> {
        let relocated = self.relocated_words();
        if let Ok(at) = relocated.binary_search_by_key(&address, |&(place, _)| place) {
            let value = relocated[at].1;
            if value != 0 {
                return Some(value);
            }
        }
        self.stored_pointer_at(address)
    }

    /// How far into a thread's copy the variable is that a Mach-O file's descriptor at this address
    /// stands for; `None` where there is no descriptor.
    pub(crate) fn distance_of_thread_local(&self, descriptor: u64) -> Option<u64> {
        self.stored_pointer_at(self.thread_variables.distance(descriptor)?)
    }

    /// The pointer that the file holds for an address of the object's data.
    fn stored_pointer_at(&self, address: u64) -> Option<u64> {
        let size = u64::from(self.facts.pointer_size);
        let segment = self.segments.iter().find(|s| {
            address
                .checked_sub(s.address)
                .is_some_and(|into| into.saturating_add(size) <= s.file_size)
        })?;
        let start = usize::try_from(segment.file_offset.checked_add(address - segment.address)?);
        let start = start.ok()?;
        let bytes = self.bytes.get(start..start.checked_add(size as usize)?)?;
        let mut word = [0_u8; 8];
        let value = if self.facts.big_endian {
            word[8 - bytes.len()..].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        } else {
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        Some(value)
    }

    /// Where the code begins that a pointer in the object's data points at.
    pub(crate) fn code_address(&self, pointer: u64) -> u64 {
        processors::of(&self.facts).map_or(pointer, |known| known.code_address(pointer))
    }

    /// `(place, value)` of every word that the loader relocates, by place.
    pub(crate) fn relocated_words(&self) -> &[(u64, u64)] {
        self.relocated.get_or_init(|| self.relocations())
    }

    /// `(place, value)` of every word that gets an address of this object as it is loaded, by place.
    fn relocations(&self) -> Vec<(u64, u64)> {
        let Ok(file) = object::File::parse(&*self.bytes) else { return Vec::new() };
        if let object::File::MachO64(file) = &file {
            return mach_o::relocated_words(file);
        }
        let Some(relocations) = file.dynamic_relocations() else { return Vec::new() };
        let symbols = file.dynamic_symbol_table();
        let mut words: Vec<(u64, u64)> = relocations
            .filter_map(|(place, relocation)| {
                let addend = match relocation.has_implicit_addend() {
                    // What is added stands at the place itself, as i686 and Arm have it.
                    true => self.stored_pointer_at(place)?,
                    false => relocation.addend().cast_unsigned(),
                };
                let base = match relocation.target() {
                    RelocationTarget::Absolute => 0,
                    RelocationTarget::Symbol(index) => {
                        let symbol = symbols.as_ref()?.symbol_by_index(index).ok()?;
                        if symbol.is_undefined() { 0 } else { symbol.address() }
                    }
                    _ => return None,
                };
                Some((place, base.wrapping_add(addend)))
            })
            .collect();
        words.sort_unstable();
        words
    }
}
