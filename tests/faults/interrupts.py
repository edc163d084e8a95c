"""Interrupts at a line of one's choice, as Ctrl-C, a signal handler or a full memory bring them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import tesote_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PACKAGE = str(Path(tesote_sdk.__file__).parent)


class AlarmError(Exception):
    """What the handler of SIGALRM raises in a program that bounds a piece of work."""


class Moment:
    """Does something at the n-th line of the package that a piece of work comes to.

    Args:
        at: Which line, from 1; at 0 there is none.
        deed: What is done, as a signal handler does it.

    Attributes:
        lines: How many lines there were until then.
        place: Which line it was, or None.
    """

    def __init__(self, at: int, deed: Callable[[], object]) -> None:
        self.lines = 0
        self.place: str | None = None
        self._at = at
        self._deed = deed

    def during(self, work: Callable[[], Any]) -> BaseException | None:
        """Do the work in this thread; return what it ended with, without its traceback."""
        # A trace that raises within an `except` leaves that error behind as the one being handled.
        # A generator takes it along.
        return next(self._outcome(work))

    def _outcome(self, work: Callable[[], Any]) -> Iterator[BaseException | None]:
        before = sys.gettrace()
        outcome = None
        sys.settrace(self._enter)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is what this is about
            outcome = error.with_traceback(None)
        finally:
            sys.settrace(before)
        yield outcome

    def _enter(self, frame: FrameType, _: str, __: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self._at:
                sys.settrace(None)
                self.place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                self._deed()
        return self._line


class Strike(Moment):
    """Raises an error at the n-th line of the package that a piece of work comes to."""

    def __init__(self, at: int = 0, error: type[BaseException] = KeyboardInterrupt) -> None:
        super().__init__(at, self._strike)
        self._error = error

    def _strike(self) -> None:
        raise self._error


def in_a_thread(work: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Return what some work returns, or the error that it ends with, done in another thread."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - the caller looks at it
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else "it hangs"
