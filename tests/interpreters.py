"""`python -m tests.interpreters`: runs the suite on interpreters, and in settings, and tabulates.

Each run renews its own figures in docs/architecture/interpreters.json and leaves the others; the
page beside it is made of them all. An interpreter needs pytest; what else it lacks, tests skip.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "architecture" / "interpreters.json"
PAGE = FIGURES.with_suffix(".md")

_ABOUT = """
import platform, sys
threads = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else ", free-threaded"
print(platform.python_implementation(), platform.python_version() + threads)
"""
_PYTEST = ["-m", "pytest", "-p", "no:cacheprovider", "-q", "-rsfE"]
_REAL_CLOCK = [
    "-k=not fork",
    "--ignore=tests/docs/test_mirror_to_postgres.py",
    "--ignore=tests/docs/test_redis_cache.py",
    "--ignore=tests/docs/test_redis_rate_limiter.py",
]
"""What is left out where the clock is set: databases, which go by another one or do not start; and
forks, for libfaketime has a lock of its own that a child may find taken."""
_PATIENCE = 3600.0


class Setting(NamedTuple):
    """What the suite is run with beside an interpreter."""

    options: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    clock: str | None = None
    """For faketime: when the run begins."""


def _at(moment: str, zone: str) -> Setting:
    # Timeouts go by a clock that is left alone: a lock's wait and the time it reads must agree.
    # libfaketime 0.9.10 can do that up to Python 3.10, whose sleep knows no absolute times.
    return Setting((), (("TZ", zone), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")), moment)


SETTINGS = {
    "-X dev -bb": Setting(("-X", "dev", "-bb")),
    "-O": Setting(("-O",)),
    "-OO": Setting(("-OO",)),
    "the C locale, without UTF-8": Setting(
        (), (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0"))
    ),
    "PYTHONWARNDEFAULTENCODING=1": Setting((), (("PYTHONWARNDEFAULTENCODING", "1"),)),
    "29 February 2028, New York": _at("2028-02-29 12:00:00", "America/New_York"),
    "into summer time, New York": _at("2027-03-14 01:59:30", "America/New_York"),
    "out of summer time, Madrid": _at("2027-10-31 02:59:30", "Europe/Madrid"),
    "31 December 2027 to 1 January, Madrid": _at("2027-12-31 23:59:30", "Europe/Madrid"),
    "20 January 2038, Madrid": _at("2038-01-20 00:00:00", "Europe/Madrid"),
    "1 June 2100, New York": _at("2100-06-01 12:00:00", "America/New_York"),
}
PLAIN = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, renew the page, and return the status to exit with."""
    parser = argparse.ArgumentParser(prog="python -m tests.interpreters", description=__doc__)
    parser.add_argument(
        "--python", action="append", default=[], help="an interpreter's command; may be repeated"
    )
    parser.add_argument(
        "--setting",
        action="append",
        choices=[PLAIN, *SETTINGS, "all"],
        help="in place of none at all; may be repeated",
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    chosen = parser.parse_args(arguments)
    names = chosen.setting or [PLAIN]
    names = list(SETTINGS) if "all" in names else names
    wanted = [(shlex.split(python), name) for python in chosen.python for name in names]
    with ThreadPoolExecutor(chosen.jobs) as runs:
        found = [run for run in runs.map(lambda each: measured(*each), wanted) if run is not None]
    known = {(run["python"], run["setting"]): run for run in read()}
    known.update(((run["python"], run["setting"]), run) for run in found)
    FIGURES.write_text(json.dumps(list(known.values()), indent=1) + "\n", "utf-8")
    PAGE.write_text(page(known.values()), "utf-8")
    return 1 if any(run["failures"] for run in found) else 0


def read() -> list[dict[str, Any]]:
    """Return the runs that are known."""
    runs: list[dict[str, Any]] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else []
    return runs


def measured(python: list[str], name: str) -> dict[str, Any] | None:
    """Run the suite, and return what came of it; None where the clock cannot be set."""
    setting = SETTINGS.get(name, Setting())
    environment = {**os.environ, "PYTHONPATH": "src", **dict(setting.environment)}
    command = [*python, *setting.options, *_PYTEST]
    if setting.clock is not None:
        if not shutil.which("faketime"):
            print(f"{name}: not run, for there is no faketime", file=sys.stderr)
            return None
        command = ["faketime", setting.clock, *command, *_REAL_CLOCK]
    about = subprocess.run([*python, "-c", _ABOUT], stdout=subprocess.PIPE, check=True)
    title = about.stdout.decode().strip()
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=_PATIENCE
        )
        printed = ended.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        printed = ""
    run = {"python": title, "setting": name, **counted(printed)}
    print(title, name, *(f"{run[what]} {what}" for what in ("passed", "failed", "skipped")))
    print(*run["failures"], sep="\n")
    return run


def counted(printed: str) -> dict[str, Any]:
    """Read pytest's summary; a run without one has not come to its end, which is a failure."""
    lines = printed.splitlines() or [""]
    total = re.search(r" in ([0-9.]+)s", lines[-1])
    numbers = {what: int(n) for n, what in re.findall(r"(\d+) (\w+)", lines[-1])}
    reasons: dict[str, int] = {}
    for number, reason in re.findall(r"(?m)^SKIPPED \[(\d+)\] \S+: (.*)$", printed):
        reasons[reason] = reasons.get(reason, 0) + int(number)
    failures = re.findall(r"(?m)^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", printed)
    return {
        "passed": numbers.get("passed", 0),
        "failed": numbers.get("failed", 0) + numbers.get("error", 0) + numbers.get("errors", 0),
        "skipped": numbers.get("skipped", 0),
        "seconds": round(float(total[1])) if total else 0,
        "reasons": reasons,
        "failures": failures if total else ["the run did not come to its end"],
    }


_INTRODUCTION = """# Interpreters and settings

The whole suite, as `python -m tests.interpreters` ran it; on days that the clock was set to, \
without databases and forks. The program wrote this page of the figures beside it. The seconds are \
those of a machine with two processors that did other things too.

"""


def page(runs: Iterable[dict[str, Any]]) -> str:
    """Return the page: what was run, what came of it, and what was skipped for which reason."""
    order = [PLAIN, *SETTINGS]
    known = sorted(runs, key=lambda run: (order.index(run["setting"]), _version(run["python"])))
    tables = {
        "Interpreters": [run for run in known if run["setting"] == PLAIN],
        "Settings": [run for run in known if run["setting"] != PLAIN],
    }
    text = _INTRODUCTION
    for title, rows in tables.items():
        cells = [[*_title(run, title), *map(str, _figures(run))] for run in rows]
        head = ["Python", *(["Setting"] if title == "Settings" else [])]
        text += f"## {title}\n\n"
        text += _table([*head, "Passed", "Failed", "Skipped", "Seconds"], cells) + "\n"
    failures = [[_name(run), f"`{each}`"] for run in known for each in run["failures"]]
    if failures:
        text += f"## What failed\n\n{_table(['Run', 'Test'], failures)}\n"
    return text + f"## What is skipped, and why\n\n{_table(['Why', 'Tests'], _reasons(known))}"


def _reasons(runs: list[dict[str, Any]]) -> list[list[str]]:
    found: dict[str, dict[str, int]] = {}
    for run in runs:
        for reason, number in run["reasons"].items():
            found.setdefault(reason, {})[_name(run)] = number
    rows = []
    for reason, where in sorted(found.items()):
        counts = sorted(set(where.values()))
        places = "every run" if len(where) == len(runs) else ", ".join(where)
        rows.append([reason, f"{' or '.join(map(str, counts))}: {places}"])
    return rows


def _name(run: dict[str, Any]) -> str:
    return f"{run['python']}, {run['setting']}" if run["setting"] else str(run["python"])


def _title(run: dict[str, Any], table: str) -> list[str]:
    setting = run["setting"]
    shown = f"`{setting}`" if setting[:1] == "-" or "=" in setting else setting
    return [run["python"], shown] if table == "Settings" else [run["python"]]


def _figures(run: dict[str, Any]) -> list[int]:
    return [run[what] for what in ("passed", "failed", "skipped", "seconds")]


def _version(python: str) -> tuple[str, list[int]]:
    implementation, _, version = python.partition(" ")
    return implementation, [int(part) for part in re.findall(r"\d+", version)]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
