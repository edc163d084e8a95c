"""What a process that was forked must do before it goes on using objects of its parent.

Most forks are announced (`os.register_at_fork`). One that is made in C, as uWSGI makes them, is
not: it is noticed by the process id, at the beginning of every call.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from types import TracebackType
from typing import Optional, Protocol

from .errors import ConfigError


class ForkAware(Protocol):
    """An object with locks or connections, which a child cannot share with its parent."""

    def after_fork_in_child(self) -> None:
        """Take fresh locks and let go of what is the parent's."""


class _Loads:
    """The imports under way of what loads with its first use. A fork waits until they have ended.

    What a thread of the parent had begun to import could never be imported in the child. A fork
    does not wait forever: the importing thread may itself wait for a lock that the fork holds
    already.

    There is no lock, which Ctrl-C could leave held. An import is under way as long as the object of
    its `with` statement lives, and that goes with the statement, however it ends.
    """

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._under_way: weakref.WeakValueDictionary[int, _Load] = weakref.WeakValueDictionary()
        self._forking: dict[int, float] = {}

    def begin(self, load: _Load) -> None:
        """Take note of an import, once no other thread is about to fork."""
        while True:
            # Before the look at who forks, as `before_fork` does both the other way round: one of
            # the two sees the other.
            self._under_way[id(load)] = load
            if not self._must_wait(load):
                return
            self.end(load)
            time.sleep(_PAUSE)

    def end(self, load: _Load) -> None:
        """Take note that an import has ended."""
        self._under_way.pop(id(load), None)

    def before_fork(self) -> None:
        """Wait for the imports of other threads."""
        thread = threading.get_ident()
        self._forking[thread] = until = time.monotonic() + self._patience
        while time.monotonic() < until and any(
            load.thread != thread for load in self._all_under_way()
        ):
            time.sleep(_PAUSE)

    def after_fork_in_parent(self) -> None:
        """Let the imports of other threads go on."""
        self._forking.pop(threading.get_ident(), None)

    def after_fork_in_child(self) -> None:
        """Forget the threads of the parent."""
        self._under_way = weakref.WeakValueDictionary()
        self._forking = {}

    def _must_wait(self, load: _Load) -> bool:
        forking = [until for thread, until in list(self._forking.items()) if thread != load.thread]
        if not forking or time.monotonic() >= max(forking):
            return False
        # One that is a part of another must not wait: the fork waits for the other.
        return not self.around(load)

    def around(self, load: Optional[_Load]) -> list[_Load]:
        """Return the imports that this thread is in the middle of, but for one."""
        thread = threading.get_ident()
        others = [other for other in self._all_under_way() if other is not load]
        return [other for other in others if other.thread == thread]

    def _all_under_way(self) -> list[_Load]:
        # A list that is made in one step, whatever other threads do: iterators are not.
        return [load for known in self._under_way.valuerefs() if (load := known()) is not None]


class _Load:
    """`with importing():` stands around an import that happens with the first use of something."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def __enter__(self) -> None:
        notice_fork()
        _loads.begin(self)

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        _loads.end(self)


class _LoadInCall(_Load):
    """`with loading():` does the same in the middle of a call, whose errors are typed."""

    def __enter__(self) -> None:
        super().__enter__()
        if any(isinstance(other, _LoadOfParts) for other in _loads.around(self)):
            _loads.end(self)
            raise ConfigError(
                "a call from a signal handler or a finalizer came while what it needs was being "
                "loaded: make it again later, or make another call before"
            )

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        _loads.end(self)
        if isinstance(error, (ImportError, OSError)):
            raise ConfigError(
                f"what a call needs cannot be loaded ({type(error).__name__}: {error}): the "
                "program's files are gone, no file can be opened, or Python is ending; start the "
                "program anew"
            ) from error


class _LoadOfParts(_LoadInCall):
    """`with loading_parts():` stands around the import of the SDK's own modules.

    A signal handler or a finalizer may make a call meanwhile. Python would give it a module that is
    half done, and it cannot wait for the rest, which its own thread is to do.
    """


importing = _Load
loading = _LoadInCall
loading_parts = _LoadOfParts

_PAUSE = 0.001
"""Seconds between two looks, where a fork and an import wait for each other."""

_objects: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()
_pid = os.getpid()
_renewals: dict[int, threading.RLock] = {}
"""By process id: a lock that no thread of a parent can hold."""


def renew_after_fork(holder: ForkAware) -> None:
    """Have `holder.after_fork_in_child()` called in every child of this process, before any use."""
    _objects[id(holder)] = holder


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
        # A list that is made in one step: other threads of the child make objects meanwhile.
        known = [held for each in _objects.valuerefs() if (held := each()) is not None]
        for holder in (_loads, *known):
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


_loads = _Loads()

if hasattr(os, "register_at_fork"):  # Windows knows no fork
    os.register_at_fork(
        before=_loads.before_fork,
        after_in_parent=_loads.after_fork_in_parent,
        after_in_child=_renew_all,
    )
