"""The mirror of the documentation: in step whatever happens to it, and to the data meanwhile."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import tesote_sdk
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "mirror_to_sqlite.py"
SYNC_PATH = "/v2/accounts/*/transactions/sync"
SENT = {
    "transaction_id": "t-1",
    "amount": 1,
    "iso_currency_code": "USD",
    "date": "2026-03-01",
    "name": "A",
    "pending": False,
    "category": [],
}
IN_STEP, SOME_FAILED, NOTHING_DONE = 0, 1, 2


def load_example() -> Any:
    spec = importlib.util.spec_from_file_location("mirror_to_sqlite", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = load_example()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "CONFLICT_PAUSE", 0.001)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def point_at(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=30) as sandbox:
        point_at(monkeypatch, sandbox)
        yield sandbox


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "bank.db")


def run(path: str, *arguments: str) -> int:
    code: int = example.main([path, *arguments])
    return code


def query(path: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def mirrored(path: str) -> set[tuple[Any, ...]]:
    rows = query(path, "SELECT * FROM transactions")
    assert len(rows) == len(set(rows))
    return set(rows)


def truth(sandbox: Sandbox) -> set[tuple[Any, ...]]:
    """What the mirror must hold, as the lists tell it: another endpoint, and other shapes."""
    with V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        return {
            (
                row["id"],
                account_id,
                row["data"]["transaction_date"],
                row["data"]["amount_cents"],
                row["data"]["currency"],
                row["data"]["description"] or "",
                (row["counterparty"] or {}).get("name"),
                int(row["status"] != "completed"),
                json.dumps([each["name"] for each in row["transaction_categories"]]),
            )
            for account_id in sandbox.account_ids
            for row in client.transactions.list_for_account(account_id, per_page=100)
        }


class Bank:
    """Moves the data of a sandbox, and throws trouble in, by a seeded chance."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        self.sandbox = sandbox
        self.random = random
        self.alive = sorted(row[0] for row in truth(sandbox))

    def move(self) -> None:
        what = self.random.choice(("post", "post", "settle", "remove"))
        if what == "post":
            posted = self.sandbox.post_transaction(
                self.random.choice(self.sandbox.account_ids),
                amount_cents=self.random.randrange(-(10**12), 10**12),
                description=f"number {len(self.alive)}",
            )
            self.alive.append(posted["id"])
        elif what == "settle":
            self.sandbox.settle(self.random.choice(self.alive))
        else:
            self.sandbox.remove(self.alive.pop(self.random.randrange(len(self.alive))))

    def trouble(self) -> None:
        what = self.random.randrange(5)
        if what == 0:
            self.sandbox.fail(503)
        elif what == 1:
            self.sandbox.fail(error_code="MUTATION_CONFLICT", path=SYNC_PATH)
        elif what == 2:
            self.sandbox.drop(when="before_response")
        elif what == 3:
            self.sandbox.drop(when="mid_body")
        else:
            self.sandbox.drop(when="after_processing")


def start(path: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE), path, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# --- in step ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shapes", ["sdk", "openapi"])
def test_the_first_run_brings_everything(
    shapes: Any, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(accounts=21, transactions=10, shapes=shapes) as sandbox:
        point_at(monkeypatch, sandbox)
        assert run(path, "--count", "4") == IN_STEP
        assert mirrored(path) == truth(sandbox)
        with V2Client() as client:
            accounts = [
                (
                    account["id"],
                    account["bank"]["name"],
                    (account["legal_entity"] or {"legal_name": None})["legal_name"],
                    int(account["data"]["balance_cents"]),
                    account["data"]["transactions_data_current_as_of"],
                )
                for account in client.accounts.list()
            ]
        stored = query(path, "SELECT id, bank, owner, balance_cents, current_as_of FROM accounts")
        assert sorted(stored) == sorted(accounts)
        output, progress = capsys.readouterr()
        assert output == (
            "21 accounts in step, 0 failed; transactions: 210 added, 0 modified, 0 removed, "
            "210 in the database\n"
        )
        assert len(progress.splitlines()) == 1 + 21 * 3
        assert sandbox.api_key not in progress


def test_a_later_run_fetches_only_the_news(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(path) == IN_STEP
    account_id = sandbox.account_ids[0]
    posted = sandbox.post_transaction(account_id, amount_cents=-1999, description="café ☕")
    gone, changed = sorted(row[0] for row in mirrored(path))[:2]
    sandbox.settle(changed)
    sandbox.remove(gone)
    capsys.readouterr()
    sandbox.clear_requests()
    assert run(path) == IN_STEP
    assert [request.path.rpartition("/")[2] for request in sandbox.requests] == [
        "accounts",
        "sync",
        "sync",
        "sync",
    ]
    assert capsys.readouterr().out == (
        "3 accounts in step, 0 failed; transactions: 1 added, 1 modified, 1 removed, "
        "90 in the database\n"
    )
    assert mirrored(path) == truth(sandbox)
    (row,) = [row for row in mirrored(path) if row[0] == posted["id"]]
    assert (row[3], row[5], row[7]) == (-1999, "café ☕", 1)


def test_columns_of_ones_own_survive(sandbox: Sandbox, path: str) -> None:
    assert run(path) == IN_STEP
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for table in ("accounts", "transactions"):
            database.execute(f"ALTER TABLE {table} ADD COLUMN mine TEXT DEFAULT 'untouched'")
        database.execute("UPDATE transactions SET mine = 'booked'")
    sandbox.settle(min(mirrored(path))[0])
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)
    assert run(path) == IN_STEP
    assert query(path, "SELECT mine, count(*) FROM transactions GROUP BY mine") == [
        ("booked", 90),
        ("untouched", 1),
    ]


def test_only_the_accounts_that_are_asked_for(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = sandbox.account_ids
    assert run(path, "--account", third, "--account", first) == IN_STEP
    assert mirrored(path) == {row for row in truth(sandbox) if row[1] != second}
    assert run(path, "--account", second, "--account", "no-such-id") == SOME_FAILED
    assert mirrored(path) == truth(sandbox)
    output, progress = capsys.readouterr()
    assert "no-such-id: FAILED: no such account" in progress
    assert "1 accounts in step, 1 failed" in output


def test_a_page_is_applied_in_the_order_that_the_api_asks_for(sandbox: Sandbox, path: str) -> None:
    assert run(path) == IN_STEP
    account_id = sandbox.account_ids[0]
    ((cursor,),) = query(path, f"SELECT cursor FROM cursors WHERE account_id = '{account_id}'")
    delta = {
        "removed": [{"transaction_id": "t-1"}, {"transaction_id": "t-2"}],
        "modified": [{**SENT, "amount": 2}, {**SENT, "transaction_id": "t-2"}],
        "added": [{**SENT, "amount": 3, "date": "2026-03-01T22:10:00Z"}],
        "next_cursor": None,
    }
    with closing(example.open_database(path)) as database:
        for _ in range(2):  # a page that comes twice changes nothing more
            assert example.store_delta(
                database, account_id, delta, expected_cursor=cursor, whole_history=True
            )
    stored = query(path, "SELECT id, amount_cents, date FROM transactions WHERE id LIKE 't-%'")
    assert sorted(stored) == [("t-1", 300, "2026-03-01"), ("t-2", 100, "2026-03-01")]
    assert (cursor,) in query(path, "SELECT cursor FROM cursors")


# --- killed, doubled, disturbed ---------------------------------------------------------------


def test_it_may_be_killed_at_any_moment(sandbox: Sandbox, path: str) -> None:
    random = Random(20_260_302)
    bank = Bank(sandbox, random)
    for _ in range(14):
        with start(path, "--count", "5") as process:
            assert process.stderr is not None
            # The first lines come from before the database is there, the last from its end.
            for _ in range(random.randrange(16)):
                if not process.stderr.readline():
                    break
                for _ in range(random.randrange(4)):
                    bank.move()
                if random.random() < 0.05:
                    bank.trouble()
            # Into the middle of what comes after a line: a request, a commit, the next line.
            time.sleep(random.random() * 0.01)
            process.kill()
        if Path(path).exists():
            assert query(path, "PRAGMA integrity_check") == [("ok",)]
    sandbox.clear_faults()
    assert run(path) == IN_STEP
    assert mirrored(path) == truth(sandbox)


def test_what_a_kill_leaves_on_disk_is_always_whole(
    sandbox: Sandbox, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies the files in the middle of SQL statements: what a process killed there leaves."""
    random = Random(20_260_303)
    bank = Bank(sandbox, random)
    images: list[str] = []
    connect = sqlite3.connect

    def photograph() -> int:
        if random.random() < 0.01:
            image = tmp_path / f"image-{len(images)}"
            for suffix in ("", "-journal"):
                if Path(path + suffix).exists():
                    shutil.copy(path + suffix, f"{image}{suffix}")
            images.append(str(image))
            bank.move()
        return 0

    def photographed(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*arguments, **options)
        database.execute("PRAGMA cache_size = 1")  # writes pages before the commit, too
        database.set_progress_handler(photograph, 1)
        return database

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", photographed)
        assert run(path, "--count", "7") == IN_STEP
    torn = [image for image in images if Path(f"{image}-journal").exists()]
    assert len(images) >= 20
    assert torn
    for image in images:
        assert run(image) == IN_STEP
        assert mirrored(image) == truth(sandbox)


def test_two_at_once_do_not_get_in_each_others_way(sandbox: Sandbox, path: str) -> None:
    bank = Bank(sandbox, Random(3))
    processes = [start(path, "--count", "2") for _ in range(3)]
    for process in processes:
        assert process.stderr is not None
        for _ in range(20):
            process.stderr.readline()
            bank.move()
    for process in processes:
        _, progress = process.communicate()
        assert process.returncode == IN_STEP, progress
    assert run(path) == IN_STEP
    assert mirrored(path) == truth(sandbox)


def test_an_old_page_brings_nothing_back(sandbox: Sandbox, path: str) -> None:
    account_id = sandbox.account_ids[0]
    gone = next(row[0] for row in truth(sandbox) if row[1] == account_id)
    with V2Client(parse_float=Decimal) as client, closing(example.open_database(path)) as database:
        old_page = client.transactions.sync(account_id, count=1000)
        sandbox.remove(gone)
        assert run(path) == IN_STEP
        before = query(path, "SELECT * FROM cursors")
        assert not example.store_delta(
            database, account_id, old_page, expected_cursor=None, whole_history=True
        )
    assert mirrored(path) == truth(sandbox)
    assert query(path, "SELECT * FROM cursors") == before


def test_a_page_that_cannot_be_stored_leaves_the_one_before(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(path) == IN_STEP
    before = query(path, "SELECT * FROM cursors")
    for change in ({"amount": 0.001}, {"amount": 10**17}, {"amount": None}, {"date": None}):
        delta = {
            "added": [{**SENT, "transaction_id": "t-0"}],
            "modified": [{**SENT, **change}],
            "next_cursor": "elsewhere",
        }
        sandbox.fail(200, body=delta, path=SYNC_PATH)
        assert run(path) == SOME_FAILED
        assert "FAILED: t-1 cannot be stored" in capsys.readouterr().err
        assert query(path, "SELECT * FROM cursors") == before
        assert mirrored(path) == truth(sandbox)


def test_trouble_on_the_way_is_outlived(sandbox: Sandbox, path: str) -> None:
    random = Random(4)
    bank = Bank(sandbox, random)
    for _ in range(6):
        bank.trouble()
        bank.move()
        assert run(path, "--count", "11") == IN_STEP
    assert mirrored(path) == truth(sandbox)


def test_a_conflict_is_answered_from_the_stored_cursor(sandbox: Sandbox, path: str) -> None:
    assert run(path, "--account", sandbox.account_ids[0]) == IN_STEP
    ((cursor,),) = query(path, "SELECT cursor FROM cursors")
    sandbox.clear_requests()
    sandbox.fail(error_code="MUTATION_CONFLICT", times=3, path=SYNC_PATH)
    assert run(path, "--account", sandbox.account_ids[0]) == IN_STEP
    asked = [request.json for request in sandbox.requests if request.method == "POST"]
    assert [body["cursor"] for body in asked] == [cursor] * 4


def test_conflicts_without_end_are_told(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = sandbox.account_ids[1]
    sandbox.fail(
        error_code="MUTATION_CONFLICT", times=None, path=f"/v2/accounts/{busy}/transactions/sync"
    )
    assert run(path) == SOME_FAILED
    assert sum(busy in request.path for request in sandbox.requests) == example.MAX_CONFLICTS
    assert mirrored(path) == {row for row in truth(sandbox) if row[1] != busy}
    assert "MUTATION_CONFLICT" in capsys.readouterr().err


def test_conflicts_are_counted_anew_after_each_page(
    sandbox: Sandbox, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trouble(_: str) -> None:
        sandbox.fail(error_code="MUTATION_CONFLICT", times=4, path=SYNC_PATH)

    monkeypatch.setattr(example, "say", trouble)
    assert run(path, "--count", "10") == IN_STEP
    assert mirrored(path) == truth(sandbox)


# --- what the server refuses ------------------------------------------------------------------


def test_where_history_is_forbidden_it_begins_now(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(accounts=2, transactions=5, history_sync=False) as sandbox:
        point_at(monkeypatch, sandbox)
        before = truth(sandbox)
        assert run(path) == IN_STEP
        assert mirrored(path) == set()
        sandbox.post_transaction(sandbox.account_ids[1], amount_cents=1)
        assert run(path) == IN_STEP
        assert mirrored(path) == truth(sandbox) - before
        assert "; 2 accounts lack what was before their first run" in capsys.readouterr().out


def test_where_even_now_is_forbidden_it_gives_up(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", times=None, path=SYNC_PATH)
    assert run(path, "--account", sandbox.account_ids[0]) == SOME_FAILED
    assert [request.json.get("cursor") for request in sandbox.requests[1:]] == [None, "now"]
    assert "HISTORY_SYNC_FORBIDDEN" in capsys.readouterr().err


def test_no_gap_is_made_where_history_is_forbidden_later(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(path) == IN_STEP
    cursors = query(path, "SELECT * FROM cursors")
    sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", path=SYNC_PATH)
    assert run(path) == SOME_FAILED
    assert "HISTORY_SYNC_FORBIDDEN" in capsys.readouterr().err
    assert query(path, "SELECT * FROM cursors") == cursors
    assert '"now"' not in str([request.body for request in sandbox.requests])


def test_an_account_that_fails_does_not_stop_the_others(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    disabled = sandbox.account_ids[1]
    sandbox.set_account_state(disabled, "disabled")
    assert run(path) == SOME_FAILED
    output, progress = capsys.readouterr()
    assert "2 accounts in step, 1 failed" in output
    assert [line for line in progress.splitlines() if "FAILED" in line and "2/3" in line]
    sandbox.set_account_state(disabled, "active")
    assert mirrored(path) == {row for row in truth(sandbox) if row[1] != disabled}
    assert run(path) == IN_STEP
    assert mirrored(path) == truth(sandbox)


def test_a_cursor_that_is_refused_is_told_and_kept(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(path) == IN_STEP
    account_id = sandbox.account_ids[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE cursors SET cursor = 'x' WHERE account_id = ?", (account_id,))
    sandbox.remove(next(row[0] for row in truth(sandbox) if row[1] == account_id))
    assert run(path) == SOME_FAILED
    told = capsys.readouterr().err
    assert "INVALID_CURSOR" in told
    assert ("x",) in query(path, "SELECT cursor FROM cursors")
    advice = told[told.index("DELETE FROM transactions") :].splitlines()[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(advice)
    assert run(path) == IN_STEP
    assert mirrored(path) == truth(sandbox)


def test_what_is_wrong_for_all_stops_it_at_once(
    sandbox: Sandbox,
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(path, "--count", "0") == NOTHING_DONE
    assert "stopped: count" in capsys.readouterr().err
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    assert run(str(tmp_path / "letter.txt")) == NOTHING_DONE
    assert run(str(tmp_path / "no" / "such" / "folder.db")) == NOTHING_DONE
    sandbox.fail(error_code="API_KEY_REVOKED", path=SYNC_PATH)
    sandbox.clear_requests()
    assert run(path) == NOTHING_DONE
    assert len(sandbox.requests) == 2
    monkeypatch.delenv("TESOTE_SDK_API_KEY")
    assert run(path) == NOTHING_DONE
    assert capsys.readouterr().err.count("stopped: ") == 4


def test_it_runs_from_an_empty_folder(sandbox: Sandbox, path: str) -> None:
    with start(path) as process:
        output, progress = process.communicate(timeout=30)
    assert process.returncode == IN_STEP
    assert output.startswith("3 accounts in step")
    assert "Traceback" not in progress
