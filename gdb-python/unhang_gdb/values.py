"""Values as gdb's own, so that its printers and expressions apply."""

from __future__ import annotations

from typing import Optional, Sequence

import gdb

_PREFIX = "async_"


class Values:
    """Makes them."""

    _names: frozenset[str] = frozenset()

    def hand_over(self, values: Sequence[tuple[str, int, str]]) -> Sequence[Optional[str]]:
        """Sets a convenience variable for each whose type gdb knows.

        Those of the frame before are unset, when all of a frame are given: they would be taken
        for this one's.
        """
        names = frozenset(name for name, _, _ in values if name)
        if names or not values:
            for old in self._names - names:
                gdb.set_convenience_variable(_PREFIX + old, None)
            self._names = names
        return [_hand_over(*value) for value in values]


def _hand_over(name: str, address: int, type_name: str) -> Optional[str]:
    variable = _PREFIX + name
    try:
        pointer = gdb.lookup_type(type_name).pointer()
        gdb.set_convenience_variable(variable, gdb.Value(address).cast(pointer).dereference())
    except (gdb.error, RuntimeError):
        gdb.set_convenience_variable(variable, None)
        return None
    return f"${variable}"
