"""The programs themselves, where they are asked for: they install libraries and take minutes."""

from __future__ import annotations

import os

import pytest

from . import __main__ as runner

_SWITCH = "TESOTE_SDK_ECOSYSTEM"


@pytest.mark.skipif(
    not os.environ.get(_SWITCH),
    reason=f"installs real libraries: set {_SWITCH}=1, or run `python -m tests.ecosystem`",
)
def test_every_promise_holds_with_the_real_libraries() -> None:
    assert runner.main([]) == 0
