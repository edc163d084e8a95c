"""What somebody else wrote into a shared cache, what a server forbids, and what a key loses.

A cache that others can write to (a Redis without a password) is no way to the API key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.errors import ForbiddenError, UnauthorizedError
from tesote_sdk.transport.log_events import EventLog
from tesote_sdk.transport.messages import Headers
from tesote_sdk.transport.redaction import ApiKey
from tesote_sdk.transport.response_cache import Entry, ResponseCache
from tesote_sdk.transport.timeouts import Deadline
from tests.cache.backends import DictBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply
from tests.transport.calls import KEY, MARK, failure_of, scripted, transport_to

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from typing import Callable

    from tesote_sdk.transport import Transport
    from tests.support.http_messages import Request

PLANTED = b'{"balance": "1000000.00"}'
EVIL_ETAG = '"e"\r\nX-Stolen: 1\r\n\r\nPOST /collect HTTP/1.1\r\nContent-Length: 999\r\n'


def got(transport: Transport, path: str = "/v2/accounts/a1") -> Any:
    return transport.request("GET", path, cache_ttl=60).json


def counted(fields: Any = (("ETag", '"e1"'),)) -> Callable[[Request], Step]:
    """Return what answers every request with another number."""
    numbers = iter(range(1, 100))
    return lambda _: reply(200, {"n": next(numbers)}, list(fields))


# ---- what somebody else wrote ----


def sealed_by(key: bytes, place: str, packed: bytes) -> bytes:
    return hmac.new(key, place.encode() + b"\n" + packed, hashlib.sha256).digest() + packed


def packed(etag: str = '"e1"', status: Any = 200, content: bytes = PLANTED) -> bytes:
    return json.dumps([status, {"etag": etag}]).encode() + b"\n" + content


FORGERIES: dict[str, Callable[[str, bytes], Any]] = {
    "unsealed": lambda _, __: packed(),
    "sealed with no key": lambda place, _: sealed_by(b"", place, packed()),
    "sealed with another key": lambda place, _: sealed_by(b"sk_live_mine", place, packed()),
    "sealed with a zero": lambda _, __: bytes(32) + packed(),
    "a seal for another content": lambda _, kept: kept[:32] + packed(),
    "a seal for another ETag": lambda _, kept: kept.replace(b'\\"e1\\"', b'\\"e2\\"'),
    "an ETag with line ends": lambda place, _: sealed_by(b"", place, packed(EVIL_ETAG)),
    "a status that is none": lambda place, _: sealed_by(b"", place, packed(status="200")),
    "a pickle": lambda _, __: b"cos\nsystem\n(S'true'\ntR.",
    "no bytes": lambda _, kept: kept.decode("latin-1"),
    "a bytearray": lambda _, kept: bytearray(kept),
    "a list": lambda _, kept: list(kept),
    "a number": lambda _, __: 7,
    "true": lambda _, __: True,
    "an object": lambda _, __: object(),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_planted_entry_is_a_miss_and_nothing_of_it_is_sent(
    forge: Callable[[str, bytes], Any],
) -> None:
    backend = DictBackend()
    with scripted(counted(), cache_backend=backend) as (transport, server):
        assert got(transport) == {"n": 1}
        assert len(backend.responses()) == 2
        for place, kept in backend.responses().items():
            backend.set(place, forge(place, kept.value), 60)
        assert got(transport) == {"n": 2}
        assert got(transport) == {"n": 2}  # what was planted has been replaced
    for request in server.requests:
        assert "if-none-match" not in request.headers
        assert b"X-Stolen" not in request.raw
        assert b"\r\n\r\n" not in request.raw[:-4]
    assert len(server.requests) == 2


def test_an_entry_is_good_at_its_own_place_alone() -> None:
    """Who cannot write an entry could still put one in the place of another."""
    backend = DictBackend()
    with scripted(counted(), cache_backend=backend) as (transport, server):
        got(transport, "/v2/accounts/mine")
        (mine, *_) = backend.responses().values()
        got(transport, "/v2/accounts/theirs")
        for place in backend.responses():
            backend.set(place, mine.value, 60)
        assert got(transport, "/v2/accounts/theirs") == {"n": 3}
    assert len(server.requests) == 3


def test_an_entry_of_another_key_is_a_miss_although_it_is_whole() -> None:
    def cache_of(key: str) -> ResponseCache:
        return ResponseCache(backend, ApiKey(key), "https://api.example.test", EventLog(None))

    backend = DictBackend()
    place = "tesote-sdk:2:response:any"
    ours, theirs = cache_of("sk_live_ours"), cache_of("sk_live_theirs")
    backend.set(place, theirs._packed(place, Entry(200, Headers({}), PLANTED)), 60)
    assert theirs.load(place) is not None
    assert ours.load(place) is None


@pytest.mark.parametrize("etag", [EVIL_ETAG, '"\x00"', '"\xe9"', '"\x1b[31m"', ""])
def test_an_etag_that_is_no_field_value_is_not_sent_even_if_it_is_ours(etag: str) -> None:
    entry = Entry(200, Headers({"etag": etag}), b"{}")
    assert entry.etag is None


def test_neither_the_store_nor_its_keys_hold_the_api_key() -> None:
    backend = DictBackend()
    with scripted(counted(), cache_backend=backend) as (transport, _):
        got(transport)
    shown = repr(backend.kept)
    digests = [hashlib.sha256(KEY.encode()).hexdigest(), base64.b64encode(KEY.encode()).decode()]
    for secret in (KEY, MARK, *digests):
        assert secret not in shown


# ---- what a server forbids to keep ----


@pytest.mark.parametrize(
    "directives",
    ["no-store", "NO-STORE", "private, no-store", "max-age=60,no-store", 'no-store="x"'],
)
def test_what_a_server_forbids_to_keep_is_not_kept(directives: str) -> None:
    backend = DictBackend()
    answer = counted([("Cache-Control", directives), ("ETag", '"e1"')])
    with scripted(answer, cache_backend=backend) as (transport, server):
        assert [got(transport) for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert backend.responses() == {}
    assert not any("if-none-match" in request.headers for request in server.requests)


@pytest.mark.parametrize("directives", ["", "private", "max-age=0", "x-no-store", "no-storey"])
def test_other_directives_do_not_overrule_what_the_caller_asked_for(directives: str) -> None:
    with scripted(counted([("Cache-Control", directives)])) as (transport, server):
        assert [got(transport) for _ in range(2)] == [{"n": 1}] * 2
    assert len(server.requests) == 1


# ---- what a key loses ----


@pytest.fixture
def refusing() -> Iterator[tuple[Transport, ScriptedServer, list[int]]]:
    """A transport to a server that refuses with the last status in a list, where there is one."""
    statuses: list[int] = []
    answer = counted()

    def choose(request: Request) -> Step:
        return reply(statuses[-1], {"error": "No"}) if statuses else answer(request)

    with ScriptedServer(choose) as server, transport_to(server.url) as transport:
        yield transport, server, statuses


@pytest.mark.parametrize("how", ["GET", "cached GET", "POST"])
def test_a_401_drops_what_the_key_has_cached(
    refusing: tuple[Transport, ScriptedServer, list[int]], how: str
) -> None:
    """A key that was revoked must not go on reading what it once read."""
    transport, _, statuses = refusing
    paths = ["/v2/accounts/a1", "/v2/payment_methods", "/v2/transactions/t1"]
    for number, path in enumerate(paths, start=1):
        assert got(transport, path) == {"n": number}
    statuses.append(401)
    ttl = 60 if how == "cached GET" else None
    refusal = failure_of(
        lambda: transport.request(how.rpartition(" ")[2], "/v2/other", cache_ttl=ttl)
    )
    assert type(refusal) is UnauthorizedError
    for path in paths:
        assert type(failure_of(lambda path=path: got(transport, path))) is (  # type: ignore[misc]
            UnauthorizedError
        )
    statuses.clear()
    assert got(transport, paths[0]) == {"n": 4}


def test_another_refusal_drops_nothing(
    refusing: tuple[Transport, ScriptedServer, list[int]],
) -> None:
    transport, _, statuses = refusing
    assert got(transport) == {"n": 1}
    statuses.append(403)
    assert type(failure_of(lambda: got(transport, "/v2/other"))) is ForbiddenError
    assert got(transport) == {"n": 1}


# ---- a backend that fails for a moment ----


class Restarting(DictBackend):
    """Fails in some of its next lookups, which are counted from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: Container[int] = ()
        self.lookups = 0

    def get(self, key: str) -> bytes | None:
        self.lookups += 1
        if self.lookups in self.failing:
            raise ConnectionError("restarting")
        return super().get(key)


@pytest.mark.parametrize("failing", [{1}, {2}, {2, 3}, {2, 3, 4}, {1, 2, 3, 4}], ids=str)
def test_a_get_that_fails_voids_nothing_of_what_others_keep(failing: set[int]) -> None:
    backend = Restarting()
    with (
        ScriptedServer(counted([])) as server,
        transport_to(server.url, cache_backend=backend) as one,
        transport_to(server.url, cache_backend=backend) as other,
    ):
        assert got(one) == got(other) == {"n": 1}
        before = dict(backend.kept)
        backend.lookups, backend.failing = 0, failing
        got(other)
        generations = before.keys() - backend.responses().keys()
        assert generations
        assert all(backend.kept[name] == before[name] for name in generations)
        backend.failing = ()
        requests = len(server.requests)
        assert got(one) == got(other)
        assert len(server.requests) == requests


def test_a_backend_that_does_not_answer_at_all_costs_the_cache_alone() -> None:
    backend = Restarting()
    with scripted(counted(), cache_backend=backend) as (transport, server):
        got(transport)
        backend.failing = range(10**6)
        assert [got(transport)["n"] for _ in range(3)] == [2, 3, 4]
        backend.failing = ()
        assert got(transport)["n"] in (1, 2, 3, 4)
    assert len(server.requests) == 4


def test_a_generation_is_made_once_for_all_who_share_the_backend() -> None:
    backend = DictBackend()
    places = set()
    for _ in range(3):
        cache = ResponseCache(backend, ApiKey(KEY), "https://api.example.test", EventLog(None))
        places.add(cache._generation("accounts", Deadline(time.monotonic, 5, "total")))
    (generation,) = places
    assert generation is not None
    assert re.fullmatch("[0-9a-f]{16}", generation)


def test_a_generation_outlives_all_that_is_kept_under_it() -> None:
    backend = DictBackend()
    with scripted(counted(), cache_backend=backend) as (transport, _):
        transport.request("GET", "/v2/accounts/a1", cache_ttl=86_400)
    responses = backend.responses()
    (generation,) = [kept for name, kept in backend.kept.items() if name not in responses]
    assert len(responses) == 2
    assert generation.ttl > max(kept.ttl for kept in responses.values())


class ReadOnly(DictBackend):
    """Takes nothing for a while."""

    takes = True

    def set(self, key: str, value: bytes, ttl: float) -> None:
        if not self.takes:
            raise ConnectionError("read-only")
        super().set(key, value, ttl)


def test_a_cache_is_of_use_again_once_its_backend_has_taken_what_a_write_voids() -> None:
    backend = ReadOnly()
    with scripted(counted([]), cache_backend=backend) as (transport, _):
        assert got(transport) == {"n": 1}
        backend.takes = False
        transport.request("POST", "/v2/accounts/a1/sync")
        assert [got(transport) for _ in range(2)] == [{"n": 3}, {"n": 4}]
        backend.takes = True
        assert [got(transport) for _ in range(2)] == [{"n": 5}, {"n": 5}]
