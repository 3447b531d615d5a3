"""What is being debugged, and when it may have changed."""

from __future__ import annotations

import os
from typing import Optional

import lldb
from unhang_shared.adapter import Process

_RUNNING = (lldb.eStateRunning, lldb.eStateStepping, lldb.eStateLaunching, lldb.eStateAttaching)
_STOPPED = (lldb.eStateStopped, lldb.eStateSuspended, lldb.eStateCrashed)


class Current:
    """The debugger, and the result of the command that runs."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self.debugger = debugger
        self.result: Optional[lldb.SBCommandReturnObject] = None

    def sb_target(self) -> lldb.SBTarget:
        """The selected target; invalid when there is none."""
        return self.debugger.GetSelectedTarget()

    def sb_process(self) -> lldb.SBProcess:
        """Its process; invalid when there is none."""
        return self.sb_target().GetProcess()


def run_command(debugger: lldb.SBDebugger, command: str) -> str:
    """Runs a command of lldb's, and returns what it says: nothing where it fails."""
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(command, result)
    return result.GetOutput() or ""


class ProcessState(Current):
    """Tells it."""

    def process(self) -> Optional[Process]:
        """What is being debugged; None when nothing is."""
        process = self.sb_process()
        state = process.GetState()
        if not process.IsValid() or state not in _RUNNING + _STOPPED:
            return None
        pid = process.GetProcessID()
        # `elf-core`, `minidump`; a live process is always behind `gdb-remote`.
        is_core = process.GetPluginName() != "gdb-remote"
        return Process(
            is_core=is_core,
            is_local=not is_core and _traced_from_here(pid),
            is_running=state in _RUNNING,
            pid=pid,
            stood_still=process.GetStopID(False) > 1,
            stop_id=f"{process.GetUniqueID()}.{process.GetStopID(True)}",
        )

    def advice(self) -> str:
        """How to start debugging."""
        return (
            "Use `run`, or `process attach --pid PID`, or `target create --core FILE` to look at "
            "one."
        )


def _traced_from_here(pid: int) -> bool:
    """Whether the process is one of this machine.

    lldb reaches a process of this machine in the same way as one of another machine, and the same
    number may be in use on both. The server that lldb starts for a local one is its child.
    """
    tracer = _status(pid, "TracerPid")
    return bool(tracer) and _status(tracer, "PPid") == os.getpid()


def _status(pid: int, key: str) -> int:
    """A number from /proc; 0 when there is none."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name == key:
                    return int(value)
    except (OSError, ValueError):
        pass
    return 0
