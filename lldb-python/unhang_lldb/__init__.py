"""unhang for lldb. To load it: `command script import PATH/TO/unhang_lldb`.

What lldb gives to unhang is in one file for each sort of primitive.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import lldb


def __lldb_init_module(debugger: lldb.SBDebugger, _session: dict[str, Any]) -> None:
    """Registers the commands in this debugger."""
    if sys.version_info < (3, 9):
        version = ".".join(map(str, sys.version_info[:2]))
        print(f"unhang needs an lldb with Python 3.9 or later; this one has {version}.")
        return
    # In the source tree the shared package lies beside this folder. Installed, it is found anyway.
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    shared = os.path.join(tree, "native-module", "python")
    if os.path.isdir(shared) and shared not in sys.path:
        sys.path.insert(0, shared)
    try:
        from . import commands
    except ImportError as error:
        print(f"unhang cannot load its native module ({error}): build it with `cargo xtask build`.")
        return
    commands.register(debugger)
