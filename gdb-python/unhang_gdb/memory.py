"""The memory of the process."""

from __future__ import annotations

import gdb


class Memory:
    """Reads it."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Exactly so many bytes."""
        return bytes(gdb.selected_inferior().read_memory(address, length))
