"""Processes that share a quota, each with a limiter of its own."""

from __future__ import annotations

import pytest

from tests.transport.shared_quota import RollingWindow, SharedQuota


@pytest.mark.parametrize("seed", range(6))
def test_eight_processes_share_a_quota_evenly_and_are_hardly_ever_refused(seed: int) -> None:
    met = SharedQuota(8, seed=seed).run(20)
    assert met.failed == 0
    assert met.refused <= 16
    assert met.rate >= 0.95
    assert met.least_to_mean() >= 0.5


def test_four_processes_share_evenly_though_a_second_is_half_of_a_window() -> None:
    # They wait for a moment that the server tells to the second.
    met = [SharedQuota(4, seed=seed).run(20) for seed in range(20)]
    evenness = [one.least_to_mean() for one in met]
    assert min(evenness) >= 0.5
    assert sum(evenness) / len(evenness) >= 0.78


def test_where_there_is_hardly_a_call_for_each_most_are_content_with_one() -> None:
    met = [SharedQuota(8, limit=10, seed=seed).run(20) for seed in range(20)]
    assert sum(one.refused for one in met) / 20 <= 44


@pytest.mark.parametrize("callers", [2, 4, 8, 16])
def test_in_windows_of_a_minute_the_whole_rate_is_used_with_a_refusal_each(callers: int) -> None:
    met = SharedQuota(callers, limit=200, window=60, one_way=0.04).run(600)
    assert met.failed == 0
    assert met.refused <= 12
    assert met.rate >= 0.98
    assert met.least_to_mean() >= 0.5


@pytest.mark.parametrize("window", [2.0, 60.0])
def test_a_process_alone_is_neither_refused_nor_slowed_down(window: float) -> None:
    met = SharedQuota(1, window=window, one_way=0.005).run(10 * window)
    assert met.refused == 0
    assert met.rate >= 0.98


def test_what_others_leave_is_used_by_the_one_that_wants_it() -> None:
    idle = [0.0] + [10.0] * 7
    met = SharedQuota(8, limit=200, window=60, one_way=0.04, idle=idle).run(600)
    assert met.failed == 0
    assert met.refused <= 8
    assert met.rate >= 0.985
    # Those that want little are not held up by the one that wants all.
    assert min(met.answered) >= 35


def test_a_rare_caller_besides_costs_next_to_nothing() -> None:
    met = SharedQuota(2, limit=200, window=60, one_way=0.04, idle=[0.0, 20.0]).run(600)
    assert met.refused <= 8
    assert met.rate >= 0.97
    assert met.answered[1] >= 20


def test_a_window_that_rolls_is_used_whole_by_a_process_alone() -> None:
    met = SharedQuota(1, limit=200, window=60, one_way=0.01, server=RollingWindow).run(600)
    assert met.failed == 0
    assert met.refused <= 11
    assert met.rate >= 0.98


def test_who_is_refused_as_a_window_begins_comes_later_to_the_next() -> None:
    # Of a window that rolls, each believes that it begins anew with every call that it lets go.
    met = SharedQuota(8, limit=200, window=60, one_way=0.01, server=RollingWindow).run(600)
    assert met.failed <= 0.04 * sum(met.answered)
    assert met.rate >= 0.98
