"""Locks that are not waited for in a forked child, where nobody is left to release them."""

from __future__ import annotations

import os
import threading


class HomeLock:
    """A lock for the process that made it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @property
    def lock(self) -> threading.Lock:
        """The lock, to be taken by a `with` statement.

        Raises:
            RuntimeError: This is a fork of the process that made it. A thread of that process may
                have held the lock at the fork, and what it guards is a copy here that nothing
                serves.
        """
        if os.getpid() != self._pid:
            raise RuntimeError(
                "a Sandbox can be asked and told things only in the process that made it; a fork"
                " of that process can send it requests, or make a Sandbox of its own"
            )
        return self._lock
