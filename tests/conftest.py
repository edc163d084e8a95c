"""What every test may count on."""

from __future__ import annotations

import gc
import os
import random
import signal
from pathlib import Path

import pytest

from tests import likeness
from tests.shares import is_mine

likeness.take_on()  # before anything of the SDK is imported

# Helpers of tests assert too, and python -O would leave them without it.
pytest.register_assert_rewrite(
    *(f"tests.{each.name}" for each in Path(__file__).parent.iterdir() if each.is_dir())
)

# A shell starts what is to run in the background with Ctrl-C ignored, and tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Databases and exports are flushed to disk, which takes a disk most of a test's time.
if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")

# A forked child that hangs is ended, for its parent waits for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: signal.alarm(120))

SEED = os.environ.get("TESOTE_TEST_SEED", "")
SHARE = os.environ.get("TESOTE_TEST_SHARE", "")


def pytest_report_header() -> list[str]:
    told = {
        "like": likeness.LIKE,
        "order: shuffled with TESOTE_TEST_SEED": SEED,
        "share: TESOTE_TEST_SHARE": SHARE,
    }
    return [f"{what}={value}" for what, value in told.items() if value]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Do not even read the files of other shares where TESOTE_TEST_SHARE is set."""
    others = SHARE and collection_path.suffix == ".py" and not is_mine(collection_path, SHARE)
    return True if others else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle every single test where TESOTE_TEST_SEED is set: none may depend on another."""
    if SHARE:
        # A file that the command line names is read whatever is said above.
        others = [item for item in items if not is_mine(item.path, SHARE)]
        items[:] = [item for item in items if is_mine(item.path, SHARE)]
        config.hook.pytest_deselected(items=others)
    if SEED:
        random.Random(SEED).shuffle(items)


_begun: set[Path] = set()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Spare the collector what was there before a file: tests that look for leaks call it often."""
    if item.path not in _begun and hasattr(gc, "freeze"):  # PyPy has none
        _begun.add(item.path)
        gc.collect()
        gc.freeze()
