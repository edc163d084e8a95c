"""What every test may count on."""

from __future__ import annotations

import gc
import signal

# A shell starts what is to run in the background with Ctrl-C ignored, and tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare the collector what was loaded by now: tests that look for leaks call it often."""
    gc.collect()
    gc.freeze()
