"""Many threads that want the same answer at once: one fetches it, the others wait for it."""

from __future__ import annotations

import threading
import weakref
from typing import Callable, Generic, Optional, TypeVar

from .._forks import renew_after_fork
from .errands import Bell
from .timeouts import Deadline

T = TypeVar("T")


class _Flight(Generic[T]):
    """One fetch, from its beginning to its result.

    Attributes:
        thread: The thread that fetches.
        deadline: When that thread has given up, whatever became of it.
        ended: Rings when there is a result, or will be none.
        abandoned: Lands it when its pilot has gone; None once it has landed.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.thread = threading.get_ident()
        self.deadline: Deadline = deadline
        self.ended = Bell()
        self.result: Optional[T] = None
        self.abandoned: Optional[weakref.ref[_Pilot]] = None


class _Pilot:
    """Lives as long as the frame that a flight was begun in, however that ends."""


class SingleFlight(Generic[T]):
    """Lets one thread at a time fetch what belongs to a key.

    There is no lock: each step is one operation of a dict, which no thread and no signal divides.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}
        renew_after_fork(self)

    def fetch(self, key: str, fetch: Callable[[], T], deadline: Deadline) -> T:
        """Return what `fetch` returns, called by this thread or by one that came before it.

        Where the other thread's fetch fails, this one makes its own: an error is for the thread
        that met it, and a queue of threads that fail one after the other would wait forever.

        Args:
            key: What is fetched.
            fetch: Fetches it.
            deadline: How long to wait for another thread.

        Raises:
            TimeoutError: The deadline passed first.
            Exception: Whatever `fetch` raises in this thread.
        """
        own: _Flight[T] = _Flight(deadline)
        # Ctrl-C may strike between any two lines, also within the `finally`.
        pilot = _Pilot()
        own.abandoned = weakref.ref(pilot, lambda _: self._land(key, own))
        try:
            flight = self._flights.setdefault(key, own)
            if flight is own:
                own.result = fetch()
                return own.result
        finally:
            self._land(key, own)
        # A callback of the fetching thread may ask for the same thing: it cannot wait for itself.
        # Nor is there anything to wait for where an interrupt left a flight without an end.
        if flight.thread != threading.get_ident() and flight.deadline.remaining() > 0:
            if not flight.ended.wait(deadline):
                raise deadline.timed_out("waiting for another thread's request")
            if flight.result is not None:
                return flight.result
        return fetch()

    def after_fork_in_child(self) -> None:
        """Forget the flights of threads that the child does not have."""
        self._flights = {}

    def _land(self, key: str, flight: _Flight[T]) -> None:
        """Have nobody wait for a flight any more; that of another thread stays where it is."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.ended.ring()
        flight.abandoned = None
