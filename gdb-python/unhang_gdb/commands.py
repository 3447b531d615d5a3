"""The commands as gdb has them."""

from __future__ import annotations

from typing import List, Optional

import gdb
from unhang_shared import Session
from unhang_shared.adapter import Adapter

from . import on_off_commands
from .frame_filter import AsyncFrames
from .memory import Memory
from .modules import Modules
from .process import ProcessState, watch
from .terminal import Terminal
from .thread_names import ThreadNames
from .threads import Threads
from .values import Values


class GdbAdapter(ProcessState, Modules, Memory, Threads, Terminal, Values):
    """gdb's primitives."""


class _Command(gdb.Command):
    """One command. gdb shows the help of the native module for it."""

    def __init__(self, session: Session, name: str, help_text: str, prefix: bool = False) -> None:
        # gdb reads it while the command is made.
        self.__doc__ = help_text
        self._session = session
        self._name = name
        if prefix:
            super().__init__(name, gdb.COMMAND_STATUS, prefix=True)
        else:
            super().__init__(name, gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        failure = self._session.execute(f"{self._name} {argument}")
        if failure is not None:
            raise gdb.GdbError(failure)


class _Completed(_Command):
    """A command with arguments to complete."""

    def complete(self, text: str, word: Optional[str]) -> List[str]:
        # Without a word, gdb only asks where words end.
        return [] if word is None else self._session.complete(self._name, text, word)


_session: Optional[Session] = None


def register() -> None:
    """Registers the commands, once."""
    global _session
    if _session is not None:
        return
    adapter: Adapter = GdbAdapter()
    _session = Session(adapter)
    watch()
    _Command(_session, "async", Session.summary(), prefix=True)
    for command in Session.commands():
        _Completed(_session, command.name, command.help)
    AsyncFrames(_session)
    ThreadNames(_session)
    on_off_commands.register()
