# needs: gunicorn[gevent]
"""One client serves every kind of gunicorn's workers, made before the fork or after it."""

from __future__ import annotations

import sys
from functools import partial

from tests.ecosystem.servers.asking import ask_for_accounts, ask_for_orders
from tests.ecosystem.support import SandboxProcess, Server, check_each, tell

COMMAND = [
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "3"),
    "tests.ecosystem.servers.wsgi_app:app",
]
KINDS = {"sync": [], "gthread": ["--threads", "4"], "gevent": ["--worker-connections", "50"]}


def prove() -> str:
    commands = {
        " ".join([kind, *preload]): [*COMMAND, "--worker-class", kind, *options, *preload]
        for kind, options in KINDS.items()
        for preload in ([], ["--preload"])
    }
    held = check_each({name: partial(_try, command) for name, command in commands.items()})
    return f"120 accounts and 60 orders, each the one asked for: {held}"


def _try(command: list[str]) -> None:
    with SandboxProcess(accounts=60, transactions=1) as api, Server(command) as server:
        ask_for_accounts(server.port, api.account_ids * 2)
        ask_for_orders(server.port, 60)


if __name__ == "__main__":
    tell(prove)
