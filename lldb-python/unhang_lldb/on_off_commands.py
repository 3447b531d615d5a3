"""The commands that switch what lldb's own commands show of async tasks.

lldb has no settings that a script could add.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional

import lldb
from unhang_shared import Session

from .hidden_frames import HiddenFrames
from .process import Current
from .stops import Stops
from .thread_names import ThreadNames


class Switch(NamedTuple):
    """Something that is off until it is switched on."""

    summary: str
    details: str
    # Returns why it cannot be, in a sentence.
    on: Callable[[], Optional[str]]
    off: Callable[[], None]


def _switches(current: Current, session: Session) -> Dict[str, Switch]:
    """All of them, by the command's name."""
    stops = Stops(current.debugger)
    frames = HiddenFrames(current.debugger)
    names = ThreadNames(current, session, stops)
    return {
        "async frames": Switch(
            "Turn the runtime's frames in lldb's own backtraces off (`on`) or on (`off`)",
            "What is left of a thread that polls a task are the task's own frames, which keep\n"
            "their numbers; `bt --unfiltered` shows all of them. Off until it is switched on.\n"
            "The frames of tasks that no thread polls are in no backtrace: `async bt` shows them.",
            frames.on,
            frames.off,
        ),
        "async thread-names": Switch(
            "Turn the names of tasks beside those of their threads on or off",
            "In `thread list`, in `bt`, and where the process stops. Off until it is switched on.",
            names.on,
            names.off,
        ),
    }


_of_debuggers: Dict[int, Dict[str, Switch]] = {}


class _Command:
    """One of these commands."""

    name = ""

    def __init__(self, debugger: lldb.SBDebugger, _dictionary: Dict[str, Any]) -> None:
        self._switch = _of_debuggers[debugger.GetID()][self.name]

    def __call__(
        self,
        _debugger: lldb.SBDebugger,
        arguments: str,
        _context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        word = arguments.strip()
        if word == "on":
            failure = self._switch.on()
            if failure is not None:
                result.SetError(failure)
        elif word == "off":
            self._switch.off()
        else:
            result.SetError(f"`{self.name}` takes `on` or `off`.")

    def get_short_help(self) -> str:
        return self._switch.summary

    def get_long_help(self) -> str:
        return f"{self._switch.details}\n\nUsage: {self.name} on|off"


class AsyncFramesCommand(_Command):
    """`async frames`."""

    name = "async frames"


class AsyncThreadNamesCommand(_Command):
    """`async thread-names`."""

    name = "async thread-names"


def register(current: Current, session: Session) -> None:
    """Registers the commands in this debugger."""
    debugger = current.debugger
    if debugger.GetID() not in _of_debuggers:
        _of_debuggers[debugger.GetID()] = _switches(current, session)
    interpreter = debugger.GetCommandInterpreter()
    outcome = lldb.SBCommandReturnObject()
    for command in (AsyncFramesCommand, AsyncThreadNamesCommand):
        where = f"{__name__}.{command.__name__}"
        interpreter.HandleCommand(
            f"command script add --overwrite --class {where} {command.name}", outcome
        )
