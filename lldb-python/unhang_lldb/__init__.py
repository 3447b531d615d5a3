"""unhang for lldb. To load it: `command script import PATH/TO/unhang_lldb`.

What lldb gives to unhang is in one file for each sort of primitive.
"""

from __future__ import annotations

import importlib.util
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
    # Installed, this package lies in the shared one; in a checkout, beside the module's crate.
    shared = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    remedy = "reinstall it with `pip install --force-reinstall unhang`"
    if not os.path.isfile(os.path.join(shared, "adapter.py")):
        shared = os.path.join(shared, "native-module", "python", "unhang_shared")
        remedy = "build it with `cargo xtask build`"
    try:
        _import_shared(shared)
        from . import commands
    except ImportError as error:
        print(f"unhang cannot load its native module ({error}): {remedy}.")
        return
    commands.register(debugger)


def _import_shared(folder: str) -> None:
    """Imports the shared package from its folder.

    The folder's neighbours stay out of lldb's Python: they may be packages for another version.
    """
    if "unhang_shared" in sys.modules:
        return
    start = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(
        "unhang_shared", start, submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{start} is not a Python package")
    module = importlib.util.module_from_spec(spec)
    sys.modules["unhang_shared"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules["unhang_shared"]
        raise
