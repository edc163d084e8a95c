"""Run the suite in as many processes as there are cores; arguments are passed on to pytest.

    python -m tests
    python -m tests -q tests/transport

Each process runs its share of the files (see shares.py), and its output is shown whole when it
ends.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

import pytest

LIMIT = 1800
"""Seconds that a share may take."""


class Ended(NamedTuple):
    share: str
    status: int | str
    output: str
    seconds: float

    @property
    def counts(self) -> Counter[str]:
        """How many tests passed, failed and so on, as pytest's last line has them."""
        lines = re.findall(r"^.* in [\d.]+s.*$", self.output, re.MULTILINE) or [""]
        found = re.findall(r"(\d+) (passed|failed|skipped|error|xfailed|xpassed)", lines[-1])
        return Counter({name: int(number) for number, name in found})

    @property
    def fault(self) -> str:
        """What is wrong with it, or an empty text."""
        if self.status == pytest.ExitCode.NO_TESTS_COLLECTED:
            return ""  # a few files that were asked for may all be others' share
        if self.status:
            return f"ended with status {self.status}"
        # A test that ends the process takes its share's verdict along.
        return "" if self.counts else "told no result"


def run(share: str, arguments: list[str]) -> Ended:
    started = time.monotonic()
    # No pipe, which whatever a share leaves behind would hold open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            env={**os.environ, "TESOTE_TEST_SHARE": share},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            status: int | str = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = f"none within {LIMIT} s"
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Ended(share, status, text, time.monotonic() - started)


def cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(arguments: list[str]) -> int:
    count = cores()
    print(f"{count} processes; each is shown when it ends", flush=True)
    started = time.monotonic()
    ended = []
    with ThreadPoolExecutor(count) as threads:
        running = [
            threads.submit(run, f"{number}/{count}", arguments) for number in range(1, count + 1)
        ]
        for each in as_completed(running):
            ended.append(each.result())
            print(f"\n--- share {ended[-1].share}\n{ended[-1].output}", flush=True)
    for each_ended in sorted(ended):
        print(f"share {each_ended.share}: {each_ended.seconds:.1f} s {each_ended.fault}".rstrip())
    total = sum((each.counts for each in ended), Counter())
    shown = ", ".join(f"{number} {name}" for name, number in total.items()) or "no tests"
    print(f"{shown} in {time.monotonic() - started:.1f} s")
    return 1 if not total or any(each.fault for each in ended) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
