"""`transaction_orders.pay`: one payment for each key, whatever happens on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import (
    ApiError,
    BankSubmissionError,
    InternalError,
    InvalidArgumentError,
    InvalidOrderStateError,
    InvalidResponseError,
    NetworkError,
    PaymentMethodNotFoundError,
    TesoteError,
    V2Client,
)
from tesote_sdk.sandbox import REFUSED_TOKEN, Sandbox
from tesote_sdk.sandbox._state.idempotency import IdempotencyKeys
from tests.support.steps import hang_up, reply
from tests.v1.harness import answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox._settings import Shapes
    from tesote_sdk.types import TransactionOrder

PAYEE = {"name": "Harinas del Sur C.A.", "bank_code": "0199", "account_number": "01990001230004"}
BILL: dict[str, Any] = {
    "amount": "1530.20",
    "currency": "VES",
    "description": "Invoice HS-2231",
    "beneficiary": PAYEE,
    "idempotency_key": "HS-2231",
}
ORDERS = "/v2/accounts/*/transaction_orders"
SUBMIT = f"{ORDERS}/*/submit"


@pytest.fixture(params=["sdk", "openapi"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shapes: Shapes = request.param
    with Sandbox(accounts=2, transactions=3, shapes=shapes) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[V2Client]:
    with sandboxed(sandbox) as client:
        yield client


@pytest.fixture
def pay(sandbox: Sandbox, client: V2Client) -> Callable[..., TransactionOrder]:
    def pay(**changed: Any) -> TransactionOrder:
        return client.transaction_orders.pay(sandbox.account_ids[0], **{**BILL, **changed})

    return pay


def writes(sandbox: Sandbox) -> list[tuple[str, str]]:
    """What was written since the last look, and with which keys."""
    sent = [
        (request.path.rpartition("/")[2], request.headers["Idempotency-Key"])
        for request in sandbox.requests
        if request.method != "GET"
    ]
    sandbox.clear_requests()
    return sent


def payments(sandbox: Sandbox) -> list[int]:
    """What left the account for invoices, in cents, as the bank has it."""
    with sandboxed(sandbox) as client:
        return [
            row["data"]["amount_cents"]
            for row in client.transactions.list_for_account(sandbox.account_ids[0])
            if (row["data"]["description"] or "").startswith("Invoice ")
        ]


def orders(sandbox: Sandbox) -> list[TransactionOrder]:
    with sandboxed(sandbox) as client:
        return list(client.transaction_orders.list(sandbox.account_ids[0]))


def forget_keys(sandbox: Sandbox) -> None:
    """Let the server forget every idempotency key, as time does."""
    sandbox._store.idempotency = IdempotencyKeys()


# ---- it pays, and pays once ----


def test_an_order_is_made_and_submitted(sandbox: Sandbox, pay: Any) -> None:
    order = pay(token="481920")
    assert (order["status"], order["idempotency_key"]) == ("processing", "HS-2231")
    assert payments(sandbox) == [-153020]
    submitted = next(each for each in sandbox.requests if each.path.endswith("/submit"))
    assert submitted.json == {"token": "481920"}
    assert writes(sandbox) == [("transaction_orders", "HS-2231"), ("submit", "HS-2231/submit-1")]


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_second_run_sends_nothing_and_returns_the_order_as_it_is_now(
    sandbox: Sandbox, pay: Any, forgetful: bool
) -> None:
    first = pay()
    writes(sandbox)
    if forgetful:
        forget_keys(sandbox)
    statuses = [(order := pay())["status"] for _ in range(3)]
    assert order["id"] == first["id"]
    assert statuses == ["processing", "completed", "completed"]
    assert writes(sandbox) == []
    assert payments(sandbox) == [-153020]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("phase", ["request", "response"])
@pytest.mark.parametrize("step", range(4))
def test_wherever_a_run_ends_the_next_one_goes_on(
    sandbox: Sandbox, pay: Any, step: int, phase: str, forgetful: bool
) -> None:
    left = [None] * step

    def kill(event: Any) -> None:
        if event["phase"] == phase:
            if not left:
                raise Killed
            left.pop()

    pay(idempotency_key="another", amount="1")  # so that there is an order before this one
    with sandboxed(sandbox, logger=kill) as client, pytest.raises(Killed):
        client.transaction_orders.pay(sandbox.account_ids[0], **BILL)
    if forgetful:
        forget_keys(sandbox)
    for _ in range(2):
        assert pay()["status"] in ("processing", "completed")
    assert sorted(payments(sandbox)) == [-153020, -100]
    assert len(orders(sandbox)) == 2


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("when", ["before_response", "mid_body", "after_processing"])
def test_a_submission_whose_answer_is_lost_is_not_repeated(
    sandbox: Sandbox, pay: Any, when: Any, forgetful: bool
) -> None:
    sandbox.drop(times=None, when=when, path=SUBMIT)
    with pytest.raises(NetworkError) as caught:
        pay()
    assert caught.value.outcome_unknown is True
    sandbox.clear_faults()
    if forgetful:
        forget_keys(sandbox)
    assert pay()["status"] in ("processing", "completed")
    assert payments(sandbox) == [-153020]


def test_an_order_is_found_behind_a_hundred_others(sandbox: Sandbox, pay: Any) -> None:
    first = pay()
    with sandboxed(sandbox) as client:
        for number in range(101):
            client.transaction_orders.create(
                sandbox.account_ids[0], **{**BILL, "idempotency_key": f"other-{number}"}
            )
    forget_keys(sandbox)
    assert pay()["id"] == first["id"]
    assert payments(sandbox) == [-153020]


@pytest.mark.parametrize("status", ["draft", "pending_approval", "approved"])
def test_an_order_that_the_bank_does_not_have_is_submitted(
    sandbox: Sandbox, client: V2Client, pay: Any, status: Any
) -> None:
    order = client.transaction_orders.create(sandbox.account_ids[0], **BILL)
    sandbox.set_order_status(order["id"], status)
    assert pay()["status"] == "processing"
    assert payments(sandbox) == [-153020]


def test_a_try_after_a_refusal_by_the_bank_is_a_new_submission(sandbox: Sandbox, pay: Any) -> None:
    for _ in range(2):
        with pytest.raises(BankSubmissionError):
            pay(token=REFUSED_TOKEN)
    pay(token="481920")
    assert [key for path, key in writes(sandbox) if path == "submit"] == [
        *("HS-2231/submit-1", "HS-2231/submit-2", "HS-2231/submit-3")
    ]
    assert payments(sandbox) == [-153020]


# ---- a key that was used for another payment ----


@pytest.mark.parametrize("submitted", [False, True])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"amount": "1530.21"}, "a different amount"),
        ({"amount": "1530.2000000000000001"}, "a different amount"),
        ({"currency": "USD"}, "a different currency"),
        ({"amount": 1, "currency": "USD"}, "a different amount and a different currency"),
        ({"beneficiary": {**PAYEE, "name": "Molinos C.A."}}, "a different beneficiary"),
        (
            {"beneficiary": None, "destination_payment_method_id": "another-method"},
            "a different destination_payment_method_id",
        ),
    ],
)
def test_a_key_of_another_payment_is_refused(
    sandbox: Sandbox, changed: dict[str, Any], told: str, submitted: bool
) -> None:
    with sandboxed(sandbox, parse_float=Decimal) as client:
        order = client.transaction_orders.create(sandbox.account_ids[0], **BILL)
        if submitted:
            client.transaction_orders.submit(sandbox.account_ids[0], order["id"])
        writes(sandbox)
        if changed.get("amount") == "1530.2000000000000001":
            sandbox._store.orders[order["id"]].amount = "1530.20"  # nothing binary about it
        with pytest.raises(InvalidArgumentError, match=told) as caught:
            client.transaction_orders.pay(sandbox.account_ids[0], **{**BILL, **changed})
    assert order["id"] in str(caught.value)
    assert writes(sandbox) == []


@pytest.mark.parametrize(
    "beneficiary",
    [{**PAYEE, "account_number": "01990001230005"}, {**PAYEE, "bank_code": "0191"}],
)
def test_a_draft_that_pays_to_another_account_is_not_submitted(
    sandbox: Sandbox, client: V2Client, pay: Any, beneficiary: dict[str, str]
) -> None:
    client.transaction_orders.create(sandbox.account_ids[0], **BILL)
    with pytest.raises(InvalidArgumentError, match=r"a different (account_number|bank_code)"):
        pay(beneficiary=beneficiary)
    assert payments(sandbox) == []


@pytest.mark.parametrize(
    "kept", ["0199-0001-230004", "0000001990001230004", "**********0004", "0004", None, 7]
)
def test_an_account_that_is_shown_in_another_way_is_the_same(
    sandbox: Sandbox, client: V2Client, pay: Any, kept: Any
) -> None:
    order = client.transaction_orders.create(sandbox.account_ids[0], **BILL)
    method = sandbox._store.payment_methods[order["destination"]["payment_method_id"]]
    method.details["account_number"] = kept
    pay()
    assert payments(sandbox) == [-153020]


def test_a_draft_whose_payment_method_is_gone_is_not_submitted(
    sandbox: Sandbox, client: V2Client, pay: Any
) -> None:
    client.transaction_orders.create(sandbox.account_ids[0], **BILL)
    sandbox.fail(error_code="PAYMENT_METHOD_NOT_FOUND", path="/v2/payment_methods/*")
    with pytest.raises(PaymentMethodNotFoundError):
        pay()
    assert payments(sandbox) == []


@pytest.mark.parametrize(
    "sent", ["1530.2", "1530.20", '"1530.20"', '"1530.2"', "1530.200", "1.5302e3"]
)
@pytest.mark.parametrize("parse_float", [float, Decimal])
@pytest.mark.parametrize("amount", ["1530.20", "1530.2", Decimal("1530.200")])
def test_an_amount_is_its_value_however_it_is_written(
    sent: str, parse_float: Any, amount: Any
) -> None:
    done = f'{{"id": "o1", "status": "completed", "amount": {sent}, "currency": "ves"'
    done += ', "destination": {"payment_method_id": "P1"}}'
    listed = {"items": [{"id": "o1", "idempotency_key": "HS-2231"}], "has_more": False}
    bill = {**BILL, "amount": amount, "beneficiary": None, "destination_payment_method_id": "p1"}
    with answering(listed, reply(200, done), parse_float=parse_float) as (_, client):
        assert client.transaction_orders.pay("a1", **bill)["status"] == "completed"


# ---- orders that pay nothing ----


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_an_order_that_ended_unpaid_is_not_taken_for_paid(
    sandbox: Sandbox, pay: Any, status: Any
) -> None:
    order = pay()
    sandbox.set_order_status(order["id"], status)
    writes(sandbox)
    with pytest.raises(
        InvalidOrderStateError, match=f"{order['id']} is {status} and will not be paid"
    ):
        pay()
    assert writes(sandbox) == []


def test_a_payment_that_was_carried_out_in_part_is_returned(sandbox: Sandbox, pay: Any) -> None:
    sandbox.set_order_status(pay()["id"], "partially_completed")
    assert pay()["status"] == "partially_completed"


def test_two_orders_of_one_key_are_for_a_human_to_look_at(
    sandbox: Sandbox, client: V2Client, pay: Any
) -> None:
    made = []
    for _ in range(2):
        made.append(client.transaction_orders.create(sandbox.account_ids[0], **BILL)["id"])
        forget_keys(sandbox)
    writes(sandbox)
    with pytest.raises(InvalidArgumentError, match="2 orders have this idempotency_key") as caught:
        pay()
    assert all(order_id in str(caught.value) for order_id in made)
    assert writes(sandbox) == []
    client.transaction_orders.cancel(sandbox.account_ids[0], made[1])
    assert pay()["id"] == made[0]


def test_a_failed_order_of_the_same_key_is_one_to_look_at_too(
    sandbox: Sandbox, client: V2Client, pay: Any
) -> None:
    """It may have failed for the one reason and been paid for the other."""
    made = []
    for _ in range(2):
        made.append(client.transaction_orders.create(sandbox.account_ids[0], **BILL)["id"])
        forget_keys(sandbox)
    sandbox.set_order_status(made[0], "failed")
    writes(sandbox)
    with pytest.raises(InvalidArgumentError, match="2 orders have this idempotency_key"):
        pay()
    assert writes(sandbox) == []


# ---- what a server may say to a submission ----

DRAFT: dict[str, Any] = {
    "id": "o1",
    "status": "draft",
    "amount": 1530.2,
    "currency": "VES",
    "destination": {"payment_method_id": "p1", "counterparty_name": None},
}
NONE = {"items": [], "has_more": False}
NO = reply(409, {"error": "Not now", "error_code": "INVALID_ORDER_STATE"})


@pytest.mark.parametrize(
    "seen",
    [
        {"status": "processing"},
        {"status": "queued", "submitted_at": "2026-03-01T09:00:00Z"},
        {"status": "approved", "submitted_at": "2026-03-01T09:00:00Z", "latest_attempt": None},
    ],
)
def test_an_order_that_was_submitted_meanwhile_is_returned(seen: dict[str, Any]) -> None:
    now = {**DRAFT, **seen}
    with answering(NONE, DRAFT, DRAFT, NO, now) as (server, client):
        assert client.transaction_orders.pay("a1", **BILL) == now
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    "seen",
    [
        {"status": "pending_approval"},
        {"status": "a status of tomorrow"},
        {"status": "draft", "submitted_at": "2026", "latest_attempt": {"status": "failed"}},
    ],
)
def test_an_order_that_cannot_be_submitted_now_is_an_error(seen: dict[str, Any]) -> None:
    with (
        answering(NONE, DRAFT, DRAFT, NO, {**DRAFT, **seen}) as (_, client),
        pytest.raises(InvalidOrderStateError, match="Not now"),
    ):
        client.transaction_orders.pay("a1", **BILL)


@pytest.mark.parametrize("status", ["cancelled", "failed"])
@pytest.mark.parametrize("answer", [[NO, {}], [{}]])
def test_an_order_that_ends_unpaid_meanwhile_is_an_error(answer: list[Any], status: str) -> None:
    attempt = {"status": "failed", "error_message": "No such account"}
    ended = {**DRAFT, "status": status, "latest_attempt": attempt}
    with (
        answering(NONE, DRAFT, DRAFT, *[each or ended for each in answer]) as (_, client),
        pytest.raises(InvalidOrderStateError, match=f"is {status} .* No such account"),
    ):
        client.transaction_orders.pay("a1", **BILL)


@pytest.mark.parametrize(
    "seen",
    [
        {"status": "a status of tomorrow"},
        {"status": "draft", "submitted_at": "2026-03-01T09:00:00Z"},
        {"status": "pending_approval", "submitted_at": "2026-03-01T09:00:00Z"},
        {"status": "approved", "submitted_at": "2026-03-01T09:00:00Z"},
    ],
)
def test_what_may_not_be_with_the_bank_is_for_the_server_to_judge(seen: dict[str, Any]) -> None:
    with answering(NONE, DRAFT, {**DRAFT, **seen}, {**DRAFT, "status": "processing"}) as (
        server,
        client,
    ):
        assert client.transaction_orders.pay("a1", **BILL)["status"] == "processing"
        assert server.requests[-1].target.endswith("/submit")


def test_an_order_with_an_unknown_status_that_was_submitted_is_left_alone() -> None:
    queued = {**DRAFT, "status": "queued", "submitted_at": "2026-03-01T09:00:00Z"}
    with answering(NONE, DRAFT, queued) as (_, client):
        assert client.transaction_orders.pay("a1", **BILL) == queued


@pytest.mark.parametrize(
    ("attempt", "number"),
    [
        (None, 1),
        ({"attempt_number": 1, "status": "pending"}, 1),
        ({"attempt_number": 2, "status": "failed"}, 3),
        ({"attempt_number": None, "status": "failed"}, 2),
        ("odd", 1),
    ],
)
def test_an_attempt_that_may_still_be_carried_out_is_repeated_under_its_own_key(
    attempt: Any, number: int
) -> None:
    now = {**DRAFT, "latest_attempt": attempt}
    with answering(NONE, DRAFT, now, {**DRAFT, "status": "processing"}) as (server, client):
        client.transaction_orders.pay("a1", **BILL)
        assert server.requests[-1].headers["Idempotency-Key"] == f"HS-2231/submit-{number}"


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([reply(500)], InternalError),
        ([hang_up()] * 4, NetworkError),
        ([{"nothing": "here"}], InvalidResponseError),
        ([{"id": "o1"}], InvalidResponseError),
        # The refusal may be of a repeat of what was carried out: not to know is not a no.
        ([NO, reply(500)], InternalError),
        ([NO, *[hang_up()] * 4], NetworkError),
        ([NO, {"id": "o1"}], InvalidResponseError),
    ],
)
def test_a_submission_of_unknown_outcome_says_so_and_names_the_callers_key(
    steps: list[Any], error: type[TesoteError]
) -> None:
    with (
        answering(NONE, DRAFT, DRAFT, *steps) as (_, client),
        pytest.raises(error) as caught,
    ):
        client.transaction_orders.pay("a1", **BILL)
    assert caught.value.outcome_unknown is True
    # To pay under the key of the submission would be to pay twice.
    assert "submit-1" not in str(caught.value)
    if caught.value.request_summary:
        assert caught.value.request_summary["idempotency_key"] == "HS-2231"


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-1530.2"])
def test_an_order_of_an_amount_that_is_none_is_not_submitted(amount: str) -> None:
    with (
        answering(NONE, DRAFT, {**DRAFT, "amount": amount}) as (server, client),
        pytest.raises(InvalidArgumentError, match="which has a different amount"),
    ):
        client.transaction_orders.pay("a1", **BILL)
    assert len(server.requests) == 3


@pytest.mark.parametrize("lacking", ["amount", "currency", "destination"])
def test_an_order_that_cannot_be_compared_is_not_submitted(lacking: str) -> None:
    odd: list[Any] = [None, [], 7 if lacking == "currency" else "x"]
    for value in odd:
        with (
            answering(NONE, DRAFT, {**DRAFT, lacking: value}) as (server, client),
            pytest.raises(InvalidResponseError, match="before you pay again"),
        ):
            client.transaction_orders.pay("a1", **BILL)
        assert len(server.requests) == 3


def test_a_refused_order_is_an_error_and_nothing_is_submitted(sandbox: Sandbox, pay: Any) -> None:
    with pytest.raises(ApiError):
        pay(amount="0")
    assert [path for path, _ in writes(sandbox)] == ["transaction_orders"]


# ---- arguments ----


@pytest.mark.parametrize(
    "wrong",
    [
        *({"idempotency_key": key} for key in ("", "  ", None, 7, b"k")),
        *({"amount": amount} for amount in (1.5, None, "1,5")),
        *({"beneficiary": payee} for payee in (None, "Harinas", 7)),
        {"destination_payment_method_id": "p1"},
        {"currency": None},
    ],
)
def test_what_cannot_be_paid_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    with answering() as (server, client):
        with pytest.raises(InvalidArgumentError):
            client.transaction_orders.pay("a1", **{**BILL, **wrong})
        assert server.requests == []


# ---- one order by its key ----


def test_an_order_is_found_by_its_key(sandbox: Sandbox, client: V2Client) -> None:
    account_id = sandbox.account_ids[0]
    find = client.transaction_orders.find_by_idempotency_key
    assert find(account_id, "HS-2231") is None
    made = client.transaction_orders.create(account_id, **BILL)
    for number in range(100):
        client.transaction_orders.create(account_id, **{**BILL, "idempotency_key": f"k{number}"})
    sandbox.clear_requests()
    found = find(account_id, "HS-2231")
    assert found is not None
    assert found["id"] == made["id"]
    assert len(sandbox.requests) == 2
    assert find(account_id, "HS-22") is None


def test_an_order_that_a_walk_meets_twice_is_one() -> None:
    one: Any = {"id": "o1", "idempotency_key": "k"}
    two = {"id": "o2", "idempotency_key": None}
    pages = [{"items": [one], "has_more": True}, {"items": [one, two], "has_more": False}]
    with answering(*pages) as (_, client):
        assert client.transaction_orders.find_by_idempotency_key("a1", "k") == one


@pytest.mark.parametrize("key", ["", " ", None, 7])
def test_no_key_finds_nothing(key: Any) -> None:
    with answering() as (server, client):
        with pytest.raises(InvalidArgumentError):
            client.transaction_orders.find_by_idempotency_key("a1", key)
        assert server.requests == []
