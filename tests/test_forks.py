"""What is renewed in a forked child."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

from tesote_sdk import _forks as forks
from tesote_sdk._forks import renew_after_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Holder:
    renewed = 0

    def after_fork_in_child(self) -> None:
        self.renewed += 1


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_renewed_in_the_child_alone() -> None:
    holder = Holder()
    renew_after_fork(holder)
    pid = os.fork()
    if not pid:
        os._exit(holder.renewed)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert holder.renewed == 0


def test_keeps_nothing_alive() -> None:
    holder = Holder()
    renew_after_fork(holder)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
    assert None not in list(forks._objects)
