"""gdb's own `bt` with the async story in it: a frame filter over the native stack."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Tuple

import gdb
from gdb.FrameDecorator import FrameDecorator
from unhang_shared import Session

if TYPE_CHECKING:
    from unhang_shared._native import StackLine

# A deeper stack is a runaway recursion: gdb shows it as it is, and as far as it is asked to.
_DEEPEST = 2000


class AsyncFrames:
    """The filter, and the parameter that on_off_commands it."""

    name = "unhang"
    # Behind filters that take frames apart, before those that only rename.
    priority = 90

    def __init__(self, session: Session) -> None:
        self._session = session
        self.enabled = True
        gdb.frame_filters[self.name] = self
        for word in ("set", "show"):
            _Prefix(f"{word} async")
        _Switch(self)

    def filter(self, frames: Iterator[Any]) -> Iterator[Any]:
        """The stack as it is to be shown; as it came where unhang has nothing to tell of it."""
        stack: List[Any] = []
        try:
            stack = list(itertools.islice(frames, _DEEPEST))
            return iter(self._told(stack) or itertools.chain(stack, frames))
        # gdb would end the stack there, or fail the whole request.
        except Exception:
            return itertools.chain(stack, frames)

    def _told(self, stack: List[Any]) -> Optional[List[Any]]:
        thread = gdb.selected_thread()
        if thread is None or not stack or len(stack) == _DEEPEST:
            return None
        if stack[0].inferior_frame().level() != 0:
            return None
        lines = self._session.stack(thread.num, [_function_and_file(frame) for frame in stack])
        if lines is None:
            return None
        told: List[Any] = []
        before = stack[0]
        for line in lines:
            if line.text is None:
                before = stack[line.first]
                told.append(before)
                continue
            hidden = stack[line.first : line.first + line.count]
            # With the frame before it, gdb gives the line no number.
            told.append(_Told(before, line, hidden))
        return told


def _function_and_file(decorated: Any) -> Tuple[Optional[str], Optional[str]]:
    frame = decorated.inferior_frame()
    table = frame.find_sal().symtab
    return frame.name(), None if table is None else table.fullname()


class _Text(str):
    """Text that gdb's DAP server takes for a symbol."""

    @property
    def print_name(self) -> str:
        """What it shows."""
        return str(self)


class _Told(FrameDecorator):
    """A line of unhang's own. It borrows a frame, which gdb asks for its architecture."""

    def __init__(self, base: Any, line: StackLine, hidden: List[Any]) -> None:
        # What another filter made of the frame is not meant for this line.
        super().__init__(base.inferior_frame())
        self._is_dap = type(base).__name__ == "DAPFrameDecorator"
        self._text = _Text(line.text or "")
        # An editor opens it; a reader knows it by less.
        self._file = line.path if self._is_dap else line.file
        self._line = line.line
        self._hidden = hidden

    def function(self) -> str:
        """The line itself."""
        return self._text

    def address(self) -> Optional[int]:
        """None that a reader could use. A DAP client has to be given one."""
        return 0 if self._is_dap else None

    def filename(self) -> Optional[str]:
        """The file of an async frame."""
        return self._file

    def line(self) -> Optional[int]:
        """Its line."""
        return self._line if self._file else None

    def frame_args(self) -> Optional[Any]:
        """None that belong to the line."""
        return None

    def frame_locals(self) -> Optional[Any]:
        """None: those of an async frame `async locals` shows."""
        return None

    def elided(self) -> Any:
        """What a DAP client can show on request. gdb itself would print it below the line."""
        return self._hidden if self._is_dap and self._hidden else None


class _Prefix(gdb.Command):
    """Settings of unhang."""

    def __init__(self, name: str) -> None:
        super().__init__(name, gdb.COMMAND_STACK, prefix=True)


class _Switch(gdb.Parameter):
    """Whether `backtrace` tells what async code its threads run or wait in."""

    set_doc = "Set whether backtraces show the async frames of a Rust program."
    show_doc = "Show whether backtraces show the async frames of a Rust program."

    def __init__(self, filter_: AsyncFrames) -> None:
        self._filter = filter_
        super().__init__("async frames", gdb.COMMAND_STACK, gdb.PARAM_BOOLEAN)
        self.value = True

    def get_set_string(self) -> str:
        """Switches the filter."""
        self._filter.enabled = bool(self.value)
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show async frames` says."""
        return f"Backtraces show the async frames of a Rust program: {value}."
