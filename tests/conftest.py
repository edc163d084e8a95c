"""What every test may count on."""

from __future__ import annotations

import gc
import os
import random
import signal
from pathlib import Path

import pytest

from tests import likeness

likeness.take_on()  # before anything of the SDK or a test is imported

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

SEED = os.environ.get("TESOTE_TEST_SEED", "")


def pytest_report_header() -> str | None:
    told = f"like: {likeness.LIKE}" if likeness.LIKE else ""
    shuffled = f"order: shuffled with TESOTE_TEST_SEED={SEED}" if SEED else ""
    return "\n".join(filter(None, (told, shuffled))) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle every single test where TESOTE_TEST_SEED is set: none may depend on another."""
    if SEED:
        random.Random(SEED).shuffle(items)


def pytest_collection_finish() -> None:
    """Spare the collector what was loaded by now: tests that look for leaks call it often."""
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.freeze()
