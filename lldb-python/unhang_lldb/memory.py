"""The memory of the process."""

from __future__ import annotations

from typing import List, Sequence, Tuple

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

    def data_areas(self) -> Sequence[Tuple[int, int]]:
        """Where there is memory that can be read and written and shows no file."""
        areas: List[Tuple[int, int]] = []
        regions = self.sb_process().GetMemoryRegions()
        region = lldb.SBMemoryRegionInfo()
        for index in range(regions.GetSize()):
            if not regions.GetMemoryRegionAtIndex(index, region):
                continue
            shows_file = (region.GetName() or "").startswith("/")
            if region.IsReadable() and region.IsWritable() and not shows_file:
                areas.append((region.GetRegionBase(), region.GetRegionEnd()))
        return areas
