"""Where responses are cached, and what comes back out of a backend."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.transport.log_events import EventLog
from tesote_sdk.transport.messages import Headers, Request
from tesote_sdk.transport.origin import parse_base_url
from tesote_sdk.transport.redaction import ApiKey
from tesote_sdk.transport.response_cache import (
    REVALIDATION_SECONDS,
    Entry,
    Place,
    ResponseCache,
)
from tesote_sdk.transport.timeouts import Deadline
from tests.cache.backends import DictBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

# ---- keys ----

KEY = "sk_live_planted_5e3cre7"


def request_for(
    target: str = "/v2/accounts", headers: Mapping[str, str] | None = None, api_key: str = KEY
) -> Request:
    path, _, query = target.partition("?")
    base = parse_base_url("https://equipo.tesote.com/api", allow_http=False)
    fields = {"Host": "equipo.tesote.com", "User-Agent": "tests", "Accept": "application/json"}
    return Request(
        base=base,
        method="GET",
        path=path,
        query=query,
        headers={**fields, **(headers or {})},
        varying=headers or {},
        body=None,
        body_shape=None,
        idempotency_key=None,
        caller_keyed=False,
        changes_state=False,
        api_key=ApiKey(api_key),
    )


def cache_over(
    backend: Any, api_key: str = KEY, base_url: str = "https://equipo.tesote.com/api"
) -> ResponseCache:
    return ResponseCache(backend, ApiKey(api_key), base_url, EventLog(None))


def keys_of(place: Place) -> set[str]:
    return {place.fresh, place.confirmable}


def place_of(cache: ResponseCache, request: Request, ttl: float = 30.0) -> Place:
    place = cache.place(request, ttl, Deadline(time.monotonic, 5, "total"))
    assert place is not None
    return place


def test_the_same_request_has_the_same_place_whatever_the_order_of_its_query() -> None:
    cache = cache_over(DictBackend())
    expected = place_of(cache, request_for("/v2/accounts?page=2&per_page=50&sort=name"))
    for query in ("per_page=50&sort=name&page=2", "sort=name&page=2&per_page=50"):
        assert place_of(cache, request_for(f"/v2/accounts?{query}")) == expected


@pytest.mark.parametrize(
    "other",
    [
        request_for("/v2/accounts"),
        request_for("/v2/accounts?page=1"),
        request_for("/v2/accounts?page=2&per_page=50"),
        request_for("/v2/accounts?page="),
        request_for("/v2/accounts?page%3D2"),
        request_for("/v1/accounts?page=2"),
        request_for("/v2/accounts/2?page=2"),
        request_for("/v2/accounts?page=2", {"Accept": "text/csv"}),
        request_for("/v2/accounts?page=2", {"Accept-Language": "es"}),
    ],
)
def test_another_request_has_another_place(other: Request) -> None:
    cache = cache_over(DictBackend())
    place = place_of(cache, request_for("/v2/accounts?page=2"))
    assert not keys_of(place) & keys_of(place_of(cache, other))


def test_the_order_of_values_with_one_name_is_kept() -> None:
    cache = cache_over(DictBackend())
    one, other = request_for("/v2/x?sort=a&sort=b"), request_for("/v2/x?sort=b&sort=a")
    assert place_of(cache, one).fresh != place_of(cache, other).fresh


def test_an_answer_is_never_older_than_was_asked_for() -> None:
    cache = cache_over(DictBackend())
    old, new = place_of(cache, request_for(), 3600.0), place_of(cache, request_for(), 0.5)
    assert old.fresh != new.fresh
    # The server is asked about it, in both cases.
    assert old.confirmable == new.confirmable


@pytest.mark.parametrize(
    ("api_key", "base_url"),
    [
        ("sk_live_another_5e3cre7", "https://equipo.tesote.com/api"),
        (KEY, "https://other.tesote.com/api"),
        (KEY, "https://equipo.tesote.com/other"),
    ],
)
def test_another_key_or_base_url_shares_no_place(api_key: str, base_url: str) -> None:
    backend = DictBackend()
    place = place_of(cache_over(backend), request_for())
    other = place_of(cache_over(backend, api_key, base_url), request_for(api_key=api_key))
    assert not keys_of(place) & keys_of(other)
    cache_over(backend, api_key, base_url).drop("/v2/accounts")
    assert place_of(cache_over(backend), request_for()) == place


def test_the_same_key_and_base_url_share_their_places_across_clients() -> None:
    backend = DictBackend()
    assert place_of(cache_over(backend), request_for()) == place_of(
        cache_over(backend), request_for()
    )


def test_who_names_a_condition_of_his_own_is_not_served_from_a_cache() -> None:
    cache = cache_over(DictBackend())
    request = request_for(headers={"if-none-match": '"e1"'})
    assert cache.place(request, 30.0, Deadline(time.monotonic, 5, "total")) is None


# ---- entries ----

ENTRY = Entry(
    200,
    Headers({"content-type": "application/json", "etag": '"e1"', "x-request-id": "r-é"}),
    b'{"id": "a\xc3\xa9"}\n\xff',
)


def stored(entry: Entry = ENTRY, ttl: float = 30.0) -> tuple[ResponseCache, DictBackend, Place]:
    backend = DictBackend()
    cache = cache_over(backend)
    place = place_of(cache, request_for(), ttl)
    cache.store(place, entry, ttl)
    return cache, backend, place


def test_an_entry_comes_back_as_it_was_stored() -> None:
    cache, _, place = stored()
    for key in keys_of(place):
        entry = cache.load(key)
        assert entry is not None
        assert (entry.status, entry.content) == (200, ENTRY.content)
        assert dict(entry.headers) == dict(ENTRY.headers)
        assert ENTRY.content.decode("latin-1") not in repr(entry)


def test_only_an_entry_with_an_etag_outlives_its_freshness_and_by_a_day() -> None:
    _, backend, place = stored()
    assert {key: kept.ttl for key, kept in backend.responses().items()} == {
        place.fresh: 30,
        place.confirmable: 30 + 86400,
    }
    assert REVALIDATION_SECONDS == 86400
    _, backend, place = stored(Entry(200, Headers({}), b"{}"))
    assert list(backend.responses()) == [place.fresh]


@pytest.mark.parametrize("etag", ["", '"a\rX: 1"', '"\x00"', '"\xe9"', '"\u20ac"'])
def test_an_etag_that_cannot_be_sent_back_is_none(etag: str) -> None:
    _, backend, place = stored(Entry(200, Headers({"etag": etag}), b"{}"))
    assert list(backend.responses()) == [place.fresh]


def test_what_belongs_to_one_exchange_is_not_stored() -> None:
    fields = {"set-cookie": "session=1", "connection": "close", "content-length": "2", "x": "y"}
    cache, backend, place = stored(Entry(200, Headers(fields), b"{}"))
    assert b"session" not in backend.kept[place.fresh].value
    entry = cache.load(place.fresh)
    assert entry is not None
    assert dict(entry.headers) == {"x": "y"}


def test_a_confirmed_entry_has_the_new_fields_and_the_old_content() -> None:
    news = Headers({"etag": '"e2"', "x-request-id": "r2", "content-length": "0", "date": "now"})
    entry = ENTRY.confirmed(news)
    assert (entry.status, entry.content) == (200, ENTRY.content)
    assert dict(entry.headers) == {
        "content-type": "application/json",
        "etag": '"e2"',
        "x-request-id": "r2",
        "date": "now",
    }


def test_an_entry_with_any_bit_flipped_is_a_miss() -> None:
    cache, backend, place = stored()
    value = backend.kept[place.fresh].value
    for position in range(len(value)):
        for bit in range(8):
            damaged = bytearray(value)
            damaged[position] ^= 1 << bit
            backend.set(place.fresh, bytes(damaged), 30)
            assert cache.load(place.fresh) is None


def test_an_entry_cut_anywhere_or_with_something_behind_it_is_a_miss() -> None:
    cache, backend, place = stored()
    value = backend.kept[place.fresh].value
    for damaged in [*(value[:length] for length in range(len(value))), value + b"\n", value * 2]:
        backend.set(place.fresh, damaged, 30)
        assert cache.load(place.fresh) is None


def test_the_entry_of_another_key_is_a_miss() -> None:
    cache, backend, place = stored()
    other = place_of(cache, request_for("/v2/accounts/a1"))
    cache.store(other, Entry(200, Headers({}), b"another"), 30)
    backend.kept[place.fresh], backend.kept[other.fresh] = (
        backend.kept[other.fresh],
        backend.kept[place.fresh],
    )
    assert cache.load(place.fresh) is None
    assert cache.load(other.fresh) is None


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"0",
        b"00000000",
        b"\n",
        b"null",
        b"{}",
        b'{"status": 200}',
        b"[" * 100_000,
        b"\xff" * 64,
        "text",
        7,
        None,
        [1],
        {"status": 200},
        bytearray(b"{}"),
        object(),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_rubbish_is_a_miss_and_what_is_no_bytes_is_told(
    rubbish: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cache, backend, place = stored()
    backend.set(place.fresh, rubbish, 30)
    assert cache.load(place.fresh) is None
    told = re.findall("returned a value of type", caplog.text)
    assert len(told) == (0 if rubbish is None or isinstance(rubbish, bytes) else 1)


def test_a_generation_that_was_cut_or_lost_voids_what_was_made_under_it() -> None:
    for damaged in (b"", b"1", None):
        cache, backend, place = stored()
        (name,) = backend.kept.keys() - backend.responses().keys()
        if damaged is None:
            backend.delete(name)
        else:
            backend.set(name, damaged, 30)
        assert place_of(cache, request_for()).fresh != place.fresh


def test_forgetting_an_entry_that_cannot_be_deleted_voids_it() -> None:
    class NoDelete(DictBackend):
        def delete(self, key: str) -> None:
            raise ConnectionError("read-only")

    backend = NoDelete()
    cache = cache_over(backend)
    place = place_of(cache, request_for())
    cache.store(place, ENTRY, 30)
    cache.forget(place)
    assert place_of(cache, request_for()).fresh != place.fresh


def test_a_drop_that_the_backend_did_not_take_is_made_up_for_before_anything_is_served() -> None:
    class Fickle(DictBackend):
        up = True

        def set(self, key: str, value: bytes, ttl: float) -> None:
            if not self.up:
                raise ConnectionError("gone")
            super().set(key, value, ttl)

    backend = Fickle()
    cache = cache_over(backend)
    place = place_of(cache, request_for())
    cache.store(place, ENTRY, 30)
    backend.up = False
    cache.drop("/v2/accounts")
    assert cache.place(request_for(), 30, Deadline(time.monotonic, 5, "total")) is None
    backend.up = True
    assert place_of(cache, request_for()).fresh != place.fresh
