"""Backends that fail or lie cost the cache and never the call; tenants never meet in one."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import V1Client, V2Client
from tesote_sdk.sandbox import Sandbox
from tests.cache.backends import DictBackend, Kept
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    from tests.support.http_messages import Request
    from tests.support.steps import Step

ACCOUNT = {"id": "a1", "name": "Main"}


def got(client: V2Client) -> object:
    return client.accounts.get("a1", cache_ttl=30)


class Spoiled(DictBackend):
    """Spoils what it is asked for.

    Args:
        spoil: Makes what `get` returns of what was set; None was never set.
    """

    def __init__(self, spoil: Callable[[bytes | None], Any]) -> None:
        super().__init__()
        self._spoil = spoil

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._spoil(super().get(key))
        return value


def flipped(value: bytes | None) -> bytes | None:
    if not value:
        return value
    spoiled = bytearray(value)
    spoiled[random.randrange(len(value))] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def raising(error: BaseException) -> Callable[[object], None]:
    def spoil(_: object) -> None:
        raise error

    return spoil


class Shuffled(DictBackend):
    """Returns the value of another key."""

    def get(self, key: str) -> bytes | None:
        others = [kept.value for name, kept in self.kept.items() if name != key]
        return random.choice(others) if others else None


class Deaf(DictBackend):
    """Takes nothing."""

    def set(self, key: str, value: bytes, ttl: float) -> None:
        raise ConnectionError("read-only")


class Silent(DictBackend):
    """Says that it keeps, and does not."""

    def set(self, key: str, value: bytes, ttl: float) -> None:
        pass


class Sticky(DictBackend):
    """Deletes nothing."""

    def delete(self, key: str) -> None:
        raise ConnectionError("no deletes")


USELESS: dict[str, Callable[[], Any]] = {
    "get raises": lambda: Spoiled(raising(ConnectionError("gone"))),
    "get raises a builtin timeout": lambda: Spoiled(raising(TimeoutError("slow"))),
    "get returns a text": lambda: Spoiled(lambda value: value and value.decode("latin-1")),
    "get returns a bytearray": lambda: Spoiled(lambda value: value and bytearray(value)),
    "get returns a number": lambda: Spoiled(lambda _: 7),
    "get returns nothing": lambda: Spoiled(lambda _: None),
    "get returns empty bytes": lambda: Spoiled(lambda _: b""),
    "get returns rubbish": lambda: Spoiled(lambda _: b"\x00\xffrubbish"),
    "get returns half": lambda: Spoiled(lambda value: value and value[: len(value) // 2]),
    "get returns less one": lambda: Spoiled(lambda value: value and value[:-1]),
    "get returns a flipped bit": lambda: Spoiled(flipped),
    "get returns another entry": Shuffled,
    "set raises": Deaf,
    "set does nothing": Silent,
}


def numbered(counter: Iterator[int]) -> Callable[[Request], Step]:
    def answer(_: Request) -> Step:
        return reply(200, {"account": {**ACCOUNT, "balance": next(counter)}}, {"ETag": '"e"'})

    return answer


@pytest.mark.parametrize("backend", USELESS.values(), ids=USELESS.keys())
def test_a_backend_that_is_of_no_use_costs_the_cache_and_never_the_call(
    backend: Callable[[], Any],
) -> None:
    counter = iter(range(100))
    with (
        ScriptedServer(numbered(counter)) as server,
        V2Client(api_key="k" * 8, base_url=server.url, cache_backend=backend()) as client,
    ):
        for number in range(4):
            assert got(client) == {**ACCOUNT, "balance": number}
        client.payment_methods.delete("p1")
    assert len(server.requests) == 5
    assert not any("If-None-Match" in request.headers for request in server.requests)


def test_a_backend_that_deletes_nothing_keeps_no_unusable_answer() -> None:
    script = [reply(200, "<html>"), reply(200, {"account": ACCOUNT})]
    with (
        ScriptedServer(script) as server,
        V2Client(api_key="k" * 8, base_url=server.url, cache_backend=Sticky()) as client,
    ):
        with pytest.raises(Exception, match="not JSON"):
            client.accounts.get("a1", cache_ttl=30)
        assert got(client) == ACCOUNT


def test_what_a_backend_fails_with_is_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Spoiled(raising(ConnectionError("redis://:planted_secret@cache")))
    with (
        ScriptedServer(numbered(iter(range(9)))) as server,
        V2Client(api_key="k" * 8, base_url=server.url, cache_backend=backend) as client,
    ):
        client.accounts.get("a1", cache_ttl=30)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings
    assert {record.name for record in warnings} == {"tesote_sdk"}
    assert all("the cache backend's get failed" in record.getMessage() for record in warnings)
    assert "planted_secret" not in caplog.text


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_in_the_backend_goes_through(
    interruption: type[BaseException],
) -> None:
    backend = Spoiled(raising(interruption()))
    with (
        ScriptedServer([]) as server,
        V2Client(api_key="k" * 8, base_url=server.url, cache_backend=backend) as client,
        pytest.raises(interruption),
    ):
        client.accounts.get("a1", cache_ttl=30)


def test_two_keys_on_one_backend_never_share_an_entry_and_neither_is_readable_in_it() -> None:
    backend = DictBackend()
    with (
        Sandbox(accounts=3, transactions=2) as one,
        Sandbox(seed=2, accounts=3, transactions=2, port=0) as two,
    ):
        other_key = "sk_live_planted_other_0042"
        one.add_api_key(other_key)
        tenants = [
            V2Client(api_key=one.api_key, base_url=one.url, cache_backend=backend),
            V2Client(api_key=other_key, base_url=one.url, cache_backend=backend),
            V2Client(api_key=two.api_key, base_url=two.url, cache_backend=backend),
        ]
        seen: list[set[str]] = []
        for client in tenants:
            before = set(backend.kept)
            client.accounts.list(cache_ttl=30)
            client.whoami(cache_ttl=30)
            client.status(cache_ttl=30)
            client.payment_methods.list(cache_ttl=30)
            seen.append(set(backend.kept) - before)
        assert [len(keys) for keys in seen] == [len(seen[0])] * 3
        assert len(one.requests) == 8
        assert len(two.requests) == 4
        dump = repr(backend.kept)
        for key in (one.api_key, other_key, two.api_key):
            assert key not in dump
            assert key[-12:] not in dump
        # Whoever empties his own cache empties nobody else's.
        tenants[0].payment_methods.list(cache_ttl=30)
        method = tenants[1].payment_methods.list(cache_ttl=30).data[0]
        tenants[1].payment_methods.update(method["id"], label="new")
        one.clear_requests()
        tenants[0].payment_methods.list(cache_ttl=30)
        assert one.requests == []
        for client in tenants:
            client.close()


def test_both_versions_keep_their_answers_apart() -> None:
    backend = DictBackend()
    with Sandbox(accounts=2) as sandbox:
        v1 = V1Client(api_key=sandbox.api_key, base_url=sandbox.url, cache_backend=backend)
        v2 = V2Client(api_key=sandbox.api_key, base_url=sandbox.url, cache_backend=backend)
        with v1, v2:
            v1.accounts.list(cache_ttl=30)
            v2.accounts.list(cache_ttl=30)
        assert len(sandbox.requests) == 2


def test_a_backend_is_told_how_long_to_keep_and_given_bytes() -> None:
    backend = DictBackend()
    with (
        Sandbox(accounts=2) as sandbox,
        V2Client(api_key=sandbox.api_key, base_url=sandbox.url, cache_backend=backend) as client,
    ):
        client.accounts.list(cache_ttl=1.5)
    assert {type(kept.value) for kept in backend.kept.values()} == {bytes}
    assert sorted(kept.ttl for kept in backend.responses().values()) == [1.5, 86401.5]
    assert all(isinstance(kept, Kept) and kept.ttl > 0 for kept in backend.kept.values())
