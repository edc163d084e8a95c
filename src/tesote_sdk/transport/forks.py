"""What a forked child must do before it goes on using objects of its parent."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """An object with locks or connections, which a child cannot share with its parent."""

    def after_fork_in_child(self) -> None:
        """Take fresh locks and let go of what is the parent's."""


loading = threading.RLock()
"""To be held while modules are imported that load with the first call. A fork waits for it: what a
thread of the parent had begun to import could never be imported in the child."""

_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def renew_after_fork(holder: ForkAware) -> None:
    """Have `holder.after_fork_in_child()` called in every child that this process forks.

    The call comes before any other code of the child: a lock that another thread of the parent
    held at the moment of the fork would never be released there.
    """
    _objects.add(holder)


def _renew_all() -> None:
    loading.release()
    for holder in list(_objects):
        holder.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # Windows knows no fork
    os.register_at_fork(
        before=loading.acquire, after_in_parent=loading.release, after_in_child=_renew_all
    )
