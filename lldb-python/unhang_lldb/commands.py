"""The commands as lldb has them."""

from __future__ import annotations

import os
from typing import Any, Dict, Tuple, Type

import lldb
from unhang_shared import Session
from unhang_shared.adapter import Adapter

from . import on_off_commands
from .memory import Memory
from .modules import Modules
from .process import ProcessState
from .terminal import Terminal
from .threads import Threads
from .values import Values


class LldbAdapter(ProcessState, Modules, Memory, Threads, Terminal, Values):
    """lldb's primitives."""


_sessions: Dict[int, Tuple[LldbAdapter, Session]] = {}


def _session(debugger: lldb.SBDebugger) -> Tuple[LldbAdapter, Session]:
    """The one of this debugger: lldb may hold several in one process."""
    known = _sessions.get(debugger.GetID())
    if known is None:
        mine = LldbAdapter(debugger)
        adapter: Adapter = mine
        known = _sessions[debugger.GetID()] = (mine, Session(adapter))
    return known


class _Command:
    """One command. lldb shows the help of the native module for it."""

    name = ""
    summary = ""
    help_text = ""

    def __init__(self, debugger: lldb.SBDebugger, _dictionary: Dict[str, Any]) -> None:
        self._adapter, self._session = _session(debugger)

    def __call__(
        self,
        _debugger: lldb.SBDebugger,
        arguments: str,
        _context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        outer, self._adapter.result = self._adapter.result, result
        if os.isatty(1):
            # lldb (19 to 23) would collect the text and write all of it when the command has ended,
            # and Ctrl-C would not stop that.
            result.SetImmediateOutputFile(self._adapter.debugger.GetOutputFile())
        try:
            failure = self._session.execute(f"{self.name} {arguments}")
        finally:
            self._adapter.result = outer
        if failure is not None and self._adapter.interrupted():
            result.SetStatus(lldb.eReturnStatusFailed)
            if result.GetOutputSize() == 0:
                # lldb says it by itself where it cuts text short, and of an error's text too.
                self._adapter.debugger.GetErrorFile().Write(f"{failure}\n".encode())
        elif failure is not None:
            result.SetError(failure)

    def get_short_help(self) -> str:
        return self.summary

    def get_long_help(self) -> str:
        # lldb shows the summary above it.
        return self.help_text[len(self.summary) :]


def _class_of(name: str, summary: str, help_text: str) -> str:
    """Makes the class of a command, and says where lldb finds it."""
    class_name = "".join(word.capitalize() for word in name.replace("-", " ").split())
    members = {"name": name, "summary": summary, "help_text": help_text}
    made: Type[_Command] = type(class_name, (_Command,), members)
    globals()[class_name] = made
    return f"{__name__}.{class_name}"


def register(debugger: lldb.SBDebugger) -> None:
    """Registers the commands, over those of an earlier time."""
    interpreter = debugger.GetCommandInterpreter()
    outcome = lldb.SBCommandReturnObject()
    for command in Session.commands():
        container = command.name.split()[0]
        # lldb 19 does not count containers among the commands that exist, but it has help for them.
        interpreter.HandleCommand(f"help {container}", outcome)
        if not outcome.Succeeded():
            summary = Session.summary() if container == "async" else "Show what is in the process"
            interpreter.HandleCommand(
                f'command container add --help "{summary}" {container}', outcome
            )
        made = _class_of(command.name, command.summary, command.help)
        interpreter.HandleCommand(
            f"command script add --overwrite --class {made} {command.name}", outcome
        )
        if not outcome.Succeeded():
            print(f"unhang cannot register `{command.name}`: {outcome.GetError().strip()}")
    on_off_commands.register(*_session(debugger))
