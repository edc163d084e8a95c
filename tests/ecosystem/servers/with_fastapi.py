# needs: fastapi uvicorn
"""The guide's FastAPI application: in the pool of threads, and through `asyncio.to_thread`."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tesote_sdk import V2Client
from tests.ecosystem.servers.asking import ask_for_accounts, get
from tests.ecosystem.support import SandboxProcess, Server, check, tell

COMMAND = [
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--log-level", "warning"),
    "tests.ecosystem.servers.guide_app:app",
]
DELAY = 0.5


def prove() -> str:
    with SandboxProcess(accounts=60) as api, Server(COMMAND, GUIDE_HEADING="FastAPI") as server:
        ask_for_accounts(server.port, api.account_ids * 2)
        one = api.account_ids[0]
        _, answer = get(server.port, f"/accounts/{one}")
        with V2Client() as client:
            check(answer == client.accounts.get(one), "the answer is not the SDK's result")
        status, answer = get(server.port, "/accounts/no-such-account")
        check(status == 404 and answer == {"error": "ACCOUNT_NOT_FOUND"}, f"{status} {answer}")
        api.tell("delay", seconds=DELAY, times=None)
        overlapped = _seconds_for_eight(server.port, f"/async/accounts/{one}")
    check(overlapped < 8 * DELAY / 2, f"eight calls of {DELAY} s took {overlapped:.1f} s")
    return "120 accounts in a pool of threads; eight calls through asyncio.to_thread overlapped"


def _seconds_for_eight(port: int, path: str) -> float:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(port, path), range(8)))
    check(all(status == 200 for status, _ in answers), f"not all were answered: {answers[0]}")
    return time.monotonic() - started


if __name__ == "__main__":
    tell(prove)
