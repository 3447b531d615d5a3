"""The object files in the process."""

from __future__ import annotations

import re
from typing import Mapping, Optional, Sequence

import gdb
from unhang_shared.adapter import Module

# `9    AT_ENTRY             Entry point of program         0x401000`: the first number and the
# last; a string may follow it.
_AUXILIARY = re.compile(r'^(\d+)\s.*?\s(0x[0-9a-f]+|\d+)(?:\s+".*")?$')


class Modules:
    """Lists them."""

    def modules(self) -> Sequence[Module]:
        """The executable. gdb does not say where it was loaded; the auxiliary vector does."""
        path = _executable()
        return [] if path is None else [Module(path, load_bias=None, header=None)]

    def files(self) -> Sequence[str]:
        """What gdb has symbols of."""
        files = (objfile.filename for objfile in gdb.objfiles())
        return [_here(file) for file in files if file is not None]

    def auxiliary_vector(self) -> Mapping[int, int]:
        """What the kernel told the program at its start."""
        try:
            lines = gdb.execute("info auxv", to_string=True).splitlines()
        except gdb.error:
            # The target has none.
            return {}
        entries = (_AUXILIARY.match(_plain(line)) for line in lines)
        return {int(entry[1]): int(entry[2], 0) for entry in entries if entry is not None}


def _plain(line: str) -> str:
    """The line without what a machine interface puts around it: gdb 18.1 gives `~"…\\n"` there."""
    line = line.strip()
    if not (line.startswith('~"') and line.endswith('"')):
        return line
    return line[2:-1].replace("\\n", "").replace("\\t", "\t").replace('\\"', '"').strip()


def _executable() -> Optional[str]:
    space = gdb.current_progspace()
    file = space.filename if space is not None else None
    return None if file is None else _here(file)


def _here(file: str) -> str:
    # A file that gdb fetches from a remote target has no path here.
    return file[len("target:") :] if file.startswith("target:") else file
