"""Transports and clients of a test's: options by name, and clocks that the test turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tesote_sdk import V2Client
from tesote_sdk.transport import Options, Transport

if TYPE_CHECKING:
    from tesote_sdk.sandbox import Sandbox

_CLOCKS = ("clock", "sleep", "uniform")


def transport_of(api_key: str, url: str, **options: Any) -> Transport:
    """Return a transport with these options, and with these clocks, sleeps and draws."""
    clocks = {name: options.pop(name) for name in _CLOCKS if name in options}
    return Transport(api_key, url, Options(**options), **clocks)


def client_of(sandbox: Sandbox, **options: Any) -> V2Client:
    """Return a client of a sandbox."""
    return V2Client(sandbox.api_key, base_url=sandbox.url, **options)
