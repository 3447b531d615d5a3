"""What is being debugged, and when it may have changed."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import gdb
from unhang_shared.adapter import Process

_changes = 0
_stops: Dict[Tuple[int, int], int] = {}
"""How often each inferior has stopped, by its number and its process id."""


def _changed(_event: Any) -> None:
    global _changes
    _changes += 1


def _stopped(_event: Any) -> None:
    inferior = gdb.selected_inferior()
    key = (inferior.num, inferior.pid)
    _stops[key] = _stops.get(key, 0) + 1


def _stood_still(inferior: gdb.Inferior) -> bool:
    """Whether it has stopped more than once. Of what was before unhang, breakpoints tell."""
    if _stops.get((inferior.num, inferior.pid), 0) > 1:
        return True
    return any(breakpoint.hit_count > 0 for breakpoint in gdb.breakpoints())


def watch() -> None:
    """Counts what may change the process, or what is known of it. To be called once."""
    for name in (
        "stop",
        "cont",
        "exited",
        "inferior_call",
        "memory_changed",
        "register_changed",
        "new_objfile",
        "free_objfile",
        "clear_objfiles",
        "executable_changed",
        "connection_removed",
    ):
        # Each gdb knows some more of them than the one before.
        registry = getattr(gdb.events, name, None)
        if registry is not None:
            registry.connect(_changed)
    gdb.events.stop.connect(_stopped)
    # Those that are there stand still now.
    _stops.update({(inferior.num, inferior.pid): 1 for inferior in gdb.inferiors() if inferior.pid})


class ProcessState:
    """Tells it."""

    def process(self) -> Optional[Process]:
        """What is being debugged; None when nothing is."""
        inferior = gdb.selected_inferior()
        threads = inferior.threads()
        connection = inferior.connection
        if inferior.pid == 0 or not threads or connection is None:
            return None
        return Process(
            is_core=connection.type == "core",
            is_local=connection.type == "native",
            is_running=any(thread.is_running() for thread in threads),
            pid=inferior.pid,
            stood_still=_stood_still(inferior),
            stop_id=f"{inferior.num}.{connection.num}.{inferior.pid}.{_changes}",
        )

    def advice(self) -> str:
        """How to start debugging."""
        return "Use `run`, or `attach PID`, or `core FILE` to look at one."
