//! A processor that is in no list: one table is all that it takes to read its programs.

use runtime_layouts::fake::processor::NARROW;
use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget};
use runtime_layouts::layout::source::TlsSegment;
use runtime_layouts::target::auxiliary_vector::AuxiliaryVector;
use runtime_layouts::target::processors::LibraryStorage;
use runtime_layouts::target::{Target, processors};
use runtime_layouts::value::Program;

const THREAD_POINTER: u64 = 0x7000;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn target(memory: FakeMemory) -> FakeTarget<FakeMemory> {
    FakeTarget::new(FakeLayouts::on(&NARROW), memory, THREAD_POINTER)
}

#[test]
fn no_list_has_it_and_the_target_brings_it() {
    let target = target(FakeMemory::new());
    let facts = target.modules()[0].layouts.facts();
    assert!(processors::of(facts).is_none());
    assert_eq!(target.processor().map(|processor| processor.name), Some("narrow"));
}

#[test]
fn its_pointers_are_narrow_and_begin_with_the_most_significant_byte() {
    let target = target(FakeMemory::new().with(0x1000, words(&[0x2000, 7])));
    let program = Program::new(&target);
    assert_eq!(program.pointer_size(), 4);
    assert_eq!(program.read_pointer(0x1000), Ok(0x2000));
    assert_eq!(program.read_unsigned(0x1000, 8), Ok(0x2000_0000_0007));
    let vector = AuxiliaryVector::parse(&words(&[9, 0x4000, 0, 0]), NARROW.words);
    assert_eq!(vector.entry(), Some(0x4000));
}

#[test]
fn its_storage_follows_the_thread_pointer() {
    let segment = TlsSegment { address: 0x100, size: 0x20, align: 8 };
    assert_eq!(NARROW.thread_local_address(segment, THREAD_POINTER, 4), Some(0x7004));
    // The table of libraries' storage: how many, then a generation, then two words each.
    let memory = FakeMemory::new()
        .with(THREAD_POINTER - 4, words(&[0x9008]))
        .with(0x9000, words(&[2, 0, 1, 0, 0xa000, 0, 0xffff_ffff, 0]));
    let local = |number| {
        let storage = LibraryStorage::InTable(number);
        NARROW.thread_local_of_library(&memory, storage, THREAD_POINTER, 0x10).expect("readable")
    };
    assert_eq!(local(1), Some(0xa010));
    assert_eq!(local(2), None, "not used yet");
    assert_eq!((local(0), local(3), local(u64::MAX)), (None, None, None), "no such library");
}

#[test]
fn a_debuggers_frames_have_its_registers() {
    assert_eq!(NARROW.register_names(), ["result", "kept", "frame", "stack", "link", "next"]);
    let values = |stack| vec![Some(1), Some(2), Some(3), Some(stack), Some(5), Some(6)];
    let frames = NARROW.native_frames(&[(0x10, values(0x70)), (0x20, values(0x80))], 2);
    assert_eq!(frames[0].frame_address, Some(0x80));
    assert_eq!((frames[0].register(4), frames[1].register(4)), (Some(5), None), "link is lost");
    assert_eq!(frames[1].register(1), Some(2));
}
