"""Values as lldb's own, so that its printers and expressions apply."""

from __future__ import annotations

from typing import Optional, Sequence

from .process import Current


class Values(Current):
    """Makes them."""

    def hand_over(self, values: Sequence[tuple[str, int, str]]) -> Sequence[Optional[str]]:
        """Keeps each whose type lldb knows.

        lldb gives such a value a number, not a name: only the one that was asked for gets one.
        """
        return [
            None if name else self._persist(address, type_name)
            for name, address, type_name in values
        ]

    def _persist(self, address: int, type_name: str) -> Optional[str]:
        target = self.sb_target()
        sb_type = target.FindFirstType(type_name)
        if not sb_type.IsValid():
            return None
        at = target.ResolveLoadAddress(address)
        value = target.CreateValueFromAddress("async", at, sb_type)
        return value.Persist().GetName() if value.IsValid() else None
