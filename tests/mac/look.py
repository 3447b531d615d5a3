"""Runs commands of unhang's, one a line, over what lldb would say on a Mac: `lldb.py`.

look.py PROGRAM new|old STORAGE COMMAND…
"""

import sys

import lldb
from unhang_lldb.memory import Memory
from unhang_lldb.modules import Modules
from unhang_lldb.process import ProcessState
from unhang_lldb.terminal import Terminal
from unhang_lldb.threads import Threads
from unhang_lldb.values import Values
from unhang_shared import Session


class Adapter(ProcessState, Modules, Memory, Threads, Terminal, Values):
    """lldb's primitives, as `unhang_lldb.commands` puts them together."""


program, system, storage, *commands = sys.argv[1:]
adapter = Adapter(lldb.SBDebugger(program, system == "new", int(storage, 16)))
session = Session(adapter)
for command in commands:
    adapter.result = lldb.SBCommandReturnObject()
    failure = session.execute(command)
    print(adapter.result.text, end="")
    if failure is not None:
        print(f"error: {failure}")
