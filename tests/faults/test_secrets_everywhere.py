"""Every public call, whatever it ends with: no secret is where a crash reporter looks.

An account number, a bank's token, the text of a search and the API key are among the arguments, and
the server repeats them. They are in no frame of the SDK, nor in what those frames lead to; nor in
the error itself, but for what the server sent (`response_body`, `envelope`), and the key not there.
"""

from __future__ import annotations

import inspect
import itertools
import types
from typing import Any, Callable

import pytest

from tesote_sdk import (
    ExportFile,
    InvalidArgumentError,
    InvalidResponseError,
    Page,
    TesoteError,
    V1Client,
    V2Client,
)
from tesote_sdk.pagination import ItemIterator, PageIterator
from tesote_sdk.transport import Response, Transport
from tesote_sdk.v2.sync_deltas import SyncDeltas
from tests.faults.planted_calls import (
    ACCOUNT,
    ANSWERED_BY_ANYTHING,
    CALLS,
    ECHO,
    ID,
    KEY,
    LISTS,
    SEARCH,
    SECRETS,
    TOKEN,
    V1_CALLS,
    V2_CALLS,
    assert_hidden,
    check,
    client_at,
    first_answer,
)
from tests.support.dead_addresses import refused_port
from tests.support.exposure import (
    shown_by_dump,
    texts_within,
)
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, cut, hang_up, raw, reply, reset, silence
from tests.v1.endpoint_table import method_named, public_methods

pytestmark = pytest.mark.filterwarnings("ignore:POST /v2/transactions/sync:DeprecationWarning")

REFUSAL = {"error": "no", "error_code": "VALIDATION_ERROR", "details": ECHO}
FAULTS: dict[str, Step] = {
    "refused": reply(400, REFUSAL, {"X-Request-Id": KEY}),
    "refused_by_a_gateway": reply(502, f"<html>{ECHO}</html>", reason=f"Bad {KEY}"),
    "lost": hang_up(),
    "reset_mid_body": cut(reply(200, {"data": ECHO}), -3, then=reset()),
    "another_shape": reply(200, [ECHO]),
    "another_protocol": raw(f"220 {ACCOUNT} {KEY}\r\n".encode()),
    "no_json": reply(200, f'{{"data": {ECHO}'),
    "no_utf_8": reply(200, f"\xff{ECHO}".encode("latin-1")),
    "silent": silence(),
}
JUDGED_BY_STATUS = {"another_shape", "no_json", "no_utf_8"}


BRIEF = 0.01
"""Seconds to wait for an answer where none comes."""


def grow_impatient(client: Any) -> None:
    """Have a client wait no longer than it must, from now on."""
    object.__setattr__(client.transport.options, "read_timeout", BRIEF)


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_server_does(fault: str) -> None:
    with ScriptedServer(itertools.repeat(FAULTS[fault])) as server:
        for call in CALLS:
            if not (fault in JUDGED_BY_STATUS and call.name in ANSWERED_BY_ANYTHING):
                with client_at(server.url, call.kind) as client:
                    if fault == "silent":
                        grow_impatient(client)
                    check(f"{call}, {fault}", lambda: call.make(client), TesoteError)  # noqa: B023


def test_a_server_that_is_not_there() -> None:
    with refused_port() as port:
        for call in CALLS:
            with client_at(f"http://127.0.0.1:{port}", call.kind) as client:
                check(call, lambda: call.make(client), TesoteError)  # noqa: B023


@pytest.mark.parametrize("fault", ["refused", "lost", "another_shape", "no_json", "silent"])
def test_the_second_page(fault: str) -> None:
    walks: dict[str, Callable[[Any], object]] = {
        "next_page": lambda page: page.next_page(),
        "iter_pages": lambda page: list(page.iter_pages()),
        "items": list,
    }
    for call, walk in itertools.product(LISTS, walks):
        # A request that is lost on a connection in use goes out once more.
        script = [reply(200, first_answer(call)), FAULTS[fault], FAULTS[fault]]
        with (
            ScriptedServer(script) as server,
            client_at(server.url, call.kind) as client,
        ):
            page = method_named(client, call.name)(**call.arguments)
            page = page[ID] if isinstance(page, dict) else page
            if fault == "silent":
                grow_impatient(client)
            check(f"{call}, {walk}, {fault}", lambda: walks[walk](page), TesoteError)  # noqa: B023
            assert_hidden([repr(page), repr(iter(page)), repr(page.iter_pages())], SECRETS, call)


PAID: list[dict[str, Any]] = [
    {"items": [], "has_more": False},
    {"id": "o1", "status": "draft"},
    {"id": "o1", "status": "draft", "amount": "12.50", "currency": "VES", "destination": {}},
]
"""What the first three requests of `pay` are answered with; the fourth submits."""


@pytest.mark.parametrize("fault", ["refused", "lost", "another_shape", "silent"])
def test_each_step_of_a_payment(fault: str) -> None:
    arguments = V2_CALLS["transaction_orders.pay"]
    for steps in range(len(PAID) + 1):
        script = [*[reply(200, answer) for answer in PAID[:steps]], FAULTS[fault], FAULTS[fault]]
        sent = itertools.count()

        def note(event: Any, steps: int = steps, sent: Any = sent) -> None:
            if fault == "silent" and event["phase"] == "request" and next(sent) == steps:
                grow_impatient(client)

        with (
            ScriptedServer(script) as server,
            client_at(server.url, logger=note) as client,
        ):
            check(
                f"step {steps + 1}, {fault}",
                lambda: client.transaction_orders.pay(**arguments),
                TesoteError,
            )
            server.wait_for_requests(steps + 1)


def test_a_payment_that_differs_from_the_order() -> None:
    other = {**PAID[2], "amount": "99.00"}
    with (
        ScriptedServer([reply(200, answer) for answer in (*PAID[:2], other)]) as server,
        client_at(server.url) as client,
    ):
        arguments = V2_CALLS["transaction_orders.pay"]
        check("pay", lambda: client.transaction_orders.pay(**arguments), InvalidArgumentError)


def test_what_is_waited_for_does_not_end() -> None:
    state = {"id": "o1", "status": "processing", "beneficiary": ECHO}
    with (
        ScriptedServer(itertools.repeat(reply(200, state))) as server,
        client_at(server.url) as client,
    ):
        check(
            "wait",
            lambda: client.transaction_orders.wait(
                ID, "o1", timeout=0.02, poll_interval=0.01, on_poll=lambda order: TOKEN
            ),
            TesoteError,
        )


def test_a_sync_that_says_nothing_new() -> None:
    delta = {"added": [], "modified": [], "removed": [], "next_cursor": "c1", "has_more": True}
    with (
        ScriptedServer(itertools.repeat(reply(200, delta))) as server,
        client_at(server.url) as client,
    ):
        deltas = client.transactions.iter_sync(ID, cursor="c1")
        check("iter_sync", lambda: list(deltas), InvalidResponseError)
        assert_hidden(texts_within([deltas]), [KEY], "iter_sync")


def test_dumps_show_no_key() -> None:
    """A client that has made calls and kept answers holds the key in one place."""
    with (
        ScriptedServer(itertools.repeat(reply(200, first_answer(LISTS[0])))) as server,
        client_at(server.url, headers={"X-Tenant": TOKEN}) as client,
    ):
        page = client.transactions.search(SEARCH, account_id=ID, cache_ttl=30)
        second = client.with_options(read_timeout=3)
        things = (client, client.transport, client.transport.options, page, page.response)
        for thing in (*things, second, second.transport, iter(page), client.last_response):
            assert_hidden(shown_by_dump(thing), [KEY], thing)
            assert_hidden(texts_within([thing]), [KEY], thing)
        for thing in (*things[:3], page.response):
            assert_hidden([repr(thing)], (*SECRETS, ID), thing)
        assert_hidden(shown_by_dump(client), SECRETS, client)
        assert_hidden(shown_by_dump(client.transport), SECRETS, client.transport)


# --- nothing is left out ---


def test_every_method_of_a_resource_is_called() -> None:
    assert set(V1_CALLS) == public_methods(V1Client(KEY))
    assert set(V2_CALLS) == public_methods(V2Client(KEY))


NEVER_FAIL = {
    BaseException: {"with_traceback", "add_note", "args"},
    V1Client: {
        "accounts",
        "transactions",
        "transport",
        "close",
        "last_rate_limit",
        "last_response",
    },
    Transport: {"close", "last_rate_limit", "last_response"},
    Page: {"data", "iter_pages", "pagination", "response", "total"},
    PageIterator: {"page"},
    ItemIterator: {"page"},
    SyncDeltas: {"cursor"},
    Response: {"connection", "content", "headers", "invalid", "request_id", "status", "stray"},
    ExportFile: {"content", "content_type", "filename", "response"},
}
FAIL = {
    V1Client: {"request", "status", "whoami", "with_options"},
    Transport: {"request", "with_options"},
    Page: {"has_next_page", "next_page", "next_params"},
    PageIterator: {"__next__"},
    ItemIterator: {"__next__"},
    SyncDeltas: {"__next__"},
    Response: {"body", "json"},
    ExportFile: {"save", "text"},
}
"""What users get into their hands: its names that fail in the tests above."""

DOORS: dict[tuple[type, str], str] = {(ItemIterator, "__next__"): "_turned"}
"""Where the door stands further in: what fails there is tried above all the same."""


@pytest.mark.parametrize("kind", FAIL)
def test_every_name_of_a_result_is_tried(kind: type) -> None:
    names = {name for name in dir(kind) if not name.startswith("_")}
    names |= {"__next__"} & set(dir(kind))
    if kind is V1Client:
        names |= {"accounts", "transactions"}
    assert names == FAIL[kind] | NEVER_FAIL[kind]


@pytest.mark.parametrize("kind", FAIL)
def test_what_fails_has_a_door(kind: type) -> None:
    for name in FAIL[kind]:
        attribute = inspect.getattr_static(kind, DOORS.get((kind, name), name))
        function = attribute.fget if isinstance(attribute, property) else attribute
        assert hasattr(function, "__wrapped__"), f"{kind.__name__}.{name}"


def test_the_search_itself_finds_what_is_shown() -> None:
    """The test of the test: a secret in an error, or behind a variable of a frame, is found."""

    def transport_frame(listing: Any) -> None:
        raise TesoteError("no")

    code = transport_frame.__code__.replace(co_filename=Page.__init__.__code__.co_filename)
    for hidden in ([SEARCH], {"a": (SEARCH,)}, memoryview(SEARCH.encode())):
        pretended = types.FunctionType(code, globals())
        with pytest.raises(AssertionError, match="in a frame"):
            check("x", lambda: pretended([hidden, SEARCH]), TesoteError)  # noqa: B023

    def shown() -> None:
        raise TesoteError("no", response_body=SEARCH, error_id=TOKEN)

    with pytest.raises(AssertionError, match="in the error"):
        check("x", shown, TesoteError)
