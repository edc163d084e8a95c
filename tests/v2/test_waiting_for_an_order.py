"""Waiting for a payment to end, with a clock that only the waits move."""

from __future__ import annotations

from typing import Any

import pytest

from tesote_sdk import (
    InvalidArgumentError,
    InvalidResponseError,
    TimeoutError,
    TransactionOrderNotFoundError,
)
from tesote_sdk.sandbox import Sandbox
from tests.support.steps import Step, reply
from tests.v1.harness import FakeTime, answering, sandboxed


def order(status: Any) -> Step:
    return reply(200, {"id": "o1", "status": status})


def test_a_payment_is_followed_to_its_end() -> None:
    time = FakeTime()
    seen: list[str] = []
    with (
        Sandbox(accounts=1, transactions=1) as sandbox,
        sandboxed(sandbox, time=time) as client,
    ):
        (account_id,) = sandbox.account_ids
        paid = client.transaction_orders.pay(
            account_id,
            amount=7,
            currency="VES",
            description="Salt",
            beneficiary={"name": "Salinas C.A."},
            idempotency_key="k1",
        )
        ended = client.transaction_orders.wait(
            account_id, paid["id"], on_poll=lambda order: seen.append(order["status"])
        )
        with pytest.raises(TransactionOrderNotFoundError):
            client.transaction_orders.wait(account_id, "none")
    assert (ended["id"], ended["status"]) == (paid["id"], "completed")
    assert seen == ["processing", "completed"]
    assert time.slept == [2]


@pytest.mark.parametrize("end", ["completed", "partially_completed", "failed", "cancelled"])
def test_the_order_is_returned_whatever_its_end(end: str) -> None:
    with answering(order("draft"), order("processing"), order(end)) as (server, client):
        assert client.transaction_orders.wait("a1", "o1")["status"] == end
        assert len(server.requests) == 3


def test_a_status_of_tomorrow_is_no_end_and_the_waits_grow() -> None:
    time = FakeTime()
    steps = [*[order("a status of tomorrow")] * 12, order("completed")]
    with answering(*steps, time=time) as (_, client):
        client.transaction_orders.wait("a1", "o1", timeout=10_000)
    assert time.slept[:4] == [2, 3, 4.5, 6.75]
    assert time.slept[-3:] == [30, 30, 30]


def test_an_order_that_does_not_end_in_time_is_a_timeout() -> None:
    time = FakeTime()
    with (
        answering(*[order("approved")] * 9, time=time) as (_, client),
        pytest.raises(TimeoutError, match="waiting for the order o1, which is approved") as caught,
    ):
        client.transaction_orders.wait("a1", "o1", timeout=4)
    assert caught.value.phase == "total"
    assert time.slept == [2, 2]


def test_the_last_look_is_at_the_very_end_of_the_time() -> None:
    time = FakeTime()
    steps = [*[order("approved")] * 3, order("completed")]
    with answering(*steps, time=time) as (_, client):
        assert client.transaction_orders.wait("a1", "o1", timeout=5.0078125)["id"] == "o1"
    assert time.slept == [2, 3, 0.0078125]


@pytest.mark.parametrize("status", [None, 7])
def test_an_order_without_a_status_is_refused(status: Any) -> None:
    with (
        answering(order(status)) as (_, client),
        pytest.raises(InvalidResponseError, match="the server sent the order o1 without a status"),
    ):
        client.transaction_orders.wait("a1", "o1")


@pytest.mark.parametrize("name", ["timeout", "poll_interval"])
@pytest.mark.parametrize("seconds", [0, -1, None, "2", True, float("nan"), float("inf"), 10**400])
def test_what_is_no_time_to_wait_is_refused(name: str, seconds: Any) -> None:
    with answering() as (server, client):
        for wait in (client.transaction_orders.wait, client.sync_sessions.wait):
            with pytest.raises(InvalidArgumentError, match=f"{name} must be"):
                wait("a1", "x1", **{name: seconds})
        assert server.requests == []
