"""Paying: methods, orders and batches from end to end, each write carried out once."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import (
    BankSubmissionError,
    BatchNotFoundError,
    BatchValidationError,
    InvalidOrderStateError,
    NetworkError,
    PaymentMethodNotFoundError,
    TimeoutError,
    TransactionOrderNotFoundError,
    V2Client,
    ValidationError,
)
from tesote_sdk.sandbox import Sandbox
from tests.support.steps import Step, hang_up, reply, silence
from tests.v1.harness import answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox._settings import Shapes
    from tesote_sdk.types import BatchOrder, TransactionOrder

ORDER: dict[str, Any] = {
    "amount": Decimal("1530.20"),
    "currency": "VES",
    "description": "Flour, invoice HS-2231",
    "beneficiary": {"name": "Harinas del Sur C.A.", "account_number": "01990001"},
}


@pytest.fixture(params=["sdk", "openapi"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shapes: Shapes = request.param
    with Sandbox(accounts=2, transactions=3, shapes=shapes) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[V2Client]:
    with sandboxed(sandbox) as client:
        yield client


def test_a_payment_from_end_to_end(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    orders = client.transaction_orders
    method = client.payment_methods.create(
        method_type="bank_account",
        currency="VES",
        label="Supplier",
        counterparty={"name": "Harinas del Sur C.A."},
        details={"bank_code": "0199", "account_number": "01990001230004567890"},
    )
    assert method["verified"] is False
    assert method["counterparty"] is not None
    assert method["id"] in {listed["id"] for listed in client.payment_methods.list()}

    order = orders.create(
        account_id,
        amount=Decimal("1530.20"),
        currency="VES",
        description="Flour, invoice HS-2231",
        destination_payment_method_id=method["id"],
        metadata={"invoice": "HS-2231"},
        idempotency_key="inv-HS-2231",
    )
    assert (order["status"], order["idempotency_key"]) == ("draft", "inv-HS-2231")
    assert Decimal(str(order["amount"])) == Decimal("1530.20")
    assert order["destination"]["payment_method_id"] == method["id"]
    assert order.get("metadata") in ({"invoice": "HS-2231"}, None)

    submitted = orders.submit(account_id, order["id"], token="481920")
    assert submitted["status"] == "processing"
    assert submitted["tesote_transaction"] is not None
    statuses = [submitted["status"]]
    while statuses[-1] == "processing":
        statuses.append(orders.get(account_id, order["id"])["status"])
        assert len(statuses) < 9
    assert statuses[-1] == "completed"
    paid = client.transactions.get(submitted["tesote_transaction"]["id"])
    assert paid["data"]["amount_cents"] == -153020

    other = orders.create(account_id, **{**ORDER, "amount": "7"})
    assert orders.cancel(account_id, other["id"])["status"] == "cancelled"
    with pytest.raises(InvalidOrderStateError) as caught:
        orders.cancel(account_id, order["id"])
    assert caught.value.http_status == 409

    by_status = {
        status: [listed["id"] for listed in orders.list(account_id, status=status)]
        for status in ("completed", "cancelled", "draft")
    }
    assert by_status == {"completed": [order["id"]], "cancelled": [other["id"]], "draft": []}


def test_a_bank_that_refuses(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    order = client.transaction_orders.create(account_id, **ORDER)
    with pytest.raises(BankSubmissionError):
        client.transaction_orders.submit(account_id, order["id"], token="000000")
    after = client.transaction_orders.get(account_id, order["id"])
    assert after["latest_attempt"] is not None
    assert after["latest_attempt"]["error_code"]
    assert after["status"] == "draft"


def test_a_batch_says_which_orders_are_bad_and_why(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    orders: list[BatchOrder] = [
        {
            "amount": f"{number + 1}.50",
            "currency": "VES",
            "description": f"Week {number}",
            "beneficiary": {"name": f"Supplier {number}"},
        }
        for number in range(50)
    ]
    orders[7]["amount"] = "0.00"
    orders[21]["currency"] = "bolivars"
    orders[49]["destination_payment_method_id"] = "none"
    del orders[49]["beneficiary"]
    created = client.batches.create(account_id, orders)
    assert [error["index"] for error in created["errors"]] == [7, 21, 49]
    assert [error["message"] for error in created["errors"][:2]] == [
        "amount must be greater than 0",
        "currency must be a currency code",
    ]
    assert all(error["message"] for error in created["errors"])
    assert len(created["orders"]) == 47

    batch_id = created["batch_id"]
    batch = client.batches.get(account_id, batch_id)
    expected = sum(n * 100 + 150 for n in range(50) if n not in (7, 21, 49))
    assert (batch["total_orders"], batch["total_amount_cents"]) == (47, expected)
    assert batch["statuses"] == {"draft": 47}
    listed = client.transaction_orders.list(account_id, batch_id=batch_id, limit=20)
    assert {order["id"] for order in listed} == {order["id"] for order in created["orders"]}

    client.transaction_orders.cancel(account_id, created["orders"][0]["id"])
    assert client.batches.approve(account_id, batch_id) == {"approved": 46, "failed": 1}
    assert client.batches.submit(account_id, batch_id, token="481920") == {
        "enqueued": 46,
        "failed": 1,
    }
    with pytest.raises(InvalidOrderStateError):
        client.batches.cancel(account_id, batch_id)


def test_a_batch_can_be_cancelled(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    orders: Any = [ORDER, ORDER]
    batch_id = client.batches.create(account_id, orders)["batch_id"]
    first = client.batches.get(account_id, batch_id)["orders"][0]["id"]
    client.transaction_orders.submit(account_id, first)
    cancelled = client.batches.cancel(account_id, batch_id)
    assert (cancelled["cancelled"], cancelled["skipped"]) == (1, 1)
    assert cancelled["errors"][0]["error_code"] == "INVALID_ORDER_STATE"


def test_a_batch_of_bad_orders_is_refused(sandbox: Sandbox, client: V2Client) -> None:
    orders: Any = [{**ORDER, "amount": "0"}]
    with pytest.raises(BatchValidationError) as caught:
        client.batches.create(sandbox.account_ids[0], orders)
    assert caught.value.envelope is not None
    assert caught.value.envelope["details"]["errors"][0]["index"] == 0


def test_what_is_not_there_has_an_error_of_its_own(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    calls: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: client.transaction_orders.get(account_id, "none"), TransactionOrderNotFoundError),
        (lambda: client.batches.get(account_id, "none"), BatchNotFoundError),
        (lambda: client.payment_methods.get("none"), PaymentMethodNotFoundError),
        (lambda: client.payment_methods.delete("none"), PaymentMethodNotFoundError),
    ]
    for call, error in calls:
        with pytest.raises(error):
            call()
    with pytest.raises(ValidationError):
        client.transaction_orders.create(account_id, **{**ORDER, "amount": "0"})


def test_a_deleted_method_is_gone(sandbox: Sandbox, client: V2Client) -> None:
    method = client.payment_methods.create(method_type="wire", currency="USD", details={})
    client.payment_methods.delete(method["id"])
    with pytest.raises(PaymentMethodNotFoundError):
        client.payment_methods.get(method["id"])
    assert method["id"] not in {listed["id"] for listed in client.payment_methods.list()}


# ---- once, and once only ----


def orders_of(client: V2Client, account_id: str) -> list[TransactionOrder]:
    return list(client.transaction_orders.list(account_id))


@pytest.mark.parametrize("when", ["before_response", "after_processing", "mid_body"])
@pytest.mark.parametrize("key", [None, "inv-HS-2231"])
def test_a_lost_answer_makes_no_second_order(
    sandbox: Sandbox, client: V2Client, when: Any, key: str | None
) -> None:
    account_id = sandbox.account_ids[0]
    client.status()
    sandbox.clear_requests()
    sandbox.drop(times=2, when=when)
    order = client.transaction_orders.create(account_id, **ORDER, idempotency_key=key)
    sent = list(sandbox.requests)
    assert [listed["id"] for listed in orders_of(client, account_id)] == [order["id"]]
    assert len(sent) >= 3
    assert len({request.body for request in sent}) == 1
    keys = {request.headers["Idempotency-Key"] for request in sent}
    assert keys == {sent[0].json["transaction_order"]["idempotency_key"]}
    assert keys == {order["idempotency_key"]}
    if key:
        assert keys == {key}


def test_a_repeat_by_the_caller_makes_no_second_order(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    first = client.transaction_orders.create(account_id, **ORDER, idempotency_key="k1")
    again = client.transaction_orders.create(account_id, **ORDER, idempotency_key="k1")
    other = client.transaction_orders.create(account_id, **ORDER, idempotency_key="k2")
    assert first["id"] == again["id"] != other["id"]


WRITES: dict[str, tuple[Callable[[V2Client, Any], object], dict[str, Any]]] = {
    "accounts.sync": (
        lambda c, key: c.accounts.sync("a1", idempotency_key=key),
        {"sync_session_id": "s1"},
    ),
    "orders.create": (
        lambda c, key: c.transaction_orders.create("a1", **ORDER, idempotency_key=key),
        {"id": "o1"},
    ),
    "orders.submit": (
        lambda c, key: c.transaction_orders.submit("a1", "o1", token="1", idempotency_key=key),
        {"id": "o1"},
    ),
    "orders.cancel": (
        lambda c, key: c.transaction_orders.cancel("a1", "o1", idempotency_key=key),
        {"id": "o1"},
    ),
    "batches.create": (
        lambda c, key: c.batches.create("a1", [ORDER], idempotency_key=key),  # type: ignore[list-item]
        {"batch_id": "b1"},
    ),
    "batches.approve": (
        lambda c, key: c.batches.approve("a1", "b1", idempotency_key=key),
        {"approved": 1},
    ),
    "batches.submit": (
        lambda c, key: c.batches.submit("a1", "b1", idempotency_key=key),
        {"enqueued": 1},
    ),
    "batches.cancel": (
        lambda c, key: c.batches.cancel("a1", "b1", idempotency_key=key),
        {"cancelled": 1},
    ),
    "methods.create": (
        lambda c, key: c.payment_methods.create(
            method_type="wire", currency="USD", idempotency_key=key
        ),
        {"id": "p1"},
    ),
    "methods.update": (
        lambda c, key: c.payment_methods.update("p1", label="x", idempotency_key=key),
        {"id": "p1"},
    ),
    "methods.delete": (lambda c, key: c.payment_methods.delete("p1", idempotency_key=key), {}),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("key", [None, "key-1"])
def test_three_attempts_are_byte_for_byte_the_same(name: str, key: str | None) -> None:
    call, answer = WRITES[name]
    with answering(reply(503), hang_up(), answer) as (server, client):
        call(client, key)
        assert len(server.requests) == 3
        assert len({request.raw for request in server.requests}) == 1
        sent = server.requests[0].headers["Idempotency-Key"]
    assert sent == key or (key is None and uuid.UUID(sent).version == 4)


def test_each_call_has_a_key_of_its_own() -> None:
    with answering({"id": "o1"}, {"id": "o1"}) as (server, client):
        client.transaction_orders.create("a1", **ORDER)
        client.transaction_orders.create("a1", **ORDER)
        keys = {request.headers["Idempotency-Key"] for request in server.requests}
        bodies = [json.loads(request.body) for request in server.requests]
    assert keys == {body["transaction_order"]["idempotency_key"] for body in bodies}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("steps", "error"), [([silence()], TimeoutError), ([hang_up()] * 4, NetworkError)]
)
def test_a_payment_whose_outcome_is_unknown_says_so_and_names_its_key(
    steps: list[Step], error: type[TimeoutError | NetworkError]
) -> None:
    patience = 0.05 if error is TimeoutError else 10
    with (
        answering(*steps, read_timeout=patience) as (_, client),
        pytest.raises(error) as caught,
    ):
        client.transaction_orders.submit("a1", "o1")
    assert caught.value.outcome_unknown is True
    summary = caught.value.request_summary
    assert summary is not None
    assert uuid.UUID(summary["idempotency_key"]).version == 4


# ---- money out ----


def test_amounts_are_exact_decimals_on_request() -> None:
    sent = (
        '{"id": "o1", "amount": 0.1, "fee": {"amount": 2.50, "currency": "VES"},'
        ' "cents": 1234567890123456789, "big": 123456789012345678.12, "whole": 100}'
    )
    with answering(reply(200, sent), parse_float=Decimal) as (_, client):
        order: Any = client.transaction_orders.get("a1", "o1")
    assert order["amount"] == Decimal("0.1")
    assert str(order["fee"]["amount"]) == "2.50"
    assert order["big"] == Decimal("123456789012345678.12")
    assert order["cents"] == 1234567890123456789
    assert type(order["cents"]) is type(order["whole"]) is int


def test_decimals_reach_every_kind_of_result() -> None:
    delta = '{"added": [{"transaction_id": "t1", "amount": -0.10}]}'
    listed = '{"items": [{"id": "o1", "amount": 0.10}], "has_more": false}'
    session = '{"id": "s1", "status": "completed", "performance": {"total_duration": 47.82}}'
    steps = [reply(200, text) for text in (delta, listed, session)]
    with answering(*steps, parse_float=Decimal) as (_, client):
        assert str(client.transactions.sync("a1")["added"][0]["amount"]) == "-0.10"
        assert str(client.transaction_orders.list("a1").data[0]["amount"]) == "0.10"
        performance = client.sync_sessions.get("a1", "s1").get("performance")
    assert performance
    assert performance["total_duration"] == Decimal("47.82")


def test_cents_of_nineteen_digits_survive() -> None:
    sent = {"id": "t1", "data": {"amount_cents": -9223372036854775808}}
    with answering(sent) as (_, client):
        assert client.transactions.get("t1")["data"]["amount_cents"] == -9223372036854775808


def test_an_amount_comes_back_as_it_was_sent(sandbox: Sandbox) -> None:
    with sandboxed(sandbox, parse_float=Decimal) as client:
        order = client.transaction_orders.create(
            sandbox.account_ids[0], **{**ORDER, "amount": Decimal("750000.10")}
        )
    assert b'"amount":"750000.10"' in sandbox.requests[0].body
    assert Decimal(str(order["amount"])) == Decimal("750000.10")


def test_a_decimal_in_the_callers_own_data_is_sent_as_text(sandbox: Sandbox) -> None:
    with sandboxed(sandbox) as client:
        client.transaction_orders.create(
            sandbox.account_ids[0], **ORDER, metadata={"net": Decimal("1.10"), "rate": 0.5}
        )
    sent = sandbox.requests[0].json["transaction_order"]["metadata"]
    assert sent == {"net": "1.10", "rate": 0.5}
