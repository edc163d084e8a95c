"""eventlet, as the checks use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import eventlet

if TYPE_CHECKING:
    from collections.abc import Callable


def run(functions: list[Callable[[], object]]) -> list[Any]:
    """Run functions in a greenlet each, and return their results."""
    return [thread.wait() for thread in [eventlet.spawn(function) for function in functions]]


def sleep(seconds: float) -> None:
    """Let other greenlets run."""
    eventlet.sleep(seconds)
