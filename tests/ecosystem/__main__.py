"""`python -m tests.ecosystem`: runs the programs, prints a table, and fails where a promise does.

The runner needs a POSIX system and pip's index; what a library cannot be had for is skipped, and
the table says why.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .environments import Environment, build_wheel, normalized
from .programs import Program, Verdict, find, run

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(NamedTuple):
    """A line of the table."""

    program: str
    libraries: str
    python: str
    result: str
    seconds: str
    text: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programs that are asked for, and return the status to exit with."""
    chosen = _parser().parse_args(arguments)
    try:
        programs = find(chosen.names)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        rows = _rows(chosen, programs)
    except subprocess.CalledProcessError as error:
        print(error, error.stderr or "", sep="\n", file=sys.stderr)
        return 2
    if chosen.markdown:
        chosen.markdown.write_text(as_markdown(rows), encoding="utf-8")
    counts = [sum(row.result == result for row in rows) for result in ("held", "fault", "skipped")]
    print("\n{} passed, {} failed, {} skipped".format(*counts))
    return 1 if counts[1] else 0


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a page with the table: what was run with what, and what came of it."""
    header = ("Program", "Libraries", "Python", "Result", "What")
    found = [
        (f"`{row.program}`", row.libraries or "-", row.python, row.result, row.text)
        for row in sorted(rows)
    ]
    cells = [header, ("---",) * len(header), *found]
    table = "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in cells)
    return f"# Ecosystem\n\n`python -m tests.ecosystem --markdown` wrote this page.\n\n{table}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of programs' names; none means all")
    parser.add_argument(
        "--python", action="append", type=Path, help="the Python to try; may be repeated"
    )
    parser.add_argument("--markdown", type=Path, help="a page to write the table to")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs run at once")
    parser.add_argument(
        "--fresh", action="store_true", help="make the environments anew, for the newest libraries"
    )
    return parser


def _rows(chosen: argparse.Namespace, programs: Sequence[Program]) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        wheel = build_wheel(Path(sys.executable), Path(directory))
        for python in chosen.python or [Path(sys.executable)]:
            environments = _environments(programs, python)
            with ThreadPoolExecutor(chosen.jobs) as pool, contextlib.ExitStack() as held:
                prepared = [each.prepared(wheel, fresh=chosen.fresh) for each in environments]
                list(pool.map(held.enter_context, prepared))
                rows += _run_all(programs, environments, python, pool)
    return rows


def _environments(programs: Sequence[Program], python: Path) -> list[Environment]:
    """Return one for each folder, with what all its programs need, the unwanted ones too.

    So the same environment serves whichever of them are asked for.
    """
    needs: dict[str, list[str]] = {program.environment: [] for program in programs}
    for program in find():
        if program.environment in needs:
            needs[program.environment] += program.needs
    return [Environment(name, python, each) for name, each in needs.items()]


def _run_all(
    programs: Sequence[Program],
    environments: Sequence[Environment],
    python: Path,
    pool: ThreadPoolExecutor,
) -> list[Row]:
    by_name = {environment.name: environment for environment in environments}
    versions = {environment.name: environment.versions() for environment in environments}
    shown = _version(python)

    def row(program: Program) -> Row:
        environment = by_name[program.environment]
        verdict = _verdict(program, environment)
        installed = versions[program.environment]
        libraries = ", ".join(
            f"{need} {installed.get(need, '-')}" for need in map(normalized, program.needs)
        )
        seconds = f"{verdict.seconds:.1f}"
        return Row(program.name, libraries, shown, verdict.result, seconds, verdict.text)

    rows = []
    for done in pool.map(row, programs):
        print(f"{done.result:8} {done.seconds:>6} s  {done.program} on {shown}: {done.text}")
        sys.stdout.flush()
        rows.append(done)
    return rows


def _verdict(program: Program, environment: Environment) -> Verdict:
    for need in program.needs:
        if need in environment.refused:
            reason = f"{need} cannot be installed: {environment.refused[need]}"
            return Verdict("skipped", reason, 0.0)
    return run(program, environment.python)


def _version(python: Path) -> str:
    code = "import platform; print(platform.python_version())"
    done = subprocess.run(
        [str(python), "-c", code], timeout=1800, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
