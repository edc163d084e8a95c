"""A job as an integrator writes it: pay each supplier of a list. It takes no care of crashes.

    python job.py

It reads "ACCOUNT_ID ROUND SUPPLIERS" from a line of its input, and does the job in a process of
its own, forked from one that has loaded what a job loads: to start Python anew for each would take
most of the time. The job says "ready" before the first payment, so that whoever kills it can time
the kill, and "over" at its end. The next line of input, "kill" or "let", says what becomes of
it, if it is still there; then "ended STATUS" is said.
"""

from __future__ import annotations

import os
import signal
import sys

from tesote_sdk import V2Client


def job(account_id: str, round_name: str, suppliers: int) -> None:
    with V2Client() as client:
        client.status()  # opens the connection
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


def main() -> None:
    with V2Client() as client:
        client.status()  # loads what the first call loads
    for line in sys.stdin:
        account_id, round_name, suppliers = line.split()
        child = os.fork()
        if not child:
            code = 1
            try:
                job(account_id, round_name, int(suppliers))
                code = 0
            finally:
                # In one piece, whatever kills it here.
                sys.stdout.write("over\n")
                sys.stdout.flush()
                os._exit(code)
        if sys.stdin.readline() == "kill\n":
            os.kill(child, signal.SIGKILL)
        print(f"ended {os.waitpid(child, 0)[1]}", flush=True)


if __name__ == "__main__":
    main()
