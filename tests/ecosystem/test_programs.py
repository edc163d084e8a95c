"""The runner of the programs reads them, judges them and ends them; no library is needed here."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.systems import needs_kill

from .__main__ import Row, as_markdown
from .environments import normalized
from .programs import Program, find, judge, read, run

if TYPE_CHECKING:
    from collections.abc import Sequence

PYTHON = Path(sys.executable)


def _program(folder: Path, *lines: str, limit: float = 20.0) -> Program:
    path = folder / "program.py"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return Program(path, (), limit)


def test_a_program_names_its_requirements_and_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("# needs: django>=4 gunicorn[gevent]\n# limit: 300\nprint()\n", "utf-8")

    assert read(path) == Program(path, ("django>=4", "gunicorn[gevent]"), 300.0)


def test_a_file_without_that_line_at_its_top_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "helper.py"
    path.write_text('"""Helps."""\n# needs: django\n', "utf-8")

    assert read(path) is None


def test_a_name_that_no_program_has_is_an_error() -> None:
    with pytest.raises(LookupError, match="no-such-program"):
        find(["no-such-program"])


def test_each_folder_has_programs_and_none_hides_what_it_needs() -> None:
    programs = find()

    assert {"servers", "workers", "loops", "watched", "tested", "packed", "data"} <= {
        program.environment for program in programs
    }
    # A program's own folder is the first place where its imports are looked for.
    hidden = {path.stem for program in programs for path in program.path.parent.glob("*.py")} & {
        normalized(need).replace("-", "_") for program in programs for need in program.needs
    }
    assert not hidden


@pytest.mark.parametrize(
    ("line", "status", "verdict"),
    [
        ("held: all of it", 0, ("held", "all of it")),
        ("skipped: no compiler", 0, ("skipped", "no compiler")),
        ("fault: it broke", 1, ("fault", "it broke")),
        ("held: all of it", 1, ("fault", "it ended with 1 and no verdict. boom")),
        ("fault: it broke", 0, ("fault", "it ended with 0 and no verdict. boom")),
        ("", -9, ("fault", "it ended with -9 and no verdict. boom")),
    ],
)
def test_a_verdict_counts_where_the_exit_status_agrees(
    line: str, status: int, verdict: tuple[str, str]
) -> None:
    assert judge(f"on the way\n{line}\n", "Traceback\nboom\n", status) == verdict


@needs_kill
@pytest.mark.parametrize(
    ("lines", "result", "text"),
    [
        (["    return 'it works'"], "held", "it works"),
        (["    raise Skipped('no compiler')"], "skipped", "no compiler"),
        (["    raise Fault('two\\nlines')"], "fault", "two lines"),
        (["    return 1 / 0"], "fault", "ZeroDivisionError: division by zero"),
        (["    return check_each({'a': lambda: 1, 'b': lambda: 2})"], "held", "a, b"),
        (["    return check_each({'a': lambda: 1, 'b': lambda: 1 / 0})"], "fault", "b: ZeroDiv"),
    ],
)
def test_a_program_tells_what_it_found(
    tmp_path: Path, lines: Sequence[str], result: str, text: str
) -> None:
    start = "from tests.ecosystem.support import Fault, Skipped, check_each, tell"
    program = _program(tmp_path, start, "def prove():", *lines, "tell(prove)")

    verdict = run(program, PYTHON)

    assert verdict.result == result
    assert verdict.text.startswith(text)


@needs_kill
def test_a_program_beyond_its_limit_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    # The child alone holds the pipe open for writing: it is at its end when the child is gone.
    child = f"import time; held = open({str(pipe)!r}, 'w'); time.sleep(60)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    program = _program(tmp_path, start, limit=1.5)

    with ThreadPoolExecutor(1) as reader:
        ended = reader.submit(pipe.read_bytes)
        verdict = run(program, PYTHON)
        assert ended.result(timeout=10) == b""

    assert verdict.result == "fault"
    assert "longer than 1.5 s" in verdict.text


def test_a_requirement_is_found_again_by_its_name() -> None:
    assert normalized("Python_Json.Logger[x]>=2; python_version > '3'") == "python-json-logger"


def test_the_table_is_one_that_markdown_shows() -> None:
    page = as_markdown([Row("data/x", "x 1.0", "3.13.0", "held", "0.5", "a | b")])

    assert [line.count("|") for line in page.splitlines()[4:]] == [6, 6, 6]
    assert page.endswith("| `data/x` | x 1.0 | 3.13.0 | held | a / b |\n")
