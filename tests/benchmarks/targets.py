"""What is called, and with which header fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable

    from .servers import Server

    Call = Callable[[], object]

KEY = "sk_live_0123456789abcdef0123456789abcdef"

HEADERS = {
    "User-Agent": "tesote-sdk-py/0.3.0 (python/3.13.0)",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Authorization": f"Bearer {KEY}",
}
"""What the SDK sends, but for Host, which everybody sends."""


class Target(NamedTuple):
    """What is called.

    Attributes:
        scheme: http or https.
        port: On 127.0.0.1.
        base: `/api`, or `/gzip` for compressed answers.
        name: `status`, `accounts`, or what else stands below `/v2`.
    """

    scheme: str
    port: int
    base: str
    name: str

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"{self.base}/v2/{self.name}"

    @property
    def base_url(self) -> str:
        """The URL that the SDK is given."""
        return f"{self.scheme}://127.0.0.1:{self.port}{self.base}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}{self.path}"


def target(server: Server, name: str, *, tls: bool = False, base: str = "/api") -> Target:
    """Return what to call on a server."""
    return Target("https" if tls else "http", server.tls if tls else server.plain, base, name)
