"""The task that a thread runs, beside its name in `info threads`."""

from __future__ import annotations

from typing import Any, Dict

import gdb
from unhang_shared import Session


class ThreadNames(gdb.Parameter):
    """The parameter that on_off_commands it: gdb has no names that are made while it prints."""

    set_doc = "Set whether the name of a thread is followed by the async task that it runs."
    show_doc = "Show whether the name of a thread is followed by the async task that it runs."

    def __init__(self, session: Session) -> None:
        self._session = session
        # What was given, by inferior and thread: a name that the user gave since then is theirs.
        self._given: Dict[Any, str] = {}
        super().__init__("async thread-names", gdb.COMMAND_STACK, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self) -> str:
        """Switches it."""
        if self.value:
            gdb.events.stop.connect(self._renew)
            self._renew()
        else:
            gdb.events.stop.disconnect(self._renew)
            self._take_back()
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show async thread-names` says."""
        return f"The name of a thread is followed by the async task that it runs: {value}."

    def _renew(self, _event: Any = None) -> None:
        self._take_back()
        tasks = self._session.tasks_of_threads()
        for thread in gdb.selected_inferior().threads():
            task = tasks.get(thread.num)
            if task is not None:
                name = f"{thread.name} [{task}]"
                thread.name = name
                self._given[thread.ptid] = name

    def _take_back(self) -> None:
        for thread in gdb.selected_inferior().threads():
            given = self._given.get(thread.ptid)
            if given is not None and thread.name == given:
                thread.name = None
        self._given.clear()
