"""unhang for gdb. To load it: `source PATH/TO/unhang.py`, in gdb or in ~/.gdbinit."""

from __future__ import annotations

import importlib.util
import os
import sys

import gdb


def _load(here: str) -> None:
    """Registers the commands; does nothing when they are there already."""
    if sys.version_info < (3, 9):
        version = ".".join(map(str, sys.version_info[:2]))
        gdb.write(f"unhang needs a gdb with Python 3.9 or later; this one has {version}.\n")
        return
    # Installed, this folder lies in the shared package; in a checkout, beside the module's crate.
    shared = os.path.dirname(here)
    remedy = "reinstall it with `pip install --force-reinstall unhang`"
    if not os.path.isfile(os.path.join(shared, "adapter.py")):
        shared = os.path.join(shared, "native-module", "python", "unhang_shared")
        remedy = "build it with `cargo xtask build`"
    if here not in sys.path:
        sys.path.append(here)
    try:
        _import_shared(shared)
        from unhang_gdb.commands import register
    except ImportError as error:
        gdb.write(f"unhang cannot load its native module ({error}): {remedy}.\n")
        return
    register()


def _import_shared(folder: str) -> None:
    """Imports the shared package from its folder.

    The folder's neighbours stay out of gdb's Python: they may be packages for another version.
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


_load(os.path.dirname(os.path.realpath(__file__)))
