"""Where the text goes."""

from __future__ import annotations

import os
from typing import Optional

from .process import Current

_DEFAULT_WIDTH = 80


class Terminal(Current):
    """Writes to it."""

    def write(self, text: str) -> bool:
        """Writes to the command's result, which shows it at once where lldb has a terminal."""
        if self.result is not None:
            self.result.write(text)
        return True

    def width(self) -> Optional[int]:
        """Columns of the terminal; None for no limit."""
        columns = self.debugger.GetTerminalWidth()
        # Without a terminal lldb says 80 as long as nobody set `term-width`.
        unknown = columns == _DEFAULT_WIDTH and not os.isatty(1)
        return None if unknown or columns == 0 else columns

    def styled(self) -> bool:
        """Whether lldb itself would write in colour."""
        return self.debugger.GetUseColor() and os.isatty(1)

    def interrupted(self) -> bool:
        """Whether lldb noted Ctrl-C."""
        interpreter = self.debugger.GetCommandInterpreter()
        return interpreter.WasInterrupted() or self.debugger.InterruptRequested()
