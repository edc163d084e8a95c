# needs: django gunicorn
"""The guide's Django view answers many threads at once, with results and with errors."""

from __future__ import annotations

import sys

from tests.ecosystem.servers.asking import ask_for_accounts, get
from tests.ecosystem.support import SandboxProcess, Server, check, tell

COMMAND = [
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2"),
    *("--threads", "4", "tests.ecosystem.servers.django_app:app"),
]


def prove() -> str:
    with SandboxProcess(accounts=60, transactions=1) as api, Server(COMMAND) as server:
        ask_for_accounts(server.port, api.account_ids * 2)
        status, answer = get(server.port, "/accounts/no-such-account")
    check(status == 404 and answer == {"error": "no such account"}, f"{status} {answer}")
    return "120 accounts in two processes of four threads, and a 404"


if __name__ == "__main__":
    tell(prove)
