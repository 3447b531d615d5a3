"""lldb's own `bt` without the frames of the runtime and of the language between those of a program.

lldb hides frames that a recognizer says are to be hidden, and shows where. It gives the recognizer
the frame; this one asks nothing of it, since lldb holds locks then.

There are no await frames here as there are in gdb. lldb 22 and later take frames from a script, but
a frame without an address crashes them, and one with an address hangs lldb 23.1 now and then: its
thread for events makes the frames, and waits for the command that waits for it.
"""

from __future__ import annotations

import re
from typing import Any, List, Optional

import lldb
from unhang_shared import Session

from .process import run_command


class Hidden:
    """What lldb asks of a frame whose function is one of those."""

    def get_recognized_arguments(self, _frame: lldb.SBFrame) -> List[Any]:
        """None that lldb does not have itself."""
        return []

    def should_hide(self, _frame: lldb.SBFrame) -> bool:
        """Yes: the name has told it."""
        return True


class HiddenFrames:
    """The switch."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self._debugger = debugger

    def on(self) -> Optional[str]:
        """Hides them from now on. Returns why that cannot be, in a sentence."""
        if "--unfiltered" not in run_command(self._debugger, "help thread backtrace"):
            return "This lldb hides no frames: lldb 20 and later do."
        self.off()
        paths = "|".join(re.escape(path) for path in Session.plumbing_paths())
        name = f"{__name__}.{Hidden.__name__}"
        run_command(
            self._debugger,
            f'frame recognizer add -l {name} -x -f false -s . -n "^<*(&(mut )?(dyn )?)?({paths})"',
        )
        return None

    def off(self) -> None:
        """Shows all frames."""
        listed = run_command(self._debugger, "frame recognizer list")
        for number in re.findall(rf"(\d+): {re.escape(__name__)}\.", listed):
            run_command(self._debugger, f"frame recognizer delete {number}")
