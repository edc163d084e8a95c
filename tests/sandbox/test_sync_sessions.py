"""Bank syncs: their life, and every way they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api

if TYPE_CHECKING:
    from tesote_sdk.sandbox._state.records import SessionOutcome


def poll(api: Api, account: str, session: str) -> dict[str, Any]:
    shown: dict[str, Any] = api.get(f"{account}/sync_sessions/{session}").json
    return shown


def test_a_sync_moves_on_with_each_poll(api: Api, sandbox: Sandbox, account: str) -> None:
    started = api.post(f"{account}/sync")
    assert (started.status, started.json["status"]) == (202, "pending")
    session = started.json["sync_session_id"]
    listed = api.get(f"{account}/sync_sessions").json["sync_sessions"][0]
    assert (listed["id"], listed["status"]) == (session, "pending")
    assert poll(api, account, session)["status"] == "started"
    done = poll(api, account, session)
    assert (done["status"], done["error"]) == ("completed", None)
    assert done["completed_at"] is not None
    assert poll(api, account, session) == done


def test_a_completed_sync_counts_what_came_and_refreshes_the_account() -> None:
    now = [1_772_467_200.0]
    with Sandbox(accounts=1, clock=lambda: now[0]) as sandbox, Api(sandbox) as api:
        account = f"/v2/accounts/{sandbox.account_ids[0]}"
        now[0] += 3600
        for _ in range(3):
            sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)
        sandbox.script_sync_session(polls=1)
        session = api.post(f"{account}/sync").json["sync_session_id"]
        now[0] += 60
        done = poll(api, account, session)
        assert done["transactions_synced"] == 3
        assert done["performance"]["total_duration"] == 60.0
        fresh = api.get(account).json["data"]["transactions_data_current_as_of"]
        assert fresh == "2026-03-02T13:01:00-04:00"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_sync_settles_for_who_polls_the_account(version: str) -> None:
    now = [1_772_467_200.0]
    with Sandbox(accounts=2, clock=lambda: now[0]) as sandbox, Api(sandbox) as api:
        account, other = (f"/v2/accounts/{account}" for account in sandbox.account_ids)
        session = api.post(f"{account}/sync").json["sync_session_id"]
        now[0] += 60
        api.get("/v2/accounts")
        api.get(other)
        moments = [
            api.get(account.replace("v2", version)).json["data"]["transactions_data_current_as_of"]
            for _ in range(3)
        ]
        assert moments == ["2026-03-01T20:00:00-04:00", *["2026-03-02T12:01:00-04:00"] * 2]
        assert poll(api, account, session)["status"] == "completed"
        listed = api.get("/v2/accounts").json["accounts"][0]["data"]
        assert listed["transactions_data_current_as_of"] == moments[-1]


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_the_end_can_be_scripted(
    api: Api, sandbox: Sandbox, account: str, outcome: SessionOutcome
) -> None:
    sandbox.script_sync_session(outcome, polls=1, account_id=sandbox.account_ids[0])
    session = api.post(f"{account}/sync").json["sync_session_id"]
    done = poll(api, account, session)
    assert done["status"] == outcome
    assert (done.get("error") is not None) == (outcome == "failed")


def test_a_script_waits_for_its_account(api: Api, sandbox: Sandbox) -> None:
    first, second = (f"/v2/accounts/{account}" for account in sandbox.account_ids[:2])
    sandbox.script_sync_session("failed", polls=1, account_id=sandbox.account_ids[1])
    sandbox.script_sync_session("skipped", polls=1)
    for account, outcome in ((first, "skipped"), (second, "failed")):
        session = api.post(f"{account}/sync").json["sync_session_id"]
        assert poll(api, account, session)["status"] == outcome


def test_a_second_sync_is_refused_while_one_runs(api: Api, account: str) -> None:
    session = api.post(f"{account}/sync").json["sync_session_id"]
    refused = api.post(f"{account}/sync")
    assert (refused.status, refused.code) == (409, "SYNC_IN_PROGRESS")
    assert refused.json["current_session_id"] == session
    poll(api, account, session)
    poll(api, account, session)
    assert api.post(f"{account}/sync").status == 202


def test_syncs_can_be_limited_for_each_account() -> None:
    now = [1_772_467_200.0]
    with Sandbox(accounts=2, sync_cooldown=300, clock=lambda: now[0]) as sandbox:
        sandbox.script_sync_session(polls=1)
        with Api(sandbox) as api:
            account, other = (f"/v2/accounts/{account}" for account in sandbox.account_ids)
            poll(api, account, api.post(f"{account}/sync").json["sync_session_id"])
            now[0] += 100
            refused = api.post(f"{account}/sync")
            assert (refused.status, refused.code) == (429, "SYNC_RATE_LIMIT_EXCEEDED")
            assert (refused.headers["Retry-After"], refused.json["retry_after"]) == ("200", 200)
            assert api.post(f"{other}/sync").status == 202
            now[0] += 200
            assert api.post(f"{account}/sync").status == 202


def test_a_disconnected_account_has_no_bank_to_sync_with(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    sandbox.set_account_state(sandbox.account_ids[0], "disconnected")
    answers = [api.post(f"{account}/sync")]
    answers += [api.get(f"{account}/sync_sessions"), api.get(f"{account}/sync_sessions/x")]
    assert [answer.code for answer in answers] == ["BANK_CONNECTION_NOT_FOUND"] * 3
    assert api.get(f"{account}/transactions").status == 200


def test_a_bank_under_maintenance_says_when_to_come_back(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    sandbox.set_account_state(sandbox.account_ids[0], "under_maintenance")
    answer = api.post(f"{account}/sync")
    assert (answer.status, answer.code) == (503, "BANK_UNDER_MAINTENANCE")
    assert answer.headers["Retry-After"] == "120"
    sandbox.set_account_state(sandbox.account_ids[0], "active")
    assert api.post(f"{account}/sync").status == 202


def test_a_disabled_account_answers_403_everywhere(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    transaction = api.get(f"{account}/transactions").json["transactions"][0]["id"]
    sandbox.set_account_state(sandbox.account_ids[0], "disabled")
    for path in (account, f"{account}/transactions", f"/v2/transactions/{transaction}"):
        answer = api.get(path)
        assert (answer.status, answer.code) == (403, "ACCOUNT_DISABLED")


def test_sessions_are_listed_newest_first_in_windows(api: Api, account: str) -> None:
    path = f"{account}/sync_sessions"
    everything = api.get(path).json
    assert [row["status"] for row in everything["sync_sessions"]] == [
        "completed",
        "failed",
        "skipped",
    ]
    window = api.get(path, limit=1, offset=1).json
    assert window["sync_sessions"] == everything["sync_sessions"][1:2]
    assert (window["limit"], window["offset"], window["has_more"]) == (1, 1, True)
    failed = api.get(path, status="failed").json["sync_sessions"]
    assert [row["status"] for row in failed] == ["failed"]
    assert api.get(path, limit=101).code == "INVALID_LIMIT"
    assert api.get(path, status="odd").status == 422
