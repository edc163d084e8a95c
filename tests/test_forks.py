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
from tesote_sdk._forks import importing, loading, notice_fork, renew_after_fork
from tests.faults.interrupts import in_a_thread
from tests.support.systems import needs_fork, needs_prompt_collection

if TYPE_CHECKING:
    from typing import Callable

pytestmark = [
    needs_fork,
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
    assert None not in [reference() for reference in forks._objects.valuerefs()]


def test_threads_may_make_objects_while_those_that_are_there_are_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the child of a fork that was not announced, several threads may be first."""
    monkeypatch.setattr(forks, "_objects", type(forks._objects)())
    before = [Holder() for _ in range(200)]
    for holder in before:
        renew_after_fork(holder)
    ended = threading.Event()

    def make() -> None:
        for _ in range(3000):  # not for ever: PyPy does not collect them at once
            if not ended.is_set():
                renew_after_fork(Holder())

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=make) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(100):
            monkeypatch.setattr(forks, "_pid", -1)
            notice_fork()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(usual)
    assert {holder.renewed for holder in before} == {100}


# ---- imports ----


class Importing:
    """A thread that imports something until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.begun.wait(5)

    def end(self) -> None:
        self.may_end.set()
        self._thread.join(5)

    def _run(self) -> None:
        with loading():
            self.begun.set()
            self.may_end.wait(5)


def test_a_fork_waits_for_the_imports_of_other_threads() -> None:
    importing = Importing()
    forking = threading.Thread(target=status_of, args=[announced, lambda: 0])
    forking.start()
    forking.join(0.05)
    assert forking.is_alive()
    importing.end()
    forking.join(5)
    assert not forking.is_alive()


def test_a_fork_does_not_wait_for_its_own_import() -> None:
    began = time.monotonic()
    with loading():
        assert status_of(announced, lambda: 7) == 7
    assert time.monotonic() - began < 2


def test_an_import_waits_for_a_fork_that_has_begun() -> None:
    forks._loads.before_fork()
    try:
        assert in_a_thread(_import_something, 0.05) == "it hangs"
    finally:
        forks._loads.after_fork_in_parent()
    assert in_a_thread(_import_something) == "imported"


def test_a_fork_and_an_import_that_wait_for_each_other_go_on_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fork has a lock already, as that of logging; what the import is of wants it, too."""
    monkeypatch.setattr(forks._loads, "_patience", 0.1)
    lock, importing = threading.Lock(), threading.Event()

    def import_it() -> str:
        with loading():
            importing.set()
            with lock:
                return "imported"

    lock.acquire()
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(import_it()))
    thread.start()
    assert importing.wait(5)
    began = time.monotonic()
    assert status_of(announced, lambda: 7) == 7
    assert 0.1 <= time.monotonic() - began < 3
    lock.release()
    thread.join(5)
    assert outcome == ["imported"]


def test_an_import_within_an_import_does_not_wait_for_a_fork() -> None:
    """The fork waits for the outer one: both would wait until the fork loses its patience."""
    began = time.monotonic()
    with loading():
        forking = threading.Thread(target=status_of, args=[announced, lambda: 0])
        forking.start()
        while not forks._loads._forking:
            time.sleep(0.001)
        with importing():
            pass
    forking.join(5)
    assert time.monotonic() - began < 2


@needs_prompt_collection
def test_an_import_that_was_left_without_its_exit_is_over() -> None:
    """As where Ctrl-C strikes at the first line of `__exit__`."""
    left = loading()
    left.__enter__()
    assert forks._loads._all_under_way() == [left]
    del left
    assert forks._loads._all_under_way() == []


def _import_something() -> str:
    with loading():
        return "imported"


def test_a_child_that_nobody_announced_does_not_wait_for_a_thread_it_does_not_have() -> None:
    importing = Importing()
    assert status_of(unannounced, lambda: len(_import_something())) == len("imported")
    importing.end()
