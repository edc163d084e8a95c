"""The payment program of the documentation: it pays, and it pays once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tesote_sdk
from tesote_sdk import V2Client
from tesote_sdk.sandbox import REFUSED_TOKEN, Sandbox
from tests.docs.examples import EXAMPLES, load_example

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = EXAMPLES / "pay_supplier.py"
ORDERS = "/v2/accounts/*/transaction_orders"
PAID, NOT_PAID, UNUSABLE, PAID_BEFORE = 0, 1, 2, 3


example = load_example("pay_supplier")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(example, "INTERVAL", 0.001)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


both_shapes = pytest.mark.parametrize("sandbox", ["sdk", "openapi"], indirect=True)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=5, shapes=getattr(request, "param", "sdk")) as sandbox:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
        yield sandbox


def arguments(sandbox: Sandbox, *more: str, **changed: str) -> list[str]:
    bill = {
        "invoice": "2026-0117",
        "account": sandbox.account_ids[1],
        "amount": "1530.25",
        "currency": "USD",
        "supplier": "Molinos Santa Rosa C.A.",
        "bank_code": "0199",
        "account_number": "01990042000000000117",
        **changed,
    }
    return [f"--{name.replace('_', '-')}={value}" for name, value in bill.items()] + [*more]


def run(sandbox: Sandbox, *more: str, **changed: str) -> int:
    code: int = example.main(arguments(sandbox, *(more or ("--yes",)), **changed))
    return code


def payments(sandbox: Sandbox) -> list[int]:
    """What left the account for invoices, in cents: the truth, at the bank."""
    with V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        return [
            row["data"]["amount_cents"]
            for row in client.transactions.list_for_account(sandbox.account_ids[1])
            if (row["data"]["description"] or "").startswith("Invoice ")
        ]


def orders(sandbox: Sandbox) -> list[Any]:
    with V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        return list(client.transaction_orders.list(sandbox.account_ids[1]))


def writes(sandbox: Sandbox) -> list[str]:
    return [
        request.path.rpartition("/")[2] for request in sandbox.requests if request.method != "GET"
    ]


# --- it pays ----------------------------------------------------------------------------------


@both_shapes
def test_an_invoice_is_paid(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(sandbox) == PAID
    assert payments(sandbox) == [-153025]
    output = capsys.readouterr().out
    assert "2026-0117: 1530.25 USD to Molinos Santa Rosa C.A., completed" in output
    assert sandbox.api_key not in output
    (created,) = [
        request
        for request in sandbox.requests
        if request.method == "POST" and request.path.endswith("transaction_orders")
    ]
    assert created.json["transaction_order"]["amount"] == "1530.25"
    assert created.json["transaction_order"]["idempotency_key"] == "2026-0117"
    assert created.headers["Idempotency-Key"] == "2026-0117"


def test_a_second_invoice_uses_the_same_payment_method(sandbox: Sandbox) -> None:
    assert run(sandbox) == PAID
    sandbox.clear_requests()
    assert run(sandbox, invoice="2026-0118", amount="20") == PAID
    assert writes(sandbox) == ["transaction_orders", "submit"]
    assert sorted(payments(sandbox)) == [-153025, -2000]


# --- it pays once -----------------------------------------------------------------------------


@both_shapes
def test_the_same_invoice_is_not_paid_again(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sandbox) == PAID
    sandbox.clear_requests()
    assert run(sandbox) == PAID_BEFORE
    assert writes(sandbox) == []
    assert payments(sandbox) == [-153025]
    assert "it was paid at" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed", [{"amount": "1530.26"}, {"currency": "EUR"}, {"account_number": "0199"}]
)
def test_the_same_number_with_another_bill_is_refused(
    sandbox: Sandbox, changed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sandbox) == PAID
    sandbox.clear_requests()
    assert run(sandbox, **changed) == NOT_PAID
    assert writes(sandbox) == []
    assert "pays something else: 1530.25 USD to Molinos" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/v2/payment_methods", ORDERS, f"{ORDERS}/*/submit"])
def test_what_may_have_been_carried_out_is_repeated_with_its_key(
    sandbox: Sandbox, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(500, path=path, method="POST", times=2)
    assert run(sandbox) == PAID
    assert payments(sandbox) == [-153025]
    assert len(orders(sandbox)) == 1
    assert capsys.readouterr().err.count("repeating it with the same key") == 2
    keys = [
        request.headers["Idempotency-Key"]
        for request in sandbox.requests
        if request.method == "POST"
    ]
    assert len(keys) == 5
    assert len(set(keys)) == 3


def test_an_answer_that_is_lost_costs_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(example, "PAUSES", ())
    assert run(sandbox, invoice="before", amount="1") == PAID  # so that the method is there
    # Done and not answered, until the program gives up.
    sandbox.drop(when="after_processing", path=f"{ORDERS}/*/submit", times=None)
    assert run(sandbox) == NOT_PAID
    assert "run this again with the same arguments" in capsys.readouterr().err
    sandbox.clear_faults()
    assert [run(sandbox) for _ in range(2)] == [PAID, PAID_BEFORE]
    assert sorted(payments(sandbox)) == [-153025, -100]
    assert len(orders(sandbox)) == 2


def test_another_process_that_is_faster_pays_alone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_method = example.make_method

    def overtaken(client: Any, bill: Any) -> Any:
        monkeypatch.setattr(example, "make_method", make_method)
        assert run(sandbox) == PAID
        return make_method(client, bill)

    monkeypatch.setattr(example, "make_method", overtaken)
    assert run(sandbox) == PAID
    assert payments(sandbox) == [-153025]
    assert len(orders(sandbox)) == 1


def test_an_order_that_somebody_submits_meanwhile_is_watched(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fail(error_code="BANK_SUBMISSION_ERROR", path=f"{ORDERS}/*/submit")
    assert run(sandbox) == NOT_PAID
    (order,) = orders(sandbox)
    until_known = example.until_known

    def overtaken(write: Any) -> Any:
        with V2Client() as colleague:
            colleague.transaction_orders.submit(sandbox.account_ids[1], order["id"])
        return until_known(write)

    monkeypatch.setattr(example, "until_known", overtaken)
    assert run(sandbox) == PAID
    assert payments(sandbox) == [-153025]


def test_an_order_that_was_left_as_a_draft_is_gone_on_with(sandbox: Sandbox) -> None:
    sandbox.fail(error_code="BANK_SUBMISSION_ERROR", path=f"{ORDERS}/*/submit")
    assert run(sandbox) == NOT_PAID
    assert [order["status"] for order in orders(sandbox)] == ["draft"]
    sandbox.clear_requests()
    assert run(sandbox) == PAID
    assert writes(sandbox) == ["submit"]
    assert payments(sandbox) == [-153025]


def test_a_try_after_a_refusal_by_the_bank_has_its_own_key(sandbox: Sandbox) -> None:
    sandbox.fail(error_code="FORBIDDEN", status=403, path=f"{ORDERS}/*/submit")
    assert run(sandbox) == NOT_PAID
    (order,) = orders(sandbox)
    with V2Client() as client, pytest.raises(tesote_sdk.BankSubmissionError):
        client.transaction_orders.submit(sandbox.account_ids[1], order["id"], token=REFUSED_TOKEN)
    assert run(sandbox) == PAID
    submitted = [request for request in sandbox.requests if request.path.endswith("/submit")]
    keys = [request.headers["Idempotency-Key"] for request in submitted]
    assert (keys[0], keys[-1]) == ("2026-0117/submit-1", "2026-0117/submit-2")


# --- it says what is wrong --------------------------------------------------------------------


def test_an_order_that_ended_unpaid_is_explained(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(500, path=f"{ORDERS}/*/submit", times=4)
    assert run(sandbox) == NOT_PAID
    (order,) = orders(sandbox)
    sandbox.set_order_status(order["id"], "cancelled")
    sandbox.clear_requests()
    assert run(sandbox) == NOT_PAID
    assert writes(sandbox) == []
    assert "is cancelled: no reason was given" in capsys.readouterr().err
    assert run(sandbox, invoice="2026-0117/2") == PAID
    sandbox.set_order_status(order["id"], "partially_completed")
    assert run(sandbox) == NOT_PAID
    assert "ask the bank what was paid" in capsys.readouterr().err


def test_an_order_that_takes_long_can_be_watched_later(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sandbox, "--yes", "--timeout", "0") == NOT_PAID
    assert "run this again to go on watching" in capsys.readouterr().err
    assert run(sandbox) == PAID
    assert payments(sandbox) == [-153025]


def test_an_order_that_must_be_approved_first(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(error_code="INVALID_ORDER_STATE", path=f"{ORDERS}/*/submit")
    assert run(sandbox) == NOT_PAID
    assert "have it approved in the dashboard" in capsys.readouterr().err
    assert run(sandbox) == PAID


@pytest.mark.parametrize(("answer", "code"), [("y", PAID), ("", NOT_PAID), (None, NOT_PAID)])
def test_it_asks_before_it_pays(
    sandbox: Sandbox,
    answer: str | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def asked(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    assert run(sandbox, "--timeout", "60") == code
    assert payments(sandbox) == ([-153025] if code == PAID else [])
    assert code == PAID or writes(sandbox) == []
    assert "Pay 1530.25 USD from " in capsys.readouterr().out


@pytest.mark.parametrize("amount", ["1,530.25", "0", "0.00", "-1", "NaN", "Infinity", "1e999", ""])
def test_what_is_no_amount_is_refused(sandbox: Sandbox, amount: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(sandbox, amount=amount)
    assert sandbox.requests == []


@pytest.mark.parametrize("timeout", ["nan", "inf", "-1", "soon"])
def test_what_is_no_time_to_watch_is_refused_before_it_pays(sandbox: Sandbox, timeout: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(sandbox, "--yes", f"--timeout={timeout}")
    assert sandbox.requests == []


@pytest.mark.parametrize("invoice", ["", " ", "a\nb", "\u200b", "\ud800"])
def test_a_number_that_cannot_be_a_key_is_refused(
    sandbox: Sandbox, invoice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sandbox, invoice=invoice) == UNUSABLE
    assert writes(sandbox) == []
    assert capsys.readouterr().err.startswith("stopped: ")


ODD: list[Any] = [None, 7, "x", [], {}, [None], {"id": "o1"}, {"id": "o1", "status": 7}]
AN_ORDER = {"id": "o1", "idempotency_key": "2026-0117", "status": "processing"}


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        *[("/v2/payment_methods", {"items": [{"id": "m1", "details": odd}]}) for odd in ODD],
        *[(ORDERS, {"items": [{**AN_ORDER, "amount": odd}]}) for odd in ODD],
        *[(ORDERS, {"items": [{**AN_ORDER, "amount": 1, "destination": odd}]}) for odd in ODD],
        *[(f"{ORDERS}/*", odd) for odd in ODD],
    ],
)
def test_whatever_the_server_sends_it_ends_in_a_message(
    sandbox: Sandbox, path: str, odd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(200, times=None, path=path, body=json.dumps(odd))
    code = run(sandbox)
    message = capsys.readouterr().err
    sandbox.clear_faults()
    assert code in (PAID, NOT_PAID)
    assert code == PAID or message.startswith(("stopped: ", "not paid: ", "repeating "))
    assert run(sandbox) in (PAID, PAID_BEFORE)
    assert payments(sandbox) == [-153025]


def test_what_the_server_says_does_not_steer_the_terminal(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fail(500, path=f"{ORDERS}/*/submit", times=4)
    assert run(sandbox) == NOT_PAID
    (order,) = orders(sandbox)
    attempt = {"status": "failed", "error_message": "no\x1b[2J\r\n\u202epaid"}
    ended = {**order, "status": "failed", "latest_attempt": attempt}
    capsys.readouterr()
    sandbox.fail(200, path=ORDERS, body={"items": [ended], "has_more": False})
    assert run(sandbox) == NOT_PAID
    said = capsys.readouterr()
    assert "is failed: no [2J   paid. To order it anew" in said.err
    assert all(character.isprintable() or character == "\n" for character in said.out + said.err)


# --- from a shell -----------------------------------------------------------------------------


def script(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TESOTE_")}
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_without_a_key_it_demonstrates(tmp_path: Path) -> None:
    result = script(tmp_path)
    assert result.returncode == PAID, result.stderr
    assert "a demonstration" in result.stdout
    assert "2026-0117: 1530.25 USD to Prairie Mills Inc., completed" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_no_demonstration_for_who_means_to_pay(tmp_path: Path) -> None:
    with Sandbox(accounts=2, transactions=1) as sandbox:
        bill = arguments(sandbox, "--yes")
        for environment in ({}, {"TESOTE_SDK_API_KEY": ""}):
            result = script(tmp_path, *bill, **environment)
            assert result.returncode == UNUSABLE
            assert result.stderr.startswith("stopped: ")
            assert result.stdout == ""


def test_from_a_shell_it_wants_a_yes(tmp_path: Path) -> None:
    with Sandbox(accounts=2, transactions=1) as sandbox:
        environment = {"TESOTE_SDK_API_KEY": sandbox.api_key, "TESOTE_SDK_API_URL": sandbox.url}
        result = script(tmp_path, *arguments(sandbox), **environment)
        assert (result.returncode, payments(sandbox)) == (NOT_PAID, [])
        assert result.stderr.endswith("not paid: nobody is here to answer: pass --yes\n")
        result = script(tmp_path, *arguments(sandbox, "--yes"), **environment)
        assert (result.returncode, payments(sandbox)) == (PAID, [-153025]), result.stderr
