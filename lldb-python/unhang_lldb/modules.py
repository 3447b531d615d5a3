"""The object files in the process."""

from __future__ import annotations

from typing import Mapping, Sequence

import lldb
from unhang_shared.adapter import Module

from .process import Current


class Modules(Current):
    """Lists them."""

    def modules(self) -> Sequence[Module]:
        """The executable."""
        target = self.sb_target()
        module = target.FindModule(target.GetExecutable())
        path = module.GetFileSpec().fullpath if module.IsValid() else None
        if path is None:
            return []
        header = module.GetObjectFileHeaderAddress()
        live = header.GetLoadAddress(target)
        if live == lldb.LLDB_INVALID_ADDRESS:
            return [Module(path, load_bias=None, header=None)]
        return [Module(path, load_bias=live - header.GetFileAddress(), header=live)]

    def auxiliary_vector(self) -> Mapping[int, int]:
        """lldb does not show it; it knows where modules are without."""
        return {}
