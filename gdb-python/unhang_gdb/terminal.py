"""Where the text goes."""

from __future__ import annotations

import os
from typing import Optional

import gdb


class Terminal:
    """Writes to it."""

    def write(self, text: str) -> bool:
        """Writes through gdb's pager."""
        try:
            gdb.write(text)
        except KeyboardInterrupt:
            # `q` in the pager and Ctrl-C are one and the same to gdb.
            if gdb.parameter("pagination"):
                return False
            raise
        return True

    def width(self) -> Optional[int]:
        """Columns of the terminal; None for no limit."""
        columns = gdb.parameter("width")
        return columns if isinstance(columns, int) and columns > 0 else None

    def styled(self) -> bool:
        """Whether gdb itself would write in colour."""
        wanted = bool(gdb.parameter("style enabled"))
        return wanted and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"

    def interrupted(self) -> bool:
        """gdb passes Ctrl-C on as Python's signal, so there is nothing more to tell."""
        return False
