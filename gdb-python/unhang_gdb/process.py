"""What is being debugged, and when it may have changed."""

from __future__ import annotations

from typing import Any, Optional

import gdb
from unhang_shared.adapter import Process

_changes = 0


def _changed(_event: Any) -> None:
    global _changes
    _changes += 1


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
            stop_id=f"{inferior.num}.{connection.num}.{inferior.pid}.{_changes}",
        )

    def advice(self) -> str:
        """How to start debugging."""
        return "Use `run`, or `attach PID`, or `core FILE` to look at one."
