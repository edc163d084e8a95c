# needs: uwsgi
"""Workers that uWSGI forks in C, which runs no hook of Python's, do not share a connection."""

from __future__ import annotations

import http.client
import sys
from functools import partial
from pathlib import Path

from tests.ecosystem.servers.asking import ask_for_accounts, ask_for_orders, get
from tests.ecosystem.support import ROOT, Fault, SandboxProcess, Server, check_each, tell

PREFIX = Path(sys.prefix)
COMMAND = [
    *(str(PREFIX / "bin" / "uwsgi"), "--http-socket", "127.0.0.1:{port}", "--master"),
    *("--processes", "4", "--virtualenv", str(PREFIX), "--pythonpath", str(ROOT)),
    *("--die-on-term", "--need-app", "--module"),
]
HOOKS = ["--enable-threads", "--py-call-osafterfork"]
MODES = {
    "prefork": [],
    "prefork with threads": ["--enable-threads", "--threads", "2"],
    "prefork with Python's fork hooks": HOOKS,
    "lazy-apps": ["--lazy-apps", "--enable-threads"],
}


def prove() -> str:
    modes = dict(MODES)
    left_out = ""
    if _dies_by_itself(HOOKS):
        del modes["prefork with Python's fork hooks"]
        left_out = "; --py-call-osafterfork kills any application here"
    command = [*COMMAND, "tests.ecosystem.servers.wsgi_app:app"]
    held = check_each({mode: partial(_try, [*command, *modes[mode]]) for mode in modes})
    return f"240 accounts, 100 orders, each the one asked for: {held}{left_out}"


def _try(command: list[str]) -> None:
    with SandboxProcess(accounts=60, transactions=1) as api, Server(command) as server:
        # While an answer is waited for, another worker may ask over the same connection.
        api.tell("delay", seconds=0.01, times=None)
        workers = ask_for_accounts(server.port, api.account_ids * 4)
        ask_for_orders(server.port, 100)
    if workers < 2:
        raise Fault(f"only {workers} worker answered")


def _dies_by_itself(options: list[str]) -> bool:
    """Tell whether uWSGI's workers die of the options, with an application that does nothing.

    Its call of the fork hooks ends Python 3.13 with a fatal error, whatever the application is.
    """
    with Server([*COMMAND, "tests.ecosystem.servers.bare_wsgi_app:app", *options]) as server:
        try:
            return get(server.port, "/", timeout=3)[0] != 200
        except (OSError, http.client.HTTPException):
            return True


if __name__ == "__main__":
    tell(prove)
