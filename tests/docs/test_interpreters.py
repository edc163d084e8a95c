"""The page of interpreters is made of the figures beside it, and those of what pytest printed."""

from __future__ import annotations

from tests import interpreters

PRINTED = """
..F.s                                        [100%]
SKIPPED [2] tests/a.py:20: there is no redis-server on this machine
SKIPPED [1] tests/b.py:7: there is no redis-server on this machine
FAILED tests/a.py::test_it[a b] - AssertionError: 1 failed
ERROR tests/c.py
1 failed, 2 passed, 3 skipped, 1 error in 61.50s (0:01:01)
"""


def test_the_published_page_is_that_of_the_published_figures() -> None:
    made = interpreters.page(interpreters.read())
    assert interpreters.PAGE.read_text("utf-8") == made, "run python -m tests.interpreters"


def test_a_summary_is_read() -> None:
    assert interpreters.counted(PRINTED) == {
        "passed": 2,
        "failed": 2,
        "skipped": 3,
        "seconds": 62,
        "reasons": {"there is no redis-server on this machine": 3},
        "failures": ["tests/a.py::test_it[a b]", "tests/c.py"],
    }


def test_a_run_that_does_not_come_to_its_end_has_failed() -> None:
    for printed in ("", "....Fatal Python error: Segmentation fault\n"):
        assert interpreters.counted(printed)["failures"] == ["the run did not come to its end"]
