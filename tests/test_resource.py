"""What every resource shares: unwrapping, and what help() and tracebacks show."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import ApiError, InvalidResponseError, TesoteError, V1Client, V2Client
from tesote_sdk._resource import Resource
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.support.systems import needs_docstrings
from tests.v1.endpoint_table import method_named, public_methods
from tests.v1.harness import answering, connected

if TYPE_CHECKING:
    from tesote_sdk._base_client import BaseClient

ORDER: dict[str, Any] = {
    "amount": "73194.25",
    "currency": "VES",
    "description": "Flour",
    "beneficiary": {"name": "Harinas", "account_number": "01990001230004567890"},
}

# The calls whose answer is one object, and what names it.
SINGLE: dict[str, tuple[Callable[[Any], object], str]] = {
    "accounts.get": (lambda c: c.accounts.get("x1"), "account"),
    "transactions.get": (lambda c: c.transactions.get("x1"), "transaction"),
    "sync_sessions.get": (lambda c: c.sync_sessions.get("a1", "x1"), "sync_session"),
    "orders.get": (lambda c: c.transaction_orders.get("a1", "x1"), "transaction_order"),
    "orders.create": (lambda c: c.transaction_orders.create("a1", **ORDER), "transaction_order"),
    "orders.submit": (lambda c: c.transaction_orders.submit("a1", "x1"), "transaction_order"),
    "orders.cancel": (lambda c: c.transaction_orders.cancel("a1", "x1"), "transaction_order"),
    "methods.get": (lambda c: c.payment_methods.get("x1"), "payment_method"),
    "methods.create": (
        lambda c: c.payment_methods.create(method_type="x", currency="VES"),
        "payment_method",
    ),
    "methods.update": (lambda c: c.payment_methods.update("x1", label="x"), "payment_method"),
}


@pytest.mark.parametrize(("call", "name"), SINGLE.values(), ids=SINGLE)
def test_an_object_is_read_bare_and_wrapped(call: Callable[[Any], object], name: str) -> None:
    sent = {"id": "x1", "status": "draft", "data": {"currency": "VES"}}
    with answering(sent, {name: sent}, {name: sent, "extra": 1}, {"data": sent}) as (_, client):
        for _ in range(4):
            assert call(client) == sent


@pytest.mark.parametrize(("call", "name"), SINGLE.values(), ids=SINGLE)
def test_what_has_an_id_is_the_object_whatever_it_holds(
    call: Callable[[Any], object], name: str
) -> None:
    sent = {"id": "x1", name: {"id": "inner"}, "data": {"id": "inner"}}
    with answering(sent) as (_, client):
        assert call(client) == sent


@pytest.mark.parametrize(("call", "name"), SINGLE.values(), ids=SINGLE)
def test_what_is_no_such_object_is_refused(call: Callable[[Any], object], name: str) -> None:
    odd: list[Any] = [
        *(None, [], "text", 7, {}),
        *({name: None}, {name: []}, {name: {}}, {name: "x1"}, {"data": {"currency": "VES"}}),
        *({"id": None}, {"id": ""}, {"status": "ok"}, {"error": "a failure behind a 200"}),
        [{"id": "x1"}],
    ]
    steps = [reply(200, json.dumps(sent)) for sent in odd]
    steps += [reply(200, b""), reply(200, "<html>Log in</html>"), reply(204)]
    with answering(*steps) as (server, client):
        for _ in steps:
            with pytest.raises(InvalidResponseError) as caught:
                call(client)
            method = server.requests[-1].method
            # A write whose answer cannot be read has most likely been carried out.
            assert caught.value.outcome_unknown is (method != "GET")
            assert caught.value.request_summary is not None
        assert len(server.requests) == len(steps)  # none was repeated


BARE: dict[str, tuple[Callable[[Any], object], str]] = {
    "status": (lambda c: c.status(), "status"),
    "accounts.sync": (lambda c: c.accounts.sync("a1"), "sync_session_id"),
    "batches.create": (lambda c: c.batches.create("a1", [ORDER]), "batch_id"),
    "batches.get": (lambda c: c.batches.get("a1", "b1"), "batch_id"),
    "batches.approve": (lambda c: c.batches.approve("a1", "b1"), "approved"),
    "batches.submit": (lambda c: c.batches.submit("a1", "b1"), "enqueued"),
    "batches.cancel": (lambda c: c.batches.cancel("a1", "b1"), "cancelled"),
}


@pytest.mark.parametrize(("call", "key"), BARE.values(), ids=BARE)
def test_an_answer_without_its_promised_key_is_refused(
    call: Callable[[Any], object], key: str
) -> None:
    odd: list[Any] = [None, [], "text", 7, {}, {"other": 1}, [{key: 1}]]
    with answering(*[reply(200, json.dumps(sent)) for sent in odd]) as (_, client):
        for _ in odd:
            with pytest.raises(InvalidResponseError, match=key):
                call(client)


def test_whoami_is_any_object_that_is_not_empty() -> None:
    with answering({}, reply(200, "[]"), {"x": 1}) as (_, client):
        for _ in range(2):
            with pytest.raises(InvalidResponseError):
                client.whoami()
        assert dict(client.whoami()) == {"x": 1}


@needs_docstrings
@pytest.mark.parametrize("kind", [V1Client, V2Client])
def test_help_tells_what_each_argument_of_a_client_is(kind: type[BaseClient]) -> None:
    arguments, other_arguments = (
        (inspect.getdoc(each) or "").partition("Args:")[2].partition("Attributes:")[0]
        for each in (kind, V1Client)
    )

    for name in inspect.signature(kind).parameters:
        assert f"\n    {name}: " in arguments
    assert arguments == other_arguments


@needs_docstrings
@pytest.mark.parametrize("kind", [V1Client, V2Client])
def test_help_shows_what_a_method_takes_and_returns(kind: type[BaseClient]) -> None:
    with connected(kind, "http://127.0.0.1:9") as client:
        for name in public_methods(client):
            method = method_named(client, name)
            signature = inspect.signature(method)
            assert signature.return_annotation is not inspect.Signature.empty
            assert method.__name__ == name.rpartition(".")[2]
            text = inspect.getdoc(method) or ""
            assert "Raises:" in text
            for parameter in signature.parameters.values():
                assert parameter.kind is not inspect.Parameter.VAR_KEYWORD
                assert parameter.annotation is not inspect.Parameter.empty
                assert f"\n    {parameter.name}: " in text, (name, parameter.name)


@pytest.mark.parametrize("kind", [V1Client, V2Client])
def test_every_get_takes_a_cache_ttl_and_every_write_a_key(kind: type[BaseClient]) -> None:
    neither = {"transactions.iter_sync", "sync_sessions.wait", "transaction_orders.wait"}
    reads_by_post = {"transactions.sync", "transactions.sync_legacy", "transactions.bulk"}
    with connected(kind, "http://127.0.0.1:9") as client:
        for name in public_methods(client) - neither - reads_by_post:
            parameters = inspect.signature(method_named(client, name)).parameters
            assert ("cache_ttl" in parameters) is not ("idempotency_key" in parameters), name


def test_a_page_is_cached_for_as_long_as_the_list_was_asked_to() -> None:
    pages = [{"accounts": [{"id": f"a{n}"}], "pagination": {"total_pages": 2}} for n in (1, 2)]
    with answering(*pages) as (server, client):
        for _ in range(3):
            listed = [account["id"] for account in client.accounts.list(cache_ttl=60)]
            assert listed == ["a1", "a2"]
        assert len(server.requests) == 2


def test_nothing_that_was_paid_is_in_a_traceback() -> None:
    with answering(reply(500), reply(200, {})) as (_, client):
        for error in (ApiError, InvalidResponseError):
            with pytest.raises(error) as caught:
                client.transaction_orders.create("a1", **ORDER)
            # This test's frame, and the door's, which holds the method and no more.
            (_, door) = caught.traceback
            shown = repr(door.locals)
            assert "create" in shown
            assert "73194" not in shown
            assert "0199000123" not in shown


def test_nothing_that_was_received_is_in_a_traceback() -> None:
    sent = {"account_number": "01990001230004567890"}
    more = {"after_id": "t1", "has_more": True}
    calls: list[Callable[[Any], object]] = [
        lambda client: client.accounts.get("a1"),
        lambda client: client.status(),
        lambda client: client.transactions.sync("a1"),
        lambda client: client.transactions.bulk(["a1"]),
        lambda client: client.transactions.list_for_account("a1"),
        lambda client: list(client.transactions.list_for_account("a1")),
    ]
    steps = [reply(200, sent)] * (len(calls) - 1)
    first = {"transactions": [{"id": "t1"}], "pagination": more}
    with answering(*steps, first, sent, reply(200, b"{not JSON")) as (_, client):
        for call in calls:
            with pytest.raises(InvalidResponseError) as caught:
                call(client)
            shown = "".join(repr(entry.locals) for entry in caught.traceback[2:])
            assert "0199000123" not in shown
            assert "0199000123" in (caught.value.response_body or "")
        with pytest.raises(InvalidResponseError) as caught:
            client.accounts.get("a1")
        assert caught.value.__cause__ is not None


def test_a_resource_holds_its_transport_and_nothing_else() -> None:
    with connected(V2Client, "http://127.0.0.1:9") as client:
        resources = {name: each for name, each in vars(client).items() if name != "_transport"}
        assert len(resources) == 6
        for resource in resources.values():
            assert isinstance(resource, Resource)
            assert vars(resource) == {"_transport": client.transport}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 500])
def test_a_refusal_of_any_call_is_a_typed_error(status: int) -> None:
    with (
        ScriptedServer(lambda request: reply(status, {"error": "No"})) as server,
        connected(V2Client, server.url) as client,
    ):
        calls = [*(call for call, _ in SINGLE.values()), *(call for call, _ in BARE.values())]
        for call in calls:
            with pytest.raises(ApiError) as caught:
                call(client)
            assert isinstance(caught.value, TesoteError)
            assert caught.value.http_status == status
