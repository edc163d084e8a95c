"""What is renewed in a forked child."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from typing import Callable

import pytest

from tesote_sdk import _forks as forks
from tesote_sdk._forks import importing, loading, renew_after_fork
from tests.faults.interrupts import in_a_thread

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning"),
]


class Holder:
    renewed = 0

    def after_fork_in_child(self) -> None:
        self.renewed += 1


def exit_status(in_child: Callable[[], int]) -> int:
    """Run a function in a forked child, and return what it returns there."""
    pid = os.fork()
    if not pid:
        status = 99
        try:
            status = in_child()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_renewed_in_the_child_alone() -> None:
    holder = Holder()
    renew_after_fork(holder)
    assert exit_status(lambda: holder.renewed) == 1
    assert holder.renewed == 0


def test_keeps_nothing_alive() -> None:
    holder = Holder()
    renew_after_fork(holder)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
    assert None not in list(forks._objects)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_one_that_fails_leaves_no_other_shared(error: type[BaseException]) -> None:
    class Failing:
        def after_fork_in_child(self) -> None:
            raise error

    # Some before it and some after it, in whatever order they are kept.
    holders = [holder for _ in range(8) for holder in (Holder(), Failing())]
    for holder in holders:
        renew_after_fork(holder)
    assert exit_status(lambda: sum(vars(holder).get("renewed", 0) for holder in holders)) == 8


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
    forking = threading.Thread(target=exit_status, args=[lambda: 0])
    forking.start()
    forking.join(0.05)
    assert forking.is_alive()
    importing.end()
    forking.join(5)
    assert not forking.is_alive()


def test_a_fork_does_not_wait_for_its_own_import() -> None:
    began = time.monotonic()
    with loading():
        assert exit_status(lambda: 7) == 7
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
    assert exit_status(lambda: 7) == 7
    assert 0.1 <= time.monotonic() - began < 3
    lock.release()
    thread.join(5)
    assert outcome == ["imported"]


def test_an_import_within_an_import_does_not_wait_for_a_fork() -> None:
    """The fork waits for the outer one: both would wait until the fork loses its patience."""
    began = time.monotonic()
    with loading():
        forking = threading.Thread(target=exit_status, args=[lambda: 0])
        forking.start()
        while not forks._loads._forking:
            time.sleep(0.001)
        with importing():
            pass
    forking.join(5)
    assert time.monotonic() - began < 2


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
