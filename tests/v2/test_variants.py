"""The published descriptions of the API disagree: every shape that one of them has is read.

One test for each disagreement about responses, with what each side sends.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import (
    ForbiddenError,
    InvalidQueryError,
    UnprocessableContentError,
    V1Client,
    V2Client,
    ValidationError,
    WorkspaceSuspendedError,
)
from tesote_sdk.errors import BadRequestError
from tesote_sdk.sandbox import Sandbox
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.v1.harness import answering, connected, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox._settings import Shapes

ACCOUNT = {
    "id": "a1",
    "name": "Banco Caribe Norte (...7731)",
    "data": {"masked_account_number": "*****7731", "currency": "VES"},
    "bank": {"name": None},
    "legal_entity": None,
}
ORDER = {"id": "o1", "status": "draft", "amount": 1530.25, "currency": "VES"}
METHOD = {"id": "p1", "method_type": "wire", "currency": "USD", "details": {}}
TRANSACTION = {"id": "t1", "status": "completed", "data": {"amount_cents": -4875000}}


@pytest.fixture(params=["sdk", "openapi"])
def shaped(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shapes: Shapes = request.param
    with Sandbox(accounts=3, transactions=8, shapes=shapes) as sandbox:
        yield sandbox


def make_orders(client: V2Client, account_id: str, count: int) -> list[str]:
    return [
        client.transaction_orders.create(
            account_id,
            amount=number + 1,
            currency="VES",
            description="Flour",
            beneficiary={"name": "Harinas del Sur"},
        )["id"]
        for number in range(count)
    ]


def test_status_and_whoami_of_v1_are_unversioned(shaped: Sandbox) -> None:
    with connected(V1Client, shaped.url, shaped.api_key) as client:
        assert client.status()["status"] == "ok"
        assert client.whoami()
    assert [request.path for request in shaped.requests] == ["/status", "/whoami"]


def test_an_account_is_bare_or_wrapped(shaped: Sandbox) -> None:
    account_id = shaped.account_ids[1]
    with sandboxed(shaped) as v2, connected(V1Client, shaped.url, shaped.api_key) as v1:
        for account in (v1.accounts.get(account_id), v2.accounts.get(account_id)):
            assert account["id"] == account_id
            assert account["data"]["currency"]


@pytest.mark.parametrize("sent", [ACCOUNT, {"account": ACCOUNT}, {"data": ACCOUNT}])
def test_an_accounts_own_data_is_not_taken_for_a_wrapper(sent: dict[str, Any]) -> None:
    with answering(sent) as (_, client):
        assert client.accounts.get("a1") == ACCOUNT


def test_a_v1_transaction_is_bare_or_wrapped(shaped: Sandbox) -> None:
    with sandboxed(shaped) as v2, connected(V1Client, shaped.url, shaped.api_key) as v1:
        first = v2.transactions.list_for_account(shaped.account_ids[0]).data[0]
        assert v1.transactions.get(first["id"]) == first
        assert v2.transactions.get(first["id"]) == first


def test_a_transaction_may_be_named_by_transaction_id() -> None:
    flat = {"transaction_id": "t1", "status": "pending", "amount": 5}
    with answering(flat, {"transaction": flat}) as (_, client):
        assert client.transactions.get("t1") == {**flat, "id": "t1"}
        assert client.transactions.get("t1") == {**flat, "id": "t1"}


def test_an_order_is_bare_or_wrapped(shaped: Sandbox) -> None:
    account_id = shaped.account_ids[0]
    with sandboxed(shaped) as client:
        first, second = make_orders(client, account_id, 2)
        assert client.transaction_orders.get(account_id, first)["id"] == first
        assert client.transaction_orders.submit(account_id, first)["status"] == "processing"
        assert client.transaction_orders.cancel(account_id, second)["status"] == "cancelled"


def test_a_payment_method_is_bare_or_wrapped(shaped: Sandbox) -> None:
    with sandboxed(shaped) as client:
        made = client.payment_methods.create(
            method_type="wire", currency="USD", details={}, counterparty={"name": "Prairie Mills"}
        )
        assert client.payment_methods.get(made["id"])["id"] == made["id"]
        assert client.payment_methods.update(made["id"], label="New")["label"] == "New"
        client.payment_methods.delete(made["id"])


def test_orders_are_listed_by_offset_or_by_cursor(shaped: Sandbox) -> None:
    account_id = shaped.account_ids[0]
    with sandboxed(shaped) as client:
        made = make_orders(client, account_id, 7)
        listed = client.transaction_orders.list(account_id, limit=3, status="draft")
        assert sorted(order["id"] for order in listed) == sorted(made)
    pages = [request for request in shaped.requests if request.method == "GET"]
    assert all(request.query["status"] == "draft" for request in pages)


@pytest.mark.parametrize("name", ["items", "transaction_orders", "data"])
def test_orders_are_found_under_any_of_their_names(name: str) -> None:
    with answering({name: [ORDER], "has_more": False}) as (_, client):
        assert list(client.transaction_orders.list("a1")) == [ORDER]


def test_a_cursor_in_meta_is_continued_with_cursor_and_per_page() -> None:
    more = {"transaction_orders": [ORDER], "meta": {"next_cursor": "c1", "has_more": True}}
    last = {
        "transaction_orders": [{**ORDER, "id": "o2"}],
        "meta": {"next_cursor": None, "has_more": False},
    }
    with answering(more, last) as (server, client):
        page = client.transaction_orders.list("a1", limit=250, batch_id="b1")
        assert page.next_params == {"cursor": "c1"}
        assert len(list(page)) == 2
        first, second = [request.target.partition("?")[2] for request in server.requests]
    assert first == "limit=250&batch_id=b1"
    # A page of the lists that speak of cursors holds at most 100.
    assert second == "batch_id=b1&cursor=c1&per_page=100"


def test_payment_methods_are_listed_by_offset_or_by_cursor(shaped: Sandbox) -> None:
    with sandboxed(shaped) as client:
        everything = [method["id"] for method in client.payment_methods.list()]
        in_small_pages = [method["id"] for method in client.payment_methods.list(limit=2)]
    assert in_small_pages == everything
    assert len(set(everything)) == len(everything) > 2


@pytest.mark.parametrize("name", ["items", "payment_methods", "data"])
def test_payment_methods_are_found_under_any_of_their_names(name: str) -> None:
    with answering({name: [METHOD], "has_more": False}) as (_, client):
        assert [dict(method) for method in client.payment_methods.list()] == [METHOD]


@pytest.mark.parametrize("prefix", ["", "transactions_"])
@pytest.mark.parametrize("kind", [V1Client, V2Client])
def test_transaction_cursors_have_a_short_or_a_long_name(
    kind: type[V1Client | V2Client], prefix: str
) -> None:
    more = {
        "has_more": True,
        "per_page": 1,
        f"{prefix}after_id": "older",
        f"{prefix}before_id": "newer",
    }
    last = {"transactions": [], "pagination": {"has_more": False, f"{prefix}after_id": ""}}
    steps = [
        reply(200, {"transactions": [TRANSACTION], "pagination": more}),
        reply(200, last),
        reply(200, {"transactions": [TRANSACTION], "pagination": more}),
        reply(200, last),
    ]
    with ScriptedServer(steps) as server, connected(kind, f"{server.url}/api") as client:
        assert len(list(client.transactions.list_for_account("a1"))) == 1
        backward = client.transactions.list_for_account("a1", transactions_before_id="t1")
        assert len(list(backward)) == 1
        queries = [request.target.partition("?")[2] for request in server.requests]
    # Whatever the reply calls it, the request has the long name.
    assert queries == [
        "",
        "transactions_after_id=older",
        "transactions_before_id=t1",
        "transactions_before_id=newer",
    ]


def test_empty_cursors_are_none() -> None:
    last = {"has_more": False, "per_page": 50, "after_id": "", "before_id": ""}
    with answering({"transactions": [TRANSACTION], "pagination": last}) as (_, client):
        assert client.transactions.list_for_account("a1").next_params is None


def test_the_total_may_be_missing(shaped: Sandbox) -> None:
    account_id = shaped.account_ids[0]
    with sandboxed(shaped) as client:
        page = client.transactions.list_for_account(account_id, per_page=3)
        assert page.total in (8, None)
        assert len({row["id"] for row in page}) == 8


def test_accounts_may_have_their_pagination_at_the_root() -> None:
    def answer(page: int) -> dict[str, Any]:
        return {"accounts": [{"id": f"a{page}"}], "page": page, "per_page": 1, "total": 3}

    with answering(answer(1), answer(2), answer(3)) as (_, client):
        page = client.accounts.list(per_page=1)
        assert (page.total, page.pagination) == (3, {"page": 1, "per_page": 1, "total": 3})
        assert [account["id"] for account in page] == ["a1", "a2", "a3"]


def test_accounts_without_any_pagination_end_at_an_empty_page() -> None:
    full = {"accounts": [{"id": "a1"}, {"id": "a2"}]}
    with answering(full, {"accounts": [{"id": "a3"}]}, {"accounts": []}) as (_, client):
        page = client.accounts.list(per_page=2)
        assert (page.total, page.pagination) == (None, None)
        assert len(list(page)) == 3


def test_accounts_are_paged_by_number(shaped: Sandbox) -> None:
    with sandboxed(shaped) as client:
        assert [a["id"] for a in client.accounts.list(per_page=2)] == shaped.account_ids
    assert [request.query["per_page"] for request in shaped.requests] == ["2", "2"]


@pytest.mark.parametrize("key", ["next_cursor", "new_cursor"])
def test_the_cursor_of_a_sync_has_either_name(key: str) -> None:
    sent = {"added": [], "modified": [], "removed": [], key: "c2", "has_more": False}
    with answering(sent) as (_, client):
        assert client.transactions.sync("a1")["next_cursor"] == "c2"


def test_a_removed_transaction_is_an_object_or_an_id() -> None:
    removed = ["t1", {"transaction_id": "t2"}, {"transaction_id": "t3", "account_id": "a1"}]
    with answering({"removed": removed}) as (_, client):
        delta = client.transactions.sync("a1")
    assert [entry["transaction_id"] for entry in delta["removed"]] == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    "sent",
    [
        {"client": {"id": "w1", "name": "El Trigal", "type": "workspace"}},
        {"id": "k1", "workspace_id": "w1", "workspace_name": "El Trigal", "permissions": []},
        {"name": "El Trigal", "environment": "production"},
    ],
)
def test_whoami_is_nested_or_flat(sent: dict[str, Any]) -> None:
    with answering(sent) as (_, client):
        assert client.whoami() == sent


def test_whoami_of_either_shape_is_read_from_the_sandbox(shaped: Sandbox) -> None:
    with sandboxed(shaped) as client:
        whoami = client.whoami()
    assert whoami.get("client", {}).get("name") or whoami.get("workspace_name")


@pytest.mark.parametrize(
    "sent",
    [
        {"status": "ok"},
        {"status": "ok", "authenticated": True},
        {"status": "ok", "version": "2.0.0", "client_info": {}, "system_info": {"uptime": "99%"}},
    ],
)
def test_all_of_a_status_but_the_status_is_optional(sent: dict[str, Any]) -> None:
    with answering(sent) as (_, client):
        assert client.status() == sent


@pytest.mark.parametrize("status", ["posted", "draft", "a status of tomorrow"])
def test_the_status_of_a_transaction_is_any_text(status: str) -> None:
    with answering({"id": "t1", "status": status}) as (_, client):
        assert client.transactions.get("t1")["status"] == status


@pytest.mark.parametrize("status", ["partially_completed", "submitted"])
def test_the_status_of_an_order_is_any_text(status: str) -> None:
    with answering({"id": "o1", "status": status}) as (_, client):
        assert client.transaction_orders.get("a1", "o1")["status"] == status


@pytest.mark.parametrize("amount", [1530.25, "1530.25"])
def test_the_amount_of_an_order_is_a_number_or_a_text(amount: float | str) -> None:
    with answering({**ORDER, "amount": amount}) as (_, client):
        order = client.transaction_orders.get("a1", "o1")
    assert Decimal(str(order["amount"])) == Decimal("1530.25")


@pytest.mark.parametrize("extra", [{}, {"batch_id": None, "metadata": {"invoice": 7}}])
def test_batch_and_metadata_of_an_order_are_optional(extra: dict[str, Any]) -> None:
    with answering({**ORDER, **extra}) as (_, client):
        assert client.transaction_orders.get("a1", "o1") == {**ORDER, **extra}


@pytest.mark.parametrize("method_type", ["eft", "a type of tomorrow"])
def test_the_type_of_a_payment_method_is_any_text(method_type: str) -> None:
    with answering({**METHOD, "method_type": method_type}) as (_, client):
        assert client.payment_methods.get("p1")["method_type"] == method_type


@pytest.mark.parametrize("owner", [None, {"id": None, "legal_name": None}, {"name": "El Trigal"}])
def test_the_owner_of_an_account_may_be_unknown(owner: dict[str, Any] | None) -> None:
    with answering({**ACCOUNT, "legal_entity": owner}) as (_, client):
        assert client.accounts.get("a1")["legal_entity"] == owner


@pytest.mark.parametrize(
    ("data", "root"),
    [
        ({"balance_cents": "918450075"}, {}),
        ({"balance_cents": 918450075}, {}),
        ({}, {"balance_cents": "918450075"}),
        ({}, {}),
    ],
)
def test_balances_are_text_or_number_in_data_or_root(
    data: dict[str, Any], root: dict[str, Any]
) -> None:
    sent = {**ACCOUNT, "data": data, **root}
    with answering(sent) as (_, client):
        account = client.accounts.get("a1")
    balance = account["data"].get("balance_cents", account.get("balance_cents"))
    assert balance is None or int(balance) == 918450075


def test_the_transactions_of_v1_lists_may_be_reduced(shaped: Sandbox) -> None:
    with connected(V1Client, shaped.url, shaped.api_key) as client:
        listed = list(client.transactions.list_for_account(shaped.account_ids[0]))
    assert len(listed) == 8
    assert all(row["data"]["amount_cents"] for row in listed)


def test_a_transaction_may_have_its_data_at_the_root() -> None:
    flat = {"id": "t1", "status": "pending", "account_id": "a1", "amount_cents": 5}
    with answering({"transactions": [flat], "pagination": {"has_more": False}}) as (_, client):
        assert client.transactions.list_for_account("a1").data == [flat]


@pytest.mark.parametrize("party", [None, {}, {"name": "SENIAT"}, {"id": "c1", "name": None}])
def test_a_counterparty_is_any_part_of_one(party: dict[str, Any] | None) -> None:
    with answering({**TRANSACTION, "counterparty": party}) as (_, client):
        assert client.transactions.get("t1")["counterparty"] == party


def test_dates_are_passed_on_as_they_came() -> None:
    dates: Any = {"created_at_date": "2026-03-01T00:00:00Z", "transaction_date": None}
    with answering({**TRANSACTION, "data": dates}) as (_, client):
        assert client.transactions.get("t1").get("data") == dates


def test_a_synced_transaction_may_lack_fields_and_date_itself_by_the_second() -> None:
    sent = {"transaction_id": "t1", "amount": -1.5, "date": "2026-03-01T10:00:00Z"}
    nulls = {**sent, "unofficial_currency_code": None, "datetime": None, "merchant_name": None}
    with answering({"added": [sent, nulls]}) as (_, client):
        assert client.transactions.sync("a1")["added"] == [sent, nulls]


@pytest.mark.parametrize(
    "error",
    [
        {"index": 1, "message": "amount must be positive", "details": {"amount": ["> 0"]}},
        {"error": "order already processing", "error_code": "INVALID_ORDER_STATE"},
        {"anything": ["at", "all"]},
    ],
)
def test_the_errors_of_a_batch_are_passed_on(error: dict[str, Any]) -> None:
    sent = {"batch_id": "b1", "orders": [], "errors": [error]}
    cancelled = {"cancelled": 0, "skipped": 1, "errors": [error]}
    with answering(reply(201, sent), cancelled) as (_, client):
        order: Any = {
            "amount": "1",
            "currency": "VES",
            "description": "x",
            "beneficiary": {"name": "x"},
        }
        assert client.batches.create("a1", [order])["errors"] == [error]
        assert client.batches.cancel("a1", "b1")["errors"] == [error]


@pytest.mark.parametrize("statuses", [{}, {"draft": 1}, {"a status of tomorrow": 2}])
def test_a_batch_counts_any_of_its_statuses(statuses: dict[str, int]) -> None:
    sent = {"batch_id": "b1", "statuses": statuses, "orders": []}
    with answering(sent) as (_, client):
        assert client.batches.get("a1", "b1")["statuses"] == statuses


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_status_will_do(status: int) -> None:
    with answering(*[reply(status, {"id": "o1", "enqueued": 1, "failed": 0})] * 2) as (_, client):
        assert client.transaction_orders.submit("a1", "o1")["id"] == "o1"
        assert client.batches.submit("a1", "b1")["enqueued"] == 1


@pytest.mark.parametrize("step", [reply(204), reply(200, b""), reply(200, {"deleted": True})])
def test_a_deletion_needs_no_particular_answer(step: Any) -> None:
    with answering(step) as (server, client):
        client.payment_methods.delete("p1")
        assert len(server.requests) == 1


def test_a_payment_method_in_use_is_a_validation_error_of_409(shaped: Sandbox) -> None:
    account_id = shaped.account_ids[0]
    with sandboxed(shaped) as client:
        (order_id,) = make_orders(client, account_id, 1)
        order = client.transaction_orders.get(account_id, order_id)
        with pytest.raises(ValidationError) as caught:
            client.payment_methods.delete(order["destination"]["payment_method_id"])
    assert caught.value.http_status == 409


@pytest.mark.parametrize("code", ["UNPROCESSABLE_CONTENT", "INVALID_QUERY", None])
def test_a_bad_search_is_unprocessable(code: str | None) -> None:
    step = reply(422, {"error": "q is missing", "error_code": code})
    with answering(step) as (_, client), pytest.raises(UnprocessableContentError) as caught:
        client.transactions.search("x")
    assert isinstance(caught.value, InvalidQueryError) is (code == "INVALID_QUERY")


def test_a_bare_403_does_not_claim_that_the_workspace_is_suspended() -> None:
    with (
        answering(reply(403, {"error": "No"})) as (_, client),
        pytest.raises(ForbiddenError) as caught,
    ):
        client.accounts.get("a1")
    assert not isinstance(caught.value, WorkspaceSuspendedError)


@pytest.mark.parametrize(
    ("status", "family"), [(400, BadRequestError), (422, UnprocessableContentError)]
)
def test_bad_pagination_is_400_or_422(status: int, family: type[Exception]) -> None:
    with answering(reply(status, {"error": "per_page"})) as (_, client), pytest.raises(family):
        client.accounts.list()
