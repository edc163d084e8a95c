"""A WSGI application without the SDK: what dies with it dies of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Callable


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer everything with two bytes."""
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
