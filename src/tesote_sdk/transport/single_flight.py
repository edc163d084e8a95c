"""Many threads that want the same answer at once: one fetches it, the others wait for it."""

from __future__ import annotations

import threading
from typing import Callable, Generic, Optional, TypeVar

from .._forks import renew_after_fork
from .timeouts import Deadline

T = TypeVar("T")


class _Flight(Generic[T]):
    """One fetch, from its beginning to its result.

    Attributes:
        thread: The thread that fetches.
        deadline: When that thread has given up, whatever became of it.
        ended: Set when there is a result, or will be none.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.thread = threading.get_ident()
        self.deadline: Deadline = deadline
        self.ended = threading.Event()
        self.result: Optional[T] = None


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
        try:
            flight = self._flights.setdefault(key, own)
            if flight is own:
                own.result = fetch()
                return own.result
        finally:  # wherever Ctrl-C strikes
            if self._flights.get(key) is own:
                del self._flights[key]
            own.ended.set()
        # A callback of the fetching thread may ask for the same thing: it cannot wait for itself.
        # Nor is there anything to wait for where an interrupt left a flight without an end.
        if flight.thread != threading.get_ident() and flight.deadline.remaining() > 0:
            if not flight.ended.wait(max(0.0, deadline.remaining())):
                raise deadline.timed_out("waiting for another thread's request")
            if flight.result is not None:
                return flight.result
        return fetch()

    def after_fork_in_child(self) -> None:
        """Forget the flights of threads that the child does not have."""
        for flight in self._flights.values():
            # One may be the forking thread's own, and its lock another thread's.
            flight.ended = threading.Event()
        self._flights = {}
