"""Killed at any moment and run again, a job pays every supplier, and nobody twice."""

from __future__ import annotations

from tests.support.systems import needs_kill
from tests.v2.crashes.__main__ import run_and_kill


@needs_kill
def test_a_job_that_is_killed_and_run_again_pays_everybody_once() -> None:
    toll = run_and_kill(kills=20, seed=1)
    assert toll.once(), toll
    assert toll.kills == 20
