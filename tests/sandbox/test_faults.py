"""Trouble on cue: failures, delays, drops, and every error code of the API."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox
from tests.support.systems import EARLY

from .api import Api, order

if TYPE_CHECKING:
    from tesote_sdk.sandbox._settings import ErrorStyle

CODES = {
    400: "VALIDATION_ERROR BATCH_VALIDATION_ERROR",
    401: "UNAUTHORIZED API_KEY_REVOKED",
    403: "WORKSPACE_SUSPENDED ACCOUNT_DISABLED HISTORY_SYNC_FORBIDDEN",
    404: (
        "ACCOUNT_NOT_FOUND TRANSACTION_NOT_FOUND SYNC_SESSION_NOT_FOUND BANK_CONNECTION_NOT_FOUND"
        " TRANSACTION_ORDER_NOT_FOUND BATCH_NOT_FOUND PAYMENT_METHOD_NOT_FOUND CATEGORY_NOT_FOUND"
        " COUNTERPARTY_NOT_FOUND LEGAL_ENTITY_NOT_FOUND WEBHOOK_NOT_FOUND"
    ),
    409: "MUTATION_CONFLICT SYNC_IN_PROGRESS INVALID_ORDER_STATE",
    422: (
        "UNPROCESSABLE_CONTENT INVALID_DATE_RANGE MISSING_DATE_RANGE INVALID_CURSOR INVALID_COUNT"
        " INVALID_LIMIT INVALID_QUERY BANK_SUBMISSION_ERROR"
    ),
    429: "RATE_LIMIT_EXCEEDED SYNC_RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "BANK_UNDER_MAINTENANCE",
}
ALL_CODES = [(status, code) for status, codes in CODES.items() for code in codes.split()]
LOST = (http.client.RemoteDisconnected, ConnectionError)


def test_every_one_of_the_33_codes_can_be_scripted(api: Api, sandbox: Sandbox) -> None:
    assert len(ALL_CODES) == 33
    for status, code in ALL_CODES:
        sandbox.fail(error_code=code)
        answer = api.get("/v2/accounts")
        assert (answer.status, answer.code) == (status, code)
        assert set(answer.json) == {"error", "error_code", "error_id"}


def test_a_revoked_key_says_so_and_other_keys_go_on(api: Api, sandbox: Sandbox) -> None:
    sandbox.add_api_key("second")
    with Api(sandbox, key="second") as other:
        sandbox.revoke_api_key(sandbox.api_key)
        answer = api.get("/v2/accounts")
        assert (answer.status, answer.code) == (401, "API_KEY_REVOKED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert api.get("/v2/status").json["authenticated"] is False
        assert other.get("/v2/accounts").status == 200
        sandbox.add_api_key(sandbox.api_key)
        assert api.get("/v2/accounts").status == 200
    with pytest.raises(KeyError):
        sandbox.revoke_api_key("never valid")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic x", "{key}", "Bearer {key}x"])
def test_a_key_that_is_not_a_good_bearer_token_is_401(sandbox: Sandbox, value: str) -> None:
    with Api(sandbox, key="") as stranger:
        fields = {"Authorization": value.replace("{key}", sandbox.api_key)}
        answer = stranger.get_with(fields, "/v2/whoami")
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
        good = stranger.get_with({"Authorization": f"bearer {sandbox.api_key}"}, "/v2/whoami")
        assert good.status == 200


def test_failures_are_used_in_order_and_then_used_up(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail(503, times=2)
    sandbox.fail(429, retry_after=7)
    answers = [api.get("/v2/status") for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 503, 429, 200]
    assert (answers[2].headers["Retry-After"], answers[2].json["retry_after"]) == ("7", 7)
    assert answers[2].code == "RATE_LIMIT_EXCEEDED"
    assert answers[0].code is None


def test_a_failure_waits_for_its_path_and_method(api: Api, sandbox: Sandbox, account: str) -> None:
    sandbox.fail(500, path="/v2/accounts/*/sync", method="post")
    assert api.get("/v2/accounts").status == 200
    assert api.get(f"{account}/sync").status == 405
    assert api.post(f"{account}/sync").code == "INTERNAL_ERROR"
    assert api.post(f"{account}/sync").status == 202


def test_a_failed_write_is_not_carried_out(api: Api, sandbox: Sandbox, account: str) -> None:
    sandbox.fail(503, method="POST")
    path = f"{account}/transaction_orders"
    assert api.post(path, order()).status == 503
    assert api.get(path).json["items"] == []


def test_a_failure_may_last_until_it_is_cleared(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail(502, times=None)
    assert {api.get("/v2/status").status for _ in range(5)} == {502}
    sandbox.clear_faults()
    assert api.get("/v2/status").status == 200


def test_a_failure_may_say_anything(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail(502, body="<html>Bad gateway</html>")
    sandbox.fail(200, body=b"\xff\x00", headers={"content-type": "application/json"})
    sandbox.fail(418, body={"odd": [1]}, headers={"X-RateLimit-Reset": "soon"})
    sandbox.fail(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    sandbox.fail(204)
    html, raw, teapot, dated, empty = (api.get("/v2/status") for _ in range(5))
    assert (html.headers["Content-Type"], html.body) == ("text/html", b"<html>Bad gateway</html>")
    assert raw.headers.get_all("Content-Type") == ["application/json"]
    assert (raw.status, raw.body) == (200, b"\xff\x00")
    assert (teapot.status, teapot.json) == (418, {"odd": [1]})
    assert teapot.headers.get_all("X-RateLimit-Reset") == ["soon"]
    assert dated.headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert "retry_after" not in dated.json
    assert (empty.status, empty.body) == (204, b"")


def test_the_retry_after_field_and_member_may_differ(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail(503, retry_after=0.5)
    sandbox.fail(503, retry_after=2, headers={"retry-after": "9"})
    sandbox.fail(503, retry_after=2, headers={"retry-after": "9"}, body={})
    half, both, bare = (api.get("/v2/status") for _ in range(3))
    assert (half.headers["Retry-After"], half.json["retry_after"]) == ("0.5", 0.5)
    assert (both.headers.get_all("Retry-After"), both.json["retry_after"]) == (["9"], 2)
    assert (bare.headers.get_all("Retry-After"), bare.json) == (["9"], {})


def test_a_scripted_connection_close_is_carried_out(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail(503, headers={"connection": "Close"})
    api.get("/v2/status")
    api.get("/v2/status")
    assert sandbox.connections == 2


@pytest.mark.parametrize("code", ["MUTATION_CONFLCT", "mutation_conflict", "MUTATION-CONFLICT"])
@pytest.mark.parametrize("status", [None, 409])
def test_a_misspelled_code_is_refused_and_the_right_one_named(
    sandbox: Sandbox, code: str, status: int | None
) -> None:
    with pytest.raises(ValueError, match="'MUTATION_CONFLICT' is one"):
        sandbox.fail(status, error_code=code)


def test_a_code_that_the_api_does_not_have_needs_a_status(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="give its status"):
        sandbox.fail(error_code="OUT_OF_COFFEE")
    sandbox.fail(418, error_code="OUT_OF_COFFEE")
    answer = api.get("/v2/accounts")
    assert (answer.status, answer.code) == (418, "OUT_OF_COFFEE")


def test_misspelled_choices_are_refused(sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    with pytest.raises(ValueError, match="when"):
        sandbox.drop(when="later")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="state"):
        sandbox.set_account_state(account, "odd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outcome"):
        sandbox.script_sync_session("odd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outcome"):
        sandbox.script_order("odd")  # type: ignore[arg-type]
    for script in (sandbox.script_sync_session, sandbox.script_order):
        with pytest.raises(ValueError, match="polls"):
            script(polls=0)
        with pytest.raises(KeyError):
            script(account_id="odd")
    with pytest.raises(ValueError, match="status"):
        sandbox.set_order_status("x", "odd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="family"):
        sandbox.deliver_webhook("x", "x", {}, secret="x", family="odd")  # type: ignore[arg-type]
    for wrong in ({"shapes": "odd"}, {"errors": "odd"}, {"rate_limit_reset": "odd"}):
        with pytest.raises(ValueError, match="must be one of"):
            Sandbox(**wrong)  # type: ignore[arg-type]
    for negative in ({"accounts": -1}, {"transactions": -1}):
        with pytest.raises(ValueError, match="at least 0"):
            Sandbox(**negative)  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [0, -1])
def test_faults_happen_at_least_once(sandbox: Sandbox, times: int) -> None:
    for script in (sandbox.fail, sandbox.drop):
        with pytest.raises(ValueError, match="times"):
            script(times=times)
    with pytest.raises(ValueError, match="times"):
        sandbox.delay(1.0, times=times)


def test_a_delay_holds_the_answer_back_and_nothing_else(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    sandbox.delay(30, path="/v2/accounts/*")
    assert api.get("/v2/status").status == 200  # within its client's patience, which is shorter
    sandbox.clear_faults()
    sandbox.delay(0.1, path="/v2/accounts/*")
    began = time.monotonic()
    api.get(account)
    assert time.monotonic() - began >= 0.1 - EARLY


def test_a_write_is_done_although_the_client_gives_up_waiting(
    sandbox: Sandbox, api: Api, account: str
) -> None:
    sandbox.delay(30.0, path="*/transaction_orders")
    path = f"{account}/transaction_orders"
    with Api(sandbox, timeout=0.1) as impatient, pytest.raises(OSError, match="timed out"):
        impatient.post(path, order())
    assert len(api.get(path).json["items"]) == 1


def test_a_dropped_request_is_not_carried_out(sandbox: Sandbox, api: Api, account: str) -> None:
    sandbox.drop(path="*/transaction_orders")
    path = f"{account}/transaction_orders"
    with Api(sandbox) as unlucky, pytest.raises(LOST):
        unlucky.post(path, order())
    assert api.get(path).json["items"] == []
    assert len(sandbox.requests) == 2


def test_a_request_dropped_after_processing_is_carried_out(
    sandbox: Sandbox, api: Api, account: str
) -> None:
    sandbox.drop(when="after_processing")
    path = f"{account}/transaction_orders"
    with Api(sandbox) as unlucky, pytest.raises(LOST):
        unlucky.post(path, order())
    assert len(api.get(path).json["items"]) == 1


def test_a_body_can_be_cut_in_the_middle(sandbox: Sandbox, api: Api) -> None:
    sandbox.drop(when="mid_body")
    with Api(sandbox) as unlucky, pytest.raises(http.client.IncompleteRead) as caught:
        unlucky.get("/v2/accounts")
    whole = api.get("/v2/accounts").body
    assert caught.value.partial == whole[: len(whole) // 2]


def test_a_head_without_a_body_is_cut_as_well(sandbox: Sandbox) -> None:
    sandbox.fail(204)
    sandbox.drop(when="mid_body")
    with Api(sandbox) as unlucky, pytest.raises((http.client.HTTPException, ConnectionError)):
        unlucky.get("/v2/status")


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("sdk", {"error": "No such account", "error_code": "ACCOUNT_NOT_FOUND"}),
        ("slug", {"error": "account_not_found", "message": "No such account"}),
        ("connector", {"error": "ACCOUNT_NOT_FOUND", "message": "No such account"}),
        ("text", {"error": "No such account"}),
    ],
)
def test_the_error_envelope_can_be_chosen(style: ErrorStyle, expected: dict[str, str]) -> None:
    with Sandbox(accounts=1, errors=style) as sandbox, Api(sandbox) as api:
        envelope = api.get("/v2/accounts/x").json
        envelope.pop("error_id", None)
        assert envelope == expected
        sandbox.fail(429, retry_after=3)
        assert api.get("/v2/accounts").json["retry_after"] == 3
        assert "error" in api.get("/nowhere").json
