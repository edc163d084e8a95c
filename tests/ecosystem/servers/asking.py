"""Asks a web application for many accounts at once, and looks whose they are."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.ecosystem.support import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

THREADS = 8
ENOUGH = 4
"""Bad answers after which no more is asked."""


def ask_for_accounts(port: int, account_ids: Sequence[str]) -> int:
    """Get `/accounts/ID` for each id, eight at a time, and return how many processes told theirs.

    Raises:
        Fault: An answer is another account's, or none.
    """
    return _ask(port, [f"/accounts/{account_id}" for account_id in account_ids])


def ask_for_orders(port: int, count: int) -> None:
    """Make orders with `/orders/KEY`, eight at a time.

    Raises:
        Fault: An answer is another order's, or none.
    """
    _ask(port, [f"/orders/order-{number}" for number in range(count)])


def get(port: int, path: str, *, timeout: float = 15) -> tuple[int, Any]:
    """Return the status of a GET and the data in its body, or its text where that is no JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text


def _ask(port: int, paths: Sequence[str]) -> int:
    answers: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []

    def ask(path: str) -> None:
        if len(bad) >= ENOUGH:  # each may take as long as a timeout
            return
        answer = _answer(port, path)
        answers.append(answer)
        if answer.get("id") != path.rsplit("/", 1)[1]:
            bad.append(answer)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, paths))
    if bad:
        failed = [each["failed"] for each in bad if "failed" in each]
        example = f", such as: {failed[0]}" if failed else ""
        raise Fault(
            f"of the first {len(answers)} answers {len(bad) - len(failed)} were another's and "
            f"{len(failed)} were errors{example}"
        )
    return len({answer.get("pid") for answer in answers})


def _answer(port: int, path: str) -> dict[str, Any]:
    try:
        status, answer = get(port, path)
    except (OSError, http.client.HTTPException) as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    if status != 200 or not isinstance(answer, dict):
        return {"failed": f"HTTP {status} {str(answer)[-300:]}"}
    return answer
