"""The enforced quota: truthful in its headers, its refusals and its ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api

if TYPE_CHECKING:
    from tesote_sdk.sandbox._settings import ResetForm

NOON = 1_772_452_800.0  # 2026-03-02T12:00:00Z


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def test_the_quota_is_enforced_and_comes_back_when_the_headers_say() -> None:
    clock = Clock()
    with Sandbox(accounts=1, clock=clock) as sandbox, Api(sandbox) as api:
        sandbox.limit_rate(3, 10.0)
        for remaining in ("2", "1", "0"):
            answer = api.get("/v2/status")
            assert answer.status == 200
            assert answer.headers["X-RateLimit-Limit"] == "3"
            assert answer.headers["X-RateLimit-Remaining"] == remaining
            assert answer.headers["X-RateLimit-Reset"] == "10"
        clock.now += 2.5
        refused = api.get("/v2/status")
        assert (refused.status, refused.code) == (429, "RATE_LIMIT_EXCEEDED")
        assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"] == "8"
        assert refused.json["retry_after"] == 8
        assert refused.json["quota_info"] == {
            "limit": 3,
            "remaining": 0,
            "reset_at": "2026-03-02T12:00:10.000Z",
        }
        clock.now += 7.4
        assert api.get("/v2/status").status == 429
        clock.now += 0.1
        assert api.get("/v2/status").headers["X-RateLimit-Remaining"] == "2"


def test_a_refused_request_changes_nothing_and_uses_up_no_script() -> None:
    clock = Clock()
    with Sandbox(accounts=1, clock=clock) as sandbox, Api(sandbox) as api:
        account = f"/v2/accounts/{sandbox.account_ids[0]}"
        sandbox.limit_rate(1, 10.0)
        api.get("/v2/status")
        sandbox.fail(500)
        assert api.post(f"{account}/sync").status == 429
        clock.now += 10
        assert api.post(f"{account}/sync").status == 500
        clock.now += 10
        assert api.post(f"{account}/sync").status == 202


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("seconds", "60"),
        ("epoch", "1772452861"),
        ("millis", "1772452860250"),
        ("iso", "2026-03-02T12:01:00.250Z"),
    ],
)
def test_the_reset_comes_in_every_form_seen_in_the_wild(form: ResetForm, expected: str) -> None:
    clock = Clock()
    clock.now += 0.25
    with Sandbox(accounts=1, clock=clock, rate_limit_reset=form) as sandbox, Api(sandbox) as api:
        assert api.get("/v2/status").headers["X-RateLimit-Reset"] == expected


def test_the_clock_dates_everything() -> None:
    with Sandbox(accounts=1, transactions=1, clock=Clock()) as sandbox, Api(sandbox) as api:
        account = sandbox.account_ids[0]
        answer = api.post(f"/v2/accounts/{account}/sync")
        assert answer.headers["Date"] == "Mon, 02 Mar 2026 12:00:00 GMT"
        assert answer.json["started_at"] == "2026-03-02T12:00:00Z"
        posted = sandbox.post_transaction(account, amount_cents=1)
        assert posted["data"]["created_at"] == "2026-03-02T08:00:00-04:00"
        assert re.match("2026-0[23]-", posted["data"]["transaction_date"])
