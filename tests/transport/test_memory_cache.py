"""The cache in memory: what it keeps, what goes first, and threads that share it."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError, InMemoryLRUCache
from tests.cache.backends import Clock
from tests.support.systems import needs_fork

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_value_is_kept_until_it_is_deleted_or_replaced() -> None:
    cache = InMemoryLRUCache()
    assert cache.get("a") is None
    cache.set("a", b"1", 30)
    cache.set("b", b"2", 30)
    assert (cache.get("a"), cache.get("b")) == (b"1", b"2")
    cache.set("a", b"3", 30)
    cache.delete("b")
    cache.delete("never there")
    assert (cache.get("a"), cache.get("b")) == (b"3", None)


def test_a_value_is_gone_when_its_time_is_over_and_not_before() -> None:
    clock = Clock()
    cache = InMemoryLRUCache(clock=clock)
    cache.set("a", b"1", 30)
    cache.set("never", b"1", 0)
    cache.set("never", b"1", -1)
    clock.now += 29.9
    assert cache.get("a") == b"1"
    clock.now += 0.1
    assert cache.get("a") is None
    assert cache.get("never") is None


def test_the_wall_clock_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = InMemoryLRUCache()
    cache.set("a", b"1", 30)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert cache.get("a") == b"1"
    monkeypatch.setattr(time, "time", lambda: 1e12)
    assert cache.get("a") == b"1"


def test_what_was_used_least_goes_first_when_there_are_too_many() -> None:
    cache = InMemoryLRUCache(max_entries=3)
    for key in "abc":
        cache.set(key, b"1", 30)
    cache.get("a")
    cache.set("b", b"2", 30)
    cache.set("d", b"1", 30)
    assert [cache.get(key) for key in "abcd"] == [b"1", b"2", None, b"1"]


def test_what_was_used_least_goes_first_when_there_are_too_many_bytes() -> None:
    cache = InMemoryLRUCache(max_bytes=10)
    for key in "abc":
        cache.set(key, b"123", 30)
    cache.get("a")
    cache.set("d", b"12345", 30)
    assert [cache.get(key) for key in "abcd"] == [b"123", None, None, b"12345"]
    cache.set("a", b"1", 30)
    cache.set("e", b"1234", 30)
    assert [cache.get(key) for key in "ade"] == [b"1", b"12345", b"1234"]


def test_a_value_that_is_too_large_is_not_kept_and_neither_is_the_one_before_it() -> None:
    cache = InMemoryLRUCache(max_bytes=10)
    cache.set("a", b"1", 30)
    cache.set("b", b"1", 30)
    cache.set("a", b"12345678901", 30)
    assert (cache.get("a"), cache.get("b")) == (None, b"1")


def test_what_is_removed_while_it_is_read_does_not_come_back() -> None:
    """By another thread, whose write has made it stale; the clock is where it comes in between."""
    between: list[Any] = []

    def clock() -> float:
        if between:
            between.pop()()
        return 0.0

    cache = InMemoryLRUCache(clock=clock)
    cache.set("a", b"old", 30)
    between.append(lambda: cache.delete("a"))
    cache.get("a")
    assert cache.get("a") is None
    cache.set("a", b"old", 30)
    between.append(lambda: cache.set("a", b"new", 30))
    cache.get("a")
    assert cache.get("a") == b"new"


@pytest.fixture
def _hasty_threads() -> Iterator[None]:
    """Threads that take turns after every step, almost."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_hasty_threads")
def test_threads_share_it_and_the_bounds_hold() -> None:
    cache = InMemoryLRUCache(max_entries=20, max_bytes=1000)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        try:
            for _ in range(2000):
                key = str(draw.randrange(40))
                choice = draw.randrange(4)
                if choice == 0:
                    cache.delete(key)
                elif choice == 1:
                    value = cache.get(key)
                    assert value is None or set(value) == {int(key)}
                else:
                    cache.set(key, bytes([int(key)]) * draw.randrange(1, 90), 30)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    left = [cache.get(str(key)) for key in range(40)]
    sizes = [len(value) for value in left if value is not None]
    assert len(sizes) <= 20
    assert sum(sizes) <= 1000
    assert repr(cache) == f"<InMemoryLRUCache of {len(sizes)} entries, {sum(sizes)} bytes>"


def test_the_bounds_hold_where_a_signal_handler_comes_in_between() -> None:
    """At every line of a `set`, as a call in the handler would set something, too."""
    for at in range(1, 60):
        cache = InMemoryLRUCache(max_entries=3, max_bytes=100)
        for key in "abc":
            cache.set(key, b"x" * 30, 30)
        lines = 0

        def trace(frame: Any, event: str, _: Any, cache: Any = cache, at: int = at) -> Any:
            nonlocal lines
            if frame.f_code.co_filename.endswith("memory_cache.py"):
                lines += event == "line"
                if lines == at:
                    sys.settrace(None)
                    lines += 1
                    cache.set("handler's", b"y" * 60, 30)
                    cache.delete("a")
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            cache.set("d", b"z" * 50, 30)
        finally:
            sys.settrace(before)
        left = [value for key in ("a", "b", "c", "d", "handler's") if (value := cache.get(key))]
        assert len(left) <= 3
        assert sum(map(len, left)) <= 100
        assert f", {sum(map(len, left))} bytes>" in repr(cache)
        if lines < at:
            break
    assert 5 < at < 59


@pytest.mark.parametrize("bound", ["max_entries", "max_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10", None])
def test_bounds_that_are_no_whole_numbers_are_refused(bound: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=bound):
        InMemoryLRUCache(**{bound: value})


def test_a_value_of_just_the_bytes_that_there_are_is_kept() -> None:
    cache = InMemoryLRUCache(max_bytes=3)
    cache.set("a", b"123", 30)
    assert cache.get("a") == b"123"
    cache.set("a", b"1234", 30)
    assert cache.get("a") is None


def test_a_value_that_is_not_to_be_kept_pushes_nothing_out() -> None:
    cache = InMemoryLRUCache(max_entries=1)
    cache.set("a", b"1", 30)
    cache.set("b", b"2", 0)
    assert cache.get("a") == b"1"


@needs_fork
def test_a_forked_child_goes_on_with_what_is_cached() -> None:
    cache = InMemoryLRUCache()
    cache.set("a", b"1", 30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            os._exit(0 if cache.get("a") == b"1" else 1)
        assert os.waitpid(child, 0)[1] == 0
