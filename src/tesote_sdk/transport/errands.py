"""Work in a thread of its own, for what no timeout of the system bounds."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Callable, Generic, TypeVar

from .timeouts import LONGEST_WAIT, Deadline

T = TypeVar("T")


class Bell:
    """Rings once; any number of threads may wait for it, each as long as it likes.

    No lock is shared, as `threading.Event` shares one: nobody who is interrupted can leave one
    held, and a call from a signal handler may wait beside the one it interrupted.

    Attributes:
        rung: Whether it has rung.
    """

    def __init__(self) -> None:
        self.rung: bool = False
        self._gates: list[threading.Lock] = []

    def ring(self) -> None:
        """Let all go on that wait; to ring twice does no harm."""
        self.rung = True
        for gate in list(self._gates):
            with contextlib.suppress(RuntimeError):  # it is open
                gate.release()

    def wait(self, deadline: Deadline) -> bool:
        """Wait until it rings or the deadline has passed, and tell whether it has rung."""
        gate = threading.Lock()
        gate.acquire()
        # Before the look at `rung`: either that is true by now, or the gate will be opened.
        self._gates.append(gate)
        while not self.rung and (seconds := deadline.remaining()) > 0:
            gate.acquire(timeout=min(seconds, LONGEST_WAIT))
        return self.rung


class Errand(Generic[T]):
    """A piece of work that any number of threads may wait for, each as long as it likes.

    What is not waited for to its end goes on alone.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._name = name
        self._result: list[T] = []
        self._error: Exception = InterruptedError("it was interrupted")
        self._end = Bell()

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self._end.rung

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.done and not self._result

    def start(self) -> None:
        """Begin; where no thread is to be had, do the work here and now.

        A subinterpreter has no daemon threads: there, the end of the interpreter waits for the
        work. Neither kind is to be had when the system is out of threads, or the interpreter ends.
        Before Python 3.12 it lets threads be begun then, which never run.
        """
        for daemon in () if sys.is_finalizing() else (True, False):
            try:
                threading.Thread(target=self.do, name=self._name, daemon=daemon).start()
            except RuntimeError:
                continue
            return
        self.do()

    def do(self) -> None:
        """Do the work in this thread."""
        try:
            self._result = [self._work()]
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            self._error = error.with_traceback(None)
        finally:
            self.settle()

    def settle(self) -> None:
        """Let all go on that wait: what was to come of it has come."""
        self._end.ring()

    def wait(self, deadline: Deadline) -> bool:
        """Wait for the outcome until the deadline, and tell whether it is there."""
        return self._end.wait(deadline)

    def outcome(self) -> T:
        """Return what the work returned, or raise what it raised, once it is done."""
        for result in self._result:
            return result
        raise self._error
