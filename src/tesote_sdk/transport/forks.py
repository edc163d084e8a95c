"""What a forked child must do before it goes on using objects of its parent."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """An object with locks or connections, which a child cannot share with its parent."""

    def after_fork_in_child(self) -> None:
        """Take fresh locks and let go of what is the parent's."""


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def renew_after_fork(holder: ForkAware) -> None:
    """Have `holder.after_fork_in_child()` called in every child that this process forks.

    The call comes before any other code of the child: a lock that another thread of the parent
    held at the moment of the fork would never be released there.
    """
    _objects.add(holder)


def _renew_all() -> None:
    for holder in list(_objects):
        holder.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # Windows knows no fork
    os.register_at_fork(after_in_child=_renew_all)
