"""Which test file belongs to which share of the suite; `python -m tests` runs all shares at once.

A file is never divided, so that nothing is set up twice. Every process comes to the same division
by itself, from the names and sizes of all files and from which libraries are there.
"""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).parent

HEAVY: dict[str, float] = {
    "docs/test_mirror_to_postgres.py": 20.0,
    "docs/test_redis_rate_limiter.py": 3.6,
    "faults/test_time.py": 3.5,
    "faults/test_interrupts.py": 3.5,
    "docs/test_recipes.py": 3.4,
    "benchmarks/test_benchmarks.py": 3.3,
    "faults/test_leaks.py": 3.1,
    "faults/test_reentrance.py": 3.1,
    "test_shares.py": 3.0,
    "faults/test_secrets.py": 2.9,
    "docs/test_mirror_to_sqlite.py": 2.6,
    "faults/test_programs.py": 2.5,
    "transport/test_pacing.py": 2.3,
    "docs/test_code_blocks.py": 2.3,
    "docs/test_pay_supplier.py": 2.1,
    "faults/test_invalid_responses.py": 1.9,
    "faults/test_forks.py": 1.9,
    "transport/test_redaction.py": 1.8,
    "faults/test_what_cannot_load.py": 1.8,
    "faults/test_fuzz.py": 1.8,
    "docs/test_redis_cache.py": 1.7,
    "v2/test_paying.py": 1.6,
    "typing/test_consumer.py": 1.6,
    "faults/test_secrets_everywhere.py": 1.5,
    "faults/test_threads.py": 1.5,
    "faults/test_lost_responses.py": 1.4,
    "test_pagination.py": 1.2,
    "faults/test_late_imports.py": 1.2,
    "ecosystem/test_programs.py": 1.1,
    "docs/test_webhook_to_database.py": 1.1,
    "test_page_styles.py": 1.0,
}
"""Seconds of the files that take longest, as one machine had them: only the balance needs them."""

NEEDED = {
    "docs/test_mirror_to_postgres.py": "psycopg",
    "docs/test_redis_cache.py": "redis",
    "docs/test_redis_rate_limiter.py": "redis",
}
"""What heavy files take no time without."""


@functools.cache
def shares_of(count: int) -> dict[Path, int]:
    """Divide the files of the suite into `count` shares, from 1, that take about as long."""
    costs = {path: _cost(path) for path in sorted(TESTS.rglob("test_*.py"))}
    loads = [0.0] * count
    shares = {}
    # The longest first: what comes last is small enough to even out what came before.
    for path in sorted(costs, key=costs.__getitem__, reverse=True):
        lightest = loads.index(min(loads))
        loads[lightest] += costs[path]
        shares[path] = lightest + 1
    return shares


def is_mine(path: Path, share: str) -> bool:
    """Tell whether a file belongs to a share, such as "1/2"; what is not of the suite does not.

    Raises:
        ValueError: There is no such share.
    """
    number, _, count = (int(part) if part.isdecimal() else -1 for part in share.partition("/"))
    if not 1 <= number <= count:
        raise ValueError(f"a share is one such as 1/2, not {share!r}")
    return shares_of(count).get(path) == number


def _cost(path: Path) -> float:
    name = path.relative_to(TESTS).as_posix()
    if name in NEEDED and find_spec(NEEDED[name]) is None:
        return 0.0
    return HEAVY.get(name, 0.15 + path.stat().st_size / 60_000)
