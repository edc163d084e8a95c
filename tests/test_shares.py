"""`python -m tests` on small suites: every test once, whole output, and no failure lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from . import shares

if TYPE_CHECKING:
    from pathlib import Path

PASSES = "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_it(n): pass\n"
FAILS = "def test_it(): assert 'left' == 'right'\n"
DIES = "import os\ndef test_it(): os._exit(0)\n"

ON_TWO_CORES = """
import sys
from tests import __main__ as runner
runner.cores = lambda: 2
sys.exit(runner.main(sys.argv[1:]))
"""


def suite(folder: Path, **files: str) -> Path:
    """Make a checkout of its own, with the runner of this one."""
    tests = folder / "tests"
    tests.mkdir()
    for name in ("__init__.py", "__main__.py", "conftest.py", "likeness.py", "shares.py"):
        shutil.copy(shares.TESTS / name, tests)
    for name, source in files.items():
        (tests / f"test_{name}.py").write_text(source, "utf-8")
    return folder


def started(
    checkout: Path, program: list[str], *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("TESOTE_TEST_")
    }
    return subprocess.run(
        [sys.executable, *program, "-p", "no:cacheprovider", *arguments],
        cwd=checkout,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_all_that_passes_is_counted(tmp_path: Path) -> None:
    skips = "import pytest\ndef test_it(): pytest.skip()\n"
    done = started(suite(tmp_path, a=PASSES, b=PASSES, c=PASSES, d=skips), ["-m", "tests"])
    assert done.returncode == 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"(9 passed, 1 skipped|1 skipped, 9 passed) in \d+\.\d s", last)


def test_a_failure_is_shown_and_counted_and_so_is_a_process_that_ends_in_mid_test(
    tmp_path: Path,
) -> None:
    # The longest file is a share of its own.
    done = started(
        suite(tmp_path, a=PASSES, b=f"{FAILS}#{'x' * 9000}", c=DIES), ["-c", ON_TWO_CORES], "-q"
    )
    assert done.returncode == 1
    assert "assert 'left' == 'right'" in done.stdout
    assert re.search(r"^share 1/2: .* ended with status 1$", done.stdout, re.MULTILINE)
    assert re.search(r"^share 2/2: .* told no result$", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1].startswith("1 failed in")


def test_a_suite_without_tests_is_a_failure(tmp_path: Path) -> None:
    done = started(suite(tmp_path, a=PASSES), ["-c", ON_TWO_CORES], "-k", "nothing_of_that_name")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("no tests in")


def test_what_only_one_share_holds_is_found(tmp_path: Path) -> None:
    done = started(
        suite(tmp_path, a=PASSES, b=FAILS), ["-c", ON_TWO_CORES], "tests/test_a.py::test_it[1]"
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed in")


def test_each_item_is_in_one_share_whatever_the_order(tmp_path: Path) -> None:
    checkout = suite(tmp_path, **dict.fromkeys("abcdefg", PASSES))
    seen = []
    for share, seed in (("1/2", "7"), ("2/2", "")):
        settings = {"TESOTE_TEST_SHARE": share, "TESOTE_TEST_SEED": seed}
        done = started(checkout, ["-m", "pytest"], "-v", **settings)
        assert done.returncode == 0, done.stdout
        seen.append(re.findall(r"^(\S+::\S+) PASSED", done.stdout, re.MULTILINE))
    names = [f"tests/test_{name}.py::test_it[{n}]" for name in "abcdefg" for n in range(3)]
    assert sorted(item for share in seen for item in share) == names
    assert sorted(len(share) for share in seen) == [9, 12]
    assert seen[0] != sorted(seen[0])


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "1/", "one/two", "-1/2", "1/2/3"])
def test_a_share_that_cannot_be_is_refused(share: str) -> None:
    with pytest.raises(ValueError, match="a share is one such as 1/2"):
        shares.is_mine(shares.TESTS / "test_shares.py", share)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_file_is_in_one_share_and_none_is_empty(count: int) -> None:
    files = list(shares.TESTS.rglob("test_*.py"))
    mine = {
        share: [file for file in files if shares.is_mine(file, share)]
        for share in (f"{number}/{count}" for number in range(1, count + 1))
    }
    assert sorted(file for share in mine.values() for file in share) == sorted(files)
    assert all(mine.values())


def test_what_is_said_to_be_heavy_exists() -> None:
    named = [*shares.HEAVY, *shares.NEEDED]
    assert [name for name in named if not (shares.TESTS / name).is_file()] == []
