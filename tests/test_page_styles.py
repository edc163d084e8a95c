"""The styles of pages: how a list goes on, and what no server can mean."""

from __future__ import annotations

import contextlib
import itertools
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import InternalError, InvalidResponseError, Page, V2Client
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply
from tests.v1.harness import answering, connected

if TYPE_CHECKING:
    from tests.support.http_messages import Request

ONE = [{"id": "x1"}]
TWO = [{"id": "x1"}, {"id": "x2"}]
MORE = [{"id": "x3"}, {"id": "x4"}]
LAST = [{"id": "x5"}]


def accounts(client: V2Client) -> Page[Any]:
    return client.accounts.list(per_page=2)


def transactions(client: V2Client) -> Page[Any]:
    return client.transactions.list_for_account("a1", per_page=2)


def backward(client: V2Client) -> Page[Any]:
    return client.transactions.list_for_account("a1", per_page=2, transactions_before_id="t9")


def orders(client: V2Client) -> Page[Any]:
    return client.transaction_orders.list("a1", limit=2)


def search(client: V2Client) -> Page[Any]:
    return client.transactions.search("flour", limit=2)


def queries(server: ScriptedServer) -> list[str]:
    return [request.target.partition("?")[2] for request in server.requests]


# ---- page numbers ----


def numbered(items: list[Any], **pagination: Any) -> dict[str, Any]:
    return {"accounts": items, "pagination": pagination}


@pytest.mark.parametrize(("total", "pages"), [(50, 1), (51, 2), (100, 2), (101, 3)])
def test_a_page_of_unknown_size_is_one_of_50(total: int, pages: int) -> None:
    replies = [{"accounts": [{"id": f"x{n}"}], "total": total} for n in range(9)]
    with answering(*replies) as (server, client):
        list(client.accounts.list())
        assert len(server.requests) == pages


def test_page_numbers_end_at_the_last_page() -> None:
    pages = [
        numbered(items, current_page=n, per_page=2, total_pages=3)
        for n, items in enumerate((TWO, MORE, LAST), 1)
    ]
    with answering(*pages) as (server, client):
        assert len(list(accounts(client))) == 5
        assert queries(server) == ["per_page=2", "per_page=2&page=2", "per_page=2&page=3"]


@pytest.mark.parametrize(
    "pagination",
    [
        {"per_page": 2, "total_count": 3},
        {"per_page": 2, "total_pages": None, "total_count": 3},
        {"per_page": 2, "total_pages": "2", "total_count": 3},
        {"total_count": None, "total": 3},
        {"total_count": True, "total": 3},
        {"per_page": -1, "total_pages": -1, "total_count": 3},
    ],
)
def test_the_number_of_pages_is_found_from_the_total(pagination: dict[str, Any]) -> None:
    with answering(numbered(TWO, **pagination), numbered(ONE, **pagination)) as (_, client):
        assert len(list(accounts(client))) == 3


@pytest.mark.parametrize("pagination", [{}, {"current_page": None}, {"total_pages": "many"}])
def test_without_a_total_the_list_ends_at_an_empty_page(pagination: dict[str, Any]) -> None:
    """A server may cut what was asked for: a page that is shorter proves nothing."""
    pages = [numbered(items, **pagination) for items in (TWO, LAST, MORE, [])]
    with answering(*pages) as (_, client):
        assert len(list(accounts(client))) == 5


def test_the_servers_own_page_size_counts() -> None:
    capped = [numbered([{"id": name}], per_page=1) for name in ("a1", "a2")]
    with answering(*capped, numbered([], per_page=1)) as (_, client):
        assert len(list(accounts(client))) == 2


def test_another_page_than_the_one_asked_for_is_refused() -> None:
    first = numbered(TWO, current_page=1, total_pages=3)
    with answering(first, first) as (_, client):
        page = accounts(client)
        with pytest.raises(InvalidResponseError, match="asked for page 2, got page 1"):
            page.next_page()
        assert page.next_params == {"page": 2}
    with (
        answering(first) as (_, client),
        pytest.raises(InvalidResponseError, match="asked for page 4, got page 1"),
    ):
        client.accounts.list(page=4)


def test_an_empty_page_before_the_last_is_refused() -> None:
    pages = [numbered(TWO, total_pages=3), numbered([], total_pages=3)]
    with answering(*pages) as (_, client), pytest.raises(InvalidResponseError, match="2 of 3"):
        list(accounts(client))


def test_a_page_beyond_the_end_is_empty_and_the_last() -> None:
    sent = numbered([], current_page=9, per_page=2, total_pages=3, total_count=5)
    with answering(sent) as (_, client):
        page = client.accounts.list(page=9)
        assert (page.data, page.next_params, page.total) == ([], None, 5)


# ---- transaction cursors ----


def cursored(items: list[Any], **pagination: Any) -> dict[str, Any]:
    return {"transactions": items, "pagination": pagination}


def test_a_full_page_without_pagination_goes_on_from_its_last_item() -> None:
    pages = [{"transactions": TWO}, {"transactions": LAST}, {"transactions": []}]
    with answering(*pages) as (server, client):
        assert len(list(transactions(client))) == 3
        assert queries(server)[1] == "per_page=2&transactions_after_id=x2"
    with answering(*pages) as (server, client):
        assert len(list(backward(client))) == 3
        assert queries(server)[1] == "per_page=2&transactions_before_id=x1"


@pytest.mark.parametrize("said", [{}, {"per_page": 2}, {"after_id": None}, {"has_more": None}])
def test_a_full_page_is_not_taken_for_the_last_because_nothing_is_said(said: Any) -> None:
    pages = [cursored(items, **said) for items in (TWO, LAST, [])]
    with answering(*pages) as (server, client):
        assert len(list(transactions(client))) == 3
        assert queries(server)[1] == "per_page=2&transactions_after_id=x2"


def test_a_cursor_without_has_more_is_followed() -> None:
    pages = [cursored(ONE, after_id="A"), cursored([], after_id=None)]
    with answering(*pages) as (_, client):
        assert len(list(transactions(client))) == 1


def test_has_more_false_ends_whatever_the_cursor() -> None:
    with answering(cursored(TWO, has_more=False, after_id="A")) as (_, client):
        assert len(list(transactions(client))) == 2


# ---- offsets, and cursors in their place ----


def test_an_offset_grows_by_what_came() -> None:
    pages = [
        {"items": TWO, "limit": 2, "offset": 0, "has_more": True},
        {"items": ONE, "limit": 2, "offset": 2, "has_more": True},
        {"items": TWO, "limit": 2, "offset": 3, "has_more": False},
    ]
    with answering(*pages) as (server, client):
        page = orders(client)
        assert page.pagination == {"limit": 2, "offset": 0, "has_more": True}
        assert len(list(page)) == 5
        assert queries(server) == ["limit=2", "limit=2&offset=2", "limit=2&offset=3"]


def test_an_empty_page_that_says_that_there_is_more_contradicts_itself() -> None:
    with answering({"items": [], "has_more": True}) as (_, client):
        page = orders(client)
        with pytest.raises(InvalidResponseError, match="empty"):
            list(page)


def test_another_offset_than_the_one_asked_for_is_refused() -> None:
    first = {"items": TWO, "limit": 2, "offset": 0, "has_more": True}
    with answering(first, first) as (_, client):
        page = orders(client)
        with pytest.raises(InvalidResponseError, match="asked for offset 2, got offset 0"):
            page.next_page()
        assert page.next_params == {"offset": 2}


def test_without_has_more_an_offset_list_ends_at_an_empty_page_or_at_the_total() -> None:
    with answering({"items": TWO}, {"items": LAST}, {"items": []}) as (_, client):
        assert len(list(orders(client))) == 3
    with answering({"items": TWO, "total": 3}, {"items": LAST, "total": 3}) as (server, client):
        assert len(list(orders(client))) == 3
        assert len(server.requests) == 2


def test_meta_without_a_cursor_to_go_on_from_is_refused() -> None:
    sent = {"transaction_orders": TWO, "meta": {"has_more": True}}
    with answering(sent) as (_, client), pytest.raises(InvalidResponseError, match="no cursor"):
        list(orders(client))


def test_meta_may_be_about_something_else() -> None:
    pages = [
        {"items": TWO, "limit": 2, "offset": 0, "has_more": True, "meta": {"took": 5}},
        {"items": ONE, "limit": 2, "offset": 2, "has_more": False, "meta": {}},
    ]
    with answering(*pages) as (_, client):
        assert len(list(orders(client))) == 3


def test_has_more_may_be_at_the_root_beside_a_cursor_in_meta() -> None:
    pages = [
        {"items": TWO, "has_more": True, "meta": {"next_cursor": "A"}},
        {"items": ONE, "has_more": False, "meta": {"next_cursor": "A"}},
    ]
    with answering(*pages) as (server, client):
        assert len(list(orders(client))) == 3
        assert queries(server)[1] == "cursor=A&per_page=2"


def test_a_page_behind_a_cursor_is_asked_for_with_no_more_than_such_servers_give() -> None:
    pages = [
        {"items": TWO, "meta": {"next_cursor": "A", "has_more": True}},
        {"items": LAST, "meta": {"next_cursor": None, "has_more": False, "offset": 2}},
    ]
    with answering(*pages) as (server, client):
        assert len(list(client.transaction_orders.list("a1", limit=101))) == 3
        assert queries(server) == ["limit=101", "cursor=A&per_page=100"]


# ---- search ----


def test_a_search_ends_at_the_total() -> None:
    pages = [{"transactions": TWO, "total": 3}, {"transactions": ONE, "total": 3}]
    with answering(*pages) as (server, client):
        page = search(client)
        assert page.total == 3
        assert len(list(page)) == 3
        assert queries(server) == ["q=flour&limit=2", "q=flour&limit=2&offset=2"]


def test_a_search_ends_quietly_at_an_empty_page() -> None:
    for total in (9, None, "9"):
        pages = [{"transactions": TWO, "total": total}, {"transactions": [], "total": total}]
        with answering(*pages) as (_, client):
            assert len(list(search(client))) == 2


# ---- any list ----

LISTS: dict[Callable[[V2Client], Page[Any]], str] = {
    accounts: "accounts",
    transactions: "transactions",
    orders: "items",
    search: "transactions",
}


@pytest.mark.parametrize(("listed", "name"), LISTS.items(), ids=LISTS.values())
def test_the_same_items_again_are_the_same_page_whatever_else_differs(
    listed: Callable[[V2Client], Page[Any]], name: str
) -> None:
    stamps = itertools.count()

    def answer(request: Request) -> Step:
        return reply(200, {name: TWO, "took_ms": next(stamps)})

    with ScriptedServer(answer) as server, connected(V2Client, f"{server.url}/api") as client:
        page = listed(client)
        with pytest.raises(InvalidResponseError, match="the same page again"):
            list(page)
        assert len(server.requests) == 2


def test_a_hundred_empty_pages_are_too_many_and_ninety_nine_are_not() -> None:
    def sent(n: int, items: list[Any]) -> dict[str, Any]:
        return cursored(items, has_more=True, after_id=f"c{n}")

    for empty in (99, 100):
        pages = [sent(n, []) for n in range(empty)]
        end = cursored(ONE, has_more=False)
        with answering(*pages, end) as (_, client):
            if empty == 99:
                assert len(list(transactions(client))) == 1
            else:
                with pytest.raises(InvalidResponseError, match="100 empty pages in a row"):
                    list(transactions(client))


def test_a_loop_that_died_knows_its_place_and_can_be_asked_again() -> None:
    pages: list[Any] = [cursored(TWO, has_more=True, after_id="A"), reply(500, {"error": "No"})]
    rest = cursored(LAST, has_more=False)
    with answering(*pages, rest, rest) as (_, client):
        items = iter(transactions(client))
        assert [next(items)["id"], next(items)["id"]] == ["x1", "x2"]
        with pytest.raises(InternalError):
            next(items)
        assert items.page.next_params == {"transactions_after_id": "A"}
        assert [item["id"] for item in items] == ["x5"]
        assert next(items, None) is None
        resumed = client.transactions.list_for_account("a1", transactions_after_id="A")
        assert [item["id"] for item in resumed.data] == ["x5"]


# ---- odd replies ----

ODD: list[Any] = [None, "2", "", -1, 0, 1.5, True, False, [], [1], {}, {"a": {}}, 10**30, "x" * 999]
STYLES: dict[Callable[[V2Client], Page[Any]], tuple[str, list[str]]] = {
    accounts: ("accounts", ["current_page", "page", "per_page", "total_pages", "total_count"]),
    transactions: ("transactions", ["has_more", "after_id", "transactions_after_id", "per_page"]),
    backward: ("transactions", ["has_more", "before_id", "transactions_before_id", "per_page"]),
    orders: ("items", ["has_more", "limit", "offset", "next_cursor"]),
    search: ("transactions", ["total"]),
}


def odd_replies(name: str, keys: list[str]) -> list[dict[str, Any]]:
    replies = [{name: TWO, where: odd} for where in ("pagination", "meta", "total") for odd in ODD]
    for first, second in itertools.product(keys, keys):
        for odd in ODD:
            said = {first: odd, second: ODD[(ODD.index(odd) + 5) % len(ODD)]}
            replies += [
                {name: TWO, "pagination": said},
                {name: TWO, "meta": said},
                {name: TWO, **said},
            ]
    return replies


@pytest.mark.parametrize("listed", STYLES, ids=[style.__name__ for style in STYLES])
def test_odd_members_of_a_reply_end_in_nothing_but_typed_errors(
    listed: Callable[[V2Client], Page[Any]],
) -> None:
    current: dict[str, Any] = {}

    def answer(request: Request) -> Step:
        return reply(200, json.dumps(current))

    with ScriptedServer(answer) as server, connected(V2Client, f"{server.url}/api") as client:
        for sent in odd_replies(*STYLES[listed]):
            current.clear()
            current.update(sent)
            # Anything but this one error fails the test.
            with contextlib.suppress(InvalidResponseError):
                page = listed(client)
                assert page.total is None or (type(page.total) is int and page.total >= 0)
                assert len(list(islice(page, 6))) >= 2
