"""gevent, as the checks use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable


def run(functions: list[Callable[[], object]]) -> list[Any]:
    """Run functions in a greenlet each, and return their results."""
    greenlets = [gevent.spawn(function) for function in functions]
    gevent.joinall(greenlets)
    return [greenlet.get() for greenlet in greenlets]


def sleep(seconds: float) -> None:
    """Let other greenlets run."""
    gevent.sleep(seconds)
