"""Threads that want the same thing at once: one fetches it."""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.errors import TimeoutError
from tesote_sdk.transport.single_flight import SingleFlight, _Flight
from tesote_sdk.transport.timeouts import Deadline
from tests.faults.interrupts import Strike, in_a_thread
from tests.support.systems import EARLY, needs_fork, needs_prompt_collection

if TYPE_CHECKING:
    from typing import Callable


def soon(seconds: float = 5.0) -> Deadline:
    return Deadline(time.monotonic, seconds, "total")


class CountingDeadline(Deadline):
    """A deadline that knows how many threads have come to wait with it."""

    def __init__(self) -> None:
        super().__init__(time.monotonic, 5, "total")
        self.waiting = threading.Semaphore(0)

    def remaining(self) -> float:
        self.waiting.release()
        return super().remaining()

    def await_threads(self, count: int) -> None:
        for _ in range(count):
            assert self.waiting.acquire(timeout=5)


class Crowd:
    """Threads that fetch one key, each with a fetch that waits for leave to end."""

    def __init__(self, result: Callable[[], str]) -> None:
        self.flights: SingleFlight[str] = SingleFlight()
        self._fetched: list[None] = []
        self.results: list[str] = []
        self.errors: list[BaseException] = []
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self._result = result
        self._threads: list[threading.Thread] = []

    def join_in(self, count: int = 1, deadline: Deadline | None = None) -> None:
        for _ in range(count):
            thread = threading.Thread(target=self._run, args=(deadline or soon(),))
            thread.start()
            self._threads.append(thread)

    @property
    def fetches(self) -> int:
        return len(self._fetched)

    def leave(self) -> None:
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _fetch(self) -> str:
        self._fetched.append(None)  # in one step, as += is not
        self.begun.set()
        assert self.may_end.wait(5)
        return self._result()

    def _run(self, deadline: Deadline) -> None:
        try:
            self.results.append(self.flights.fetch("key", self._fetch, deadline))
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.errors.append(error)


def test_all_get_what_one_fetched() -> None:
    crowd = Crowd(lambda: "value")
    crowd.join_in()
    assert crowd.begun.wait(5)
    deadline = CountingDeadline()
    crowd.join_in(20, deadline)
    deadline.await_threads(20)
    crowd.may_end.set()
    crowd.leave()
    assert crowd.results == ["value"] * 21
    assert crowd.fetches == 1


def test_a_later_thread_fetches_anew() -> None:
    crowd = Crowd(lambda: "value")
    crowd.may_end.set()
    for _ in range(3):
        crowd.join_in()
        crowd.leave()
    assert crowd.results == ["value"] * 3
    assert crowd.fetches == 3


def test_keys_do_not_wait_for_each_other() -> None:
    crowd = Crowd(lambda: "value")
    crowd.join_in()
    assert crowd.begun.wait(5)
    assert crowd.flights.fetch("other", lambda: "another", soon()) == "another"
    crowd.may_end.set()
    crowd.leave()


def test_an_error_is_for_the_thread_that_met_it_and_the_others_fetch_for_themselves() -> None:
    failures = [ValueError("the first")]

    def result() -> str:
        if failures:
            raise failures.pop()
        return "value"

    crowd = Crowd(result)
    crowd.join_in()
    assert crowd.begun.wait(5)
    deadline = CountingDeadline()
    crowd.join_in(9, deadline)
    deadline.await_threads(9)
    crowd.may_end.set()
    crowd.leave()
    assert [str(error) for error in crowd.errors] == ["the first"]
    assert crowd.results == ["value"] * 9
    assert crowd.fetches == 10


def test_a_failed_fetch_leaves_nothing_behind() -> None:
    crowd = Crowd(lambda: "value")
    crowd.may_end.set()

    def fail() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crowd.flights.fetch("key", fail, soon())
    crowd.join_in(deadline=soon(0.5))
    crowd.leave()
    assert crowd.results == ["value"]


@needs_prompt_collection
def test_an_interrupt_at_any_line_leaves_no_flight_behind() -> None:
    flights: SingleFlight[str] = SingleFlight()
    at, struck = 0, True
    while struck:
        at += 1
        strike = Strike(at)
        began = time.monotonic()
        strike.during(lambda: flights.fetch("key", lambda: "first", soon()))
        struck = strike.place is not None
        assert in_a_thread(lambda: flights.fetch("key", lambda: "second", soon())) == "second"
        assert time.monotonic() - began < 2, strike.place
        assert flights._flights == {}
    assert at > 15


def test_who_waits_for_another_thread_keeps_to_his_own_deadline() -> None:
    crowd = Crowd(lambda: "value")
    crowd.join_in()
    assert crowd.begun.wait(5)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="another thread") as caught:
        crowd.flights.fetch("key", lambda: "own", soon(0.05))
    assert 0.05 - EARLY <= time.monotonic() - began < 2
    assert caught.value.phase == "total"
    crowd.may_end.set()
    crowd.leave()
    assert crowd.results == ["value"]


def test_a_fetch_that_asks_for_its_own_key_does_not_wait_for_itself() -> None:
    flights: SingleFlight[str] = SingleFlight()

    def outer() -> str:
        return "outer " + flights.fetch("key", lambda: "inner", soon(1))

    assert flights.fetch("key", outer, soon()) == "outer inner"


@needs_fork
@pytest.mark.parametrize("pilot_forks", [False, True])
def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have(
    pilot_forks: bool,
) -> None:
    crowd = Crowd(lambda: "value")
    status: list[int] = []

    def forked() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on, of forking with threads
            child = os.fork()
        if child:
            status.append(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
            return "parent"
        return "child"

    crowd.join_in()
    assert crowd.begun.wait(5)
    parent = os.getpid()
    try:
        result = crowd.flights.fetch("other", forked, soon()) if pilot_forks else forked()
        if os.getpid() != parent:
            assert result == "child"
            assert crowd.flights.fetch("key", lambda: "own", soon(1)) == "own"
            assert crowd.flights.fetch("other", lambda: "own", soon(1)) == "own"
            os._exit(0)
    finally:
        if os.getpid() != parent:
            os._exit(1)
    assert status == [0]
    crowd.may_end.set()
    crowd.leave()
    assert crowd.results == ["value"]


def test_fifty_threads_at_once_never_wait_for_a_flight_that_has_landed() -> None:
    flights: SingleFlight[int] = SingleFlight()
    barrier = threading.Barrier(50)
    results: list[int] = []

    def run() -> None:
        barrier.wait(5)
        results.extend(flights.fetch("key", lambda: 1, soon()) for _ in range(20))

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == [1] * 1000


def test_a_flight_that_must_have_ended_is_not_waited_for() -> None:
    """An interrupt between two lines may have left it without its end."""
    flights: SingleFlight[str] = SingleFlight()

    def leave() -> None:
        flights._flights["key"] = _Flight(soon(0.0))

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    own = soon()
    assert flights.fetch("key", lambda: "own", own) == "own"
    assert own.remaining() > 4
