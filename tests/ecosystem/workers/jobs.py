"""What a worker process is asked to do: one result and three errors, with a client of its own.

`client` is the guide's function. A program that calls it before its workers are forked hands them
a client with an open connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tesote_sdk import AccountNotFoundError, NetworkError, RetryPolicy, TesoteError
from tests.ecosystem.support import Fault, check, run_guide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.ecosystem.support import SandboxProcess

client = run_guide("frameworks.md", "Process pools and schedulers")["client"]

KEY = "invoice-HS-2231"


def account(account_id: str) -> tuple[str, str]:
    """Return the id that was asked for, and the id that came."""
    return account_id, client().accounts.get(account_id)["id"]


def refuse() -> None:
    """Ask for an account that there is not.

    Raises:
        AccountNotFoundError: Always.
    """
    client().accounts.get("no-such-account")


def lose_a_payment(account_id: str) -> None:
    """Make an order whose answer is lost.

    Raises:
        NetworkError: Always; the order may have been made.
    """
    once = client().with_options(retry_policy=RetryPolicy(max_attempts=1))
    once.transaction_orders.create(
        account_id,
        amount="1.25",
        currency="USD",
        description="Flour",
        beneficiary={"name": "Harinas del Sur C.A."},
        idempotency_key=KEY,
    )


def lose_answers(api: SandboxProcess) -> None:
    """Have the sandbox make every order from now on and answer none."""
    api.tell("drop", when="after_processing", times=None, path="*/transaction_orders")


def check_accounts(answers: Sequence[Sequence[str]]) -> None:
    """Look whether each answer is the account that was asked for.

    Raises:
        Fault: An answer is another account's.
    """
    wrong = sum(asked != got for asked, got in answers)
    check(not wrong, f"{wrong} of {len(answers)} answers were another account's")


def check_refused(call: Callable[[], object]) -> None:
    """Call something that fails as `refuse` does, and look at the error that arrives.

    Raises:
        Fault: It has lost something on its way.
    """
    error = _error_of(call)
    check(type(error) is AccountNotFoundError, f"a refusal arrived as {error!r}")
    found = (error.error_code, error.http_status, error.outcome_unknown)
    check(found == ("ACCOUNT_NOT_FOUND", 404, False), f"a refusal arrived with {found}")
    check(bool(error.request_id), "a refusal arrived without its request id")


def check_lost(call: Callable[[], object]) -> None:
    """Call something that fails as `lose_a_payment` does, and look at the error that arrives.

    Raises:
        Fault: It has lost something on its way.
    """
    error = _error_of(call)
    check(type(error) is NetworkError, f"a lost payment arrived as {error!r}")
    check(error.outcome_unknown, "a lost payment arrived as one that was surely not made")
    key = (error.request_summary or {}).get("idempotency_key")
    check(key == KEY, f"a lost payment arrived with the idempotency key {key!r}")


def _error_of(call: Callable[[], object]) -> TesoteError:
    try:
        call()
    except TesoteError as error:
        return error
    except Exception as error:
        raise Fault(f"an error arrived as {type(error).__name__}: {error}") from error
    raise Fault("an error did not arrive")
