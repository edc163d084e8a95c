"""What a process that was forked must do before it goes on using objects of its parent.

Most forks are announced (`os.register_at_fork`). One that is made in C, as uWSGI makes them, is
not: it is noticed by the process id, at the beginning of every call.
"""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Optional, Protocol


class ForkAware(Protocol):
    """An object with locks or connections, which a child cannot share with its parent."""

    def after_fork_in_child(self) -> None:
        """Take fresh locks and let go of what is the parent's."""


class _Loading:
    """The one lock under which modules are imported that load with the first use.

    A fork waits for it: what another thread of the parent had begun to import could never be
    imported in the child. It does not wait forever, for the importing thread may itself wait for
    a lock that the fork holds already.
    """

    _PATIENCE = 5.0

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forking_thread: Optional[int] = None

    def __enter__(self) -> None:
        # In a child that nobody announced, a thread that is not there may hold the lock.
        notice_fork()
        self._lock.acquire()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        if self._lock.acquire(timeout=self._PATIENCE):
            self._forking_thread = threading.get_ident()

    def after_fork_in_parent(self) -> None:
        if self._forking_thread == threading.get_ident():
            self._forking_thread = None
            self._lock.release()

    def after_fork_in_child(self) -> None:
        self._lock = threading.RLock()
        self._forking_thread = None


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_pid = os.getpid()
_renewals: dict[int, threading.RLock] = {}
"""By process id: a lock that no thread of a parent can hold."""


def renew_after_fork(holder: ForkAware) -> None:
    """Have `holder.after_fork_in_child()` called in every child of this process, before any use."""
    _objects.add(holder)


def notice_fork() -> None:
    """Renew all that belongs to a process if this is another one than the last time."""
    if os.getpid() != _pid:
        _renew_all()


def _renew_all() -> None:
    """Renew every object once in this process; one that fails does not keep the others shared."""
    global _pid
    pid = os.getpid()
    with _renewals.setdefault(pid, threading.RLock()):
        if pid == _pid:
            return
        failure: Optional[BaseException] = None
        for holder in (loading, *_objects):
            failure = _renewed(holder) or failure
        _pid = pid
    if failure is not None:
        raise failure


def _renewed(holder: ForkAware) -> Optional[BaseException]:
    """Renew an object, and return what it failed with: even an interrupt must not skip the rest."""
    try:
        holder.after_fork_in_child()
    except BaseException as error:  # noqa: BLE001 - raised when the others have been renewed
        return error
    return None


loading = _Loading()

if hasattr(os, "register_at_fork"):  # Windows knows no fork
    os.register_at_fork(
        before=loading.before_fork,
        after_in_parent=loading.after_fork_in_parent,
        after_in_child=_renew_all,
    )
