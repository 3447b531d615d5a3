"""unhang for gdb. To load it: `source PATH/TO/unhang.py`, in gdb or in ~/.gdbinit."""

from __future__ import annotations

import os
import sys

import gdb


def _load(here: str) -> None:
    """Registers the commands; does nothing when they are there already."""
    if sys.version_info < (3, 9):
        version = ".".join(map(str, sys.version_info[:2]))
        gdb.write(f"unhang needs a gdb with Python 3.9 or later; this one has {version}.\n")
        return
    # In the source tree the shared package lies beside this folder. Installed, it is found anyway.
    shared = os.path.join(os.path.dirname(here), "native-module", "python")
    if os.path.isdir(shared) and shared not in sys.path:
        sys.path.insert(0, shared)
    if here not in sys.path:
        # Last: this very file has the name of the shared package.
        sys.path.append(here)
    try:
        from unhang_gdb.commands import register
    except ImportError as error:
        gdb.write(
            f"unhang cannot load its native module ({error}): build it with `cargo xtask build`.\n"
        )
        return
    register()


_load(os.path.dirname(os.path.realpath(__file__)))
