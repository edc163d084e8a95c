"""The month export of the documentation: every account, whole, and nothing left out silently."""

from __future__ import annotations

import csv
import os
import re
import stat
import subprocess
import sys
import tempfile
from datetime import date, datetime, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tesote_sdk
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tests.docs.examples import EXAMPLES, load_example
from tests.support.systems import needs_unicode_names

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = EXAMPLES / "export_month.py"
EXPORTS = "/v2/accounts/*/transactions/export"
pytestmark = needs_unicode_names  # a bank has an accent
COMPLETE, SOME_FAILED, NOTHING_DONE = 0, 1, 2


example = load_example("export_month")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Sandbox(accounts=6, transactions=60) as sandbox:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
        yield sandbox


def run(folder: Path, *arguments: str) -> int:
    code: int = example.main([str(folder), *arguments])
    return code


def exported(folder: Path, month: str) -> list[tuple[str, str, str]]:
    rows = []
    for path in folder.iterdir():
        assert path.name.startswith(f"{month}_")
        assert path.suffix == ".csv"
        account_id = path.stem.rpartition("_")[2]
        with path.open(newline="", encoding="utf-8") as file:
            rows += [
                (account_id, row["Transaction ID"], row["Amount"]) for row in csv.DictReader(file)
            ]
    return sorted(rows)


def truth(sandbox: Sandbox, month: str) -> list[tuple[str, str, str]]:
    """What the files must hold, as the lists tell it, filtered here and not by the server."""
    with V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        return sorted(
            (account_id, row["id"], f"{row['data']['amount_cents'] / 100:.2f}")
            for account_id in sandbox.account_ids
            for row in client.transactions.list_for_account(account_id, per_page=100)
            if (row["data"]["transaction_date"] or "").startswith(month)
        )


def today() -> date:
    return datetime.now(timezone.utc).date()


def last_month() -> str:
    year, month = today().year, today().month - 1
    return f"{year}-{month:02d}" if month else f"{year - 1}-12"


def test_last_month_is_exported_whole(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "folder"
    assert run(folder) == COMPLETE
    expected = truth(sandbox, last_month())
    assert len(expected) > 30
    assert exported(folder, last_month()) == expected
    output, progress = capsys.readouterr()
    assert output == (
        f"{last_month()}: {len(expected)} transactions of 6 accounts (0 of them without any) "
        f"in {folder}; 0 accounts failed\n"
    )
    assert len(progress.splitlines()) == 1 + 6
    assert sandbox.api_key not in progress


def test_another_month_and_a_second_run(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account_id = sandbox.account_ids[0]
    texts = ("before", 'two\r\nlines, "quoted"', "next\x85line", "after")
    for day, text in zip(("2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01"), texts):
        sandbox.post_transaction(account_id, amount_cents=-5, date=day, description=text)
    for _ in range(2):
        assert run(tmp_path, "2024-02") == COMPLETE
        rows = exported(tmp_path, "2024-02")
        assert [row[2] for row in rows] == ["-0.05", "-0.05"]
        assert rows == [
            (account, transaction, "-0.05") for account, transaction, _ in truth(sandbox, "2024-02")
        ]
        assert len(list(tmp_path.iterdir())) == 6
        assert capsys.readouterr().out.startswith("2024-02: 2 transactions of 6 accounts (5 of")


def test_an_account_without_transactions_is_told_and_not_skipped(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "1999-12") == COMPLETE
    assert len(list(tmp_path.iterdir())) == 6
    output, progress = capsys.readouterr()
    assert output.startswith("1999-12: 0 transactions of 6 accounts (6 of them without any)")
    assert progress.count(": 0 transactions") == 6


def test_a_month_that_is_not_over_is_told(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, f"{today():%Y-%m}") == COMPLETE
    assert "is not over (UTC): transactions are still to come" in capsys.readouterr().err


def test_accounts_that_fail_do_not_stop_the_others(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disabled = sandbox.account_ids[2]
    sandbox.set_account_state(disabled, "disabled")
    sandbox.fail(503)
    assert run(tmp_path) == SOME_FAILED
    sandbox.set_account_state(disabled, "active")
    everything = truth(sandbox, last_month())
    assert exported(tmp_path, last_month()) == [row for row in everything if row[0] != disabled]
    output, progress = capsys.readouterr()
    assert output.endswith("; 1 accounts failed\n")
    assert [line[:4] for line in progress.splitlines() if "FAILED" in line] == ["3/6 "]


def test_a_file_that_may_have_been_cut_is_told(
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(example, "MAX_ROWS", 2)
    sandbox.fail(200, body="Transaction ID,Amount\r\nt-1,1.00\r\n", path=EXPORTS)
    sandbox.fail(200, body="Transaction ID,Amount\r\nt-1,1.00\r\nt-2,2.00\r\n", path=EXPORTS)
    sandbox.fail(200, body="", times=4, path=EXPORTS)
    assert run(tmp_path) == SOME_FAILED
    failures = [line for line in capsys.readouterr().err.splitlines() if "FAILED" in line]
    assert len(failures) == 1
    assert "2/6 " in failures[0]
    assert "there may be more" in failures[0]
    assert len(list(tmp_path.iterdir())) == 6


def test_no_id_leads_out_of_the_folder() -> None:
    def named(identifier: str) -> str:
        name: str = example.file_name({"id": identifier, "name": "😀ñ" * 99}, date(2026, 3, 1))
        return name

    odd = ["../../etc/passwd", "/etc/passwd", "..", "a\0b", "\ud800", "a/b", "a_b", "x" * 999]
    names = [named(identifier) for identifier in odd]
    assert names == [named(identifier) for identifier in odd]
    assert len(set(names)) == len(odd)
    for name in names:
        assert Path(name).name == name
        assert len(name.encode()) < 255
        assert name.isprintable()
    assert named("7E21D9A4-05bc-4c63-b8f2-64a0f3d51977").endswith(
        "_7e21d9a4-05bc-4c63-b8f2-64a0f3d51977.csv"
    )


def test_a_server_steers_no_terminal_and_no_path(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = [{"id": f"/tmp/{each}", "name": "Banco\x1b[2J\r\n\u202e"} for each in range(3)]
    sandbox.fail(200, body={"total": 3, "accounts": odd, "pagination": {"total_pages": 1}})
    sandbox.fail(200, body="Transaction ID\r\nt-1\r\n", path=EXPORTS)
    sandbox.fail(200, body="a\r\n" + "x" * 200_000, path=EXPORTS)
    sandbox.fail(404, body={"error": "no\x1b[2J\nsuch", "error_code": "X\x07"}, path=EXPORTS)
    folder = tmp_path / "deep" / "folder"
    assert run(folder) == SOME_FAILED
    output, progress = capsys.readouterr()
    lines = [*output.splitlines(), *progress.splitlines()]
    assert [line for line in lines if not line.isprintable()] == []
    assert "1/3 Banco?[2J???: 1 transactions" in progress
    assert "FAILED: the file is no CSV that can be read: " in progress
    assert "field larger than field limit" in progress
    assert "3/3 Banco?[2J???: FAILED: no" in progress
    (path,) = folder.iterdir()
    assert [each.name for each in tmp_path.iterdir()] == ["deep"]
    if hasattr(os, "fchmod"):  # Windows has no modes
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


class At(datetime):
    """The clock of a machine that is not in the zone asked for."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> At:
        return cls(2026, 4, 1, 2, 30, tzinfo=timezone.utc).astimezone(tz)


@pytest.mark.parametrize(
    ("arguments", "month", "warning"),
    [
        ([], "2026-03", ""),
        (["--zone", "UTC"], "2026-03", ""),
        (["--zone", "America/Caracas"], "2026-02", ""),
        (
            ["2026-03", "--zone", "America/Caracas"],
            "2026-03",
            "2026-03 is not over (America/Caracas): transactions are still to come",
        ),
    ],
)
def test_the_month_goes_by_the_time_zone_that_is_stated(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    month: str,
    warning: str,
) -> None:
    monkeypatch.setattr(example, "datetime", At)
    assert run(tmp_path, *arguments) == COMPLETE
    output, progress = capsys.readouterr()
    assert output.startswith(f"{month}: ")
    assert ("is not over" in progress) == bool(warning)
    assert warning in progress


@pytest.mark.parametrize("name", ["Nowhere/x", "America", "../../etc/passwd", "", "/etc", "a\0b"])
def test_what_is_no_time_zone_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, "--zone", name)
    assert "is no time zone known here" in capsys.readouterr().err


def test_accounts_of_one_name_do_not_overwrite_each_other(sandbox: Sandbox) -> None:
    names = {
        example.file_name({"id": identifier, "name": "../Pañería:\n*"}, date(2026, 3, 1))
        for identifier in ("a-1", "a-2")
    }
    assert len(names) == 2
    assert all(re.fullmatch(r"2026-03_Pañería_[0-9a-f]{32}\.csv", name) for name in names)


def test_what_is_wrong_for_all_stops_it_at_once(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    assert run(tmp_path / "file") == NOTHING_DONE
    sandbox.fail(error_code="API_KEY_REVOKED", path=EXPORTS)
    assert run(tmp_path / "folder") == NOTHING_DONE
    assert list((tmp_path / "folder").iterdir()) == []
    monkeypatch.delenv("TESOTE_SDK_API_KEY")
    assert run(tmp_path / "folder") == NOTHING_DONE
    assert capsys.readouterr().err.count("stopped: ") == 3


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-3", "03-2026", "last", "9999-12"])
def test_what_is_no_month_is_refused(month: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, month)


def test_without_arguments_and_without_a_key_it_shows_what_it_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TESOTE_SDK_API_KEY", raising=False)
    monkeypatch.setenv("TESOTE_SDK_API_URL", "http://127.0.0.1:9")  # nothing leaves for there
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert example.main([]) == COMPLETE
    (folder,) = tmp_path.iterdir()
    output, progress = capsys.readouterr()
    assert progress.startswith("no key, no arguments: a demonstration")
    assert output.startswith(f"{last_month()}: ")
    assert f"12 accounts (0 of them without any) in {folder}" in output
    assert len(list(folder.iterdir())) == 12


def test_with_a_key_it_wants_a_folder(sandbox: Sandbox) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main([])
    assert sandbox.requests == []


def test_it_runs_from_an_empty_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(EXAMPLE), "exports"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert result.returncode == COMPLETE, result.stderr
    assert exported(tmp_path / "exports", last_month()) == truth(sandbox, last_month())
    assert result.stdout.endswith("in exports; 0 accounts failed\n")
