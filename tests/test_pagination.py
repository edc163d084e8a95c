"""Page: what it promises, whichever way the server numbers its pages."""

from __future__ import annotations

import gc
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import (
    InvalidArgumentError,
    InvalidResponseError,
    MutationDuringPaginationError,
    Page,
    RetryPolicy,
    ServerError,
    V2Client,
)
from tesote_sdk.sandbox import Sandbox
from tests.support.steps import reply
from tests.v1.harness import FakeTime, answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox._settings import Shapes

TRANSACTIONS = 23

Lister = Callable[..., Page[Any]]


@pytest.fixture(scope="module", params=["sdk", "openapi"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shapes: Shapes = request.param
    with (
        Sandbox(accounts=11, transactions=TRANSACTIONS, shapes=shapes) as sandbox,
        sandboxed(sandbox) as client,
    ):
        account_id = sandbox.account_ids[0]
        # A server that goes by cursors takes no heed of `limit` on the first page, of 50.
        for number in range(60 if shapes == "openapi" else 11):
            client.transaction_orders.create(
                account_id,
                amount=number + 1,
                currency="VES",
                description="Flour",
                beneficiary={"name": "Harinas del Sur"},
            )
        for _ in range(11):
            session = client.accounts.sync(account_id)["sync_session_id"]
            client.sync_sessions.wait(account_id, session)
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[V2Client]:
    sandbox.clear_faults()
    sandbox.clear_requests()
    with sandboxed(sandbox, time=FakeTime()) as client:
        yield client


def lister(client: V2Client, sandbox: Sandbox, name: str) -> tuple[Lister, dict[str, Any]]:
    """A list method by the style of its pages, and arguments that make for several pages."""
    account = {"account_id": sandbox.account_ids[0]}
    if name == "numbers":
        return client.accounts.list, {"per_page": 4}
    if name == "transactions":
        return client.transactions.list_for_account, {**account, "per_page": 5}
    if name == "search":
        return client.transactions.search, {**account, "q": "o", "limit": 3}
    if name == "orders":
        return client.transaction_orders.list, {**account, "limit": 4, "status": "draft"}
    if name == "methods":
        return client.payment_methods.list, {"limit": 4, "currency": "VES"}
    return client.sync_sessions.list, {**account, "limit": 4, "status": "completed"}


LISTS = ["numbers", "transactions", "search", "orders", "methods", "sessions"]


def ids(page: Page[Any]) -> list[str]:
    return [item["id"] for item in page]


@pytest.mark.parametrize("name", LISTS)
def test_a_walk_yields_every_item_once(client: V2Client, sandbox: Sandbox, name: str) -> None:
    listed, arguments = lister(client, sandbox, name)
    walked = ids(listed(**arguments))
    size = arguments.pop("per_page", 0) or arguments.pop("limit")
    assert walked == ids(listed(**arguments))
    assert len(set(walked)) == len(walked) > 2 * size


@pytest.mark.parametrize("name", LISTS)
def test_every_page_is_asked_for_with_all_the_filters(
    client: V2Client, sandbox: Sandbox, name: str
) -> None:
    listed, arguments = lister(client, sandbox, name)
    pages = list(listed(**arguments).iter_pages())
    assert len(sandbox.requests) == len(pages) > 2
    del arguments["per_page" if "per_page" in arguments else "limit"]
    if name != "search":  # where the account is a filter; elsewhere it is in the path
        arguments.pop("account_id", None)
    for request in sandbox.requests:
        assert arguments.items() <= request.query.items()
        assert {"4", "5", "3"} & {request.query.get("per_page"), request.query.get("limit")}


@pytest.mark.parametrize("name", LISTS)
def test_next_params_resume_after_any_page(client: V2Client, sandbox: Sandbox, name: str) -> None:
    listed, arguments = lister(client, sandbox, name)
    whole = ids(listed(**arguments))
    passed = 0
    for page in listed(**arguments).iter_pages():
        passed += len(page.data)
        following = page.next_params
        assert (following is not None) is page.has_next_page() is (passed < len(whole))
        if following:
            assert len(following) == 1
            assert ids(listed(**arguments, **following)) == whole[passed:]


@pytest.mark.parametrize("name", LISTS)
def test_a_page_is_fetched_when_the_one_before_it_was_passed(
    client: V2Client, sandbox: Sandbox, name: str
) -> None:
    listed, arguments = lister(client, sandbox, name)
    page = listed(**arguments)
    size = len(page.data)
    items = iter(page)
    list(islice(items, size))
    page.has_next_page()
    assert len(sandbox.requests) == 1
    next(items)
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("name", LISTS)
def test_an_error_in_mid_walk_can_be_resumed_from(
    client: V2Client, sandbox: Sandbox, name: str
) -> None:
    listed, arguments = lister(client, sandbox, name)
    whole = ids(listed(**arguments))
    seen: list[str] = []
    pages = listed(**arguments).iter_pages()
    page = next(pages)
    seen += [item["id"] for item in page.data]
    sandbox.fail(500)
    with pytest.raises(ServerError):
        next(pages)
    following = page.next_params
    assert following is not None
    assert seen + ids(listed(**arguments, **following)) == whole
    # The page at hand is as good as it was, too.
    assert seen + ids(page.next_page()) == whole


def test_transactions_are_walked_backward(client: V2Client, sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    newest_first = ids(client.transactions.list_for_account(account_id))
    oldest = newest_first[-1]
    backward = client.transactions.list_for_account(
        account_id, per_page=4, transactions_before_id=oldest
    )
    pages = list(backward.iter_pages())
    assert [len(page.data) for page in pages] == [4, 4, 4, 4, 4, 2]
    walked = [row["id"] for page in reversed(pages) for row in page.data]
    assert walked == newest_first[:-1]
    assert backward.next_params == {"transactions_before_id": newest_first[-5]}
    assert all("transactions_after_id" not in request.query for request in sandbox.requests)


def test_a_page_number_to_begin_with_goes_on_by_cursor(client: V2Client, sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    whole = ids(client.transactions.list_for_account(account_id))
    page = client.transactions.list_for_account(account_id, per_page=5, page=2)
    assert page.next_params == {"transactions_after_id": whole[9]}
    assert ids(page) == whole[5:]


def test_a_page_tells_what_the_server_said(client: V2Client, sandbox: Sandbox) -> None:
    page = client.accounts.list(per_page=4)
    assert isinstance(page, Page)
    assert len(page.data) == 4
    assert page.total == 11
    assert page.pagination == page.response.json["pagination"]
    assert (page.pagination or {})["total_pages"] == 3
    assert page.response.status == 200
    assert page.response.request_id
    assert repr(page) == "<Page of 4 at /v2/accounts>"


def test_the_next_page_can_be_fetched_twice(client: V2Client, sandbox: Sandbox) -> None:
    first = client.transactions.list_for_account(sandbox.account_ids[0], per_page=5)
    assert first.next_page().data == first.next_page().data
    assert ids(first) == ids(first)


def test_the_last_page_has_no_next_one(client: V2Client, sandbox: Sandbox) -> None:
    page = client.accounts.list(per_page=100)
    assert (page.has_next_page(), page.next_params) == (False, None)
    sandbox.clear_requests()
    with pytest.raises(InvalidArgumentError, match="last page"):
        page.next_page()
    assert sandbox.requests == []


@pytest.mark.parametrize("name", LISTS)
def test_what_is_done_to_the_data_of_a_page_does_not_lead_the_walk_astray(
    client: V2Client, sandbox: Sandbox, name: str
) -> None:
    listed, arguments = lister(client, sandbox, name)
    whole = ids(listed(**arguments))
    seen: list[str] = []
    for page in listed(**arguments).iter_pages():
        seen += [item["id"] for item in page.data]
        page.data.clear()
        if page.pagination:
            page.pagination.clear()
        if following := page.next_params:
            following.clear()
    assert seen == whole


def test_a_list_of_nothing_is_one_empty_page(client: V2Client, sandbox: Sandbox) -> None:
    page = client.transactions.search("nothing has this text")
    assert (page.data, page.total, list(page), page.next_params) == ([], 0, [], None)


def test_one_page_at_a_time_is_in_memory(client: V2Client, sandbox: Sandbox) -> None:
    def alive() -> int:
        return sum(isinstance(thing, Page) for thing in gc.get_objects())

    gc.collect()
    before = alive()
    most = 0
    walk = client.transactions.list_for_account(sandbox.account_ids[0], per_page=10)
    items = iter(walk)
    del walk
    for number, _ in enumerate(items):
        if number % 10 == 5:  # counting takes its time
            most = max(most, alive() - before)
    assert most == 1
    del items  # it knows the page that it came to
    for page in client.transactions.list_for_account(
        sandbox.account_ids[0], per_page=10
    ).iter_pages():
        most = max(most, alive() - before)
        del page
    assert most == 1


def test_ten_thousand_transactions_survive_a_bad_line() -> None:
    count = 10_000
    time = FakeTime()
    with (
        Sandbox(accounts=1, transactions=count) as sandbox,
        sandboxed(sandbox, time=time) as client,
    ):
        account_id = sandbox.account_ids[0]
        faults: dict[int, Callable[[], None]] = {
            7: lambda: sandbox.fail(503),
            23: lambda: sandbox.drop(when="before_response"),
            24: lambda: sandbox.fail(429, retry_after=2),
            61: lambda: sandbox.drop(when="mid_body"),
            88: lambda: sandbox.fail(502, times=2),
        }
        walked: list[str] = []
        first = client.transactions.list_for_account(account_id, per_page=100)
        for number, page in enumerate(first.iter_pages()):
            walked += [row["id"] for row in page.data]
            if number in faults:
                faults[number]()
        assert len(walked) == len(set(walked)) == count == first.total
        assert len(sandbox.requests) == 100 + 6
    assert 2 in time.slept


def test_a_mutation_conflict_leaves_the_loop(client: V2Client, sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    sandbox.fail(error_code="MUTATION_CONFLICT", path="/v2/accounts/*/transactions")
    with pytest.raises(MutationDuringPaginationError):
        client.transactions.list_for_account(account_id)
    rows = iter(client.transactions.list_for_account(account_id, per_page=5))
    assert len(list(islice(rows, 5))) == 5
    sandbox.fail(error_code="MUTATION_CONFLICT")
    with pytest.raises(MutationDuringPaginationError) as caught:
        next(rows)
    assert caught.value.http_status == 409


def test_a_walk_with_retries_off_ends_with_the_first_error(sandbox: Sandbox) -> None:
    with sandboxed(sandbox, retry_policy=RetryPolicy(max_attempts=1)) as client:
        items = iter(client.accounts.list(per_page=4))
        list(islice(items, 4))
        sandbox.fail(503)
        with pytest.raises(ServerError):
            next(items)


def pages_of_transactions(*cursors: str | None, more: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "transactions": [{"id": f"t{number}"}],
            "pagination": {"has_more": more, "per_page": 1, "after_id": cursor},
        }
        for number, cursor in enumerate(cursors)
    ]


@pytest.mark.parametrize(
    ("cursors", "good"),
    [
        (["A", "A"], "A"),
        (["A", "B", "A"], "B"),
        (["A", "B", "C", "A"], "C"),
        (["A", "B", "C", "B"], "C"),
        (["A", None], "A"),
        (["A", ""], "A"),
    ],
)
def test_a_walk_in_a_circle_ends_and_names_the_last_good_cursor(
    cursors: list[str | None], good: str
) -> None:
    with answering(*pages_of_transactions(*cursors)) as (server, client):
        walk = iter(client.transactions.list_for_account("a1"))
        seen = [next(walk)["id"] for _ in cursors]
        with pytest.raises(InvalidResponseError, match=f"good cursor: .*{good}'"):
            next(walk)
        assert len(server.requests) == len(cursors)
    assert seen == [f"t{number}" for number in range(len(cursors))]


@pytest.mark.parametrize("data", [{"total_pages": 9}, {}])
def test_a_server_that_ignores_the_page_number_is_found_out(data: dict[str, int]) -> None:
    # Nothing tells its pages apart: no current_page, and as many items as were asked for.
    same = {"accounts": [{"id": "a1"}, {"id": "a2"}], "pagination": data}
    with answering(*[same] * 3) as (server, client):
        walk = iter(client.accounts.list(per_page=2))
        assert [next(walk)["id"], next(walk)["id"]] == ["a1", "a2"]
        with pytest.raises(InvalidResponseError, match="same page again"):
            next(walk)
        assert len(server.requests) == 2


def test_the_cursor_that_a_walk_began_with_is_known_too() -> None:
    with answering(*pages_of_transactions("A", "start")) as (_, client):
        walk = iter(client.transactions.list_for_account("a1", transactions_after_id="start"))
        assert [next(walk)["id"], next(walk)["id"]] == ["t0", "t1"]
        with pytest.raises(InvalidResponseError, match="sent before"):
            next(walk)


def test_more_without_a_cursor_on_the_first_page_is_an_error_of_the_second() -> None:
    with answering(*pages_of_transactions(None)) as (_, client):
        page = client.transactions.list_for_account("a1")
        assert [row["id"] for row in page.data] == ["t0"]
        for ask in (lambda: page.next_params, page.has_next_page, page.next_page):
            with pytest.raises(InvalidResponseError, match="this is the first page"):
                ask()


def test_an_empty_page_with_a_new_cursor_goes_on() -> None:
    pages = pages_of_transactions("A", "B", "C")
    pages[1]["transactions"] = []
    with answering(*pages, *pages_of_transactions(None, more=False)) as (_, client):
        walked = ids(client.transactions.list_for_account("a1"))
    assert walked == ["t0", "t2", "t0"]


def test_a_cursor_list_that_turns_in_a_circle_ends_too() -> None:
    def page(order: str, cursor: str) -> dict[str, Any]:
        return {"items": [{"id": order}], "meta": {"next_cursor": cursor, "has_more": True}}

    with answering(page("o1", "A"), page("o2", "B"), page("o3", "A")) as (_, client):
        walk = iter(client.transaction_orders.list("a1"))
        list(islice(walk, 3))
        with pytest.raises(InvalidResponseError, match="cursor='B'"):
            next(walk)


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "text",
        None,
        7,
        {},
        {"transactions": None},
        {"transactions": {"id": "t1"}},
        {"transactions": ["t1"]},
        {"transactions": [{"id": "t1"}, {}]},
        {"transactions": [{"id": None}]},
        {"transactions": [{"id": ""}]},
        {"bulk_results": []},
    ],
)
def test_what_is_no_list_is_refused(sent: Any) -> None:
    with (
        answering(reply(200, json.dumps(sent))) as (_, client),
        pytest.raises(InvalidResponseError, match="transactions"),
    ):
        client.transactions.list_for_account("a1")
