"""Bank syncs: started by request, moved on by being looked at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._state.records import SyncSession
from .._state.seed import DAY, uuid_of
from .._wire.errors import Refusal, unprocessable
from .._wire.messages import Reply
from .._wire.moments import moment, moment_or_none
from .query import limit_and_offset

if TYPE_CHECKING:
    from .._state.records import Account, SessionOutcome
    from .._state.store import Store
    from .call import Call

_STATUSES = ("pending", "started", "completed", "failed", "skipped")
_MAINTENANCE_RETRY_SECONDS = 120
_POLLS = 2


def start_sync(store: Store, call: Call) -> Reply:
    """POST /v2/accounts/{id}/sync."""
    account = _connected(store, call)
    if account.state == "under_maintenance":
        raise Refusal(
            "The bank is under maintenance",
            "BANK_UNDER_MAINTENANCE",
            retry_after=_MAINTENANCE_RETRY_SECONDS,
        )
    sessions = _sessions(store, account)
    if sessions[-1].running:
        raise Refusal(
            "Another sync is running", "SYNC_IN_PROGRESS", current_session_id=sessions[-1].id
        )
    now = store.now()
    wait = sessions[-1].started_at + store.settings.sync_cooldown - now
    if wait > 0:
        raise Refusal("Synced moments ago", "SYNC_RATE_LIMIT_EXCEEDED", retry_after=math.ceil(wait))
    outcome, polls = _scripted(store, account)
    session = SyncSession(store.new_id(), "pending", now, outcome, polls)
    sessions.append(session)
    return Reply(
        202,
        {
            "message": "Sync queued",
            "sync_session_id": session.id,
            "status": session.status,
            "started_at": moment(session.started_at),
        },
    )


def list_sessions(store: Store, call: Call) -> Reply:
    """GET /v2/accounts/{id}/sync_sessions: newest first; a list moves no session on."""
    account = _connected(store, call)
    limit, offset = limit_and_offset(call.query, maximum=100)
    status = call.query.get("status", "")
    if status and status not in _STATUSES:
        raise unprocessable(f"status must be one of {', '.join(_STATUSES)}")
    newest_first = reversed(_sessions(store, account))
    matching = [session for session in newest_first if not status or session.status == status]
    shown = matching[offset : offset + limit]
    return Reply(
        200,
        {
            "sync_sessions": [_session_object(session) for session in shown],
            "limit": limit,
            "offset": offset,
            "has_more": offset + limit < len(matching),
        },
    )


def get_session(store: Store, call: Call) -> Reply:
    """GET /v2/accounts/{id}/sync_sessions/{session_id}: moves a running session one step on."""
    account = _connected(store, call)
    for session in _sessions(store, account):
        if session.id == call.ids["session_id"]:
            _advance(store, account, session)
            return Reply(200, _session_object(session))
    raise Refusal("No such sync session", "SYNC_SESSION_NOT_FOUND")


def observe(store: Store, account: Account) -> None:
    """Moves a running sync of the account one step on: somebody looks at the account."""
    for session in account.sessions or ():
        _advance(store, account, session)


def _connected(store: Store, call: Call) -> Account:
    account = store.account(call.ids["account_id"])
    if account.state == "disconnected":
        raise Refusal("The account has no live bank connection", "BANK_CONNECTION_NOT_FOUND")
    return account


def _scripted(store: Store, account: Account) -> tuple[SessionOutcome, int]:
    for index, (account_id, outcome, polls) in enumerate(store.scripted_sessions):
        if account_id in (None, account.id):
            del store.scripted_sessions[index]
            return outcome, polls
    return "completed", _POLLS


def _advance(store: Store, account: Account, session: SyncSession) -> None:
    if not session.running:
        return
    session.polls -= 1
    if session.polls > 0:
        session.status = "started"
        return
    session.status = session.outcome
    session.completed_at = store.now()
    if session.outcome == "completed":
        log = store.ledger(account).log
        session.transactions_synced = sum(
            row.imported_at >= (account.data_as_of or 0.0) and change == "added"
            for change, row in log
        )
        account.data_as_of = account.updated_at = session.completed_at


def _sessions(store: Store, account: Account) -> list[SyncSession]:
    if account.sessions is None:
        account.sessions = [_past(store, account, days) for days in (3, 2, 1)]
    return account.sessions


def _past(store: Store, account: Account, days: int) -> SyncSession:
    outcomes: dict[int, SessionOutcome] = {1: "completed", 2: "failed", 3: "skipped"}
    started_at = store.today - days * DAY
    return SyncSession(
        id=uuid_of(store.settings.seed, "session", account.id, days),
        status=outcomes[days],
        started_at=started_at,
        outcome=outcomes[days],
        completed_at=started_at + 48,
        transactions_synced=14 if days == 1 else 0,
    )


def _session_object(session: SyncSession) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": session.id,
        "status": session.status,
        "started_at": moment(session.started_at),
        "completed_at": moment_or_none(session.completed_at),
        "transactions_synced": session.transactions_synced,
        "accounts_count": 1 if session.status == "completed" else 0,
    }
    if session.status == "skipped":  # these keys may be missing, so here they are
        return shown
    shown["error"] = shown["performance"] = None
    if session.status == "failed":
        message = "The bank rejected the stored login"
        shown["error"] = {"type": "InvalidCredentials", "message": message}
    if session.status == "completed" and session.completed_at is not None:
        shown["performance"] = {
            "total_duration": round(session.completed_at - session.started_at, 2),
            "complexity_score": 3.1,
            "sync_speed_score": 0.88,
        }
    return shown
