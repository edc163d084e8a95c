"""The sandbox itself: what a test holds in its hands."""

from __future__ import annotations

import hashlib
import time
from typing import Callable, Optional

from ._application import Application
from ._faults import FaultControls
from ._settings import ErrorStyle, ResetForm, Settings, Shapes
from ._state.store import Store
from ._wire.http import BASE_PATH
from ._wire.messages import RecordedRequest
from ._wire.server import Server
from ._workspace import WorkspaceControls


class Sandbox(WorkspaceControls, FaultControls):
    """A Tesote API in memory, behind a real HTTP server on this machine.

    It answers from the moment it is made until `close()`:

        with Sandbox() as sandbox:
            client = V2Client(api_key=sandbox.api_key, base_url=sandbox.url)

    Args:
        host: The address to listen on. A request whose Host field names neither it nor a loopback
            (`localhost`, `127.0.0.1`) is answered 421, so that no web page can read what is
            served here. `"0.0.0.0"` listens on every address, and serves requests to any of them;
            to be served by another name, listen on that name.
        port: The port to listen on; 0 lets the system choose a free one.
        api_key: The key that is accepted; None makes one from the seed.
        seed: The same seed gives the same data, but for dates, which count back from today.
        accounts: How many bank accounts there are.
        transactions: How many transactions each account starts with.
        shapes: Where the published sources disagree: `"sdk"` for what the official SDKs expect
            (bare objects, `items` with offsets), `"openapi"` for what the OpenAPI documents say
            (wrapped objects, named lists with `meta.next_cursor`).
        errors: The error envelope: `"sdk"` (`error`, `error_code`, `error_id`), `"slug"`
            (`error` is a lower-case code, `message` the text), `"connector"` (`error` is the code,
            `message` the text) or `"text"` (`error` is the text and there is no code).
        rate_limit_reset: How `X-RateLimit-Reset` is written: seconds from now, epoch seconds,
            epoch milliseconds, or ISO 8601.
        gzip: Whether bodies above 1 KiB are compressed for clients that accept it.
        balances: Whether accounts show their balances.
        running_balances: Whether transactions show the balance after them.
        history_sync: Whether a sync may start without a cursor; 403 HISTORY_SYNC_FORBIDDEN if not.
        sync_cooldown: Seconds that must lie between two bank syncs of one account;
            429 SYNC_RATE_LIMIT_EXCEEDED if not.
        clock: Epoch seconds, for everything that is dated and for the rate limit.

    Raises:
        OSError: The address cannot be bound.
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: Optional[str] = None,
        seed: int = 1,
        accounts: int = 120,
        transactions: int = 40,
        shapes: Shapes = "sdk",
        errors: ErrorStyle = "sdk",
        rate_limit_reset: ResetForm = "seconds",
        gzip: bool = True,
        balances: bool = True,
        running_balances: bool = True,
        history_sync: bool = True,
        sync_cooldown: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        settings = Settings(
            seed=seed,
            accounts=accounts,
            transactions=transactions,
            shapes=shapes,
            errors=errors,
            rate_limit_reset=rate_limit_reset,
            gzip=gzip,
            balances=balances,
            running_balances=running_balances,
            history_sync=history_sync,
            sync_cooldown=sync_cooldown,
            clock=clock,
        )
        digest = hashlib.sha256(f"api key {seed}".encode()).hexdigest()
        self._api_key = api_key or f"sk_sandbox_{digest[:32]}"
        WorkspaceControls.__init__(self, Store(settings))
        FaultControls.__init__(self, errors, clock)
        self._store.add_api_key(self._api_key)
        self._application = Application(self._store, self)
        self._host = host
        self._server = Server(host, port, self._application)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox {self.url}>"

    def close(self) -> None:
        """Ends every connection and thread, in mid-request too. A second call does nothing."""
        self._server.close()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}{BASE_PATH}"

    @property
    def api_key(self) -> str:
        """An API key that is accepted."""
        return self._api_key

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests received, oldest first; of very many, the newest 10,000."""
        return self._application.recorded()

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._server.accepted

    def clear_requests(self) -> None:
        """Empties `requests`; `connections` counts on."""
        self._application.clear_recorded()
