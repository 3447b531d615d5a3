"""The commands `async frames on|off` and `async thread-names on|off`, in lldb's words for them.

gdb's own way is `set async frames on|off`.
"""

from __future__ import annotations

from typing import List, Optional

import gdb

_STATES = ("on", "off")


class Switch(gdb.Command):
    """A command that sets a parameter of its name."""

    def __init__(self, name: str, summary: str) -> None:
        # gdb reads it while the command is made.
        self.__doc__ = f"{summary}\n\nUsage: {name} on|off\n\n`set {name}` is the same."
        self._name = name
        super().__init__(name, gdb.COMMAND_STACK)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Switches it."""
        word = argument.strip()
        if word not in _STATES:
            raise gdb.GdbError(f"`{self._name}` takes `on` or `off`.")
        gdb.execute(f"set {self._name} {word}")

    def complete(self, text: str, word: Optional[str]) -> List[str]:
        """The two words."""
        return [] if word is None else [state for state in _STATES if state.startswith(word)]


def register() -> None:
    """Registers the commands."""
    Switch("async frames", "Turn the async frames of Rust programs in backtraces on or off")
    Switch("async thread-names", "Turn the names of tasks after those of their threads on or off")
