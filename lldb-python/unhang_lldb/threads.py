"""The threads, their registers and their stacks."""

from __future__ import annotations

from typing import List, Optional, Sequence

import lldb
from unhang_shared.adapter import Frame, Thread

from .process import Current


class Threads(Current):
    """Looks at them."""

    def threads(self, thread_pointer: Optional[str]) -> Sequence[Thread]:
        """The threads in the order of their numbers."""
        found = []
        for thread in sorted(self.sb_process().threads, key=lambda thread: thread.GetIndexID()):
            value = None
            if thread_pointer == "tsd_address":
                value = _information(thread, thread_pointer)
            elif thread_pointer is not None:
                value = _register(thread.GetFrameAtIndex(0), thread_pointer)
            name = thread.GetName()
            found.append(Thread(thread.GetIndexID(), thread.GetThreadID(), name, value))
        return found

    def selected_thread(self) -> Optional[int]:
        """The number of the selected thread."""
        thread = self.sb_process().GetSelectedThread()
        return thread.GetIndexID() if thread.IsValid() else None

    def frames(self, thread: int, limit: int, registers: Sequence[str]) -> Sequence[Frame]:
        """The physical frames of a thread, innermost first."""
        found: List[Frame] = []
        candidate = self.sb_process().GetThreadByIndexID(thread)
        # Of the frames that lldb makes of one physical frame, the inlined ones come first, and only
        # the first has the true program counter: the others stand at their call's block.
        true_pc: Optional[int] = None
        index = 0
        while candidate.IsValid() and len(found) < limit:
            # By number: to count them first would unwind the whole stack.
            frame = candidate.GetFrameAtIndex(index)
            index += 1
            if not frame.IsValid():
                break
            true_pc = frame.GetPC() if true_pc is None else true_pc
            if not frame.IsInlined():
                found.append((true_pc, [_register(frame, name) for name in registers]))
                true_pc = None
        return found


def _register(frame: lldb.SBFrame, name: str) -> Optional[int]:
    register = frame.FindRegister(name)
    error = lldb.SBError()
    value = register.GetValueAsUnsigned(error, 0)
    return value if register.IsValid() and error.Success() else None


def _information(thread: lldb.SBThread, name: str) -> Optional[int]:
    """What lldb knows of a thread on a Mac besides its registers, as a number.

    It asks the server for it, as `thread info` does. lldb's own value of a thread-local variable
    would come from a call into the process (`DynamicLoaderDarwin::GetThreadLocalData`, lldb 23).
    """
    said = lldb.SBStream()
    if not thread.GetInfoItemByPathAsString(name, said):
        return None
    try:
        # `0x16b5b3000`
        return int(said.GetData() or "", 16)
    except ValueError:
        return None
