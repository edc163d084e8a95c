"""Runs sections of the guide to data frames, and knows what must come out of them."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.ecosystem.support import SandboxProcess, check, run_guide

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTS = 120


@contextmanager
def guide_section(heading: str) -> Iterator[dict[str, Any]]:
    """Run the guide up to a section in a folder of its own, and yield the names that it defines."""
    with tempfile.TemporaryDirectory() as folder, SandboxProcess(accounts=ACCOUNTS) as api:
        os.chdir(folder)
        # One whole amount, and two whose sum floats get wrong.
        for cents in (-4500, 10, 20):
            api.tell(
                "post_transaction",
                account_id=api.account_ids[0],
                amount_cents=cents,
                description="=1+1",
            )
        names = run_guide("data-frames.md", "In a notebook", "Rows", heading)
        with names["V2Client"]() as client:
            names["floats"] = [
                {**row, "amount": float(change["amount"])}
                for delta in client.transactions.iter_sync(api.account_ids[0])
                for row, change in zip(names["rows"], delta["added"])
            ]
        yield names
        os.chdir("/")


def check_totals(names: dict[str, Any], totals: dict[str, Any]) -> None:
    """Compare sums by currency with those of the guide's rows.

    Raises:
        Fault: They differ by a digit, or are no Decimals.
    """
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in names["rows"]:
        expected[row["currency"]] += row["amount"]
    check(totals == expected, f"the sums are {totals}, and not {dict(expected)}")
    kinds = {type(total) for total in totals.values()}
    check(kinds == {Decimal}, f"the sums are {kinds}")
