"""A limiter that is interrupted, re-entered, forked or left with a permit loses no call."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tesote_sdk
from tesote_sdk import RateLimiter
from tesote_sdk.transport import pacing, rate_windows
from tesote_sdk.transport.rate_limits import RateLimit
from tesote_sdk.transport.timeouts import Deadline
from tests.support.systems import EARLY, needs_fork, needs_sound_traces, needs_timer

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable

    from tesote_sdk.transport.pacing import Permit

_TRACED = {pacing.__file__, rate_windows.__file__, __file__}


def deadline(seconds: float = 5.0) -> Deadline:
    return Deadline(time.monotonic, seconds, "total")


def report(remaining: int) -> RateLimit:
    return RateLimit(40, remaining, 60, time.time() + 60, "60")


def call(limiter: RateLimiter, remaining: int | None = None) -> None:
    """Make a call as the transport does it."""
    permit = None
    try:
        permit = limiter.acquire(deadline(60))
        time.monotonic()  # in place of the request
    finally:
        if permit is not None:
            limiter.release(permit, None if remaining is None else report(remaining))


def raise_at(line: int, error: type[BaseException], work: Callable[[], object]) -> bool:
    """Raise an error at the n-th line that some work executes, and tell whether there is one."""
    executed = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal executed
        if frame.f_code.co_filename not in _TRACED or frame.f_code.co_name == "raise_at":
            return None
        if event == "line":
            executed += 1
            if executed == line:
                raise error
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except error:
        pass
    finally:
        sys.settrace(before)
    return executed >= line


def call_in_time(limiter: RateLimiter, calls: int = 1) -> None:
    """Have another thread make calls, and fail if it waits for one that is none."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(calls):
                limiter.release(limiter.acquire(deadline()), None)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@needs_sound_traces
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("known", [False, True])
def test_an_interrupt_at_any_line_loses_no_permit(
    error: type[BaseException], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LOST_AFTER", 0.01)
    line = 0
    while True:
        line += 1
        # The first call goes alone; or one more call may be in flight.
        limiter = RateLimiter(min_remaining=0)
        if known:
            call(limiter, 1)
        if not raise_at(line, error, lambda: call(limiter)):  # noqa: B023 - called at once
            break
        if not (known and limiter.seconds_to_wait()):
            call_in_time(limiter)
    assert line > 50


@needs_sound_traces
@pytest.mark.parametrize("known", [False, True])
def test_an_interrupt_while_waiting_for_another_call_loses_nothing(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LOST_AFTER", 0.01)
    monkeypatch.setattr(pacing, "_GLANCE", 0.001)
    for line in range(1, 120):
        limiter = RateLimiter(min_remaining=0)
        if known:
            call(limiter, 1)
        held: list[Permit] = []
        thread = threading.Thread(target=lambda: held.append(limiter.acquire(deadline(60))))  # noqa: B023
        thread.start()
        thread.join()
        raise_at(line, KeyboardInterrupt, lambda: limiter.acquire(deadline()))  # noqa: B023
        limiter.release(held.pop(), report(1))
        call_in_time(limiter)


def test_a_lock_that_an_interrupt_left_held_costs_a_second_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "_LOST_AFTER", 0.2)
    limiter = RateLimiter()
    limiter._lock.__enter__()
    began = time.monotonic()
    call_in_time(limiter)
    assert 0.2 - EARLY <= time.monotonic() - began < 2
    limiter._lock.__exit__()
    began = time.monotonic()
    call_in_time(limiter, calls=10)
    assert time.monotonic() - began < 10 * 0.2


def test_a_permit_that_nobody_holds_any_more_is_given_back() -> None:
    limiter = RateLimiter()
    thread = threading.Thread(target=lambda: limiter.acquire(deadline(60)))
    thread.start()
    thread.join()
    gc.collect()
    call_in_time(limiter)


def test_a_permit_is_given_back_even_where_a_subclass_fails_to() -> None:
    class Broken(RateLimiter):
        def give_back(self, *_: object, **__: object) -> None:
            raise ConnectionError

    limiter = Broken()
    permit = limiter.acquire(deadline(60))
    with pytest.raises(ConnectionError):
        limiter.release(permit, None)
    assert not limiter._out


def test_a_permit_counts_no_longer_than_its_call_may_last() -> None:
    limiter = RateLimiter()
    held: list[Permit] = []
    thread = threading.Thread(target=lambda: held.append(limiter.acquire(deadline(0.05))))
    thread.start()
    thread.join()
    call(limiter)
    limiter.release(held[0], None)


def test_who_waits_for_a_call_is_told_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_GLANCE", 4.0)
    limiter = RateLimiter()
    permit = limiter.acquire(deadline(60))
    began = time.monotonic()
    thread = threading.Thread(target=call_in_time, args=(limiter,))
    thread.start()
    while not limiter._waiting:
        assert time.monotonic() - began < 3
    # It has said that it waits, and does within a moment.
    limiter.release(permit, None)
    thread.join()
    assert time.monotonic() - began < 3


def test_a_permit_may_be_given_back_twice() -> None:
    limiter = RateLimiter(min_remaining=0)
    permit = limiter.acquire(deadline())
    limiter.release(permit, None)
    limiter.release(permit, None)
    assert not limiter._out


@needs_timer
def test_a_call_of_a_signal_handler_does_not_wait_for_the_call_that_it_interrupts() -> None:
    limiter = RateLimiter()
    handled: list[float] = []

    def handle(_: int, frame: object) -> None:
        began = time.monotonic()
        call(limiter)
        handled.append(time.monotonic() - began)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        permit = limiter.acquire(deadline())
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        give_up = time.monotonic() + 5
        while not handled and time.monotonic() < give_up:
            time.sleep(0.001)
        limiter.release(permit, report(1))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(handled) == 1
    assert handled[0] < 1


@pytest.mark.parametrize(("remaining", "times"), [(None, 1), (39, 3)])
def test_a_call_in_the_midst_of_the_limiters_own_work_goes_through(
    remaining: int | None, times: int
) -> None:
    limiter: RateLimiter
    inside = False
    entered = 0

    def clock() -> float:
        # It is asked for the time with the lock held, where a finalizer may run as well.
        nonlocal inside, entered
        if not inside:
            inside, entered = True, entered + 1
            call(limiter, remaining)
            inside = False
        return time.monotonic()

    limiter = RateLimiter(clock=clock)
    began = time.monotonic()
    call(limiter, remaining)
    assert entered == times
    assert time.monotonic() - began < 0.5


_FORKED = """
import ctypes, os, sys, threading, time
from tesote_sdk import RateLimiter
from tesote_sdk.transport.timeouts import Deadline

limiter = RateLimiter()

def main():
    # Another thread has a call out, and holds the lock.
    ready = threading.Event()
    def elsewhere():
        permit = limiter.acquire(Deadline(time.monotonic, 60, "total"))
        with limiter._lock:
            ready.set()
            time.sleep(60)
    threading.Thread(target=elsewhere, daemon=True).start()
    ready.wait()
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        began = time.monotonic()
        permit = limiter.acquire(Deadline(time.monotonic, 5, "total"))
        limiter.release(permit, None)
        os._exit(time.monotonic() - began > 0.5)
    _, status = os.waitpid(child, 0)
    sys.stdout.write(str(os.WEXITSTATUS(status)))
    sys.stdout.flush()
    os._exit(0)

if __name__ == "__main__":
    main()
"""


@needs_fork
def test_a_process_that_was_forked_behind_pythons_back_begins_anew() -> None:
    try:
        ctypes.PyDLL(None).fork  # noqa: B018 - looked up
    except (AttributeError, TypeError):
        pytest.skip("the C library has no fork")
    done = subprocess.run(
        [sys.executable, "-c", _FORKED],
        env={**os.environ, "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent)},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0", "")
