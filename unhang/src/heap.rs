//! HEAP: memory for work that allocates much, asked for at once.
//!
//! glibc gives every thread but the first its memory page by page: a system call for each, which
//! all threads wait for, and a page fault. Here a thread asks once, before it begins, and for huge
//! pages behind the first megabytes, so that the kernel clears 2 MB at a time. What is not used of it
//! costs nothing. How glibc grows a heap: `sysmalloc` and `grow_heap` in `malloc/malloc.c` and
//! `malloc/arena.c` of 2.36.
//!
//! This is the one file of the crate with `unsafe`: the C library's calls.
#![allow(unsafe_code)]

/// Bytes that a thread asks for: the most that glibc does not map on their own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ROOM: usize = 31 << 20;

/// The first bytes of it, which stay in small pages. That is all that a small program needs, and a
/// huge page can take milliseconds to get where the machine is a virtual one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const IN_SMALL_PAGES: usize = 4 << 20;

/// Makes large blocks parts of the heap too, and keeps what is freed. To be called once, before there
/// are threads, by a program that is soon over.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_all() {
    use nix::libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};

    // SAFETY: the call takes numbers; no other thread is there that allocates.
    unsafe {
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
        mallopt(M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Makes room in the heap of this thread. What cannot be had is done without.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn make_room() {
    use nix::libc::{MADV_HUGEPAGE, free, madvise, malloc};

    const PAGE: usize = 4096;
    // SAFETY: the block is this function's own until it is freed, and freed once. The advice is on
    // whole pages within it, and changes nothing that can be read there.
    unsafe {
        let block = malloc(ROOM);
        let before = block.align_offset(PAGE).saturating_add(IN_SMALL_PAGES);
        if !block.is_null() && before < ROOM {
            madvise(block.byte_add(before), (ROOM - before) & !(PAGE - 1), MADV_HUGEPAGE);
        }
        free(block);
    }
}

/// Other C libraries are left to do as they do.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_all() {}

/// Other C libraries are left to do as they do.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn make_room() {}
