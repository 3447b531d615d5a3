"""lldb's Python API as it is on a Mac, over the file of a program: as much of it as unhang asks.

There is no Mac: this is written from lldb's sources (23) and from debugserver's answers as those
describe them. The process is one that has just begun: its memory is what the program's file has, at
other addresses than it was linked for; one thread has thread-local storage of the program's, the
other has none yet.
"""

from __future__ import annotations

import struct
from typing import Iterator

LLDB_INVALID_ADDRESS = 2**64 - 1
eReturnStatusFailed = 6
eStateInvalid, eStateUnloaded, eStateConnected, eStateAttaching, eStateLaunching = range(5)
eStateStopped, eStateRunning, eStateStepping, eStateCrashed, eStateDetached = range(5, 10)
eStateExited, eStateSuspended = range(10, 12)

SLIDE = 0x3A4000
"""What dyld adds to the program's addresses."""
KEY = 0x105
"""The key that dyld gives to the program's thread-local storage."""
THREAD_VALUES = 0x16B5B30E0
STORAGE = 0x600000C00000

_LC_SEGMENT_64 = 0x19
_S_THREAD_LOCAL_VARIABLES = 0x13


class _Image:
    """The program's segments in memory, and the arrays of its threads."""

    def __init__(self, path: str, is_new: bool, storage: int) -> None:
        with open(path, "rb") as file:
            data = bytearray(file.read())
        self.path = path
        self.parts: list[tuple[int, bytearray]] = []
        self.header = 0
        commands = struct.unpack_from("<I", data, 16)[0]
        at = 32
        for _ in range(commands):
            kind, size = struct.unpack_from("<II", data, at)
            if kind == _LC_SEGMENT_64:
                self._segment(data, at, is_new)
            at += size
        values = bytearray(8 * 768)
        struct.pack_into("<Q", values, 8 * KEY, STORAGE)
        self.parts.append((THREAD_VALUES, values))
        self.parts.append((THREAD_VALUES + 0x10000, bytearray(8 * 768)))
        self.parts.append((STORAGE, bytearray([storage] * 0x1000)))

    def _segment(self, data: bytearray, at: int, is_new: bool) -> None:
        name = data[at + 8 : at + 24].rstrip(b"\0")
        address, size, offset, in_file = struct.unpack_from("<QQQQ", data, at + 24)
        if name == b"__PAGEZERO":
            return
        if name == b"__TEXT":
            self.header = address
        part = data[offset : offset + in_file].ljust(size, b"\0")
        for number in range(struct.unpack_from("<I", data, at + 64)[0]):
            section = at + 72 + 80 * number
            start, length = struct.unpack_from("<QQ", data, section + 32)
            if struct.unpack_from("<I", data, section + 64)[0] & 0xFF == _S_THREAD_LOCAL_VARIABLES:
                for place in range(start - address, start - address + length, 24):
                    self._descriptor(part, place, is_new)
        self.parts.append((address + SLIDE, part))

    @staticmethod
    def _descriptor(part: bytearray, place: int, is_new: bool) -> None:
        """As dyld leaves it: since 1284 the key and the distance are four bytes each."""
        distance = struct.unpack_from("<Q", part, place + 16)[0]
        if is_new:
            struct.pack_into("<QIIiI", part, place, 0x18E0BF6D4, KEY, distance, 0, 0)
        else:
            struct.pack_into("<QQQ", part, place, 0x18E0BF6D4, KEY, distance)

    def read(self, address: int, length: int) -> bytes | None:
        for start, part in self.parts:
            if start <= address and address + length <= start + len(part):
                return bytes(part[address - start : address - start + length])
        return None


class SBError:
    def __init__(self) -> None:
        self.text: str | None = None

    def GetCString(self) -> str | None:
        return self.text

    def Success(self) -> bool:
        return self.text is None


class SBStream:
    def __init__(self) -> None:
        self.text: str | None = None

    def GetData(self) -> str | None:
        return self.text


class SBAddress:
    def __init__(self, load_address: int, _target: SBTarget) -> None:
        self.live = load_address

    def GetFileAddress(self) -> int:
        return self.live - SLIDE

    def GetLoadAddress(self, _target: SBTarget) -> int:
        return self.live


class SBFileSpec:
    def __init__(self, path: str) -> None:
        self.fullpath = path


class SBModule:
    def __init__(self, image: _Image, target: SBTarget) -> None:
        self._image, self._target = image, target

    def IsValid(self) -> bool:
        return True

    def GetFileSpec(self) -> SBFileSpec:
        return SBFileSpec(self._image.path)

    def GetObjectFileHeaderAddress(self) -> SBAddress:
        return SBAddress(self._image.header + SLIDE, self._target)


class SBValue:
    def __init__(self, number: int | None) -> None:
        self._number = number

    def IsValid(self) -> bool:
        return self._number is not None

    def GetValueAsUnsigned(self, error: SBError, fail_value: int) -> int:
        if self._number is None:
            error.text = "invalid value object"
            return fail_value
        return self._number


class SBFrame:
    """The innermost frame; there is no other."""

    def __init__(self, pc: int | None) -> None:
        self._pc = pc

    def IsValid(self) -> bool:
        return self._pc is not None

    def IsInlined(self) -> bool:
        return False

    def GetPC(self) -> int:
        return self._pc or LLDB_INVALID_ADDRESS

    def FindRegister(self, name: str) -> SBValue:
        known = {"sp": 0x16B5B2000, "fp": 0x16B5B2010, "x29": 0x16B5B2010, "pc": self._pc}
        return SBValue(known.get(name))


class SBThread:
    def __init__(self, number: int, information: dict[str, int]) -> None:
        self._number, self._information = number, information

    def IsValid(self) -> bool:
        return self._number != 0

    def GetIndexID(self) -> int:
        return self._number

    def GetThreadID(self) -> int:
        return 0x9C3F0 + self._number

    def GetName(self) -> str | None:
        return None

    def GetFrameAtIndex(self, index: int) -> SBFrame:
        return SBFrame(0x18E0D05E4 if index == 0 else None)

    def GetInfoItemByPathAsString(self, path: str, stream: SBStream) -> bool:
        """An item of debugserver's answer to `jThreadExtendedInfo`, numbers as lldb writes them."""
        if path not in self._information:
            return False
        stream.text = f"{self._information[path]:#x}"
        return True


class SBProcess:
    def __init__(self, image: _Image) -> None:
        self._image = image
        self.threads = [
            SBThread(2, {"pthread_t": 0x16B64F000, "tsd_address": THREAD_VALUES + 0x10000}),
            SBThread(1, {"pthread_t": 0x16B5B3000, "tsd_address": THREAD_VALUES}),
            SBThread(3, {}),
        ]

    def IsValid(self) -> bool:
        return True

    def GetState(self) -> int:
        return eStateStopped

    def GetPluginName(self) -> str:
        return "gdb-remote"

    def GetProcessID(self) -> int:
        return 2**22 + 1

    def GetUniqueID(self) -> int:
        return 1

    def GetStopID(self, _include_expression_stops: bool) -> int:
        return 1

    def GetSelectedThread(self) -> SBThread:
        return self.threads[1]

    def GetThreadByIndexID(self, number: int) -> SBThread:
        found = [thread for thread in self.threads if thread.GetIndexID() == number]
        return found[0] if found else SBThread(0, {})

    def ReadMemory(self, address: int, length: int, error: SBError) -> bytes | None:
        found = self._image.read(address, length)
        if found is None:
            error.text = f"memory read failed for {address:#x}"
        return found


class SBTarget:
    def __init__(self, image: _Image) -> None:
        self._image, self._process = image, SBProcess(image)

    def GetProcess(self) -> SBProcess:
        return self._process

    def GetExecutable(self) -> SBFileSpec:
        return SBFileSpec(self._image.path)

    def FindModule(self, _file: SBFileSpec) -> SBModule:
        return SBModule(self._image, self)

    def module_iter(self) -> Iterator[SBModule]:
        return iter([SBModule(self._image, self)])

    def ReadMemory(self, address: SBAddress, length: int, error: SBError) -> bytes | None:
        return self._process.ReadMemory(address.live, length, error)


class SBCommandInterpreter:
    def WasInterrupted(self) -> bool:
        return False


class SBDebugger:
    """A debugger that looks at one process.

    `is_new` is about its system: macOS 15 or later. A thread's storage is full of one byte.
    """

    def __init__(self, path: str, is_new: bool, storage: int) -> None:
        self._target = SBTarget(_Image(path, is_new, storage))

    def GetSelectedTarget(self) -> SBTarget:
        return self._target

    def GetCommandInterpreter(self) -> SBCommandInterpreter:
        return SBCommandInterpreter()

    def InterruptRequested(self) -> bool:
        return False

    def GetTerminalWidth(self) -> int:
        return 80

    def GetUseColor(self) -> bool:
        return False


class SBCommandReturnObject:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text
