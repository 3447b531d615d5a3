"""The memory of the process."""

from __future__ import annotations

from typing import Sequence, Tuple

import gdb


class Memory:
    """Reads it."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Exactly so many bytes."""
        return bytes(gdb.selected_inferior().read_memory(address, length))

    def data_areas(self) -> Sequence[Tuple[int, int]]:
        """gdb has no such list for programs, and gives threads' pointers by itself."""
        return ()
