"""Work that is done at each stop, before lldb prints: while it prints, it must not be asked."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Optional

import lldb

from .process import run_command


class Stops:
    """The work of one debugger, by name, and the stop hook that does it."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self._debugger = debugger
        self._work: Dict[str, Callable[[], None]] = {}
        self._hook: Optional[str] = None
        _of_debuggers[debugger.GetID()] = self

    def add(self, name: str, work: Callable[[], None]) -> None:
        """Does the work now, and at each stop from now on."""
        if not self._work:
            said = run_command(self._debugger, f"target stop-hook add -P {__name__}.Hook")
            number = re.search(r"#(\d+)", said)
            if number is None:
                raise RuntimeError(f"lldb added no stop hook: {said.strip()}")
            self._hook = number.group(1)
        self._work[name] = work
        work()

    def remove(self, name: str) -> None:
        """Does it no more."""
        if self._work.pop(name, None) is not None and not self._work and self._hook:
            run_command(self._debugger, f"target stop-hook delete {self._hook}")
            self._hook = None

    def do_all(self) -> None:
        """What the hook does."""
        for work in list(self._work.values()):
            work()


_of_debuggers: Dict[int, Stops] = {}


class Hook:
    """What lldb calls at a stop."""

    def __init__(self, target: lldb.SBTarget, _extra: Any, _dictionary: Any) -> None:
        self._debugger = target.GetDebugger().GetID()

    def handle_stop(self, _context: lldb.SBExecutionContext, _stream: lldb.SBStream) -> bool:
        """Does the work. The process stays stopped."""
        stops = _of_debuggers.get(self._debugger)
        if stops is not None:
            stops.do_all()
        return True
