"""The Python SDK for the equipo.tesote.com treasury API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import errors
from ._version import __version__
from .errors import *  # noqa: F403 - its own `__all__` says what

if TYPE_CHECKING:
    # A module is public under its own name: the alias tells type checkers so.
    from types import ModuleType

    from . import money as money
    from . import sandbox as sandbox
    from . import times as times
    from . import transport as transport
    from . import types as types
    from . import webhooks as webhooks
    from .pagination import Page
    from .transport import CacheBackend, InMemoryLRUCache, RateLimiter, RetryPolicy
    from .v1 import V1Client
    from .v2 import V2Client
    from .v2.export import ExportFile

__all__ = [
    "CacheBackend",
    "ExportFile",
    "InMemoryLRUCache",
    "Page",
    "RateLimiter",
    "RetryPolicy",
    "V1Client",
    "V2Client",
    "__version__",
]
__all__ += errors.__all__

_HOMES = {
    "CacheBackend": "transport",
    "ExportFile": "v2.export",
    "InMemoryLRUCache": "transport",
    "Page": "pagination",
    "RateLimiter": "transport",
    "RetryPolicy": "transport",
    "V1Client": "v1",
    "V2Client": "v2",
    "money": "money",
    "sandbox": "sandbox",
    "times": "times",
    "transport": "transport",
    "types": "types",
    "webhooks": "webhooks",
}
"""What is not loaded yet: the clients with what belongs to them, and the public modules."""


def __getattr__(name: str) -> object:
    """Load a client, what belongs to it, or a module, when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._forks import importing

    with importing():  # or a fork meets a half-done import
        module = _load(_HOMES[name])
    value = module if name == _HOMES[name] else getattr(module, name)
    globals()[name] = value
    return value


def _load(home: str) -> ModuleType:
    """Import a module of the package by its name.

    Each has a statement of its own, since compilers and packagers such as Nuitka and PyInstaller
    find no module whose name is put together at run time. `from . import money` will not do: it
    looks for an attribute of the package first, and so comes back here without end.
    """
    if home == "money":
        import tesote_sdk.money
    elif home == "pagination":
        import tesote_sdk.pagination
    elif home == "sandbox":
        import tesote_sdk.sandbox
    elif home == "times":
        import tesote_sdk.times
    elif home == "transport":
        import tesote_sdk.transport
    elif home == "types":
        import tesote_sdk.types
    elif home == "v1":
        import tesote_sdk.v1
    elif home == "v2":
        import tesote_sdk.v2
    elif home == "v2.export":
        import tesote_sdk.v2.export
    elif home == "webhooks":
        import tesote_sdk.webhooks  # noqa: F401 - it is in sys.modules now
    return sys.modules[f"{__name__}.{home}"]


def __dir__() -> list[str]:
    """Name also what is not loaded yet."""
    return sorted({*globals(), *__all__, *_HOMES})
