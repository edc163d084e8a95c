# needs: flask gunicorn
"""The guide's Flask application answers many threads at once, with results and with errors."""

from __future__ import annotations

import sys

from tests.ecosystem.servers.asking import ask_for_accounts, get
from tests.ecosystem.support import SandboxProcess, Server, check, tell

COMMAND = [
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2"),
    *("--threads", "4", "tests.ecosystem.servers.guide_app:app"),
]


def prove() -> str:
    with SandboxProcess(accounts=60) as api, Server(COMMAND, GUIDE_HEADING="Flask") as server:
        ask_for_accounts(server.port, api.account_ids * 2)
        status, answer = get(server.port, "/accounts/no-such-account")
    check(status == 404 and answer["error"] == "ACCOUNT_NOT_FOUND", f"{status} {answer}")
    check(bool(answer["request_id"]), f"the error has no request id: {answer}")
    return "120 accounts in two processes of four threads, and a 404 with its code and request id"


if __name__ == "__main__":
    tell(prove)
