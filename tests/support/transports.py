"""A transport of a test's: options by name, and clocks that the test turns."""

from __future__ import annotations

from typing import Any

from tesote_sdk.transport import Options, Transport

_CLOCKS = ("clock", "sleep", "uniform")


def transport_of(api_key: str, url: str, **options: Any) -> Transport:
    """Return a transport with these options, and with these clocks, sleeps and draws."""
    clocks = {name: options.pop(name) for name in _CLOCKS if name in options}
    return Transport(api_key, url, Options(**options), **clocks)
