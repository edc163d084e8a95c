"""The program that is packed: it uses what a frozen program is likely to lack."""

from __future__ import annotations

import io
import sys

from tesote_sdk import AccountNotFoundError, RateLimiter, V1Client, V2Client


def main() -> None:
    """Use both clients, and print a line that the test looks for."""
    with V1Client() as v1, V2Client(rate_limiter=RateLimiter()) as client:
        accounts = [account["name"] for account in client.accounts.list(per_page=2)]
        one = client.accounts.list().data[0]["id"]
        refused = _refusal(client)
        order = client.transaction_orders.create(
            one,
            amount="1.25",
            currency="USD",
            description="Harina de maíz",
            beneficiary={"name": "Cafés Ñandú C.A."},
        )
        client.accounts.get(one, cache_ttl=60)
        exported = client.transactions.export(
            one, start_date="2020-01-01", end_date="2035-12-31", format="csv"
        )
        io.BytesIO(exported.content)
        told = [v1.status()["status"], str(len(accounts)), refused, order["description"] or ""]
    sys.stdout.write(ascii(told) + "\n")


def _refusal(client: V2Client) -> str:
    try:
        client.accounts.get("no-such-account")
    except AccountNotFoundError as error:
        return str(error.error_code)
    return "none"


if __name__ == "__main__":
    main()
