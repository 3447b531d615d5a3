//! Stacks and tables made by hand, for cases that real stacks seldom have.

use runtime_layouts::fake::FakeMemory;
use runtime_layouts::fake::processor::NARROW;
use runtime_layouts::target::processors::ALL;

use super::*;
use crate::mappings::Mapping;

const BASE: u64 = 0x50_0000;
const FRAME_TABLE: u64 = 0x400;
const FRAMES: u64 = 0x500;
const STACK: u64 = 0x70_0000;

const RBX: u16 = 3;
const RBP: u16 = 6;
const RSP: u16 = 7;
const RIP: u16 = 16;

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An entry of `.eh_frame`: its length, then what it holds, padded with `DW_CFA_nop`.
fn entry(content: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; 4];
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(8), 0);
    let length = entry.len() as u32 - 4;
    entry[..4].copy_from_slice(&length.to_le_bytes());
    entry
}

/// An ELF image at [`BASE`] with functions of 0x100 bytes from 0x1000 on, each with these
/// instructions for its frame.
fn image(functions: &[&[u8]]) -> FakeMemory {
    // CFA = rsp + 8, rip at -8.
    image_returning_by(16, &[0x0c, 7, 8, 0x90, 1], functions)
}

/// The same where the return address is in that register, and each frame begins like that.
fn image_returning_by(register: u8, first: &[u8], functions: &[&[u8]]) -> FakeMemory {
    // The common entry: version 1, augmentation "zR", code alignment 1, data alignment -8, the
    // return address, addresses as `DW_EH_PE_pcrel | DW_EH_PE_sdata4`.
    let mut common = vec![0, 0, 0, 0, 1, b'z', b'R', 0, 1, 0x78, register, 1, 0x1b];
    common.extend(first);
    let mut frames = entry(&common);
    let mut table = vec![1, 0x1b, 0x03, 0x3b];
    table.extend(((FRAMES - FRAME_TABLE - 4) as u32).to_le_bytes());
    table.extend((functions.len() as u32).to_le_bytes());
    for (index, instructions) in functions.iter().enumerate() {
        let (at, function) = (FRAMES + frames.len() as u64, 0x1000 + 0x100 * index as u64);
        let mut content = Vec::new();
        content.extend((frames.len() as u32 + 4).to_le_bytes());
        content.extend(((function - (at + 8)) as u32).to_le_bytes());
        content.extend(0x100_u32.to_le_bytes());
        content.push(0);
        content.extend(*instructions);
        table.extend(((function - FRAME_TABLE) as u32).to_le_bytes());
        table.extend(((at - FRAME_TABLE) as u32).to_le_bytes());
        frames.extend(entry(&content));
    }
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // ET_DYN, EM_X86_64, version; no entry; program headers at 64; two of 56 bytes.
    bytes.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    bytes.extend(words(&[0, 64, 0]));
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    // PT_LOAD of everything; PT_GNU_EH_FRAME.
    bytes.extend(words(&[1 | 5 << 32, 0, 0, 0, 0x2000, 0x2000, 0x1000]));
    let size = table.len() as u64;
    bytes.extend(words(&[0x6474_e550 | 4 << 32, FRAME_TABLE, FRAME_TABLE, 0, size, size, 4]));
    bytes.resize(FRAME_TABLE as usize, 0);
    bytes.extend(table);
    bytes.resize(FRAMES as usize, 0);
    bytes.extend(frames);
    bytes.resize(0x2000, 0);
    FakeMemory::new().with(BASE, bytes)
}

/// Unwinds stacks of [`image`], beside which lies code without tables.
fn on(processor: &'static Processor) -> Unwinder {
    let mapping = |start, end, path: &str| Mapping {
        start,
        end,
        offset: 0,
        is_data: false,
        path: path.to_owned(),
    };
    let mappings = Mappings::new(vec![
        mapping(BASE, BASE + 0x2000, "/program"),
        mapping(0x60_0000, 0x60_1000, ""),
        mapping(STACK, STACK + 0x1000, "[stack]"),
    ]);
    Unwinder::new(processor, mappings, None)
}

fn frames(memory: &FakeMemory, registers: &[(u16, u64)]) -> Vec<NativeFrame> {
    let x86_64 = ALL.iter().find(|processor| processor.name == "x86_64").expect("known");
    on(x86_64).frames(&registers.iter().copied().collect(), memory, 10)
}

/// `DW_CFA_undefined rip`: nobody called.
const OUTERMOST: &[u8] = &[0x07, 16];

#[test]
fn saved_registers_come_back() {
    // CFA = rsp + 24, rbx at CFA - 16.
    let memory = image(&[&[0x0e, 24, 0x83, 2], OUTERMOST]);
    let memory = memory.with(STACK, words(&[0xdead, 0xb0b, BASE + 0x1150]));
    let known = [(RIP, BASE + 0x1010), (RSP, STACK), (RBX, 1), (12, 2), (0, 3)];
    let found = frames(&memory, &known);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].frame_address, Some(STACK + 24));
    assert_eq!(found[0].register(0), Some(3));
    assert_eq!((found[1].pc.get(), found[1].register(RSP)), (BASE + 0x1150, Some(STACK + 24)));
    assert_eq!(found[1].register(RBX), Some(0xb0b), "from the stack");
    assert_eq!(found[1].register(12), Some(2), "nobody touched it");
    assert_eq!(found[1].register(0), None, "rax is lost in a call");
    assert_eq!(found[1].frame_address, Some(STACK + 32), "of the outermost frame too");
}

#[test]
fn expressions_are_evaluated() {
    // What GNU ld writes for a PLT: CFA = rsp + 8 + ((rip & 15) >= 11) * 8.
    let expression = [0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
    let memory = image(&[&expression, OUTERMOST]);
    let memory = memory.with(STACK, words(&[BASE + 0x1110, BASE + 0x1120]));
    for (offset, pushed, caller) in [(0x00, 0, 0x1110), (0x0b, 8, 0x1120)] {
        let found = frames(&memory, &[(RIP, BASE + 0x1000 + offset), (RSP, STACK)]);
        assert_eq!(found[0].frame_address, Some(STACK + 8 + pushed));
        assert_eq!(found[1].pc.get(), BASE + caller);
    }
}

#[test]
fn the_call_at_the_end_of_a_function_belongs_to_it() {
    // The return address is the first of the next function, which would say: outermost.
    let memory = image(&[&[], &[0x0e, 16], OUTERMOST]);
    let memory = memory.with(STACK, words(&[BASE + 0x1200, 0, BASE + 0x1280, 0]));
    let found = frames(&memory, &[(RIP, BASE + 0x1000), (RSP, STACK)]);
    let pcs: Vec<u64> = found.iter().map(|frame| frame.pc.get() - BASE).collect();
    assert_eq!(pcs, [0x1000, 0x1200, 0x1280]);
}

#[test]
fn code_without_tables_is_followed_by_its_frame_pointers() {
    let memory = image(&[OUTERMOST]);
    let memory = memory.with(STACK, words(&[0, 0, STACK + 0x80, BASE + 0x1010]));
    let found = frames(&memory, &[(RIP, 0x60_0010), (RSP, STACK), (RBP, STACK + 16), (RBX, 1)]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].pc.get(), found[1].register(RSP)), (BASE + 0x1010, Some(STACK + 32)));
    assert_eq!(found[1].register(RBP), Some(STACK + 0x80));
    assert_eq!(found[1].register(RBX), None, "whether it was saved is not known");
    let found = frames(&memory, &[(RIP, 0x60_0010), (RSP, STACK + 32), (RBP, STACK + 16)]);
    assert_eq!(found.len(), 1, "a frame pointer below the stack is none");
}

#[test]
fn code_without_tables_or_frame_pointers_is_left_where_it_was_called() {
    let mut code = vec![0x90; 0x100];
    code[0x10 - 5] = 0xe8;
    // The overlay is where the program's first function is.
    let memory = image(&[OUTERMOST]).with(BASE + 0x1000, code);
    let stack = [BASE + 0x1020, 0x60_0020, 1, BASE + 0x1010, 0];
    let memory = memory.with(STACK, words(&stack));
    let found = frames(&memory, &[(RIP, 0x60_0010), (RSP, STACK), (RBP, 1), (RBX, 2)]);
    assert_eq!(found.len(), 2, "what no call is in front of is no return address");
    assert_eq!((found[1].pc.get(), found[1].register(RSP)), (BASE + 0x1010, Some(STACK + 32)));
    assert_eq!(found[1].register(RBX), None, "whether it was saved is not known");
}

#[test]
fn a_call_to_nowhere_has_a_caller() {
    let memory = image(&[OUTERMOST]).with(STACK, words(&[BASE + 0x1010]));
    let found = frames(&memory, &[(RIP, 0x8), (RSP, STACK), (RBX, 7)]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].pc.get(), found[1].register(RBX)), (BASE + 0x1010, Some(7)));
}

#[test]
fn a_broken_stack_ends() {
    // CFA = rsp, and the return address is the program counter itself.
    let memory = image(&[&[0x0e, 0]]).with(STACK - 8, words(&[BASE + 0x1000]));
    assert_eq!(frames(&memory, &[(RIP, BASE + 0x1000), (RSP, STACK)]).len(), 1);
    // CFA = rsp - 8 … + 8 by turns goes on for ever: no more frames than asked for.
    let memory = image(&[&[]]).with(STACK, words(&[BASE + 0x1010; 64]));
    assert_eq!(frames(&memory, &[(RIP, BASE + 0x1000), (RSP, STACK)]).len(), 10);
    assert_eq!(frames(&memory, &[(RSP, STACK)]).len(), 0);
    assert_eq!(frames(&FakeMemory::new(), &[(RIP, BASE), (RSP, 8), (RBP, 16)]).len(), 1);
}

#[test]
fn the_frame_pointers_of_any_processor_are_followed() {
    let narrow = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
    // A pair of the caller's frame pointer and the return address, which is signed, before the frame.
    let memory = FakeMemory::new()
        .with(STACK, narrow(&[0, STACK as u32 + 0x80, 0x8060_0040, 0]))
        .with(STACK + 0x78, narrow(&[0, 0x0060_0080]));
    let registers = [(5, 0x60_0010), (3, STACK), (2, STACK + 12), (1, 7)];
    let found = on(&NARROW).frames(&registers.into_iter().collect(), &memory, 10);
    let pcs: Vec<u64> = found.iter().map(|frame| frame.pc.get()).collect();
    assert_eq!(pcs, [0x60_0010], "the innermost frame's caller must be described by a table");
    let caller = on(&NARROW).caller_by_frame_pointer(&registers.into_iter().collect(), &memory);
    let caller = caller.expect("found");
    assert_eq!(caller.frame_address, Some(STACK + 12));
    let registers = caller.registers.expect("known");
    assert_eq!((registers.get(5), registers.get(2)), (Some(0x60_0040), Some(STACK + 0x80)));
    let caller = on(&NARROW).caller_by_frame_pointer(&registers, &memory).expect("found");
    assert_eq!(caller.registers.and_then(|registers| registers.get(5)), Some(0x60_0080));
    assert!(
        on(&NARROW)
            .caller_by_frame_pointer(&[(3, 0), (2, 1)].into_iter().collect(), &memory)
            .is_none(),
        "not a multiple of four"
    );
}

#[test]
fn a_call_to_nowhere_returns_by_the_register_that_says_so() {
    let registers = [(5, 0x8), (3, STACK), (4, 0x8060_0020), (1, 7)];
    let found = on(&NARROW).frames(&registers.into_iter().collect(), &FakeMemory::new(), 10);
    assert_eq!(found[1].pc, CodeAddress::Return(0x60_0020), "without its signature");
    assert_eq!((found[1].register(1), found[1].register(3)), (Some(7), Some(STACK)));
}

/// `syscall` of glibc 2.36 on RISC-V, below a function that kept `ra` on its stack.
#[test]
fn a_function_without_a_table_returns_by_the_register_that_says_so() {
    const SP: u16 = 2;
    let riscv64 = ALL.iter().find(|processor| processor.name == "riscv64").expect("known");
    let pc = riscv64.program_counter;
    // As GNU as has it: `DW_CFA_def_cfa_register sp`, without an offset. Then CFA = sp + 16, ra at
    // CFA - 8; the other one is the outermost.
    let memory = image_returning_by(1, &[0x0d, 2], &[&[0x0e, 16, 0x81, 1], &[0x07, 1]]);
    let mut code = vec![0; 0x100];
    // `c.jalr t1`
    code[0x10 - 2..0x10].copy_from_slice(&[0x02, 0x93]);
    // Before the address in `fp` lies what looks like a frame.
    let stack = words(&[0, BASE + 0x1150, 0, BASE + 0x1150, 0]);
    let memory = memory.with(BASE + 0x1000, code).with(STACK, stack);
    let called_from = |caller: u64| {
        let known = [(pc, 0x60_0010), (SP, STACK), (1, caller), (8, STACK + 32), (9, 7), (10, 8)];
        on(riscv64).frames(&known.into_iter().collect(), &memory, 10)
    };
    let found = called_from(BASE + 0x1010);
    let pcs: Vec<u64> = found.iter().map(|frame| frame.pc.get()).collect();
    assert_eq!(pcs, [0x60_0010, BASE + 0x1010, BASE + 0x1150]);
    assert_eq!((found[1].register(SP), found[1].register(9)), (Some(STACK), Some(7)));
    assert_eq!(found[1].register(10), None, "a0 is lost in a call");
    let pcs: Vec<u64> = called_from(BASE + 0x1020).iter().map(|frame| frame.pc.get()).collect();
    assert_eq!(pcs, [0x60_0010, BASE + 0x1150], "no call is in front of it");
}

#[test]
fn tables_at_the_ends_of_the_address_space_do_no_harm() {
    let whole = image(&[&[0x0e, 24, 0x83, 2], OUTERMOST]);
    let mut bytes = vec![0; 0x2000];
    whole.read(BASE, &mut bytes).expect("there");
    let table = bytes[FRAME_TABLE as usize..][..28].to_vec();
    for table_at in [u64::MAX - 27, u64::MAX - 15, u64::MAX - 3, 0, 4] {
        let mut moved = bytes.clone();
        // `p_vaddr` of the second program header, to which the load bias is added.
        moved[64 + 56 + 16..][..8].copy_from_slice(&table_at.wrapping_sub(BASE).to_le_bytes());
        let length = usize::try_from(u64::MAX - table_at).map_or(28, |left| left.min(27) + 1);
        for entries in [2, u32::MAX] {
            let mut table = table[..length].to_vec();
            if let Some(count) = table.get_mut(8..12) {
                count.copy_from_slice(&entries.to_le_bytes());
            }
            let memory = FakeMemory::new().with(BASE, moved.clone()).with(table_at, table);
            let found = frames(&memory, &[(RIP, BASE + 0x1010), (RSP, u64::MAX - 7)]);
            assert_eq!(found.len(), 1);
            for (stack, frame) in [(u64::MAX, u64::MAX - 7), (0, 0), (8, !15)] {
                let _ = frames(&memory, &[(RIP, 1), (RSP, stack), (RBP, frame)]);
                let _ = frames(&memory, &[(RIP, 0x60_0010), (RSP, stack), (RBP, frame)]);
            }
        }
    }
}

#[test]
fn damaged_tables_do_no_harm() {
    let whole = image(&[&[0x0e, 24, 0x83, 2], OUTERMOST]);
    let mut bytes = vec![0; 0x2000];
    whole.read(BASE, &mut bytes).expect("there");
    let stack = words(&[BASE + 0x1110; 16]);
    for at in 0..FRAMES as usize + 0x80 {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let memory = FakeMemory::new().with(BASE, damaged).with(STACK, stack.clone());
            let found = frames(&memory, &[(RIP, BASE + 0x1010), (RSP, STACK), (RBP, STACK)]);
            assert!((1..=10).contains(&found.len()));
        }
    }
}

/// A small program under a kernel whose pages have 64 kB: its code, at byte 0x1000 of the file and
/// linked for 0x1_1000, is mapped from the file's first byte on, as the headers before it are.
#[test]
fn every_segment_of_a_small_file_begins_at_its_first_byte() {
    const PAGE: u64 = 0x1_0000;
    let whole = image(&[&[0x0e, 24, 0x83, 2], OUTERMOST]);
    let mut file = vec![0; 0x2000];
    whole.read(BASE, &mut file).expect("there");
    // PT_LOAD of what is in front of the code, then of the code, then PT_GNU_EH_FRAME.
    let table = file[64 + 56..64 + 2 * 56].to_vec();
    file[56] = 3;
    file.splice(
        64..64 + 3 * 56,
        [
            words(&[1 | 4 << 32, 0, 0, 0, 0x1000, 0x1000, PAGE]),
            words(&[1 | 5 << 32, 0x1000, PAGE + 0x1000, 0, 0x1000, 0x1000, PAGE]),
            table,
        ]
        .concat(),
    );
    for row in [FRAME_TABLE as usize + 12, FRAME_TABLE as usize + 20] {
        let moved = u32::from_le_bytes(file[row..row + 4].try_into().expect("four")) + PAGE as u32;
        file[row..row + 4].copy_from_slice(&moved.to_le_bytes());
    }
    let mut at = FRAMES as usize;
    while at < FRAMES as usize + 0x80 {
        // Of each frame's entry, the function's place counts from itself.
        let length = u32::from_le_bytes(file[at..at + 4].try_into().expect("four")) as usize;
        if length == 0 {
            break;
        }
        if file[at + 4..at + 8] != [0; 4] {
            let place = at + 8;
            let old = u32::from_le_bytes(file[place..place + 4].try_into().expect("four"));
            file[place..place + 4].copy_from_slice(&(old + PAGE as u32).to_le_bytes());
        }
        at += 4 + length;
    }
    let mapping = |start, path: &str| Mapping {
        start,
        end: start + PAGE,
        offset: 0,
        is_data: false,
        path: path.to_owned(),
    };
    let code = BASE + PAGE;
    let mappings =
        vec![mapping(BASE, "/program"), mapping(code, "/program"), mapping(STACK, "[stack]")];
    let memory = FakeMemory::new()
        .with(BASE, file.clone())
        .with(code, file)
        .with(STACK, words(&[0xdead, 0xb0b, code + 0x1150]));
    let x86_64 = ALL.iter().find(|processor| processor.name == "x86_64").expect("known");
    let known = [(RIP, code + 0x1010), (RSP, STACK), (RBX, 1)].into_iter().collect();
    let found = Unwinder::new(x86_64, Mappings::new(mappings), None).frames(&known, &memory, 10);
    assert_eq!((found.len(), found[1].register(RBX)), (2, Some(0xb0b)));
}
