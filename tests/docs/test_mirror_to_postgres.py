"""The mirror that many machines share, over a real PostgreSQL that this suite starts."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.sandbox import Sandbox

from .examples import load_example
from .mirrors import (
    IN_STEP,
    NOTHING_DONE,
    SENT,
    SOME_FAILED,
    SOURCE,
    SYNC_PATH,
    Bank,
    point_at,
    start,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "mirror_to_postgres.py"
KILLS = int(os.environ.get("TESOTE_MIRROR_KILLS", "12"))
"""How many workers the long test kills; 100 of them take a minute."""


def find_program(name: str) -> str | None:
    """Find a program of the server; Debian keeps them out of the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name)
    return shutil.which(name, path=os.pathsep.join(map(str, [*places[::-1], *os.get_exec_path()])))


class PostgresServer:
    """A PostgreSQL of our own, on a Unix socket in a directory of its own."""

    def __init__(self, directory: str, program: str) -> None:
        self._directory = directory
        self._pg_ctl = program
        self.conninfo = f"host={directory} user=postgres dbname=postgres"
        # It refuses to run as root, as which containers do.
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._identity = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(directory, "postgres", "postgres")
        self._run("init", "-o", "--auth=trust --username=postgres --encoding=UTF8 --no-sync")

    def _run(self, *arguments: str) -> None:
        command = [self._pg_ctl, "--silent", f"--pgdata={self._directory}/data", *arguments]
        subprocess.run(
            command,
            timeout=60,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            **self._identity,
        )

    def connect(self) -> Any:
        psycopg: Any = importlib.import_module("psycopg")
        return psycopg.connect(self.conninfo, autocommit=True)

    def start(self) -> None:
        options = f"-k {self._directory} -c listen_addresses= -c fsync=off"
        self._run("start", "--wait", f"--log={self._directory}/log", f"--options={options}")

    def crash(self) -> None:
        self._run("stop", "--wait", "--mode=immediate")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")
    program = find_program("pg_ctl")
    if program is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    # The path of a Unix socket is short: pytest's own directories may be too deep.
    with tempfile.TemporaryDirectory() as directory:
        server = PostgresServer(directory, program)
        server.start()
        yield server
        server.crash()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[Any]:
    """A session of an empty database."""
    with closing(server.connect()) as session:
        session.execute("DROP SCHEMA IF EXISTS tesote CASCADE")
        yield session


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(accounts=4, transactions=20) as sandbox:
        point_at(monkeypatch, sandbox)
        yield sandbox


def run(server: PostgresServer, *arguments: str) -> tuple[int, str, str]:
    with start(PROGRAM, server.conninfo, "--max-age=0", *arguments) as process:
        output, progress = process.communicate(timeout=60)
    assert "Traceback" not in progress, progress
    return process.returncode, output, progress


def run_until_in_step(server: PostgresServer) -> None:
    """Run it until it has met no trouble, be it a slow machine's."""
    progress = ""
    for _ in range(10):
        code, _, progress = run(server)
        if code == IN_STEP:
            return
    pytest.fail(progress)


def mirrored(database: Any) -> list[tuple[Any, ...]]:
    rows = database.execute("SELECT * FROM tesote.transactions").fetchall()
    return sorted((row[0], row[1], row[2].isoformat(), *row[3:]) for row in rows)


def progress_of(database: Any, account_id: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = database.execute(
        "SELECT cursor, whole_history, problem FROM tesote.progress WHERE account_id = %s",
        [account_id],
    ).fetchone()
    return row


# --- in step ----------------------------------------------------------------------------------


def test_the_first_run_brings_everything_and_a_later_one_the_news(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    code, output, _ = run(server, "--count=7")
    assert code == IN_STEP
    assert output == (
        "4 accounts in step, 0 failed; this worker: 4 accounts, "
        "transactions: 80 added, 0 modified, 0 removed\n"
    )
    assert mirrored(database) == truth(sandbox)
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=-1999, description="café ☕")
    gone, changed = (row[0] for row in truth(sandbox)[:2])
    sandbox.settle(changed)
    sandbox.remove(gone)
    sandbox.clear_requests()
    code, output, _ = run(server)
    assert "1 added, 1 modified, 1 removed" in output
    assert len(sandbox.requests) == 5
    assert mirrored(database) == truth(sandbox)


def test_what_was_looked_at_just_now_is_left_alone(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    sandbox.clear_requests()
    code, output, _ = run(server, "--max-age=600")
    assert (code, output[:31]) == (IN_STEP, "4 accounts in step, 0 failed; t")
    assert not sandbox.requests


def test_columns_of_ones_own_survive(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    for table in ("accounts", "transactions"):
        database.execute(f"ALTER TABLE tesote.{table} ADD COLUMN mine text DEFAULT 'untouched'")
    database.execute("UPDATE tesote.transactions SET mine = 'booked'")
    sandbox.settle(truth(sandbox)[0][0])
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)
    assert run(server)[0] == IN_STEP
    counts = database.execute("SELECT mine, count(*) FROM tesote.transactions GROUP BY mine")
    assert sorted(counts) == [("booked", 80), ("untouched", 1)]


def test_an_account_that_the_api_lists_no_more_is_left_alone(
    server: PostgresServer, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for accounts, others in ((4, 0), (2, 2)):
        with Sandbox(accounts=accounts, transactions=3) as sandbox:
            point_at(monkeypatch, sandbox)
            code, output, _ = run(server)
        assert (code, output[:18]) == (IN_STEP, f"{accounts} accounts in step")
        stored = database.execute("SELECT count(*) FROM tesote.accounts").fetchone()
        assert stored == (accounts + others,)


# --- many, killed, stalled --------------------------------------------------------------------


def test_four_that_start_at_once_share_the_work(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    workers = [start(PROGRAM, server.conninfo, "--count=3") for _ in range(4)]
    for worker in workers:
        output, progress = worker.communicate(timeout=60)
        assert worker.returncode == IN_STEP, progress
        assert output.startswith("4 accounts in step, 0 failed")
    assert mirrored(database) == truth(sandbox)
    # Each page was asked for once, whoever asked.
    assert sum(request.method == "POST" for request in sandbox.requests) == 4 * 7


def test_whatever_dies_everything_is_right_in_the_end(
    server: PostgresServer, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are killed, and one stalls; the database crashes; the bank goes on all the while."""
    random = Random(20_260_304)
    # Enough for the first run to last, so that kills fall among full pages.
    with Sandbox(accounts=80, transactions=4 * KILLS) as sandbox:
        point_at(monkeypatch, sandbox)
        bank = Bank(sandbox, random)
        sandbox.delay(0.015, times=None, path=SYNC_PATH)

        def new_worker() -> subprocess.Popen[str]:
            worker = start(PROGRAM, server.conninfo, "--max-age=0", "--count=5", "--stall=3")
            assert worker.stderr is not None
            worker.stderr.readline()  # from here on it works, and no more gets ready to
            return worker

        workers = [new_worker() for _ in range(4)]
        stalled = None
        kills = 0
        while kills < KILLS:
            time.sleep(random.random() * 0.2)
            for _ in range(random.randrange(8)):
                bank.move()
            if random.random() < 0.1:
                bank.trouble()
            victim = workers.pop(random.randrange(4))
            if stalled is None and kills == KILLS // 4:
                stalled = victim
                victim.send_signal(signal.SIGSTOP)
            elif victim.poll() is None:
                victim.kill()
                kills += 1
            if victim is not stalled:
                _, progress = victim.communicate(timeout=60)
                assert "Traceback" not in progress, progress
            if kills == KILLS // 2 and victim.returncode == -signal.SIGKILL:
                server.crash()
                server.start()
            workers.append(new_worker())
        assert stalled is not None
        sandbox.clear_faults()
        stalled.send_signal(signal.SIGCONT)
        for worker in (stalled, *workers):
            _, progress = worker.communicate(timeout=120)
            assert "Traceback" not in progress, progress
        run_until_in_step(server)
        with closing(server.connect()) as again:
            assert mirrored(again) == truth(sandbox)


def test_a_worker_that_stalls_loses_its_claim_and_stores_nothing_stale(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    gone, account_id = truth(sandbox)[0][:2]
    sandbox.settle(gone)
    # The page is read at the bank, and is long under way.
    sandbox.delay(60, path=f"/v2/accounts/{account_id}/transactions/sync")
    sandbox.clear_requests()
    stalled = start(PROGRAM, server.conninfo, "--max-age=0", "--stall=2")
    wait_for(lambda: any(account_id in request.path for request in sandbox.requests))
    stalled.send_signal(signal.SIGSTOP)
    sandbox.remove(gone)
    # This one waits for the claim to end, and takes the account over.
    assert run(server)[0] == IN_STEP
    assert mirrored(database) == truth(sandbox)
    stalled.send_signal(signal.SIGCONT)
    _, progress = stalled.communicate(timeout=60)
    assert stalled.returncode in (IN_STEP, SOME_FAILED), progress
    assert mirrored(database) == truth(sandbox)


def wait_for(happened: Any) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_has_lost_a_claim_cannot_store(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    module, rules = load_example("mirror_postgres_database"), load_example("mirror_rules")
    with closing(module.Database(server.conninfo, 0.05)) as slow:
        due = slow.moment_ago(0)
        account_id, _, cursor = slow.claim_any(due)
        with closing(module.Database(server.conninfo, 60)) as quick:

            def overtaken() -> bool:
                try:
                    quick.claim_again(account_id, cursor)
                except rules.OvertakenError:
                    return False
                return True

            wait_for(overtaken)
            delta: Any = {"added": [], "modified": [], "removed": [], "next_cursor": "later"}
            page = rules.read_changes(account_id, {**delta, "has_more": False}, cursor, True)
            quick.store_changes(account_id, page)
            with pytest.raises(rules.OvertakenError):
                quick.claim_again(account_id, cursor)
            quick.claim_again(account_id, "later")
        with pytest.raises(module.SESSION_LOST):
            slow.store_changes(account_id, page._replace(cursor="sooner", rows=[]))
    assert progress_of(database, account_id) == ("later", True, None)


def test_a_claim_dies_with_its_worker(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    worker = in_mid_request(server, sandbox)
    worker.kill()
    worker.communicate(timeout=60)
    began = time.monotonic()
    assert run(server)[0] == IN_STEP
    assert time.monotonic() - began < 60  # of 180 that a stalled one would have kept it
    assert mirrored(database) == truth(sandbox)


def in_mid_request(server: PostgresServer, sandbox: Sandbox) -> subprocess.Popen[str]:
    """Start a worker that waits for a page with a claim in its hands."""
    sandbox.delay(1, path=SYNC_PATH)
    worker = start(PROGRAM, server.conninfo)
    wait_for(lambda: any(request.method == "POST" for request in sandbox.requests))
    return worker


def test_a_worker_outlives_a_crash_of_the_database(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    worker = in_mid_request(server, sandbox)
    server.crash()
    server.start()
    _, progress = worker.communicate(timeout=60)
    assert worker.returncode == IN_STEP, progress
    assert "going on in 1 s: " in progress
    with closing(server.connect()) as again:
        assert mirrored(again) == truth(sandbox)


def test_a_worker_waits_for_the_one_that_makes_the_tables(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    module = load_example("mirror_postgres_database")
    database.execute("BEGIN")
    database.execute(module.LOCK_TABLES)
    database.execute(module.TABLES)
    with start(PROGRAM, server.conninfo) as worker:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with closing(server.connect()) as onlooker:
            wait_for(lambda: onlooker.execute(waiting).fetchone() == (1,))
        database.execute("COMMIT")
        _, progress = worker.communicate(timeout=60)
    assert worker.returncode == IN_STEP, progress


# --- what the server refuses ------------------------------------------------------------------


def test_where_history_is_forbidden_it_begins_now_and_only_once(
    server: PostgresServer, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(accounts=2, transactions=5, history_sync=False) as sandbox:
        point_at(monkeypatch, sandbox)
        before = truth(sandbox)
        assert run(server)[0] == IN_STEP
        sandbox.post_transaction(sandbox.account_ids[1], amount_cents=1)
        code, output, _ = run(server)
        assert code == IN_STEP
        assert "; 2 accounts lack what was before their first run" in output
        assert mirrored(database) == [row for row in truth(sandbox) if row not in before]
        cursor, _, _ = progress_of(database, sandbox.account_ids[0])
        sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", times=None, path=SYNC_PATH)
        sandbox.clear_requests()
        code, _, progress = run(server)
        assert code == SOME_FAILED
        assert "HISTORY_SYNC_FORBIDDEN" in progress
        assert b'"now"' not in b"".join(request.body for request in sandbox.requests)
        assert progress_of(database, sandbox.account_ids[0])[0] == cursor


def test_a_cursor_that_is_refused_is_told_and_kept_until_it_is_forgotten(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    account_id = sandbox.account_ids[0]
    database.execute("UPDATE tesote.progress SET cursor = 'x' WHERE account_id = %s", [account_id])
    sandbox.remove(next(row[0] for row in truth(sandbox) if row[1] == account_id))
    code, output, progress = run(server)
    assert (code, output[:28]) == (SOME_FAILED, "3 accounts in step, 1 failed")
    assert "INVALID_CURSOR" in progress
    assert "--anew" in progress
    assert progress_of(database, account_id)[0] == "x"
    # Whoever has met it, each worker tells of it.
    code, output, progress = run(server, "--max-age=600")
    assert (code, "INVALID_CURSOR" in progress) == (SOME_FAILED, True)
    assert run(server, f"--anew={account_id}")[0] == IN_STEP
    assert progress_of(database, account_id)[1:] == (True, None)
    assert mirrored(database) == truth(sandbox)


def test_conflicts_are_answered_from_the_stored_cursor(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    sandbox.fail(error_code="MUTATION_CONFLICT", path="/v2/accounts")
    sandbox.fail(error_code="MUTATION_CONFLICT", path=SYNC_PATH)
    code, _, progress = run(server)
    assert code == IN_STEP, progress
    assert "going on in 1 s" in progress
    assert mirrored(database) == truth(sandbox)


def test_an_account_that_fails_does_not_stop_the_others(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    disabled = sandbox.account_ids[1]
    sandbox.set_account_state(disabled, "disabled")
    code, output, progress = run(server)
    assert (code, output[:28]) == (SOME_FAILED, "3 accounts in step, 1 failed")
    assert f"({disabled}): FAILED: " in progress
    sandbox.set_account_state(disabled, "active")
    assert mirrored(database) == [row for row in truth(sandbox) if row[1] != disabled]
    assert run(server)[0] == IN_STEP
    assert mirrored(database) == truth(sandbox)


def test_a_rate_limit_is_waited_for_and_no_fault_of_an_account(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    sandbox.fail(429, retry_after=2.1, path=SYNC_PATH)  # longer than a call may take
    code, _, progress = run(server, "--stall=3")
    assert code == IN_STEP, progress
    assert "going on in 2.1 s" in progress


def test_a_page_that_cannot_be_stored_leaves_the_one_before(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    account_id = sandbox.account_ids[0]
    cursor = progress_of(database, account_id)
    path = f"/v2/accounts/{account_id}/transactions/sync"
    changes: list[dict[str, object]] = [
        {"amount": "1e999999999"},
        {"date": "2026-02-30"},
        {"name": {}},
    ]
    for change in changes:
        delta = {
            "added": [{**SENT, "transaction_id": "t-0"}],
            "modified": [{**SENT, **change}],
            "next_cursor": "elsewhere",
        }
        sandbox.fail(200, body=delta, path=path)
        code, _, progress = run(server)
        assert (code, "t-1 cannot be stored" in progress) == (SOME_FAILED, True), progress
        assert progress_of(database, account_id)[0] == cursor[0]
    assert mirrored(database) == truth(sandbox)


def test_a_row_that_the_database_refuses_takes_its_page_along(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    database.execute("ALTER TABLE tesote.transactions ADD CHECK (description <> 'never')")
    account_id = sandbox.account_ids[0]
    before = progress_of(database, account_id), mirrored(database)
    for description in ("first", "never"):
        sandbox.post_transaction(account_id, amount_cents=1, description=description)
    code, output, progress = run(server)
    assert (code, output[:28]) == (SOME_FAILED, "3 accounts in step, 1 failed")
    assert "violates check constraint" in progress
    assert progress_of(database, account_id)[0] == before[0][0]
    assert mirrored(database) == before[1]
    database.execute(
        "ALTER TABLE tesote.transactions DROP CONSTRAINT transactions_description_check"
    )
    assert run(server)[0] == IN_STEP
    assert mirrored(database) == truth(sandbox)


def test_odd_characters_are_stored_as_far_as_that_is_possible_and_shown_as_text(
    server: PostgresServer, database: Any, sandbox: Sandbox
) -> None:
    run(server)
    odd = '{"added": [{"transaction_id": "t-1", "amount": 0.10, "iso_currency_code": "USD",'
    odd += ' "date": "2026-03-01T22:00:00Z", "name": "a\\u0000b\\ud83d\'\\\\ %s", "pending": true,'
    odd += ' "category": ["{\\"x"]}], "next_cursor": "elsewhere"}'
    sandbox.fail(200, body=odd, headers={"Content-Type": "application/json"}, path=SYNC_PATH)
    refused = {"added": [{**SENT, "transaction_id": "t\x1b[2J", "amount": None}]}
    sandbox.fail(200, body=refused, path=SYNC_PATH)
    code, _, progress = run(server)
    assert code == SOME_FAILED
    assert "\x1b" not in progress
    # In the C locale, stderr spells what stands for the control character.
    assert "t\ufffd[2J cannot be stored" in progress.replace("\\ufffd", "\ufffd")
    (row,) = [row for row in mirrored(database) if row[0] == "t-1"]
    assert (str(row[3]), row[5], row[8]) == ("0.10", "a\ufffdb\ufffd'\\ %s", ['{"x'])


# --- what cannot work -------------------------------------------------------------------------


def test_without_psycopg_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('not here')", "utf-8")
    with start(PROGRAM, PYTHONPATH=os.pathsep.join([SOURCE, str(tmp_path)])) as process:
        _, progress = process.communicate(timeout=30)
    assert process.returncode == NOTHING_DONE
    assert progress == 'this program needs psycopg 3: pip install "psycopg[binary]" (not here)\n'


def test_what_is_wrong_for_all_stops_it_at_once(
    server: PostgresServer, database: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for conninfo, told in (
        ("host=/no/such/folder", "stopped: connection"),
        ("secret word", "cannot be read"),
    ):
        with start(PROGRAM, conninfo) as process:
            _, progress = process.communicate(timeout=30)
        assert process.returncode == NOTHING_DONE
        assert told in progress
        assert "word" not in progress
        assert "Traceback" not in progress
    sandbox.fail(error_code="API_KEY_REVOKED", path=SYNC_PATH)
    code, _, progress = run(server)
    assert (code, "stopped: " in progress) == (NOTHING_DONE, True)
    monkeypatch.setenv("TESOTE_SDK_API_KEY", "")
    assert run(server)[0] == NOTHING_DONE
