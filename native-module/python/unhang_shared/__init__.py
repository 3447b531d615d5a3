"""unhang inside a debugger: what gdb and lldb share.

Everything is done by the native module; see `unhang_shared.adapter` for what a debugger gives it.
"""

__all__ = ["Session"]

from unhang_shared._native import Session
