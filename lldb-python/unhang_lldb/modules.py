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

    def files(self) -> Sequence[str]:
        """Those of its modules."""
        files = (module.GetFileSpec().fullpath for module in self.sb_target().module_iter())
        return [file for file in files if file is not None]

    def auxiliary_vector(self) -> Mapping[int, int]:
        """lldb does not show it; it knows where modules are without."""
        return {}
