"""The seeded data: believable, deterministic, and made only when it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

import tesote_sdk.sandbox
from tesote_sdk.sandbox import Sandbox

from .api import Api, order

NOON = 1_772_452_800.0


def snapshot(seed: int, now: float = NOON) -> list[Any]:
    sandbox = Sandbox(seed=seed, accounts=3, transactions=5, clock=lambda: now)
    with sandbox, Api(sandbox) as api:
        account = f"/v2/accounts/{sandbox.account_ids[0]}"
        return [
            api.get("/v2/accounts").json,
            api.get(f"{account}/transactions").json,
            api.get(f"{account}/sync_sessions").json,
            api.get("/v2/payment_methods").json,
            api.post(f"{account}/transactions/sync").json,
            api.post(f"{account}/sync").json,
            sandbox.api_key,
        ]


def test_the_same_seed_gives_the_same_data() -> None:
    assert snapshot(1) == snapshot(1)
    assert all(one != two for one, two in zip(snapshot(1), snapshot(2)))


def test_dates_count_back_from_today_and_nothing_else_moves() -> None:
    early, late = (snapshot(1, NOON + days * 86_400)[1]["transactions"] for days in (0, 3))
    for one, two in zip(early, late):
        assert one["id"] == two["id"]
        assert one["data"]["amount_cents"] == two["data"]["amount_cents"]
        assert one["data"]["transaction_date"] < two["data"]["transaction_date"]


def test_there_are_120_accounts_of_several_banks_and_currencies() -> None:
    with Sandbox() as sandbox, Api(sandbox) as api:
        first, second = (api.get("/v2/accounts", page=page, per_page=100).json for page in (1, 2))
    accounts = first["accounts"] + second["accounts"]
    assert len(accounts) == len({account["id"] for account in accounts}) == 120
    assert {account["data"]["currency"] for account in accounts} == {"VES", "USD", "EUR"}
    assert len({account["bank"]["name"] for account in accounts}) > 5
    assert any(account["bank"]["name"] is None for account in accounts)
    assert any(account["legal_entity"]["legal_name"] is None for account in accounts)
    identifiers = [account["data"]["custom_user_provided_identifier"] for account in accounts]
    assert None in identifiers
    assert any(identifiers)
    freshness = [account["data"]["transactions_data_current_as_of"] for account in accounts]
    assert None in freshness
    for account in accounts:
        assert int(account["data"]["balance_cents"]) > 0
        assert isinstance(account["data"]["available_balance_cents"], str)


def test_transactions_have_the_variety_that_the_schema_allows() -> None:
    with Sandbox(accounts=1, transactions=100) as sandbox, Api(sandbox) as api:
        path = f"/v2/accounts/{sandbox.account_ids[0]}/transactions"
        rows = api.get(path, per_page=100).json["transactions"]
        balance = api.get(f"/v2/accounts/{sandbox.account_ids[0]}").json["data"]["balance_cents"]
    assert {row["status"] for row in rows} == {"pending", "completed"}
    assert {row["data"]["amount_cents"] > 0 for row in rows} == {True, False}
    assert {row["counterparty"] is None for row in rows} == {True, False}
    assert {bool(row["transaction_categories"]) for row in rows} == {True, False}
    for field in ("description", "note", "external_service_id"):
        assert {row["data"][field] is None for row in rows} == {True, False}
    running = int(balance)
    for row in rows:
        assert row["data"]["running_balance_cents"] == running
        running -= row["data"]["amount_cents"]


def test_transactions_are_made_for_the_account_that_is_read() -> None:
    # All 4 million at once would take minutes.
    with Sandbox(accounts=200, transactions=20_000) as sandbox, Api(sandbox) as api:
        path = f"/v2/accounts/{sandbox.account_ids[7]}/transactions"
        answer = api.get(path, per_page=1).json
        assert answer["total"] == 20_000
        transaction = answer["transactions"][0]
        assert api.get(f"/v2/transactions/{transaction['id']}").json == transaction


@pytest.mark.parametrize(("currency", "cents"), [("EUR", -1250), ("JPY", 10**15)])
def test_an_account_of_a_chosen_currency_and_balance_can_be_added(
    currency: str, cents: int
) -> None:
    with Sandbox(accounts=1) as sandbox, Api(sandbox) as api:
        added = sandbox.add_account(currency=currency, balance_cents=cents)
        assert sandbox.account_ids[1:] == [added]
        shown = api.get(f"/v2/accounts/{added}").json
        data = shown["data"]
        assert data["currency"] == currency
        assert data["balance_cents"] == data["available_balance_cents"] == str(cents)
        assert api.get("/v2/accounts").json["accounts"][1] == shown
        path = f"/v2/accounts/{added}/transactions"
        assert api.get(path).json["transactions"] == []
        sandbox.post_transaction(added, amount_cents=250)
        (row,) = api.get(path).json["transactions"]
        assert (row["data"]["currency"], row["data"]["amount_cents"]) == (currency, 250)
        assert api.get(f"/v2/transactions/{row['id']}").json == row
        assert api.get(f"/v2/accounts/{added}").json["data"]["balance_cents"] == str(cents + 250)


def test_all_that_an_added_account_holds_is_available_and_its_clock_is_its_countrys() -> None:
    with Sandbox(accounts=0, clock=lambda: NOON) as sandbox, Api(sandbox) as api:
        for currency, opened in (
            ("VES", "2026-03-02T08:00:00-04:00"),
            ("EUR", "2026-03-02T13:00:00+01:00"),
            ("USD", "2026-03-02T12:00:00Z"),
        ):
            for _ in range(5):
                added = sandbox.add_account(currency=currency, balance_cents=100)
                shown = api.get(f"/v2/accounts/{added}").json
                assert shown["data"]["available_balance_cents"] == "100"
                assert shown["tesote_created_at"] == opened


def test_an_added_account_can_pay() -> None:
    with Sandbox(accounts=0) as sandbox, Api(sandbox) as api:
        added = sandbox.add_account(currency="USD", balance_cents=1_000_00)
        path = f"/v2/accounts/{added}/transaction_orders"
        created = api.post(path, order(amount="12.50", currency="USD")).json
        assert api.post(f"{path}/{created['id']}/submit").status == 202
        assert api.get(f"/v2/accounts/{added}").json["data"]["balance_cents"] == "98750"


@pytest.mark.parametrize("wrong", [{"currency": "usd"}, {"balance_cents": 1.5}])
def test_an_account_that_makes_no_sense_is_refused(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sandbox.add_account(**wrong)


def test_a_list_shows_what_changed_since_the_last_one(sandbox: Sandbox, api: Api) -> None:
    before = api.get("/v2/accounts").json["accounts"]
    assert api.get("/v2/accounts").json["accounts"] == before
    sandbox.post_transaction(sandbox.account_ids[1], amount_cents=-100)
    after = api.get("/v2/accounts").json["accounts"]
    assert after[1] == api.get(f"/v2/accounts/{sandbox.account_ids[1]}").json != before[1]
    assert [after[0], *after[2:]] == [before[0], *before[2:]]


def test_an_empty_workspace_is_possible() -> None:
    with Sandbox(accounts=0) as sandbox, Api(sandbox) as api:
        answer = api.get("/v2/accounts").json
        assert (answer["accounts"], answer["pagination"]["total_pages"]) == ([], 0)


def test_the_public_names() -> None:
    assert tesote_sdk.sandbox.__all__ == [
        "REFUSED_TOKEN",
        "Headers",
        "RecordedRequest",
        "Sandbox",
        "sign_webhook",
    ]
