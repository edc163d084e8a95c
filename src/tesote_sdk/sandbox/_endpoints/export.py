"""Transactions as a file, CSV or JSON."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

from .._wire.errors import Refusal, unprocessable
from .._wire.messages import Reply
from .._wire.moments import day
from .filters import full_filter
from .transactions import transaction_object

if TYPE_CHECKING:
    from .._state.ledger import Transaction
    from .._state.store import Store
    from .call import Call

_MAX_ROWS = 10_000
_COLUMNS = ("Transaction ID", "Date", "Description", "Amount", "Currency", "Status", "Counterparty")


def export(store: Store, call: Call) -> Reply:
    """GET /v2/accounts/{id}/transactions/export."""
    account = store.account(call.ids["account_id"])
    file_format = call.query.get("format", "csv")
    if file_format not in ("csv", "json"):
        raise unprocessable("format must be csv or json")
    if not call.query.get("start_date") and not call.query.get("end_date"):
        raise Refusal("start_date and end_date are required", "MISSING_DATE_RANGE")
    wanted = full_filter(store, call.query)
    matching = wanted.of(store.ledger(account).rows(removed=wanted.removed))
    rows = list(islice(matching, _MAX_ROWS + 1))
    if len(rows) > _MAX_ROWS:
        raise unprocessable(f"More than {_MAX_ROWS} transactions: choose a smaller date range")
    today = day(store.now(), account.seed.utc_offset)
    name = f"transactions_{account.id}_{today}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if file_format == "json":
        items = [transaction_object(store, account, row) for row in rows]
        return Reply(200, {"transactions": items}, headers=headers)
    return Reply(200, content=_csv(rows), content_type="text/csv; charset=utf-8", headers=headers)


def _csv(rows: list[Transaction]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)  # quotes and line ends as RFC 4180 has them
    writer.writerow(_COLUMNS)
    for row in rows:
        sign = "-" if row.amount_cents < 0 else ""
        units, cents = divmod(abs(row.amount_cents), 100)
        name = "" if row.counterparty is None else row.counterparty["name"]
        amount = f"{sign}{units}.{cents:02d}"
        writer.writerow(
            (row.id, row.date, row.description or "", amount, row.currency, row.status, name)
        )
    return out.getvalue().encode("utf-8", "replace")
