"""Transaction orders, batches and payment methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.sandbox import REFUSED_TOKEN, Sandbox

from .api import Api, order

if TYPE_CHECKING:
    from tesote_sdk.sandbox._state.records import OrderOutcome, OrderStatus

METHODS = "/v2/payment_methods"
STATUSES: list[OrderStatus] = [
    "draft",
    "pending_approval",
    "approved",
    "processing",
    "completed",
    "partially_completed",
    "failed",
    "cancelled",
]


def create(api: Api, account: str, **changes: object) -> dict[str, Any]:
    answer = api.post(f"{account}/transaction_orders", order(**changes))
    assert answer.status == 201, answer.body
    created: dict[str, Any] = answer.json
    return created


def method(**changes: object) -> dict[str, Any]:
    fields = {"method_type": "wire", "currency": "USD", "details": {"iban": "X"}, **changes}
    return {"payment_method": {name: value for name, value in fields.items() if value is not None}}


def test_an_order_goes_from_draft_over_submission_to_completion(api: Api, account: str) -> None:
    created = create(api, account, metadata={"invoice": "7"}, scheduled_for="2026-03-05T09:00:00Z")
    assert (created["status"], created["amount"]) == ("draft", 1530.25)
    assert created["metadata"] == {"invoice": "7"}
    assert created["destination"]["counterparty_name"] == "Harinas del Sur C.A."
    path = f"{account}/transaction_orders/{created['id']}"
    submitted = api.post(f"{path}/submit", {"token": "481920"})
    assert (submitted.status, submitted.json["status"]) == (202, "processing")
    assert submitted.json["latest_attempt"]["status"] == "submitted"
    posted = submitted.json["tesote_transaction"]
    assert posted["status"] == "pending_confirmation"
    shown = api.get(f"/v2/transactions/{posted['id']}").json
    assert (shown["status"], shown["data"]["amount_cents"]) == ("pending_confirmation", -153025)
    assert api.get(path).json["status"] == "processing"
    done = api.get(path).json
    assert (done["status"], done["latest_attempt"]["status"]) == ("completed", "succeeded")
    assert done["completed_at"] is not None
    assert api.get(f"/v2/transactions/{posted['id']}").json["status"] == "completed"
    assert api.get(path).json == done


def test_the_payment_of_an_order_shows_in_the_sync(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    path = f"{account}/transactions/sync"
    cursor = api.post(path, {"cursor": "now"}).json["next_cursor"]
    created = create(api, account)
    submitted = api.post(f"{account}/transaction_orders/{created['id']}/submit").json
    (added,) = api.post(path, {"cursor": cursor}).json["added"]
    assert added["transaction_id"] == submitted["tesote_transaction"]["id"]
    sandbox.remove(added["transaction_id"])
    reread = api.get(f"{account}/transaction_orders/{created['id']}").json
    assert reread["tesote_transaction"] is None


@pytest.mark.parametrize("status", STATUSES)
def test_what_may_be_submitted_and_cancelled_depends_on_the_state(
    api: Api, sandbox: Sandbox, account: str, status: OrderStatus
) -> None:
    for action in ("submit", "cancel"):
        created = create(api, account)
        sandbox.set_order_status(created["id"], status)
        answer = api.post(f"{account}/transaction_orders/{created['id']}/{action}")
        if status in ("draft", "pending_approval", "approved"):
            assert answer.json["status"] == {"submit": "processing", "cancel": "cancelled"}[action]
        else:
            assert (answer.status, answer.code) == (409, "INVALID_ORDER_STATE")


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        ("approved", "approved_at"),
        ("completed", "completed_at"),
        ("partially_completed", "completed_at"),
        ("failed", "failed_at"),
        ("cancelled", "cancelled_at"),
    ],
)
def test_each_state_leaves_its_mark(
    api: Api, sandbox: Sandbox, account: str, status: OrderStatus, mark: str
) -> None:
    created = create(api, account)
    assert created[mark] is None
    sandbox.set_order_status(created["id"], status)
    shown = api.get(f"{account}/transaction_orders/{created['id']}").json
    assert (shown["status"], shown[mark] is not None) == (status, True)


def test_a_payment_that_fails_says_why(api: Api, sandbox: Sandbox, account: str) -> None:
    for submitted in (True, False):
        created = create(api, account)
        path = f"{account}/transaction_orders/{created['id']}"
        if submitted:
            api.post(f"{path}/submit")
        sandbox.set_order_status(
            created["id"], "failed", error_code="NO_FUNDS", error_message="Not enough money"
        )
        shown = api.get(path).json
        attempt = shown["latest_attempt"]
        assert (shown["status"], attempt["status"]) == ("failed", "failed")
        assert (attempt["error_code"], attempt["error_message"]) == ("NO_FUNDS", "Not enough money")
        assert attempt["attempt_number"] == 1


def test_an_order_that_does_not_fail_has_no_error(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="not 'completed'"):
        sandbox.set_order_status("x", "completed", error_code="NO_FUNDS")
    with pytest.raises(ValueError, match="not 'completed'"):
        sandbox.script_order(error_message="Not enough money")
    with pytest.raises(TypeError):
        sandbox.set_order_status("x", "failed", eror_code="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("outcome", ["failed", "partially_completed", "completed"])
def test_the_end_of_an_order_can_be_scripted_before_it_is_made(
    api: Api, sandbox: Sandbox, account: str, outcome: OrderOutcome
) -> None:
    code = "NO_FUNDS" if outcome == "failed" else None
    sandbox.script_order(outcome, polls=3, error_code=code)
    scripted, other = create(api, account), create(api, account)
    ends = []
    for created in (scripted, other):
        path = f"{account}/transaction_orders/{created['id']}"
        assert api.post(f"{path}/submit").json["status"] == "processing"
        ends.append([api.get(path).json["status"] for _ in range(3)])
    assert ends == [["processing", "processing", outcome], ["processing", *["completed"] * 2]]
    shown = api.get(f"{account}/transaction_orders/{scripted['id']}").json
    assert shown["latest_attempt"]["error_code"] == code


def test_a_refusal_can_be_scripted_before_the_order_is_made(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    sandbox.script_order("refused", error_code="LIMIT", error_message="Above the daily limit")
    created = create(api, account)
    path = f"{account}/transaction_orders/{created['id']}"
    refused = api.post(f"{path}/submit")
    assert (refused.status, refused.code) == (422, "BANK_SUBMISSION_ERROR")
    assert refused.json["error"] == "Above the daily limit"
    shown = api.get(path).json
    assert (shown["status"], shown["latest_attempt"]["error_code"]) == ("draft", "LIMIT")
    again = api.post(f"{path}/submit").json
    assert (again["status"], again["latest_attempt"]["attempt_number"]) == ("processing", 2)
    assert again["latest_attempt"]["error_code"] is None
    assert [api.get(path).json["status"] for _ in range(2)] == ["processing", "completed"]


def test_a_script_waits_for_an_order_of_its_account(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    second = sandbox.account_ids[1]
    sandbox.script_order("refused", account_id=second)
    sandbox.script_order("failed", polls=1)
    refused = api.post(f"{account}/transaction_orders", order(amount="0"))
    assert refused.status == 400  # no order was made, so no script was used up
    for path, status in ((account, 202), (f"/v2/accounts/{second}", 422)):
        created = create(api, path)
        assert api.post(f"{path}/transaction_orders/{created['id']}/submit").status == status


def test_the_orders_of_a_batch_take_scripts_too(api: Api, sandbox: Sandbox, account: str) -> None:
    sandbox.script_order("refused")
    orders = [order()["transaction_order"], order()["transaction_order"]]
    batch = api.post(f"{account}/batches", {"orders": orders}).json["batch_id"]
    assert api.post(f"{account}/batches/{batch}/submit").json == {"enqueued": 1, "failed": 1}


def test_an_order_that_is_put_into_processing_ends(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    sandbox.script_order("refused", error_code="LIMIT")
    created = create(api, account)
    sandbox.set_order_status(created["id"], "processing")
    path = f"{account}/transaction_orders/{created['id']}"
    assert api.get(path).json["status"] == "completed"


def test_a_failed_payment_takes_its_transaction_back(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    created = create(api, account)
    path = f"{account}/transaction_orders/{created['id']}"
    posted = api.post(f"{path}/submit").json["tesote_transaction"]["id"]
    sandbox.set_order_status(created["id"], "failed")
    failed = api.get(path).json
    assert (failed["latest_attempt"]["status"], failed["tesote_transaction"]) == ("failed", None)
    assert api.get(f"/v2/transactions/{posted}").status == 404


def test_the_bank_refuses_a_certain_token_and_the_order_can_be_tried_again(
    api: Api, account: str
) -> None:
    created = create(api, account)
    path = f"{account}/transaction_orders/{created['id']}"
    refused = api.post(f"{path}/submit", {"token": REFUSED_TOKEN})
    assert (refused.status, refused.code) == (422, "BANK_SUBMISSION_ERROR")
    after = api.get(path).json
    assert (after["status"], after["latest_attempt"]["status"]) == ("draft", "failed")
    again = api.post(f"{path}/submit", {"token": None})
    assert (again.status, again.json["latest_attempt"]["attempt_number"]) == (202, 2)
    assert api.post(f"{path}/submit", {"token": 5}).code == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 5}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "\u0661"}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"currency": None}, "currency"),
        ({"description": None}, "description"),
        ({"description": " "}, "description"),
        ({"beneficiary": None}, "destination_payment_method_id"),
        ({"destination_payment_method_id": "x"}, "destination_payment_method_id"),
        ({"beneficiary": {"bank_code": "1"}}, "beneficiary"),
        ({"beneficiary": {"name": "x", "bank_code": 1}}, "beneficiary"),
        ({"beneficiary": "x"}, "beneficiary"),
        ({"scheduled_for": "soon"}, "scheduled_for"),
        ({"metadata": []}, "metadata"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": 5}, "idempotency_key"),
    ],
)
def test_a_bad_order_is_refused_with_details(
    api: Api, account: str, changes: dict[str, object], field: str
) -> None:
    answer = api.post(f"{account}/transaction_orders", order(**changes))
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.json["details"]) == [field]
    assert api.get(f"{account}/transaction_orders").json["items"] == []


def test_an_order_needs_its_wrapper_and_a_destination_that_exists(api: Api, account: str) -> None:
    path = f"{account}/transaction_orders"
    bodies: list[object] = [{}, {"transaction_order": []}, order()["transaction_order"]]
    for body in bodies:
        assert api.post(path, body).code == "VALIDATION_ERROR"
    missing = order(beneficiary=None, destination_payment_method_id="x")
    assert (api.post(path, missing).status, api.post(path, missing).code) == (
        404,
        "PAYMENT_METHOD_NOT_FOUND",
    )


def test_a_beneficiary_becomes_a_payment_method(api: Api, account: str) -> None:
    destination = create(api, account)["destination"]
    shown = api.get(f"{METHODS}/{destination['payment_method_id']}").json
    assert shown["counterparty"]["name"] == "Harinas del Sur C.A."
    assert shown["details"]["account_number"] == "01990001"
    assert shown["verified"] is False


def test_orders_are_listed_newest_first_by_window_and_filter(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    path = f"{account}/transaction_orders"
    ids = [create(api, account)["id"] for _ in range(5)][::-1]
    sandbox.set_order_status(ids[0], "approved")
    window = api.get(path, limit=2, offset=1).json
    assert [row["id"] for row in window["items"]] == ids[1:3]
    assert (window["has_more"], window["limit"], window["offset"]) == (True, 2, 1)
    assert [row["id"] for row in api.get(path, status="approved").json["items"]] == ids[:1]
    assert len(api.get(path, created_after="2000-01-01").json["items"]) == 5
    assert api.get(path, created_before="2000-01-01T00:00:00Z").json["items"] == []
    assert api.get(path, batch_id="x").json["items"] == []
    other = f"/v2/accounts/{sandbox.account_ids[1]}/transaction_orders"
    assert api.get(other).json["items"] == []
    assert api.get(f"{other}/{ids[0]}").code == "TRANSACTION_ORDER_NOT_FOUND"
    for bad, code in (
        ({"limit": 251}, "INVALID_LIMIT"),
        ({"limit": "x"}, "INVALID_LIMIT"),
        ({"offset": "-1"}, "UNPROCESSABLE_CONTENT"),
        ({"status": "submitted"}, "UNPROCESSABLE_CONTENT"),
        ({"created_after": "soon"}, "UNPROCESSABLE_CONTENT"),
    ):
        answer = api.get(path, **bad)
        assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize("name", ["transaction_orders", "payment_methods"])
def test_lists_by_cursor_in_the_openapi_shapes(name: str) -> None:
    with Sandbox(accounts=3, shapes="openapi") as sandbox, Api(sandbox) as api:
        account = f"/v2/accounts/{sandbox.account_ids[0]}"
        for _ in range(5):
            api.post(f"{account}/transaction_orders", order())
        path = METHODS if name == "payment_methods" else f"{account}/{name}"
        everything = [row["id"] for row in api.get(path, per_page=100).json[name]]
        assert len(everything) >= 5
        walked: list[str] = []
        cursor = ""
        while True:
            page = api.get(path, per_page=2, cursor=cursor).json
            walked += [row["id"] for row in page[name]]
            if not page["meta"]["has_more"]:
                break
            cursor = page["meta"]["next_cursor"]
        assert page["meta"]["next_cursor"] is None
        assert walked == everything
        assert api.get(path, cursor="x").code == "INVALID_CURSOR"
        assert api.get(path, per_page=101).status == 422


# Batches


def batch_of(api: Api, account: str, *orders: object) -> dict[str, Any]:
    answer = api.post(f"{account}/batches", {"orders": orders})
    assert answer.status == 201, answer.body
    created: dict[str, Any] = answer.json
    return created


def test_a_batch_keeps_the_good_orders_and_reports_on_the_bad(api: Api, account: str) -> None:
    good, bad = order()["transaction_order"], order(amount="0.00")["transaction_order"]
    missing = order(beneficiary=None, destination_payment_method_id="x")["transaction_order"]
    created = batch_of(api, account, good, bad, 5, missing)
    (kept,) = created["orders"]
    assert (kept["batch_id"], kept["status"]) == (created["batch_id"], "draft")
    assert [error["index"] for error in created["errors"]] == [1, 2, 3]
    assert created["errors"][0]["details"] == {"amount": ["must be greater than 0"]}
    listed = api.get(f"{account}/transaction_orders", batch_id=created["batch_id"]).json["items"]
    assert [row["id"] for row in listed] == [kept["id"]]


@pytest.mark.parametrize("orders", [None, [], {}, [5], [{}]])
def test_a_batch_without_a_good_order_is_refused(api: Api, account: str, orders: object) -> None:
    answer = api.post(f"{account}/batches", {"orders": orders})
    assert (answer.status, answer.code) == (400, "BATCH_VALIDATION_ERROR")


def test_a_batch_is_approved_submitted_and_completed(api: Api, account: str) -> None:
    good = order()["transaction_order"]
    path = f"{account}/batches/{batch_of(api, account, good, good)['batch_id']}"
    drafts = api.get(path).json
    assert (drafts["batch_status"], drafts["statuses"]) == ("draft", {"draft": 2})
    assert (drafts["total_orders"], drafts["total_amount_cents"]) == (2, 306050)
    assert drafts["amount_currency"] == "VES"
    assert api.post(f"{path}/approve").json == {"approved": 2, "failed": 0}
    assert api.post(f"{path}/approve").code == "INVALID_ORDER_STATE"
    cancelled = drafts["orders"][1]["id"]
    assert api.post(f"{account}/transaction_orders/{cancelled}/cancel").status == 200
    assert api.get(path).json["statuses"] == {"approved": 1, "cancelled": 1}
    assert api.get(path).json["batch_status"] == "mixed"
    refused = api.post(f"{path}/submit", {"token": REFUSED_TOKEN})
    assert (refused.status, refused.code) == (422, "BANK_SUBMISSION_ERROR")
    assert api.post(f"{path}/submit").json == {"enqueued": 1, "failed": 1}
    assert api.post(f"{path}/submit").code == "INVALID_ORDER_STATE"
    assert api.get(path).json["statuses"] == {"processing": 1, "cancelled": 1}
    assert api.get(path).json["statuses"] == {"completed": 1, "cancelled": 1}
    assert api.post(f"{path}/cancel").code == "INVALID_ORDER_STATE"


def test_cancelling_a_batch_skips_what_the_bank_has(api: Api, account: str) -> None:
    good = order()["transaction_order"]
    created = batch_of(api, account, good, good)
    first = created["orders"][0]["id"]
    api.post(f"{account}/transaction_orders/{first}/submit")
    answer = api.post(f"{account}/batches/{created['batch_id']}/cancel").json
    assert (answer["cancelled"], answer["skipped"]) == (1, 1)
    (error,) = answer["errors"]
    assert (error["index"], error["error_code"]) == (0, "INVALID_ORDER_STATE")


# Payment methods


def test_a_payment_method_is_created_read_changed_and_deleted(api: Api) -> None:
    created = api.post(METHODS, method(counterparty={"name": "Prairie Mills"}))
    assert created.status == 201
    path = f"{METHODS}/{created.json['id']}"
    assert created.json["counterparty"]["name"] == "Prairie Mills"
    assert created.json["tesote_account"] is None
    changed = api.call("PATCH", path, {"payment_method": {"label": "New", "details": {"a": 1}}})
    assert (changed.json["label"], changed.json["details"]) == ("New", {"a": 1})
    assert changed.json["currency"] == "USD"
    assert api.get(path).json == changed.json
    deleted = api.call("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "Content-Length" not in deleted.headers
    for answer in (api.get(path), api.call("DELETE", path), api.call("PATCH", path)):
        assert answer.code == "PAYMENT_METHOD_NOT_FOUND"
    listed = api.get(METHODS, limit=250).json["items"]
    assert created.json["id"] not in [row["id"] for row in listed]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method_type": None}, "method_type"),
        ({"method_type": "gold"}, "method_type"),
        ({"currency": None}, "currency"),
        ({"currency": 5}, "currency"),
        ({"details": None}, "details"),
        ({"details": []}, "details"),
        ({"label": 5}, "label"),
        ({"counterparty": {}}, "counterparty"),
        ({"counterparty": {"name": "x"}, "counterparty_id": "y"}, "counterparty_id"),
        ({"counterparty": {"name": "x"}, "tesote_account_id": "y"}, "counterparty_id"),
    ],
)
def test_a_bad_payment_method_is_refused_with_details(
    api: Api, changes: dict[str, object], field: str
) -> None:
    answer = api.post(METHODS, method(**changes))
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.json["details"]) == [field]
    assert api.post(METHODS, {}).code == "VALIDATION_ERROR"


def test_the_owner_of_a_payment_method_must_exist(api: Api, sandbox: Sandbox) -> None:
    assert api.post(METHODS, method(counterparty_id="x")).code == "COUNTERPARTY_NOT_FOUND"
    assert api.post(METHODS, method(tesote_account_id="x")).code == "ACCOUNT_NOT_FOUND"
    account = sandbox.account_ids[0]
    created = api.post(METHODS, method(tesote_account_id=account)).json
    assert (created["tesote_account"]["id"], created["counterparty"]) == (account, None)


def test_required_fields_cannot_be_patched_away(api: Api) -> None:
    path = f"{METHODS}/{api.post(METHODS, method()).json['id']}"
    answer = api.call("PATCH", path, {"payment_method": {"currency": None}})
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_a_payment_method_in_use_cannot_be_deleted(api: Api, account: str) -> None:
    created = create(api, account)
    for used in (
        created["destination"]["payment_method_id"],
        created["source_account"]["payment_method_id"],
    ):
        answer = api.call("DELETE", f"{METHODS}/{used}")
        assert (answer.status, answer.code) == (409, "VALIDATION_ERROR")
    api.post(f"{account}/transaction_orders/{created['id']}/cancel")
    path = f"{METHODS}/{created['destination']['payment_method_id']}"
    assert api.call("DELETE", path).status == 204
    assert api.get(f"{account}/transaction_orders/{created['id']}").status == 200


def test_payment_methods_are_filtered(api: Api) -> None:
    new = api.post(METHODS, method(counterparty={"name": "Only Me"})).json
    everything = api.get(METHODS, limit=250).json["items"]
    assert everything[0]["id"] == new["id"]

    def kept(**query: object) -> list[str]:
        return [row["id"] for row in api.get(METHODS, limit=250, **query).json["items"]]

    def expected(name: str, value: object) -> list[str]:
        return [row["id"] for row in everything if row[name] == value]

    assert kept(counterparty_id=new["counterparty"]["id"]) == [new["id"]]
    assert kept(method_type="wire") == expected("method_type", "wire")
    assert kept(currency="EUR") == expected("currency", "EUR")
    assert kept(verified="true") == expected("verified", True) != []
    assert kept(verified="false") == expected("verified", False) != []
    assert api.get(METHODS, verified="yes").status == 422
    assert api.get(METHODS, limit=251).code == "INVALID_LIMIT"
