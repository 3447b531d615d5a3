"""The task that a thread runs, beside its name in lldb's `thread list` and `bt`."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import lldb
from unhang_shared import Session

from .process import Current, run_command
from .stops import Stops

# What says which task: ` [task 7]`, by the thread's kernel id, with the stop at which it ran it.
_names: Dict[int, Tuple[int, str]] = {}

_FORMATS = ("thread-format", "thread-stop-format")
_NAME = "${thread.name}"


def task_of(thread: lldb.SBThread, _dictionary: Any) -> str:
    """What lldb writes behind the name of a thread."""
    stop, text = _names.get(thread.GetThreadID(), (0, ""))
    return text


class ThreadNames:
    """The switch."""

    def __init__(self, current: Current, session: Session, stops: Stops) -> None:
        self._current = current
        self._session = session
        self._stops = stops
        self._formats: Dict[str, str] = {}

    def on(self) -> None:
        """Tells them from now on."""
        self._stops.add("names", self._renew)
        task = f"${{script.thread:{__name__}.task_of}}"
        for setting in _FORMATS:
            now = self._setting(setting)
            if _NAME in now and task not in now:
                self._formats[setting] = now
                self._set(setting, now.replace(_NAME, _NAME + task))

    def off(self) -> None:
        """Tells them no more."""
        self._stops.remove("names")
        for setting, before in self._formats.items():
            self._set(setting, before)
        self._formats.clear()
        _names.clear()

    def _renew(self) -> None:
        _names.clear()
        tasks = self._session.tasks_of_threads()
        process = self._current.sb_process()
        stop = process.GetStopID(False)
        for thread in process.threads:
            task = tasks.get(thread.GetIndexID())
            if task is not None:
                _names[thread.GetThreadID()] = (stop, f" [{task}]")

    def _setting(self, name: str) -> str:
        debugger = self._current.debugger
        value = debugger.GetSetting(name).GetStringValue(4096)
        return str(value or "")

    def _set(self, name: str, value: str) -> None:
        quoted = value.replace('"', '\\"')
        run_command(self._current.debugger, f'settings set {name} "{quoted}"')
