"""Many threads that want the same answer at once: one fetches it, the others wait for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from .forks import renew_after_fork

if TYPE_CHECKING:
    from typing import Callable

    from .timeouts import Deadline

T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.pilot = threading.get_ident()
        self.landed = threading.Event()
        self.result: T | None = None


class SingleFlight(Generic[T]):
    """Lets one thread at a time fetch what belongs to a key."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def fetch(self, key: str, fetch: Callable[[], T], deadline: Deadline) -> T:
        """Return what `fetch` returns, called by this thread or by one that came before it.

        Where the other thread's fetch fails, this one makes its own: an error is for the thread
        that met it, and a queue of threads that fail one after the other would wait for ever.

        Args:
            key: What is fetched.
            fetch: Fetches it.
            deadline: How long to wait for another thread.

        Raises:
            TimeoutError: The deadline passed first.
            Exception: Whatever `fetch` raises in this thread.
        """
        own: _Flight[T] = _Flight()
        with self._lock:
            flight = self._flights.setdefault(key, own)
        if flight is own:
            try:
                own.result = fetch()
                return own.result
            finally:
                with self._lock:
                    self._flights.pop(key, None)
                own.landed.set()
        # A callback of the fetching thread may ask for the same thing: it cannot wait for itself.
        if flight.pilot != threading.get_ident():
            if not flight.landed.wait(max(0.0, deadline.remaining())):
                raise deadline.timed_out("waiting for another thread's request", "total")
            if flight.result is not None:
                return flight.result
        return fetch()

    def after_fork_in_child(self) -> None:
        """Forget the flights of threads that the child does not have."""
        for flight in self._flights.values():
            # One may be the forking thread's own, and its lock another thread's.
            flight.landed = threading.Event()
        self._flights = {}
        self._lock = threading.Lock()
