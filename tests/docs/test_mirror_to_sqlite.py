"""The mirror of the documentation: in step whatever happens to it, and to the data meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox
from tests.support.systems import needs_fork, needs_limits, needs_modes

from .examples import load_example
from .mirrors import (
    IN_STEP,
    NOTHING_DONE,
    SENT,
    SOME_FAILED,
    SYNC_PATH,
    Bank,
    point_at,
    start,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "mirror_to_sqlite.py"
example = load_example("mirror_to_sqlite")
rules = load_example("mirror_rules")


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "CONFLICT_PAUSE", 0.0)
    impatient = partial(V2Client, retry_policy=RetryPolicy(base_delay=0.001))
    monkeypatch.setattr(example, "V2Client", impatient)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=30) as sandbox:
        point_at(monkeypatch, sandbox)
        yield sandbox


@pytest.fixture(scope="module")
def mirror_in_step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, str]]:
    """A mirror that many tests may use, since none of them changes it."""
    with Sandbox(accounts=1, transactions=5) as sandbox, pytest.MonkeyPatch.context() as patch:
        point_at(patch, sandbox)
        path = str(tmp_path_factory.mktemp("mirror") / "bank.db")
        assert run(path) == IN_STEP
        yield sandbox, path


@pytest.fixture
def synced(
    mirror_in_step: tuple[Sandbox, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Sandbox, str]:
    point_at(monkeypatch, mirror_in_step[0])
    return mirror_in_step


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "bank.db")


def run(path: str, *arguments: str) -> int:
    code: int = example.main([path, *arguments])
    return code


def query(path: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def mirrored(path: str) -> list[tuple[Any, ...]]:
    rows = query(path, "SELECT * FROM transactions")
    return sorted(
        (*row[:3], Decimal(row[3]) / 100, *row[4:7], bool(row[7]), json.loads(row[8]))
        for row in rows
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
    gone, changed = (row[0] for row in mirrored(path)[:2])
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
    assert (str(row[3]), row[5], row[7]) == ("-19.99", "café ☕", True)


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
    assert mirrored(path) == [row for row in truth(sandbox) if row[1] != second]
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
        "has_more": False,
    }
    with closing(example.open_database(path)) as database:
        page = rules.read_changes(account_id, delta, cursor, True)
        for _ in range(2):  # a page that comes twice changes nothing more
            example.store_changes(database, account_id, page)
    stored = query(path, "SELECT id, amount_cents, date FROM transactions WHERE id LIKE 't-%'")
    assert sorted(stored) == [("t-1", 300, "2026-03-01"), ("t-2", 100, "2026-03-01")]
    assert (cursor,) in query(path, "SELECT cursor FROM cursors")


# --- killed, doubled, disturbed ---------------------------------------------------------------


FORKS = """
import os, sys
import mirror_to_sqlite
from tesote_sdk import V2Client

with V2Client() as client:
    client.status()  # loads what the first call loads
while sys.stdin.readline():  # one line starts it, the next one kills it
    child = os.fork()
    if not child:
        try:
            mirror_to_sqlite.main(sys.argv[1:])
        finally:  # whatever it ends with: the test waits for this line
            print("ended", file=sys.stderr, flush=True)
            os._exit(0)
    sys.stdin.readline()
    os.kill(child, 9)
    os.waitpid(child, 0)
    print("killed", file=sys.stderr, flush=True)
"""


@needs_fork
def test_it_may_be_killed_at_any_moment(sandbox: Sandbox, path: str) -> None:
    random = Random(20_260_302)
    bank = Bank(sandbox, random)
    # A process that has loaded everything forks each one, which takes a tenth of the time.
    with start("-c", FORKS, path, "--count", "5") as forks:
        assert forks.stdin is not None
        assert forks.stderr is not None
        for _ in range(15):
            print(file=forks.stdin, flush=True)
            # The first lines come from before the database is there, the last from its end.
            for _ in range(random.randrange(16)):
                if forks.stderr.readline() in ("ended\n", ""):
                    break
                for _ in range(random.randrange(4)):
                    bank.move()
            if random.random() < 0.05:
                bank.trouble()
            # Into the middle of what comes after a line: a request, a commit, the next line.
            time.sleep(random.random() * 0.01)
            print(file=forks.stdin, flush=True)
            # The line may have begun with what was being written.
            while not (line := forks.stderr.readline()).endswith("killed\n"):
                assert line, "the process that forks has ended"
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
    processes = [start(PROGRAM, path, "--count", "2") for _ in range(3)]
    for process in processes:
        assert process.stderr is not None
        for _ in range(15):
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
        page = rules.read_changes(account_id, old_page, None, True)
        with pytest.raises(rules.OvertakenError):
            example.store_changes(database, account_id, page)
    assert mirrored(path) == truth(sandbox)
    assert query(path, "SELECT * FROM cursors") == before


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
    assert sum(busy in request.path for request in sandbox.requests) == rules.MAX_CONFLICTS
    assert mirrored(path) == [row for row in truth(sandbox) if row[1] != busy]
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
        assert mirrored(path) == []
        sandbox.post_transaction(sandbox.account_ids[1], amount_cents=1)
        assert run(path) == IN_STEP
        assert mirrored(path) == [row for row in truth(sandbox) if row not in before]
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
    assert mirrored(path) == [row for row in truth(sandbox) if row[1] != disabled]
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
    assert f"({account_id})" in told
    assert run(path, "--anew", account_id) == IN_STEP
    assert mirrored(path) == truth(sandbox)
    assert run(path, "--anew", "x'; DROP TABLE cursors; --") == IN_STEP
    assert "nothing is stored of an account x'; DROP" in capsys.readouterr().err


def test_what_is_wrong_for_all_stops_it_at_once(
    sandbox: Sandbox,
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(path, "--count", "0")
    assert "'0' is no number from 1 to 1000" in capsys.readouterr().err
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
    with start(PROGRAM, path) as process:
        output, progress = process.communicate(timeout=30)
    assert process.returncode == IN_STEP
    assert output.startswith("3 accounts in step")
    assert "Traceback" not in progress


def test_without_arguments_and_key_it_shows_what_it_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with start(PROGRAM, TESOTE_SDK_API_KEY="") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == IN_STEP
    assert "120 added, 0 modified, 0 removed, 120 in the database" in output
    assert "1 added, 0 modified, 0 removed, 121 in the database" in output
    assert not list(tmp_path.iterdir())


def test_an_invented_bank_is_never_mirrored_into_a_database_of_ones_own(path: str) -> None:
    with start(PROGRAM, path, TESOTE_SDK_API_KEY="") as process:
        _, progress = process.communicate(timeout=30)
    assert process.returncode == NOTHING_DONE
    assert progress.startswith("stopped: ")
    assert query(path, "SELECT * FROM accounts") == []


# --- bank data, and odd data ------------------------------------------------------------------


@needs_modes
def test_the_database_is_for_nobody_else_to_read(
    sandbox: Sandbox, path: str, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        assert run(path) == IN_STEP
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        shared = tmp_path / "shared.db"
        shared.touch(0o640)
        assert run(str(shared)) == IN_STEP
        assert stat.S_IMODE(shared.stat().st_mode) == 0o640  # as its owner wants it
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1e999999999"},
        {"amount": "-1e-999999999"},
        {"amount": "NaN"},
        {"amount": "Infinity"},
        {"amount": "ten"},
        {"amount": True},
        {"amount": []},
        {"amount": None},
        {"amount": 0.001},
        {"amount": 10**17},
        {"date": None},
        {"date": "2026-02-30"},
        {"name": {}},
        {"pending": "no"},
        {"category": None},
        {"category": [{}]},
    ],
    ids=str,
)
def test_a_page_that_cannot_be_stored_leaves_the_one_before(
    change: dict[str, Any], synced: tuple[Sandbox, str], capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox, path = synced
    before = query(path, "SELECT * FROM cursors"), query(path, "SELECT * FROM transactions")
    delta = {
        "added": [{**SENT, "transaction_id": "t-0"}],
        "modified": [{**SENT, **change}],
        "next_cursor": "elsewhere",
    }
    sandbox.fail(200, body=delta, path=SYNC_PATH)
    assert run(path, "--account", sandbox.account_ids[0]) == SOME_FAILED
    assert "FAILED: t-1 cannot be stored" in capsys.readouterr().err
    after = query(path, "SELECT * FROM cursors"), query(path, "SELECT * FROM transactions")
    assert after == before


def test_a_number_that_would_take_all_memory_is_refused_as_json_too(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("1e999999999", "NaN", "-1e99999999999999999999", "9" * 5000):
        body = json.dumps({"added": [{**SENT, "amount": "#"}]}).replace('"#"', number)
        headers = {"Content-Type": "application/json"}
        sandbox.fail(200, body=body, headers=headers, path=SYNC_PATH)
        assert run(path, "--account", sandbox.account_ids[0]) == SOME_FAILED
    assert capsys.readouterr().err.count("FAILED: ") == 4
    assert query(path, "SELECT * FROM transactions") == []


def test_odd_characters_are_stored_as_far_as_that_is_possible_and_shown_as_text(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = json.dumps({"added": [{**SENT, "name": "a\0b\ud83d\x1b"}], "next_cursor": "c"})
    sandbox.fail(200, body=odd, headers={"Content-Type": "application/json"}, path=SYNC_PATH)
    refused = {"added": [{**SENT, "transaction_id": "t\x1b[2J\n", "amount": None}]}
    sandbox.fail(200, body=refused, path=SYNC_PATH)
    assert run(path) == SOME_FAILED
    told = capsys.readouterr().err
    assert "t\ufffd[2J cannot be stored" in told
    assert "\x1b" not in told
    assert ("a\ufffdb\ufffd\x1b",) in query(path, "SELECT description FROM transactions")


@pytest.mark.parametrize("account_id", [5, [1], "..", "a\0", "'; DROP TABLE cursors; --"], ids=str)
def test_an_odd_id_is_told_and_stops_nothing(
    account_id: Any, sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with V2Client() as client:
        accounts: Any = client.accounts.list().data
    listed = {
        "accounts": [{**accounts[0], "id": account_id}, *accounts[1:]],
        "pagination": {"current_page": 1, "total_pages": 1},
    }
    sandbox.fail(200, body=listed, path="/v2/accounts")
    assert run(path) == SOME_FAILED
    assert "2 accounts in step, 1 failed" in capsys.readouterr().out


def test_no_gap_is_made_where_now_has_no_cursor(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", path=SYNC_PATH)
    sandbox.fail(200, body={"added": [], "next_cursor": None}, path=SYNC_PATH)
    assert run(path, "--account", sandbox.account_ids[0]) == SOME_FAILED
    assert "no cursor to go on from" in capsys.readouterr().err


# --- a database that cannot be written --------------------------------------------------------


def test_a_database_that_is_locked_is_told(
    sandbox: Sandbox,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(path) == IN_STEP
    monkeypatch.setattr(example, "LOCK_TIMEOUT", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert run(path) == NOTHING_DONE
    assert "stopped: database is locked. What is stored is whole" in capsys.readouterr().err


@needs_limits
def test_a_disk_that_is_full_is_told(sandbox: Sandbox, path: str) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))
    try:
        process = start(PROGRAM, path, "--count", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with process:
        _, progress = process.communicate(timeout=30)
    assert process.returncode == NOTHING_DONE
    assert "Traceback" not in progress
    assert "stopped: " in progress.splitlines()[-1]
    assert run(path) == IN_STEP
    assert mirrored(path) == truth(sandbox)
