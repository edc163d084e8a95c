"""Work that outlasts those who wait for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tesote_sdk.transport import errands
from tesote_sdk.transport.errands import Bell, Errand
from tesote_sdk.transport.timeouts import Deadline


def within(seconds: float) -> Deadline:
    return Deadline(time.monotonic, seconds, "connect")


def test_outcome() -> None:
    errand = Errand(lambda: 7, "test-errand")
    errand.start()
    assert errand.wait(within(5))
    assert errand.outcome() == 7
    assert not errand.failed


def test_error() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    errand = Errand(fail, "test-errand")
    errand.start()
    assert errand.wait(within(5))
    assert errand.failed
    with pytest.raises(LookupError, match="nothing there"):
        errand.outcome()


def test_it_goes_on_when_nobody_waits_any_more() -> None:
    enough = threading.Event()
    errand = Errand(lambda: enough.wait(10), "test-errand")
    errand.start()
    assert not errand.wait(within(0.02))
    assert not errand.done
    enough.set()
    assert errand.wait(within(5))
    assert errand.outcome() is True


def test_many_may_wait() -> None:
    enough = threading.Event()
    errand = Errand(lambda: enough.wait(10), "test-errand")
    errand.start()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(errand.wait, within(5)) for _ in range(8)]
        enough.set()
        assert all(outcome.result() for outcome in waiting)


def test_interpreter_without_daemon_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a subinterpreter: threads, but none that it may end without."""
    genuine = threading.Thread.__init__

    def init(thread: threading.Thread, *args: Any, daemon: Any = None, **options: Any) -> None:
        if daemon:
            raise RuntimeError("daemon threads are disabled in this (sub)interpreter")
        genuine(thread, *args, daemon=daemon, **options)

    monkeypatch.setattr(threading.Thread, "__init__", init)
    errand = Errand(threading.current_thread, "test-errand")
    errand.start()
    assert errand.wait(within(5))
    assert not errand.outcome().daemon
    assert errand.outcome() is not threading.current_thread()


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_no_thread_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    errand = Errand(threading.current_thread, "test-errand")
    errand.start()
    assert errand.outcome() is threading.current_thread()


def test_interrupt_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    errand = Errand(interrupted, "test-errand")
    with pytest.raises(KeyboardInterrupt):
        errand.start()
    assert errand.wait(within(0))
    with pytest.raises(InterruptedError):
        errand.outcome()


def test_a_bell_rings_once_for_all_that_wait_or_come_later() -> None:
    bell = Bell()
    assert not bell.wait(within(0.01))
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(bell.wait, within(5)) for _ in range(8)]
        bell.ring()
        bell.ring()
        assert all(outcome.result() for outcome in waiting)
    assert bell.rung
    assert bell.wait(within(0))


def test_ctrl_c_is_noticed_between_two_waits_where_it_ends_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on Windows, where none for a lock does."""
    waits: list[float] = []

    class Gate:
        def acquire(self, blocking: bool = True, timeout: float = -1) -> None:
            if timeout >= 0:
                waits.append(timeout)
            if len(waits) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Lock", Gate)
    monkeypatch.setattr(errands, "LONGEST_WAIT", 1.0)
    with pytest.raises(KeyboardInterrupt):
        Bell().wait(within(60))
    assert waits == [1.0, 1.0, 1.0]


def test_an_error_brings_no_frames_along() -> None:
    """They would hold what the work knew, for as long as anybody keeps the error."""

    def work() -> None:
        secret = "a secret"
        raise ValueError(len(secret))

    errand = Errand(work, "test")
    errand.do()
    with pytest.raises(ValueError, match="8") as caught:
        errand.outcome()
    assert "work" not in [frame.name for frame in caught.traceback]
