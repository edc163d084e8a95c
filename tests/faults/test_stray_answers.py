"""One stray answer on a connection must not shift all that follow by one.

It comes some milliseconds late: the connection was quiet when the next request went out, and the
stray answer is read as that request's. What names another object than the one asked for is no
answer; its connection, which may be one answer behind from here on, is not used again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest

from tesote_sdk import InvalidResponseError, RetryPolicy, V1Client
from tests.faults.harness import KEY, Wire, client_of, failure_of
from tests.support.steps import Step, reply

if TYPE_CHECKING:
    from typing import Callable

    from tests.support.connections import Connection
    from tests.support.http_messages import Request

ONCE = RetryPolicy(max_attempts=1)
ACCOUNT = "3b6f0c52-8d1e-4f0a-9a57-1c2d7e94b810"
MINE = "9f1d2c3b-4a5e-4f6d-8c7b-0a1b2c3d4e5f"
OTHER = "0a0b0c0d-0e0f-4a1b-8c2d-3e4f5a6b7c8d"
PAYMENT: Any = {
    "amount": "12.50",
    "currency": "VES",
    "description": "Invoice 7",
    "destination_payment_method_id": OTHER,
    "idempotency_key": "invoice-7",
}


class Case(NamedTuple):
    """A call, what the server answers to it, and an answer of the same kind to another call."""

    call: Callable[[Any], Any]
    own: dict[str, Any]
    stray: dict[str, Any]
    writes: bool


def of_an_object(call: Callable[[Any], Any], *, writes: bool = False) -> Case:
    return Case(
        call, {"id": MINE, "status": "completed"}, {"id": OTHER, "status": "failed"}, writes
    )


def of_a_batch(call: Callable[[Any], Any], *, writes: bool = False) -> Case:
    counts = {"approved": 1, "enqueued": 1, "cancelled": 1, "failed": 0}
    return Case(call, {**counts, "batch_id": MINE}, {**counts, "batch_id": OTHER}, writes)


def delta_of(account_id: str) -> dict[str, Any]:
    change = {"transaction_id": f"tx of {account_id}", "account_id": account_id}
    return {
        "added": [change],
        "modified": [],
        "removed": [],
        "next_cursor": "c1",
        "has_more": False,
    }


def order_of(key: str) -> dict[str, Any]:
    return {"transaction_order": {"id": f"order of {key}", "idempotency_key": key}}


CASES = {
    "accounts.get": of_an_object(lambda c: c.accounts.get(MINE)),
    "transactions.get": of_an_object(lambda c: c.transactions.get(MINE)),
    "transactions.sync": Case(
        lambda c: c.transactions.sync(MINE), delta_of(MINE), delta_of(OTHER), writes=False
    ),
    "sync_sessions.get": of_an_object(lambda c: c.sync_sessions.get(ACCOUNT, MINE)),
    "orders.get": of_an_object(lambda c: c.transaction_orders.get(ACCOUNT, MINE)),
    "orders.create": Case(
        lambda c: c.transaction_orders.create(ACCOUNT, **PAYMENT),
        order_of("invoice-7"),
        order_of("invoice-6"),
        writes=True,
    ),
    "orders.submit": of_an_object(
        lambda c: c.transaction_orders.submit(ACCOUNT, MINE, idempotency_key="invoice-7"),
        writes=True,
    ),
    "orders.cancel": of_an_object(
        lambda c: c.transaction_orders.cancel(ACCOUNT, MINE), writes=True
    ),
    "batches.get": of_a_batch(lambda c: c.batches.get(ACCOUNT, MINE)),
    "batches.approve": of_a_batch(lambda c: c.batches.approve(ACCOUNT, MINE), writes=True),
    "batches.submit": of_a_batch(lambda c: c.batches.submit(ACCOUNT, MINE), writes=True),
    "batches.cancel": of_a_batch(lambda c: c.batches.cancel(ACCOUNT, MINE), writes=True),
    "methods.get": of_an_object(lambda c: c.payment_methods.get(MINE)),
    "methods.update": of_an_object(
        lambda c: c.payment_methods.update(MINE, label="Rent"), writes=True
    ),
}


def late(stray: Any, own: Any) -> Step:
    """Answer with a stray answer; the call's own comes when the next request has been written."""

    def play(connection: Connection) -> None:
        connection.send(reply(200, stray).content)
        connection.wait_for_data()
        connection.send(reply(200, own).content)

    return Step("late", play)


def check(case: Case, stray: Any, wire: Wire) -> None:
    """Check that the stray is told, and that the calls after it get their own answers."""
    script = [reply(200, {"status": "ok"}), late(stray, case.own), *[reply(200, case.own)] * 2]
    with wire.serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        client.status()
        error, _ = failure_of(lambda: case.call(client))
        assert type(error) is InvalidResponseError
        assert error.outcome_unknown is case.writes
        for _ in range(2):
            assert case.call(client) == case.own.get("transaction_order", case.own)
        assert [request.connection for request in server.requests] == [1, 1, 2, 2]
        server.wait_for_disconnects(1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_answer_that_names_another_object(case: Case, wire: Wire) -> None:
    check(case, case.stray, wire)


@pytest.mark.parametrize(
    "stray",
    [{"ok": True}, [], {"sync_session_id": "s1"}, "<h1>Log in</h1>"],
    ids=["object", "list", "session", "html"],
)
@pytest.mark.parametrize(
    "name", ["accounts.get", "orders.submit", "batches.approve", "transactions.sync"]
)
def test_the_answer_that_is_no_such_object(name: str, stray: Any) -> None:
    """What was asked for something else altogether names nothing that could be compared."""
    check(CASES[name], stray, Wire("http"))


@pytest.mark.parametrize(
    "stray",
    [
        {**delta_of(MINE), "added": {}},
        {**delta_of(MINE), "added": [{"id": MINE}]},
        {**delta_of(MINE), "next_cursor": 7},
    ],
    ids=["no list", "no transaction", "no cursor"],
)
def test_the_answer_that_is_half_a_delta(stray: Any) -> None:
    check(CASES["transactions.sync"], stray, Wire("http"))


@pytest.mark.parametrize(
    "stray", [{"ok": True}, {"bulk_results": [{"id": MINE}]}, "<h1>Log in</h1>"]
)
def test_the_bulk_that_is_none(stray: Any) -> None:
    entry = {"account_id": MINE, "transactions": [], "pagination": {"has_more": False}}
    own = {"bulk_results": [entry]}
    script = [late(stray, own), reply(200, own)]
    with Wire("http").serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        error, _ = failure_of(lambda: client.transactions.bulk([MINE]))
        assert type(error) is InvalidResponseError
        assert list(client.transactions.bulk([MINE])) == [MINE]
        assert server.connections == 2


def test_the_list_that_is_none() -> None:
    own = {"accounts": [{"id": MINE}], "pagination": {"total_pages": 1}}
    script = [late({"id": OTHER}, own), reply(200, own)]
    with Wire("http").serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        assert type(failure_of(client.accounts.list).error) is InvalidResponseError
        assert [account["id"] for account in client.accounts.list()] == [MINE]
        assert server.connections == 2


@pytest.mark.parametrize("call", ["accounts.get", "transactions.get"])
def test_v1(call: str) -> None:
    script = [reply(200, {"id": MINE}), late({"id": OTHER}, {"id": MINE}), reply(200, {"id": MINE})]
    with (
        Wire("http").serve(script) as server,
        V1Client(KEY, base_url=server.url, retry_policy=ONCE) as client,
    ):
        get = CASES[call].call
        get(client)
        assert type(failure_of(lambda: get(client)).error) is InvalidResponseError
        assert get(client) == {"id": MINE}
        assert server.connections == 2


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case_does_not_count(case: Case) -> None:
    """Databases write UUIDs in upper or lower case, and a program passes on what it got."""
    sent = json.loads(json.dumps(case.own).replace(MINE, MINE.upper()))
    with Wire("http").serve([reply(200, sent)]) as server, client_of(server) as client:
        assert case.call(client) == sent.get("transaction_order", sent)


GETS: dict[str, Callable[[Any, Any], Any]] = {
    "accounts": lambda client, named: client.accounts.get(named),
    "orders": lambda client, named: client.transaction_orders.get(named, named),
    "batches": lambda client, named: client.batches.get(named, named),
    "methods": lambda client, named: client.payment_methods.get(named),
    "deltas": lambda client, named: client.transactions.sync(named),
}


@pytest.mark.parametrize("get", GETS.values(), ids=GETS)
def test_a_uuid_is_an_id(get: Callable[[Any, Any], Any]) -> None:
    own = {**delta_of(MINE), "id": MINE, "batch_id": MINE}
    script = [reply(200, own), late({**delta_of(OTHER), "id": OTHER, "batch_id": OTHER}, own)]
    with (
        Wire("http").serve(script) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        get(client, UUID(MINE))
        assert type(failure_of(lambda: get(client, UUID(MINE))).error) is InvalidResponseError
        assert all(MINE in request.target for request in server.requests)


@pytest.mark.parametrize("repeated", [None, "invoice-7", "INVOICE-7", ""])
def test_a_server_need_not_repeat_the_key_of_an_order(repeated: str | None) -> None:
    own: Any = {"id": MINE, "idempotency_key": repeated} if repeated != "" else {"id": MINE}
    with Wire("http").serve([reply(201, own)]) as server, client_of(server) as client:
        assert client.transaction_orders.create(ACCOUNT, **PAYMENT) == own


def test_of_many_calls_one_alone_is_lost() -> None:
    """As the load balancer does it that answers one request twice."""

    def answer(request: Request) -> Step:
        own = reply(200, {"id": request.target.rsplit("/", 1)[1]})
        if len(server.requests) == 5:
            return late({"id": "order-4"}, {"id": "order-5"})
        return own

    answers: list[str] = []
    with Wire("http").serve(answer) as server, client_of(server, retry_policy=ONCE) as client:
        for number in range(1, 11):
            asked = f"order-{number}"
            try:
                answers.append(client.transaction_orders.get("a1", asked)["id"])
            except InvalidResponseError:
                answers.append("lost")
        assert answers == [*[f"order-{n}" for n in range(1, 5)], "lost"] + [
            f"order-{n}" for n in range(6, 11)
        ]
        assert server.connections == 2
