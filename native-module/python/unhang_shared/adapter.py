"""What a debugger has to give: the primitives that gdb and lldb both have.

An implementation passes on what its debugger says, as numbers and text. It knows nothing of async
tasks, makes no text of its own, and never changes the process. Any exception may be raised where
the debugger fails: the native module turns it into one sentence.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Protocol, Sequence


class Process(NamedTuple):
    """What is being debugged."""

    is_core: bool
    """Whether it is a core file."""
    is_local: bool
    """Whether it runs on this machine, so that its process id and its paths mean something here."""
    is_running: bool
    """Whether it is running now."""
    pid: Optional[int]
    """Its process id; None when unknown."""
    stood_still: bool
    """Whether it may have stood still before this stop: it was stopped, and went on."""
    stop_id: str
    """Changes whenever the process may have changed: it ran, or another one is looked at."""


class Module(NamedTuple):
    """An object file in the process."""

    path: str
    """Where it is on this machine, as the debugger found it."""
    load_bias: Optional[int]
    """What was added to its addresses, modulo 2**64; None when the debugger does not say."""
    header: Optional[int]
    """Where its ELF or Mach-O header is in memory; None when the debugger does not say."""


class Thread(NamedTuple):
    """One thread."""

    number: int
    """The debugger's number, counted from 1."""
    tid: int
    """The kernel's id."""
    name: Optional[str]
    """Its name; None when unknown."""
    thread_pointer: Optional[int]
    """The value of the thread pointer register; None when unknown."""


Frame = tuple[int, Sequence[Optional[int]]]
"""The program counter, and the registers that were asked for: None where one is not known."""


class Adapter(Protocol):
    """One debugger. Called on the debugger's own thread only, while a command runs."""

    def process(self) -> Optional[Process]:
        """What is being debugged; None when nothing is."""

    def advice(self) -> str:
        """One sentence: which of the debugger's commands start a process or open a core file."""

    def modules(self) -> Sequence[Module]:
        """The object files that are loaded, the executable first; empty when it is not known."""

    def files(self) -> Sequence[str]:
        """The files that it has of what is loaded, by their paths on this machine."""

    def auxiliary_vector(self) -> Mapping[int, int]:
        """What the kernel told the program at its start, by `AT_…` number; empty when unknown."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Exactly so many bytes; raises when one of them cannot be read."""

    def data_areas(self) -> Sequence[tuple[int, int]]:
        """Where there is memory that can be read and written and shows no file; empty when unknown.

        Each from its first address to the one after its last.
        """

    def threads(self, thread_pointer: Optional[str]) -> Sequence[Thread]:
        """The threads, with the value of the register of that name. None asks for no register.

        `pthread_t` asks for the C library's handle of each thread, where the debugger knows it, and
        `tsd_address` for where a thread on a Mac has the values of its keys.
        """

    def selected_thread(self) -> Optional[int]:
        """The number of the selected thread; None when none is."""

    def frames(self, thread: int, limit: int, registers: Sequence[str]) -> Sequence[Frame]:
        """The physical frames of a thread, without inlined calls, innermost first.

        At most `limit`; fewer when unwinding fails. The selection of the user stays as it is.
        """

    def hand_over(self, values: Sequence[tuple[str, int, str]]) -> Sequence[Optional[str]]:
        """Makes values of the debugger's own: each a name, an address and a Rust type.

        All variables of a frame, or one value without a name.

        Returns what the user calls each from now on (`$async_name`; without a name the debugger's
        own), or None where the debugger does not know the type. Nothing is written to the process.
        """

    def write(self, text: str) -> bool:
        """Writes to the terminal, through the pager. False when the user has had enough of it."""

    def width(self) -> Optional[int]:
        """Columns of the terminal; None for no limit."""

    def styled(self) -> bool:
        """Whether the terminal takes SGR escape sequences and the user wants them."""

    def interrupted(self) -> bool:
        """Whether the debugger itself noted Ctrl-C. Python's signals are looked at besides."""
