//! Whether a function of one build has the code of one of the other: the same bytes, but for the
//! addresses in them, which must refer to the same functions, to the same places in sources, and to
//! other data of the same kind.
//!
//! Addresses in code are taken to be 32 bits, little-endian, counted from the next instruction, as on
//! x86-64; elsewhere code that differs in one is never the same.
//!
//! rustc 1.95 with `debug = true` and without: of 1338 functions of a tokio program 1293 have the
//! same code; the others were inlined in another order, which follows from hashes.

use std::collections::HashMap;

use super::image::{FunctionNumber, Image, Referent};
use super::source_places;

/// How many functions are compared to tell one from another by what it calls.
const MAX_COMPARISONS: usize = 2000;

/// How deep calls are followed.
const MAX_DEPTH: usize = 8;

/// How wide an address is in code that counts from the next instruction.
const WIDTH: usize = 4;

/// Compares functions of the program with functions of the twin.
pub(super) struct SameCode<'i> {
    program: &'i Image,
    twin: &'i Image,
    /// What was found, or is being looked at: two functions that call each other are the same when
    /// nothing else tells them apart.
    known: HashMap<(FunctionNumber, FunctionNumber), bool>,
    /// The pairs that are the same, or are being looked at: what was found while one of them was
    /// taken for the same holds no longer when it is not.
    taken_for_same: Vec<(FunctionNumber, FunctionNumber)>,
    left: usize,
}

impl<'i> SameCode<'i> {
    pub(super) fn new(program: &'i Image, twin: &'i Image) -> Self {
        Self {
            program,
            twin,
            known: HashMap::new(),
            taken_for_same: Vec::new(),
            left: MAX_COMPARISONS,
        }
    }

    /// Whether the code is the same, and what it calls, as far as that has to be looked at.
    pub(super) fn is_same(&mut self, program: FunctionNumber, twin: FunctionNumber) -> bool {
        self.compare(program, twin, 0)
    }

    fn compare(&mut self, program: FunctionNumber, twin: FunctionNumber, depth: usize) -> bool {
        if let Some(known) = self.known.get(&(program, twin)) {
            return *known;
        }
        // Nothing that was not compared is called the same, but for what is called far below: callers
        // that nothing nearer tells apart are kept as the same on that ground.
        if self.left == 0 {
            return false;
        }
        if depth > MAX_DEPTH {
            return true;
        }
        self.left -= 1;
        let before = self.taken_for_same.len();
        self.taken_for_same.push((program, twin));
        self.known.insert((program, twin), true);
        let same = self.compare_bytes(program, twin, depth);
        if !same {
            for pair in self.taken_for_same.drain(before..) {
                self.known.remove(&pair);
            }
            self.known.insert((program, twin), false);
        }
        same
    }

    fn compare_bytes(
        &mut self,
        program: FunctionNumber,
        twin: FunctionNumber,
        depth: usize,
    ) -> bool {
        let (a, b) = (self.program.code(program), self.twin.code(twin));
        if a.len() != b.len() || a.is_empty() {
            return false;
        }
        let mut at = 0;
        while at < a.len() {
            if a[at] == b[at] {
                at += 1;
                continue;
            }
            let starts = (at.saturating_sub(WIDTH - 1)..=at).rev();
            let mut ends =
                starts.filter(|start| start + WIDTH <= a.len()).map(|start| start + WIDTH);
            let Some(end) = ends.find(|&end| {
                let address = |image: &Image, function: FunctionNumber, code: &[u8]| {
                    let bytes = code[end - WIDTH..end].try_into().unwrap_or_default();
                    let from = image.functions[function].address.wrapping_add(end as u64);
                    from.wrapping_add_signed(i64::from(i32::from_le_bytes(bytes)))
                };
                let (a, b) = (address(self.program, program, a), address(self.twin, twin, b));
                self.refers_to_same(a, b, depth)
            }) else {
                return false;
            };
            at = end;
        }
        true
    }

    fn refers_to_same(&mut self, program: u64, twin: u64, depth: usize) -> bool {
        match (self.program.referent(program), self.twin.referent(twin)) {
            // What panics say of where they happened tells functions apart that do the same.
            (Some(Referent::Data(a)), Some(Referent::Data(b))) => {
                a == b
                    && source_places::at(self.program, program)
                        == source_places::at(self.twin, twin)
            }
            (Some(Referent::Function(a)), Some(Referent::Function(b))) => {
                match (self.program.name(a), self.twin.name(b)) {
                    (Some(name), Some(other)) if name != other => false,
                    // One name for one function is all there is to know.
                    (Some(name), Some(_)) if self.twin.named(name).len() == 1 => true,
                    // Other code under that name may be this one with something else inlined, but
                    // it is the only way to tell two from each other.
                    _ => self.compare(a, b, depth + 1),
                }
            }
            _ => false,
        }
    }
}
