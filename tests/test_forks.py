"""What is renewed in a forked child, and how long a fork waits for an import."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import _forks as forks
from tesote_sdk._forks import notice_fork, renew_after_fork

if TYPE_CHECKING:
    from typing import Callable

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning"),
]


class Holder:
    renewed = 0

    def after_fork_in_child(self) -> None:
        self.renewed += 1


class Failing(Holder):
    def after_fork_in_child(self) -> None:
        super().after_fork_in_child()
        raise KeyboardInterrupt


def announced() -> int:
    return os.fork()


def unannounced() -> int:
    if sys.implementation.name != "cpython":
        pytest.skip("needs a Python that ctypes reaches")
    return int(ctypes.PyDLL(None).fork())


FORKS = [announced, unannounced]


def status_of(fork: Callable[[], int], work: Callable[[], int]) -> int:
    """Return what some work returns in a forked child; 99 if it raises."""
    pid = fork()
    if not pid:
        status = 99
        try:
            signal.alarm(10)  # a child that hangs must not outlive the test
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("fork", FORKS)
def test_renewed_once_and_in_the_child_alone(fork: Callable[[], int]) -> None:
    holder = Holder()
    renew_after_fork(holder)

    def child() -> int:
        for _ in range(3):
            notice_fork()
        return holder.renewed

    assert status_of(fork, child) == 1
    notice_fork()
    assert holder.renewed == 0


@pytest.mark.parametrize("fork", FORKS)
def test_renewed_in_a_grandchild_too(fork: Callable[[], int]) -> None:
    holder = Holder()
    renew_after_fork(holder)

    def child() -> int:
        notice_fork()

        def grandchild() -> int:
            notice_fork()
            return holder.renewed

        return status_of(fork, grandchild)

    assert status_of(fork, child) == 2


def test_one_that_fails_leaves_none_of_the_others_shared() -> None:
    """Not even Ctrl-C does: the process would go on with a socket of its parent."""
    holders = [Holder(), Failing(), Holder(), Failing(), Holder()]
    for holder in holders:
        renew_after_fork(holder)

    def child() -> int:
        try:
            notice_fork()
        except KeyboardInterrupt:
            notice_fork()
            return sum(holder.renewed for holder in holders)
        return 98

    assert status_of(unannounced, child) == 5


def test_keeps_nothing_alive() -> None:
    holder = Holder()
    renew_after_fork(holder)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
    assert None not in list(forks._objects)


# ---- the lock of imports ----


class Importing:
    """A thread that is at an import until it is told to end."""

    def __init__(self) -> None:
        self._begun, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with forks.loading:
            self._begun.set()
            self._end.wait(10)

    def __enter__(self) -> Importing:
        self._thread.start()
        self._begun.wait(10)
        return self

    def end(self) -> None:
        self._end.set()

    def __exit__(self, *_: object) -> None:
        self.end()
        self._thread.join()


def loads() -> int:
    with forks.loading, forks.loading:
        return 0


def is_free() -> bool:
    """Tell whether another thread could import now."""
    taken: list[bool] = []

    def take() -> None:
        taken.append(forks.loading._lock.acquire(timeout=0.05))
        if taken[0]:
            forks.loading._lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return taken[0]


def test_a_fork_waits_for_an_import_under_way() -> None:
    with Importing() as importing:
        threading.Timer(0.05, importing.end).start()
        began = time.monotonic()
        assert status_of(announced, loads) == 0
        assert time.monotonic() - began >= 0.04
    assert is_free()


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that imports may itself wait for what the forking one holds."""
    monkeypatch.setattr(forks._Loading, "_PATIENCE", 0.05)
    with Importing():
        assert status_of(announced, loads) == 0
        # In the parent the other thread still imports, and its lock is not given away.
        assert not is_free()
    assert is_free()


def test_a_child_that_nobody_announced_does_not_wait_for_a_thread_it_does_not_have() -> None:
    with Importing():
        assert status_of(unannounced, loads) == 0


def test_a_fork_in_the_middle_of_an_import_of_its_own() -> None:
    """As in a signal handler, or in a module that forks when it is imported."""
    with forks.loading:
        assert status_of(announced, loads) == 0
        assert not is_free()
    assert is_free()
