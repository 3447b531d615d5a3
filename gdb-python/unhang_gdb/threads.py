"""The threads, their registers and their stacks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import gdb
from unhang_shared.adapter import Frame, Thread

_WORD = 0xFFFF_FFFF_FFFF_FFFF


class Threads:
    """Looks at them."""

    def threads(self, thread_pointer: Optional[str]) -> Sequence[Thread]:
        """The threads in the order of their numbers. Nothing is selected, and no symbols are read,
        when no register is asked for."""
        threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
        pointers: Dict[int, Optional[int]] = {}
        if thread_pointer is not None:
            with _selection_kept():
                for thread in threads:
                    if thread_pointer == "pthread_t":
                        pointers[thread.num] = _handle(thread)
                    elif _switched(thread):
                        pointers[thread.num] = _register(gdb.newest_frame(), thread_pointer)
        return [
            Thread(
                thread.num, thread.ptid[1] or thread.ptid[2], thread.name, pointers.get(thread.num)
            )
            for thread in threads
        ]

    def selected_thread(self) -> Optional[int]:
        """The number of the selected thread."""
        thread = gdb.selected_thread()
        return None if thread is None else thread.num

    def frames(self, thread: int, limit: int, registers: Sequence[str]) -> Sequence[Frame]:
        """The physical frames of a thread, innermost first."""
        found: List[Frame] = []
        with _selection_kept():
            for candidate in gdb.selected_inferior().threads():
                if candidate.num == thread and _switched(candidate):
                    found, is_whole = _stack(limit, registers)
                    if not is_whole:
                        # gdb shows no frame outside of `main`, but that is where it ends.
                        with gdb.with_parameter("backtrace past-main", True):
                            found, _ = _stack(limit, registers)
        return found


def _stack(limit: int, registers: Sequence[str]) -> Tuple[List[Frame], bool]:
    """The frames of the selected thread, and whether gdb kept none back."""
    found: List[Frame] = []
    frame: Optional[gdb.Frame] = gdb.newest_frame()
    last = frame
    while frame is not None and len(found) < limit:
        if frame.type() != gdb.INLINE_FRAME:
            found.append((frame.pc(), [_register(frame, name) for name in registers]))
        last = frame
        frame = _caller(frame)
    at_main = (
        frame is None
        and last is not None
        and last.unwind_stop_reason() == gdb.FRAME_UNWIND_NO_REASON
    )
    return found, not at_main


def _switched(thread: gdb.InferiorThread) -> bool:
    """Selects a thread; False when it has gone."""
    try:
        thread.switch()
    except gdb.error:
        return False
    return True


def _register(frame: gdb.Frame, name: str) -> Optional[int]:
    try:
        return int(frame.read_register(name)) & _WORD
    except (gdb.error, ValueError):
        # gdb does not know the register, here or at all.
        return None


def _handle(thread: gdb.InferiorThread) -> Optional[int]:
    try:
        return int.from_bytes(thread.handle(), "little")
    except gdb.error:
        # gdb has no library for the threads of this C library.
        return None


def _caller(frame: gdb.Frame) -> Optional[gdb.Frame]:
    try:
        return frame.older()
    except gdb.error:
        # The stack cannot be read any further.
        return None


@contextmanager
def _selection_kept() -> Iterator[None]:
    """Puts the user's selected thread and frame back, whatever happens."""
    thread = gdb.selected_thread()
    try:
        level = gdb.selected_frame().level()
    except gdb.error:
        level = 0
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
            # By its number, since gdb may have made its frames anew.
            frame: Optional[gdb.Frame] = gdb.newest_frame()
            for _ in range(level):
                frame = None if frame is None else frame.older()
            if frame is not None:
                frame.select()
