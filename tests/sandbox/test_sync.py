"""Incremental sync: cursors over a log of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def quiet() -> Iterator[tuple[Sandbox, Api, str]]:
    """A sandbox with one account and no transactions yet."""
    with Sandbox(accounts=1, transactions=0) as sandbox, Api(sandbox) as api:
        yield sandbox, api, sandbox.account_ids[0]


def sync(api: Api, account: str, **body: object) -> dict[str, Any]:
    answer = api.post(f"/v2/accounts/{account}/transactions/sync", body)
    assert answer.status == 200, answer.body
    delta: dict[str, Any] = answer.json
    return delta


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["transaction_id"] for item in items]


def test_a_sync_from_the_beginning_has_every_transaction_oldest_first(
    api: Api, sandbox: Sandbox
) -> None:
    account = sandbox.account_ids[0]
    seen: list[str] = []
    delta = sync(api, account, count=5)
    while True:
        seen += ids(delta["added"])
        assert delta["modified"] == delta["removed"] == []
        if not delta["has_more"]:
            break
        delta = sync(api, account, cursor=delta["next_cursor"], count=5)
    listed = api.get(f"/v2/accounts/{account}/transactions").json["transactions"]
    assert seen == [row["id"] for row in reversed(listed)]


def test_now_skips_history_and_sees_what_comes(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    start = sync(api, account, cursor="now")
    assert (start["added"], start["has_more"]) == ([], False)
    posted = sandbox.post_transaction(
        account, amount_cents=-1250, description="POS", counterparty="Café", category="Sales"
    )
    (added,) = sync(api, account, cursor=start["next_cursor"])["added"]
    assert added["transaction_id"] == posted["id"]
    assert (added["amount"], added["pending"], added["name"]) == (-12.5, True, "POS")
    assert (added["merchant_name"], added["category"]) == ("Café", ["Sales"])


def test_a_transaction_is_added_then_modified_then_removed(
    quiet: tuple[Sandbox, Api, str],
) -> None:
    sandbox, api, account = quiet
    cursor = sync(api, account)["next_cursor"]
    transaction = sandbox.post_transaction(account, amount_cents=100)["id"]
    one = sync(api, account, cursor=cursor)
    sandbox.settle(transaction)
    two = sync(api, account, cursor=one["next_cursor"])
    sandbox.remove(transaction)
    three = sync(api, account, cursor=two["next_cursor"])
    four = sync(api, account, cursor=three["next_cursor"])
    assert (ids(one["added"]), one["added"][0]["pending"]) == ([transaction], True)
    assert (ids(two["modified"]), two["modified"][0]["pending"]) == ([transaction], False)
    assert three["removed"] == [{"transaction_id": transaction, "account_id": account}]
    assert four["added"] == four["modified"] == four["removed"] == []
    assert four["next_cursor"] == three["next_cursor"]


def test_one_page_tells_of_a_transaction_once(quiet: tuple[Sandbox, Api, str]) -> None:
    sandbox, api, account = quiet
    kept = sandbox.post_transaction(account, amount_cents=1)["id"]
    gone = sandbox.post_transaction(account, amount_cents=2)["id"]
    sandbox.settle(kept)
    sandbox.settle(gone)
    sandbox.remove(gone)
    delta = sync(api, account)
    assert (ids(delta["added"]), delta["modified"], ids(delta["removed"])) == ([kept], [], [gone])


def test_repeating_a_cursor_gives_the_same_page(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    cursor = sync(api, account, count=3)["next_cursor"]
    assert sync(api, account, cursor=cursor, count=4) == sync(api, account, cursor=cursor, count=4)


def test_a_replica_that_follows_the_cursor_equals_the_account(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    replica: dict[str, bool] = {}
    cursor: dict[str, object] = {}

    def follow() -> None:
        while True:
            delta = sync(api, account, count=3, **cursor)
            for item in delta["removed"]:
                replica.pop(item["transaction_id"], None)
            for item in delta["modified"] + delta["added"]:
                replica[item["transaction_id"]] = item["pending"]
            cursor["cursor"] = delta["next_cursor"]
            if not delta["has_more"]:
                return

    follow()
    for number in range(6):
        posted = sandbox.post_transaction(account, amount_cents=number)["id"]
        if number % 2:
            sandbox.settle(posted)
        if number % 3 == 2:
            sandbox.remove(posted)
    follow()
    listed = api.get(f"/v2/accounts/{account}/transactions").json["transactions"]
    assert replica == {row["id"]: row["status"] != "completed" for row in listed}


def test_a_cursor_of_null_is_none_at_all(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    assert sync(api, account, cursor=None) == sync(api, account)


def test_running_balances_come_when_asked_for(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    wanted = sync(api, account, options={"include_running_balance": True})["added"]
    assert all(isinstance(item["running_balance_cents"], int) for item in wanted)
    balance = api.get(f"/v2/accounts/{account}").json["data"]["balance_cents"]
    assert str(wanted[-1]["running_balance_cents"]) == balance
    assert "running_balance_cents" not in sync(api, account)["added"][0]


@pytest.mark.parametrize("key", ["tesote_account_id", "account_id"])
def test_the_legacy_endpoint_takes_the_account_in_the_body(
    api: Api, sandbox: Sandbox, key: str
) -> None:
    account = sandbox.account_ids[1]
    answer = api.post("/v2/transactions/sync", {key: account, "count": 2})
    assert answer.json == sync(api, account, count=2)
    assert api.post("/v2/transactions/sync", {"count": 2}).status == 422


@pytest.mark.parametrize("count", [0, -1, 1001, 1.5, "5", True, None])
def test_a_bad_count_is_refused(api: Api, account: str, count: object) -> None:
    answer = api.post(f"{account}/transactions/sync", {"count": count})
    assert (answer.status, answer.code) == (422, "INVALID_COUNT")


def test_a_bad_cursor_is_refused(api: Api, sandbox: Sandbox, account: str) -> None:
    other = sync(api, sandbox.account_ids[1], cursor="now")["next_cursor"]
    good = sync(api, sandbox.account_ids[0], cursor="now")["next_cursor"]
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    bad: list[object] = ["latest", "", "zzzzzzzz", other, flipped, 5, {}, "é" * 36]
    for cursor in bad:
        answer = api.post(f"{account}/transactions/sync", {"cursor": cursor})
        assert (answer.status, answer.code) == (422, "INVALID_CURSOR"), cursor


@pytest.mark.parametrize("options", [[1], "x", {"include_running_balance": "yes"}])
def test_bad_options_are_refused(api: Api, account: str, options: object) -> None:
    assert api.post(f"{account}/transactions/sync", {"options": options}).status == 422


def test_history_can_be_forbidden() -> None:
    with Sandbox(accounts=1, history_sync=False) as sandbox, Api(sandbox) as api:
        path = f"/v2/accounts/{sandbox.account_ids[0]}/transactions/sync"
        answer = api.post(path, {})
        assert (answer.status, answer.code) == (403, "HISTORY_SYNC_FORBIDDEN")
        cursor = api.post(path, {"cursor": "now"}).json["next_cursor"]
        assert api.post(path, {"cursor": cursor}).status == 200


def test_the_balance_moves_with_the_transactions(quiet: tuple[Sandbox, Api, str]) -> None:
    sandbox, api, account = quiet

    def balance() -> int:
        return int(api.get(f"/v2/accounts/{account}").json["data"]["balance_cents"])

    before = balance()
    transaction = sandbox.post_transaction(account, amount_cents=-700)["id"]
    assert balance() == before - 700
    sandbox.remove(transaction)
    assert balance() == before


def test_what_is_not_there_is_a_key_error(sandbox: Sandbox) -> None:
    posted = sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)["id"]
    sandbox.remove(posted)
    for missing in (posted, "x"):
        with pytest.raises(KeyError):
            sandbox.settle(missing)
        with pytest.raises(KeyError):
            sandbox.remove(missing)
    with pytest.raises(KeyError):
        sandbox.post_transaction("x", amount_cents=1)


def test_a_posting_may_be_dated_back(api: Api, sandbox: Sandbox, account: str) -> None:
    old = sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1, date="2001-02-03")
    listed = api.get(f"{account}/transactions").json["transactions"]
    assert listed[-1]["id"] == old["id"]


def test_openapi_shape_of_removals() -> None:
    with Sandbox(accounts=1, transactions=0, shapes="openapi") as sandbox, Api(sandbox) as api:
        account = sandbox.account_ids[0]
        posted = sandbox.post_transaction(account, amount_cents=1)["id"]
        sandbox.remove(posted)
        delta = sync(api, account)
        assert delta["removed"] == [{"transaction_id": posted}]
        assert sync(api, account, cursor=delta["new_cursor"])["removed"] == []
