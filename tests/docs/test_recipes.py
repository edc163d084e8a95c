"""Each recipe of the documentation does what it says, as a program in a process of its own."""

from __future__ import annotations

import collections
import contextlib
import csv
import http.server
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

from .markdown import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_LINES = 29
_BILLS = 60
_RECIPES = {
    block.section: block.code
    for block in blocks(ROOT / "docs/guides/recipes.md")
    if block.info == "python program"
}
_TITLES = {
    "inflows": "Yesterday's inflows by currency",
    "payments": "Payments above a sum last quarter",
    "suppliers": "Pay 200 suppliers from a CSV, crash-safe",
    "bank_sync": "A bank sync with a progress line",
    "revoked": "An alert on a revoked key",
    "balances": "500 balances within the rate limit",
    "staging": "Staging",
    "refused": "A unit test of a refused payment",
    "logs": "JSON logs with request ids",
    "request_id": "The payment behind a request id",
}


class Program:
    """One recipe, saved as a file of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"test_{name}.py"
        self.file.write_text(_RECIPES[_TITLES[name]], encoding="utf-8")

    def start(
        self,
        sandbox: Sandbox | None,
        *arguments: str,
        environment: dict[str, str] | None = None,
        pytest: bool = False,
    ) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if "TESOTE" not in name}
        if sandbox is not None:
            kept["TESOTE_SDK_API_KEY"] = sandbox.api_key
            kept["TESOTE_SDK_API_URL"] = sandbox.url
        modules = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if pytest else []
        return subprocess.Popen(
            [sys.executable, "-W", "error", *modules, str(self.file), *arguments],
            cwd=self.file.parent,
            env={
                **kept,
                "PYTHONPATH": str(ROOT / "src"),
                "PYTHONIOENCODING": "utf-8",
                "PYTHONDONTWRITEBYTECODE": "1",
                "no_proxy": "*",
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(
        self,
        sandbox: Sandbox | None,
        *arguments: str,
        code: int = 0,
        environment: dict[str, str] | None = None,
        pytest: bool = False,
    ) -> tuple[str, str]:
        """Run it to its end, and return what it wrote to both outputs."""
        with self.start(sandbox, *arguments, environment=environment, pytest=pytest) as process:
            output, errors = process.communicate(timeout=60)
        assert process.returncode == code, output + errors
        assert "Traceback" not in errors
        return output, errors


def test_every_recipe_is_a_whole_program_of_under_30_lines_and_is_run_here() -> None:
    assert set(_RECIPES) == set(_TITLES.values())
    assert {title for title in _RECIPES if _RECIPES[title].count("\n") > _MOST_LINES} == set()


def test_yesterdays_inflows_by_currency(tmp_path: Path) -> None:
    today = date.today()
    yesterday, before = (str(today - timedelta(days=days)) for days in (1, 2))
    with Sandbox(accounts=0) as sandbox:
        usd, usd_2, ves = (sandbox.add_account(currency=each) for each in ("USD", "USD", "VES"))
        sandbox.post_transaction(usd, amount_cents=10, date=yesterday)
        sandbox.post_transaction(usd, amount_cents=-999, date=yesterday)
        sandbox.post_transaction(usd, amount_cents=999, date=before)
        sandbox.post_transaction(usd, amount_cents=999, date=str(today))
        sandbox.post_transaction(usd, amount_cents=999, date=yesterday, status="failed")
        sandbox.post_transaction(usd_2, amount_cents=20, date=yesterday)
        sandbox.post_transaction(ves, amount_cents=900719925474099399, date=yesterday)
        output, _ = Program(tmp_path, "inflows").run(sandbox)

    assert output.splitlines() == [
        f"{yesterday} USD 0.30",
        f"{yesterday} VES 9007199254740993.99",
    ]


def test_payments_above_a_sum_last_quarter(tmp_path: Path) -> None:
    today = date.today()
    after = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = after - timedelta(days=1)
    first = date(last.year, last.month - 2, 1)
    with Sandbox(accounts=0) as sandbox:
        usd, ves = sandbox.add_account(currency="USD"), sandbox.add_account(currency="VES")
        for number, day in enumerate((first, last, after, first - timedelta(days=1))):
            sandbox.post_transaction(
                usd, amount_cents=-100_001 - number, date=str(day), description=f"no. {number}"
            )
        sandbox.post_transaction(usd, amount_cents=-100_000, date=str(first))
        sandbox.post_transaction(usd, amount_cents=200_000, date=str(first))
        sandbox.post_transaction(ves, amount_cents=-200_000, date=str(first))
        output, _ = Program(tmp_path, "payments").run(sandbox)

    assert output.splitlines() == [
        f"Above 1000.00 USD, {first} to {last}:",
        f"{last} 1000.02 no. 1",
        f"{first} 1000.01 no. 0",
    ]


def test_suppliers_are_paid_once_whatever_stops_the_program(tmp_path: Path) -> None:
    bills = [
        {
            "supplier": f"S-{number % 20}",
            "invoice": f"I-{number}",
            "amount": f"{number + 1}.25",
            "currency": "VES",
            "name": f"Supplier {number % 20}",
            "bank_code": "0199",
            "account_number": f"{number % 20:020}",
        }
        for number in range(_BILLS)
    ]
    file = _csv(tmp_path, bills)
    program = Program(tmp_path, "suppliers")
    with Sandbox(accounts=1, transactions=0) as sandbox:
        account_id = sandbox.account_ids[0]
        with program.start(sandbox, account_id, file) as process:
            assert process.stdout is not None
            for _ in range(_BILLS // 3):
                process.stdout.readline()
            process.kill()
        sandbox.fail(status=500, path="*/submit", times=1)  # the next run meets this one
        output, errors = program.run(sandbox, account_id, file, code=1)
        assert errors.splitlines()[-1] == f"1 of {_BILLS} not paid: run it again"
        output, errors = program.run(sandbox, account_id, file)
        assert (len(output.splitlines()), errors) == (_BILLS, "")
        with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
            orders = list(client.transaction_orders.list(account_id, limit=100))

    paid = collections.Counter((order["idempotency_key"], order["description"]) for order in orders)
    assert paid == {
        (f"{each['supplier']}/{each['invoice']}", f"Invoice {each['invoice']}"): 1 for each in bills
    }
    assert all(order["submitted_at"] for order in orders)


@pytest.mark.parametrize("second", [{"amount": "2.00"}, {"invoice": ""}])
def test_suppliers_from_a_file_that_contradicts_itself_are_not_paid(
    tmp_path: Path, second: dict[str, str]
) -> None:
    names = ["supplier", "invoice", "amount", "currency", "name", "bank_code", "account_number"]
    bill = dict.fromkeys(names, "1")
    file = _csv(tmp_path, [bill, {**bill, **second}])
    with Sandbox(accounts=1, transactions=0) as sandbox:
        _, errors = Program(tmp_path, "suppliers").run(
            sandbox, sandbox.account_ids[0], file, code=1
        )
        assert sandbox.requests == []
    assert errors == "an invoice is there twice, or a cell is empty: nothing was paid\n"


def test_a_bank_sync_shows_its_progress(tmp_path: Path) -> None:
    program = Program(tmp_path, "bank_sync")
    with Sandbox(accounts=1) as sandbox:
        sandbox.script_sync_session("completed", polls=2)
        output, _ = program.run(sandbox, sandbox.account_ids[0])
        lines = [line.strip() for line in output.splitlines()]  # \r ends a line here, too
        assert lines == ["", "started", "completed", "0 transactions"]

        sandbox.script_sync_session("failed", polls=1)
        _, errors = program.run(sandbox, sandbox.account_ids[0], code=1)
        assert "the bank sync" in errors


def test_a_revoked_key_raises_an_alert(tmp_path: Path) -> None:
    program = Program(tmp_path, "revoked")
    with Sandbox(accounts=2) as sandbox, _alerts() as (url, alerts):
        output, _ = program.run(sandbox, environment={"ALERT_URL": url})
        assert (len(output.splitlines()), alerts) == (2, [])

        sandbox.revoke_api_key(sandbox.api_key)
        program.run(sandbox, environment={"ALERT_URL": url}, code=1)
        (alert,) = alerts
        assert alert.startswith(f"Tesote key Bearer {sandbox.api_key[-4:]} was revoked (")
        assert sandbox.api_key not in alert


def test_500_balances_stay_within_the_rate_limit(tmp_path: Path) -> None:
    with Sandbox(accounts=500, transactions=0, rate_limit_reset="millis") as sandbox:
        sandbox.limit_rate(limit=3, window=0.3)
        output, _ = Program(tmp_path, "balances").run(sandbox)
        assert len(sandbox.requests) == 5  # a refusal would have been tried again
    lines = output.splitlines()
    assert len(lines) == 500
    assert all(re.fullmatch(r"\S+ [A-Z]{3} -?\d+\.\d\d", line) for line in lines)


def test_staging_is_not_mixed_up_with_production(tmp_path: Path) -> None:
    program = Program(tmp_path, "staging")
    with Sandbox(accounts=3) as sandbox, V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        workspace = client.whoami()["client"]["name"]
        try:
            os.fsencode(workspace)
        except UnicodeEncodeError:
            pytest.skip("no environment can hold such a name here")
        staging = {
            "TESOTE_STAGING_URL": sandbox.url,
            "TESOTE_STAGING_KEY": sandbox.api_key,
            "TESOTE_STAGING_WORKSPACE": workspace,
        }
        output, _ = program.run(None, "staging", environment=staging)
        assert output.splitlines()[1] == "3 accounts"
        assert sandbox.url in output

        staging["TESOTE_STAGING_WORKSPACE"] = "Another"
        _, errors = program.run(None, "staging", code=1, environment=staging)
        assert errors == f"the STAGING key belongs to the workspace {workspace}\n"


def test_the_unit_test_of_a_refused_payment_passes(tmp_path: Path) -> None:
    output, _ = Program(tmp_path, "refused").run(None, pytest=True)

    assert "1 passed" in output


def test_json_logs_hold_the_request_ids_and_not_the_key(tmp_path: Path) -> None:
    with Sandbox(accounts=3) as sandbox:
        output, errors = Program(tmp_path, "logs").run(sandbox)
        assert sandbox.api_key not in errors
    lines = [json.loads(line) for line in errors.splitlines()]
    answered = [line for line in lines if line["phase"] == "response"]

    assert output == "3\n"
    assert [line["status"] for line in answered] == [200, 404]
    assert all(line["request_id"] for line in answered)
    assert (lines[-1]["phase"], lines[-1]["error_code"]) == ("failed", "ACCOUNT_NOT_FOUND")
    assert lines[-1]["request_id"] == answered[-1]["request_id"]


def test_a_request_id_leads_to_its_payment(tmp_path: Path) -> None:
    program = Program(tmp_path, "request_id")
    with Sandbox(accounts=1) as sandbox:
        account_id = sandbox.account_ids[0]
        for invoice in ("invoice-1", "invoice-2"):
            assert program.run(sandbox, "pay", account_id, invoice)[0] == "processing\n"
        with contextlib.closing(sqlite3.connect(tmp_path / "requests.db")) as book:
            noted = dict(book.execute("SELECT id, payment FROM requests"))
        assert collections.Counter(noted.values()) == {"invoice-1": 4, "invoice-2": 4}

        for request_id, invoice in list(noted.items())[::4]:
            output, _ = program.run(sandbox, request_id)
            assert output.split()[0] == invoice
        assert program.run(sandbox, "no-such-id")[0] == ""


def _csv(folder: Path, bills: list[dict[str, str]]) -> str:
    file = folder / "suppliers.csv"
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(bills[0]))
        writer.writeheader()
        writer.writerows(bills)
    return str(file)


@contextlib.contextmanager
def _alerts() -> Iterator[tuple[str, list[str]]]:
    """Serve an address that takes alerts; what it was sent is in the list."""
    received: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body)["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", received
        finally:
            server.shutdown()
            thread.join()
