"""A job as an integrator writes it: pay each supplier of a list. It takes no care of crashes.

    python job.py ACCOUNT_ID ROUND SUPPLIERS

It says "ready" before the first payment, so that whoever kills it can time the kill.
"""

from __future__ import annotations

import sys

from tesote_sdk import V2Client


def main(account_id: str, round_name: str, suppliers: int) -> None:
    with V2Client() as client:
        client.status()  # loads what the first call loads
        print("ready", flush=True)
        for number in range(suppliers):
            invoice = f"{round_name}-{number}"
            client.transaction_orders.pay(
                account_id,
                amount=f"{number + 1}.25",
                currency="USD",
                description=f"Invoice {invoice}",
                beneficiary={"name": f"Supplier {number}", "account_number": f"0199{number:08}"},
                idempotency_key=invoice,
            )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
