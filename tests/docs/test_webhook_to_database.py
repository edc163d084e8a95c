"""A webhook becomes a row of a database, whatever happens to the program in between."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox
from tests.support.systems import needs_kill

from .mirrors import start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

_PROGRAM = "webhook_to_database.py"
_SECRET = "whsec_planted_7Qm2"


@needs_kill
def test_a_delivery_becomes_rows_once(tmp_path: Path) -> None:
    file = tmp_path / "bank.db"
    with Sandbox(accounts=2, transactions=3) as sandbox:
        first, second = sandbox.account_ids
        with _serving(sandbox, file) as (process, url):
            posted = sandbox.post_transaction(first, amount_cents=-4500, description="Stamps")
            for secret, status in ((_SECRET, 202), ("whsec_other", 400)):
                data = {"accounts_with_updates": [first]}
                event = "sync.updates_available"
                assert sandbox.deliver_webhook(url, event, data, secret=secret) == status
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
            assert process.returncode == 0, errors
        assert _rows(file, first)[posted["id"]] == ("Stamps", -4500)
        assert len(_rows(file, first)) == 4
        assert _rows(file, second) == {}

        # The next run goes on from the cursor that this one stored.
        sandbox.remove(posted["id"])
        with _serving(sandbox, file) as (process, url):
            data = {"accounts_with_updates": [first, "no-such-account", second]}
            sandbox.deliver_webhook(url, "sync.updates_available", data, secret=_SECRET)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
        assert "no-such-account: FAILED" in errors
        assert f"{first}: 0 added, 0 modified, 1 removed" in errors
        assert posted["id"] not in _rows(file, first)
        assert len(_rows(file, second)) == 3
        assert _SECRET not in errors
        assert sandbox.api_key not in errors


def test_without_arguments_it_shows_what_it_does() -> None:
    with start(_PROGRAM, TESOTE_SDK_API_KEY="") as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output.splitlines()[-1] == "The row: Stamps -4500"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bank.db"], "give the database's file and a port: bank.db 8080\n"),
        (["bank.db", "http"], "give the database's file and a port: bank.db 8080\n"),
        (["bank.db", "0"], "set TESOTE_WEBHOOK_SECRET to the HMAC secret of the subscription\n"),
    ],
)
def test_it_says_what_it_lacks(arguments: list[str], said: str) -> None:
    with start(_PROGRAM, *arguments, TESOTE_WEBHOOK_SECRET="") as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, said)


@pytest.mark.parametrize(
    ("file", "secret"), [("no/such/folder/bank.db", _SECRET), ("bank.db", f"{_SECRET}\n")]
)
def test_what_it_cannot_use_is_refused_at_the_start(tmp_path: Path, file: str, secret: str) -> None:
    arguments = (_PROGRAM, str(tmp_path / file), "0")
    with start(*arguments, TESOTE_SDK_API_KEY="sk", TESOTE_WEBHOOK_SECRET=secret) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("webhook_to_database: ")
    assert len(errors.splitlines()) == 1
    assert _SECRET not in errors


@contextlib.contextmanager
def _serving(sandbox: Sandbox, file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program on a database; it tells the address that it listens on."""
    environment = {
        "TESOTE_SDK_API_KEY": sandbox.api_key,
        "TESOTE_SDK_API_URL": sandbox.url,
        "TESOTE_WEBHOOK_SECRET": _SECRET,
    }
    with start(_PROGRAM, str(file), "0", **environment) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


def _rows(file: Path, account_id: str) -> dict[str, tuple[str, int]]:
    """The stored transactions of an account by their ids."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        query = "SELECT id, description, amount_cents FROM transactions WHERE account_id = ?"
        return {row[0]: (row[1], row[2]) for row in database.execute(query, (account_id,))}
