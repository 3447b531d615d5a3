"""The memory of the process."""

from __future__ import annotations

import lldb

from .process import Current


class Memory(Current):
    """Reads it."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Exactly so many bytes."""
        error = lldb.SBError()
        found = self.sb_process().ReadMemory(address, length, error)
        if found is None or len(found) != length:
            # A core file leaves out what is in the executable and its libraries.
            target = self.sb_target()
            found = target.ReadMemory(lldb.SBAddress(address, target), length, error)
        if found is None or len(found) != length:
            raise OSError(error.GetCString() or "cannot be read")
        return bytes(found)
