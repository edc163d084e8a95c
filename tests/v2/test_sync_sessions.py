"""Waiting for a bank sync, with a clock that only the waits move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import (
    InvalidResponseError,
    ServerError,
    SyncFailedError,
    SyncInProgressError,
    SyncSessionNotFoundError,
    TimeoutError,
)
from tesote_sdk.sandbox import Sandbox
from tests.support.steps import Step, reply
from tests.v1.harness import FakeTime, answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=2, transactions=3) as sandbox:
        yield sandbox


def running(status: str = "started") -> Step:
    return reply(200, {"id": "s1", "status": status})


def test_a_completed_sync_is_returned(sandbox: Sandbox) -> None:
    time = FakeTime()
    account_id = sandbox.account_ids[0]
    sandbox.script_sync_session("completed", polls=4)
    with sandboxed(sandbox, time=time) as client:
        started = client.accounts.sync(account_id)
        states: list[str] = []
        session = client.sync_sessions.wait(
            account_id,
            started["sync_session_id"],
            on_poll=lambda seen: states.append(seen["status"]),
        )
    assert session["id"] == started["sync_session_id"]
    assert session["status"] == "completed"
    assert states == ["started", "started", "started", "completed"]
    assert time.slept == [2, 3, 4.5]


def test_a_skipped_sync_is_returned(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    sandbox.script_sync_session("skipped", polls=1)
    with sandboxed(sandbox) as client:
        started = client.accounts.sync(account_id)
        session = client.sync_sessions.wait(account_id, started["sync_session_id"])
    assert session["status"] == "skipped"


def test_a_failed_sync_raises_and_says_why(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    sandbox.script_sync_session("failed", polls=2)
    seen: list[str] = []
    with sandboxed(sandbox) as client:
        session_id = client.accounts.sync(account_id)["sync_session_id"]
        with pytest.raises(SyncFailedError) as caught:
            client.sync_sessions.wait(
                account_id, session_id, on_poll=lambda session: seen.append(session["status"])
            )
        session = client.sync_sessions.get(account_id, session_id)
    assert caught.value.session == session
    error = session.get("error")
    assert error
    assert error["message"] in str(caught.value)
    assert seen[-1] == "failed"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "no reason was given"),
        ({}, "no reason was given"),
        ({"type": "InvalidCredentials"}, "no reason was given"),
        ({"type": "X", "message": None}, "no reason was given"),
        ({"message": "The bank rejected the login"}, "The bank rejected the login"),
        ("bank offline", "bank offline"),
        (["bank", "offline"], "bank"),
    ],
)
def test_why_a_sync_failed_may_be_said_in_odd_ways(error: Any, reason: str) -> None:
    sent = {"id": "s1", "status": "failed", "error": error}
    with answering(sent) as (_, client), pytest.raises(SyncFailedError, match=reason) as caught:
        client.sync_sessions.wait("a1", "s1")
    assert caught.value.session == sent


def test_the_sync_that_is_in_progress_can_be_waited_for(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    sandbox.script_sync_session("completed", polls=3)
    with sandboxed(sandbox) as client:
        first = client.accounts.sync(account_id)
        with pytest.raises(SyncInProgressError) as caught:
            client.accounts.sync(account_id)
        running_id = caught.value.current_session_id
        assert running_id == first["sync_session_id"]
        assert client.sync_sessions.wait(account_id, running_id)["status"] == "completed"
        assert client.accounts.sync(account_id)["sync_session_id"] != running_id


def test_the_waits_grow_up_to_thirty_seconds() -> None:
    time = FakeTime()
    with (
        answering(*[running()] * 12, running("completed"), time=time) as (_, client),
    ):
        client.sync_sessions.wait("a1", "s1", timeout=10_000)
    assert time.slept[:4] == [2, 3, 4.5, 6.75]
    assert time.slept[-3:] == [30, 30, 30]
    assert time.slept == sorted(time.slept)


def test_an_interval_of_the_callers_is_never_shortened() -> None:
    time = FakeTime()
    with answering(*[running()] * 3, running("completed"), time=time) as (_, client):
        client.sync_sessions.wait("a1", "s1", poll_interval=120)
    assert time.slept == [120, 120, 120]


def test_a_sync_that_does_not_end_in_time_is_a_timeout() -> None:
    time = FakeTime()
    polled: list[object] = []
    with (
        answering(*[running()] * 9, time=time) as (_, client),
        pytest.raises(TimeoutError, match="waiting for the bank sync s1, which is started") as e,
    ):
        client.sync_sessions.wait("a1", "s1", timeout=4, poll_interval=2, on_poll=polled.append)
    assert e.value.phase == "total"
    # The last wait is cut, so that the last poll is at the end and no later.
    assert time.slept == [2, 2]
    assert len(polled) == 3


def test_the_last_poll_counts() -> None:
    with answering(running(), running(), running("completed"), time=FakeTime()) as (_, client):
        session = client.sync_sessions.wait("a1", "s1", timeout=4)
    assert session["status"] == "completed"


@pytest.mark.parametrize("status", ["pending", "paused", "a status of tomorrow"])
def test_any_other_status_is_waited_out(status: str) -> None:
    with answering(running(status), running("completed")) as (_, client):
        assert client.sync_sessions.wait("a1", "s1")["status"] == "completed"


@pytest.mark.parametrize("sent", [{"id": "s1"}, {"id": "s1", "status": None}])
def test_a_session_without_a_status_is_refused(sent: dict[str, Any]) -> None:
    with answering(sent) as (_, client), pytest.raises(InvalidResponseError, match="status"):
        client.sync_sessions.wait("a1", "s1")


def test_the_errors_of_a_poll_leave_the_wait(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with sandboxed(sandbox) as client:
        with pytest.raises(SyncSessionNotFoundError):
            client.sync_sessions.wait(account_id, "none")
        session_id = client.accounts.sync(account_id)["sync_session_id"]
        sandbox.fail(503, times=3)
        with pytest.raises(ServerError):
            client.sync_sessions.wait(account_id, session_id)
        assert client.sync_sessions.wait(account_id, session_id)["status"] == "completed"


def test_what_on_poll_raises_ends_the_wait() -> None:
    def stop(_: object) -> None:
        raise LookupError("stop")

    with answering(running()) as (_, client), pytest.raises(LookupError, match="stop"):
        client.sync_sessions.wait("a1", "s1", on_poll=stop)


def test_the_history_of_syncs_is_listed(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with sandboxed(sandbox) as client:
        made = []
        for outcome in ("completed", "failed", "completed"):
            sandbox.script_sync_session(outcome, polls=1)
            made.append(client.accounts.sync(account_id)["sync_session_id"])
            client.sync_sessions.get(account_id, made[-1])
        listed = list(client.sync_sessions.list(account_id, limit=1))
        failed = list(client.sync_sessions.list(account_id, status="failed"))
    assert [session["id"] for session in listed][:3] == made[::-1]
    assert failed[0]["id"] == made[1]
    assert {session["status"] for session in failed} == {"failed"}
