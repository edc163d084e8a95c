"""The programs of this group: what each needs, how it is run, and what its last line says."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
TIME_LIMIT = 90.0
"""Seconds that a program may take, unless `# limit:` says otherwise."""

_HEADER = re.compile(r"# (?P<name>needs|limit):(?P<value>.*)")
_VERDICT = re.compile(r"(?P<result>held|skipped|fault): (?P<text>.+)")


class Program(NamedTuple):
    """A program: its file, the requirements that it names, and its time limit in seconds."""

    path: Path
    needs: tuple[str, ...]
    limit: float

    @property
    def name(self) -> str:
        """What it is called in tables and on the command line: `servers/under_uwsgi`."""
        return self.path.relative_to(HERE).with_suffix("").as_posix()

    @property
    def environment(self) -> str:
        """The folder: what its programs need is installed together."""
        return self.path.parent.name


class Verdict(NamedTuple):
    """What came of a program: `held`, `skipped` or `fault`, and what it said of it."""

    result: str
    text: str
    seconds: float


def find(names: Iterable[str] = (), under: Path = HERE) -> list[Program]:
    """Return the programs whose name holds one of `names`, or all of them.

    Raises:
        LookupError: A name is in that of no program.
    """
    found = [each for path in sorted(under.rglob("*.py")) if (each := read(path)) is not None]
    for name in names:
        if not any(name in program.name for program in found):
            raise LookupError(f"no program is called {name!r}")
    wanted = tuple(names)
    return [each for each in found if not wanted or any(name in each.name for name in wanted)]


def read(path: Path) -> Program | None:
    """Return the program in a file; None where its first lines name no needs.

    Requirements have no blanks in them: `django>=4`, `polars;python_version>='3.10'`.
    """
    header: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        field = _HEADER.fullmatch(line)
        if field is None:
            break
        header[field["name"]] = field["value"].strip()
    if "needs" not in header:
        return None
    return Program(path, tuple(header["needs"].split()), float(header.get("limit", TIME_LIMIT)))


def run(program: Program, python: Path) -> Verdict:
    """Run a program as `__main__` in a process of its own, and end all that it leaves running."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(python), str(program.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=_environment(python),
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=program.limit)
    except subprocess.TimeoutExpired:
        _end(process)
        printed, errors = process.communicate()
        result, text = "fault", f"it took longer than {program.limit:g} s. {_last(errors)}"
    else:
        result, text = judge(printed, errors, process.returncode)
    finally:
        _end(process)
    return Verdict(result, text, time.monotonic() - started)


def judge(printed: str, errors: str, status: int) -> tuple[str, str]:
    """Return result and text of a program that ended; only a status of 0 can be good."""
    verdict = _VERDICT.fullmatch(_last(printed))
    if verdict and (verdict["result"] == "fault") == (status != 0):
        return verdict["result"], verdict["text"]
    return "fault", f"it ended with {status} and no verdict. {_last(errors)}"


def _environment(python: Path) -> dict[str, str]:
    """Return the environment without what a caller's SDK or Python would bring along."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TESOTE_", "PYTHON")) and not name.lower().endswith("_proxy")
    }
    path = f"{python.parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):  # it left nothing behind
        os.killpg(process.pid, signal.SIGKILL)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
