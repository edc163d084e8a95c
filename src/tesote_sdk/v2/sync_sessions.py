"""Bank syncs: their history, and waiting for one to end."""

from __future__ import annotations

from typing import Callable, Optional

from .._arguments import whole_number
from .._error_base import operation
from .._hints import types
from .._polling import wait_for_end
from .._resource import Resource, unwrapped
from ..errors import SyncFailedError
from ..page_styles import Offsets
from ..pagination import Page
from ..transport.encoding import path_segment


class SyncSessions(Resource):
    """The syncs of an account with its bank."""

    @operation
    def list(
        self,
        account_id: types.Id,
        *,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        status: Optional[types.SyncSessionStatus] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.SyncSession]:
        """List the syncs of an account, newest first.

        Args:
            account_id: The account.
            limit: Sessions per page, at least 1; the server has a maximum of its own.
            offset: How many sessions to skip. Default: 0.
            status: Only those with this status, such as `failed`.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or the key may not see it.
            BankConnectionNotFoundError: The account has no live link to its bank.
            InvalidLimitError: `limit` is above the server's maximum.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._list(
            f"/v2/accounts/{path_segment('account_id', account_id)}/sync_sessions",
            ("sync_sessions", "items", "data"),
            Offsets,
            position={"offset": whole_number("offset", offset, 0)},
            cache_ttl=cache_ttl,
            filters={"limit": whole_number("limit", limit, 1), "status": status},
            operation="sync_sessions.list",
        )

    @operation
    def get(
        self,
        account_id: types.Id,
        session_id: types.Id,
        *,
        cache_ttl: Optional[float] = None,
    ) -> types.SyncSession:
        """Get one sync, to see how far it has come.

        Args:
            account_id: The account.
            session_id: The sync's id, from `accounts.sync`.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            SyncSessionNotFoundError: No such sync.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        account = path_segment("account_id", account_id)
        session = path_segment("session_id", session_id)
        path = f"/v2/accounts/{account}/sync_sessions/{session}"
        return self._call(
            "GET",
            path,
            unwrapped("sync_session", asked=session_id),
            cache_ttl=cache_ttl,
            operation="sync_sessions.get",
        )

    @operation
    def wait(
        self,
        account_id: types.Id,
        session_id: types.Id,
        *,
        timeout: float = 600,
        poll_interval: float = 2,
        on_poll: Optional[Callable[[types.SyncSession], object]] = None,
    ) -> types.SyncSession:
        """Poll a sync until it has ended, with growing pauses.

        Args:
            account_id: The account.
            session_id: The sync's id, from `accounts.sync` or
                `SyncInProgressError.current_session_id`.
            timeout: Seconds to wait in all; the last poll is at their end.
            poll_interval: Seconds before the second poll; each later wait is half as long again,
                up to 30 seconds.
            on_poll: Called with each state that is seen, for a progress line.

        Returns:
            The session, `completed` or `skipped`.

        Raises:
            SyncFailedError: The sync ended as `failed`; `session` says why.
            TimeoutError: It had not ended in time (`phase` is `"total"`); it may end later.
            InvalidArgumentError: An id, `timeout` or `poll_interval` cannot be used.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        session = wait_for_end(
            self._transport,
            f"the bank sync {path_segment('session_id', session_id)}",
            lambda: self.get(account_id, session_id),
            ("completed", "skipped", "failed"),
            timeout=timeout,
            poll_interval=poll_interval,
            on_poll=on_poll,
        )
        if session["status"] == "failed":
            problem = session.get("error")
            reason = problem.get("message") if isinstance(problem, dict) else problem
            raise SyncFailedError(
                f"the bank sync {session_id} failed: {reason or 'no reason was given'}",
                session=session,
            )
        return session
