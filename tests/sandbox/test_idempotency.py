"""Idempotency keys: one key, one result, however many ask at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Answer, Api, order

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"Idempotency-Key": "key-1"}


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    """The answers of `count` calls that start together."""
    barrier = Barrier(count)

    def run(number: int) -> Answer:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_repeated_request_gets_the_first_result(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    first, second = (api.call("POST", path, order(), headers=KEY) for _ in range(2))
    assert (second.status, second.body) == (first.status, first.body) == (201, first.body)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert len(api.get(path).json["items"]) == 1


def test_the_order_of_keys_in_the_body_does_not_matter(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    turned = {"transaction_order": dict(reversed(list(order()["transaction_order"].items())))}
    first = api.call("POST", path, order(), headers=KEY)
    assert api.call("POST", path, turned, headers=KEY).json == first.json


def test_the_key_refuses_another_request(api: Api, sandbox: Sandbox, account: str) -> None:
    path = f"{account}/transaction_orders"
    api.call("POST", path, order(), headers=KEY)
    other = f"/v2/accounts/{sandbox.account_ids[1]}/transaction_orders"
    for where, body in ((path, order(amount="1")), (other, order())):
        answer = api.call("POST", where, body, headers=KEY)
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_CONTENT")
    assert len(api.get(path).json["items"]) == 1


def test_another_key_is_another_request(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    for key in ("a", "b"):
        api.call("POST", path, order(), headers={"Idempotency-Key": key})
    assert len(api.get(path).json["items"]) == 2


def test_a_refusal_leaves_the_key_free(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    assert api.call("POST", path, order(amount="0"), headers=KEY).status == 400
    assert api.call("POST", path, order(), headers=KEY).status == 201


def test_the_orders_own_key_makes_one_order_too(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    first, second = (api.post(path, order(idempotency_key="inv-1")) for _ in range(2))
    assert first.json["idempotency_key"] == "inv-1"
    assert (second.status, second.body) == (201, first.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    changed = api.post(path, order(idempotency_key="inv-1", amount="2"))
    assert (changed.status, changed.code) == (422, "UNPROCESSABLE_CONTENT")
    assert len(api.get(path).json["items"]) == 1


def test_a_replay_after_a_lost_answer_finds_the_first_result(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    path = f"{account}/transaction_orders"
    sandbox.drop(when="after_processing")
    with Api(sandbox) as unlucky, pytest.raises(OSError, match=r"closed connection|reset"):
        unlucky.call("POST", path, order(), headers=KEY)
    again = api.call("POST", path, order(), headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [row["id"] for row in api.get(path).json["items"]] == [again.json["id"]]


def test_patch_and_delete_are_replayed_as_well(api: Api) -> None:
    sent = {"method_type": "wire", "currency": "USD", "details": {}}
    method = api.post("/v2/payment_methods", {"payment_method": sent}).json["id"]
    path = f"/v2/payment_methods/{method}"
    change = {"payment_method": {"label": "x"}}
    first, second = (api.call("PATCH", path, change, headers=KEY) for _ in range(2))
    assert (second.json, second.headers["Idempotent-Replayed"]) == (first.json, "true")
    delete = {"Idempotency-Key": "key-2"}
    first, second = (api.call("DELETE", path, headers=delete) for _ in range(2))
    assert (first.status, second.status) == (204, 204)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_reads_take_no_notice_of_the_key(api: Api, sandbox: Sandbox, account: str) -> None:
    before = api.get_with(KEY, account).json
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)
    assert api.get_with(KEY, account).json != before


def slow_clock() -> float:
    """Asked for the time while a request is carried out, lets the other threads run first."""
    time.sleep(0.002)
    return time.time()


@pytest.mark.parametrize("where", ["header", "body"])
def test_requests_that_race_with_one_key_make_one_order(where: str) -> None:
    with Sandbox(accounts=1, clock=slow_clock) as sandbox, Api(sandbox) as api:
        path = f"/v2/accounts/{sandbox.account_ids[0]}/transaction_orders"
        body = order(idempotency_key="inv-1") if where == "body" else order()

        def create(number: int) -> Answer:
            key = "key-1" if where == "header" else f"key-{number}"
            with Api(sandbox) as racer:
                return racer.call("POST", path, body, headers={"Idempotency-Key": key})

        answers = at_once(16, create)
        assert {answer.status for answer in answers} == {201}
        assert len({answer.json["id"] for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        assert len(api.get(path).json["items"]) == 1


def test_threads_that_write_and_read_at_once_lose_nothing(
    sandbox: Sandbox, api: Api, account: str
) -> None:
    path = f"{account}/transaction_orders"
    cursor = api.post(f"{account}/transactions/sync", {"cursor": "now"}).json["next_cursor"]

    def work(_: int) -> Answer:
        with Api(sandbox) as worker:
            for _ in range(10):
                created = worker.post(path, order()).json["id"]
                worker.get(path, limit=5)
                assert worker.post(f"{path}/{created}/submit").status == 202
                worker.get(f"{account}/transactions", per_page=100)
            return worker.get(f"{account}/transactions")

    totals = [answer.json["total"] for answer in at_once(8, work)]
    assert max(totals) == 12 + 80
    delta = api.post(f"{account}/transactions/sync", {"cursor": cursor, "count": 1000}).json
    assert len({item["transaction_id"] for item in delta["added"]}) == 80
    assert len({row["reference"] for row in api.get(path, limit=250).json["items"]}) == 80
