"""Transactions of v2: incremental sync, many accounts at once, search."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import (
    AccountNotFoundError,
    HistorySyncForbiddenError,
    InvalidCursorError,
    InvalidResponseError,
    MutationDuringPaginationError,
    NetworkError,
    Page,
)
from tesote_sdk.sandbox import Sandbox
from tests.support.steps import hang_up, reply
from tests.v1.harness import answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=4, transactions=25) as sandbox:
        yield sandbox


# ---- sync ----


def test_a_database_that_applies_deltas_ends_up_with_what_the_bank_has(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    rows: dict[str, float] = {}
    cursor: str | None = None

    def catch_up() -> list[tuple[int, int, int]]:
        nonlocal cursor
        sizes = []
        for delta in client.transactions.iter_sync(account_id, cursor=cursor, count=10):
            for removed in delta["removed"]:
                rows.pop(removed["transaction_id"], None)
            for changed in [*delta["modified"], *delta["added"]]:
                rows[changed["transaction_id"]] = float(str(changed["amount"]))
            cursor = delta["next_cursor"] or cursor
            sizes.append((len(delta["added"]), len(delta["modified"]), len(delta["removed"])))
        return sizes

    with sandboxed(sandbox) as client:
        assert [added for added, _, _ in catch_up()] == [10, 10, 5]
        posted = sandbox.post_transaction(account_id, amount_cents=-1250)
        victim = client.transactions.list_for_account(account_id).data[-1]["id"]
        sandbox.remove(victim)
        assert catch_up() == [(1, 0, 1)]
        sandbox.settle(posted["id"])
        assert catch_up() == [(0, 1, 0)]
        assert catch_up() == [(0, 0, 0)]
        listed = client.transactions.list_for_account(account_id)
        assert rows == {row["id"]: row["data"]["amount_cents"] / 100 for row in listed}
    assert len(rows) == 25


def test_one_request_is_made_for_each_delta_when_it_is_asked_for(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with sandboxed(sandbox) as client:
        deltas = client.transactions.iter_sync(account_id, count=10, include_running_balance=True)
        assert sandbox.requests == []
        first = next(deltas)
        assert len(sandbox.requests) == 1
        next(deltas)
        assert [request.json for request in sandbox.requests] == [
            {"count": 10, "options": {"include_running_balance": True}},
            {
                "count": 10,
                "options": {"include_running_balance": True},
                "cursor": first["next_cursor"],
            },
        ]
    assert "running_balance_cents" in first["added"][0]


def test_now_skips_the_history(sandbox: Sandbox) -> None:
    with sandboxed(sandbox) as client:
        delta = next(client.transactions.iter_sync(sandbox.account_ids[0], cursor="now"))
    assert delta["added"] == []
    assert delta["next_cursor"]
    assert sandbox.requests[0].json == {"cursor": "now"}


def test_a_409_leaves_the_sync_and_the_cursor_stays_good(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with sandboxed(sandbox) as client:
        deltas = client.transactions.iter_sync(account_id, count=10)
        first = next(deltas)
        sandbox.fail(error_code="MUTATION_CONFLICT")
        with pytest.raises(MutationDuringPaginationError) as caught:
            next(deltas)
        assert caught.value.outcome_unknown is False
        again = client.transactions.iter_sync(account_id, cursor=first["next_cursor"], count=10)
        assert [len(delta["added"]) for delta in again] == [10, 5]


def test_the_history_may_be_closed() -> None:
    with Sandbox(accounts=1, history_sync=False) as sandbox, sandboxed(sandbox) as client:
        account_id = sandbox.account_ids[0]
        with pytest.raises(HistorySyncForbiddenError):
            client.transactions.sync(account_id)
        assert client.transactions.sync(account_id, cursor="now")["next_cursor"]


def test_a_bad_cursor_is_a_typed_error(sandbox: Sandbox) -> None:
    first, second = sandbox.account_ids[:2]
    with sandboxed(sandbox) as client:
        cursor = client.transactions.sync(first)["next_cursor"]
        for bad in ("none", cursor):
            with pytest.raises(InvalidCursorError):
                client.transactions.sync(second, cursor=bad)


def test_a_sync_reads_and_so_is_repeated_like_a_get() -> None:
    with answering(hang_up(), reply(503), {"added": []}) as (server, client):
        assert client.transactions.sync("a1")["added"] == []
        assert len({request.raw for request in server.requests}) == 1
    with answering(*[hang_up()] * 4) as (_, client), pytest.raises(NetworkError) as caught:
        client.transactions.sync("a1")
    assert caught.value.outcome_unknown is False


def deltas(*cursors: str | None) -> list[dict[str, Any]]:
    return [{"added": [], "next_cursor": cursor, "has_more": True} for cursor in cursors]


@pytest.mark.parametrize(
    ("cursors", "good"),
    [
        ([None], None),
        (["A", None], "A"),
        (["A", ""], "A"),
        (["A", "A"], "A"),
        (["A", "B", "A"], "B"),
        (["A", "B", "C", "B"], "C"),
    ],
)
def test_a_sync_that_leads_nowhere_ends_and_names_the_last_good_cursor(
    cursors: list[str | None], good: str | None
) -> None:
    with answering(*deltas(*cursors)) as (server, client):
        walk = client.transactions.iter_sync("a1")
        for _ in cursors:
            next(walk)
        with pytest.raises(InvalidResponseError, match=f"good cursor is {good!r}"):
            next(walk)
        assert len(server.requests) == len(cursors)


@pytest.mark.parametrize("last", [None, ""])
def test_a_last_delta_without_a_cursor_leaves_the_one_before_it(last: str | None) -> None:
    """Whoever keeps none begins at the beginning the next time."""
    end: dict[str, Any] = {"added": [], "next_cursor": last, "has_more": False}
    with answering(*deltas("A"), end) as (_, client):
        walk = client.transactions.iter_sync("a1")
        assert len(list(walk)) == 2
        assert walk.cursor == "A"


def test_the_cursor_that_a_sync_began_with_is_known_too() -> None:
    with answering(*deltas("A", "start")) as (_, client):
        walk = client.transactions.iter_sync("a1", cursor="start")
        next(walk)
        next(walk)
        with pytest.raises(InvalidResponseError, match="'A'"):
            next(walk)


def test_the_legacy_sync_works_and_warns_at_the_callers_line(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with sandboxed(sandbox) as client:
        with pytest.warns(DeprecationWarning, match="client.transactions.sync") as warned:
            legacy = client.transactions.sync_legacy(account_id, count=10)
        assert legacy == client.transactions.sync(account_id, count=10)
    assert warned[0].filename == __file__
    assert sandbox.requests[0].path == "/v2/transactions/sync"


# ---- bulk ----


def test_bulk_is_a_page_for_each_account_that_goes_on_by_itself(sandbox: Sandbox) -> None:
    ids = sandbox.account_ids[:3]
    with sandboxed(sandbox) as client:
        pages = client.transactions.bulk(ids, per_page=10)
        assert len(sandbox.requests) == 1
        assert list(pages) == ids
        for account_id, page in pages.items():
            assert isinstance(page, Page)
            assert len(page.data) == 10
            walked = [row["id"] for row in page]
            alone = client.transactions.list_for_account(account_id)
            assert walked == [row["id"] for row in alone]
            assert page.next_params == {"transactions_after_id": walked[9]}
    assert sandbox.requests[1].path == f"/v2/accounts/{ids[0]}/transactions"
    assert sandbox.requests[1].query["per_page"] == "10"


def test_bulk_takes_a_hundred_accounts() -> None:
    with Sandbox(accounts=100, transactions=2) as sandbox, sandboxed(sandbox) as client:
        pages = client.transactions.bulk(sandbox.account_ids)
        assert len(pages) == 100
        assert all(len(page.data) == 2 for page in pages.values())


def test_bulk_of_an_unknown_account_is_refused(sandbox: Sandbox) -> None:
    with sandboxed(sandbox) as client, pytest.raises(AccountNotFoundError):
        client.transactions.bulk([sandbox.account_ids[0], "none"])


@pytest.mark.parametrize(
    "results",
    [
        None,
        {},
        ["a1"],
        [None],
        [{"account_id": "a2", "transactions": []}],
        [{"account_id": None, "transactions": []}],
        [{"account_id": [], "transactions": []}],
        [{"account_id": {"id": "a1"}, "transactions": []}],
        [{"transactions": []}],
        [{"account_id": "a1"}],
        [{"account_id": "a1", "transactions": [{}]}],
        [{"account_id": "a1", "transactions": "t1"}],
    ],
    ids=json.dumps,
)
def test_a_bulk_answer_of_another_shape_is_refused(results: Any) -> None:
    with answering({"bulk_results": results}) as (_, client):
        with pytest.raises(InvalidResponseError) as caught:
            client.transactions.bulk(["a1"])
        assert caught.value.outcome_unknown is False


def test_bulk_returns_the_accounts_that_the_server_answered_for() -> None:
    sent = {"bulk_results": [{"account_id": "A2", "transactions": [{"id": "t1"}]}]}
    with answering(sent, {"bulk_results": []}) as (_, client):
        pages = client.transactions.bulk(["a1", "a2"])
        assert {name: [item["id"] for item in page.data] for name, page in pages.items()} == {
            "a2": ["t1"]
        }
        assert client.transactions.bulk(["a1", "a2"]) == {}


def test_bulk_pages_may_have_empty_cursors_or_none() -> None:
    sent = {
        "bulk_results": [
            {
                "account_id": "a1",
                "transactions": [{"id": "t1"}],
                "pagination": {"has_more": False, "per_page": 25, "after_id": ""},
            },
            {"account_id": "a2", "transactions": []},
        ]
    }
    with answering(sent) as (_, client):
        pages = client.transactions.bulk(["a2", "a1"])
        assert [row["id"] for row in pages["a1"]] == ["t1"]
        assert list(pages["a2"]) == []


# ---- search and filters ----


def test_a_search_finds_across_accounts_and_in_one(sandbox: Sandbox) -> None:
    first, second = sandbox.account_ids[:2]
    for account_id in (first, second):
        for _ in range(3):
            sandbox.post_transaction(account_id, amount_cents=-5, description="ZZ Top & café")
    with sandboxed(sandbox) as client:
        page = client.transactions.search("zz top & café", limit=4)
        assert page.total == 6
        assert len(list(page)) == 6
        assert client.transactions.search("ZZ", account_id=second).total == 3


def test_deleted_transactions_are_listed_on_request(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    posted = sandbox.post_transaction(account_id, amount_cents=-5)
    sandbox.remove(posted["id"])
    with sandboxed(sandbox) as client:
        deleted = client.transactions.list_for_account(account_id, scope="deleted")
        assert [row["id"] for row in deleted] == [posted["id"]]
