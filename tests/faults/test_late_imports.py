"""What loads late loads under the one lock that a fork waits for.

A child in which another thread of its parent was in the middle of an import can never import that
module: whoever needs it hangs, past every timeout.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.certificates import CA, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply
from tests.support.systems import needs_fork

if TYPE_CHECKING:
    from tests.support.http_messages import Request

pytestmark = needs_fork

RUNS = int(os.environ.get("TESOTE_TEST_FORK_RUNS", "1"))
"""How often each case is tried; a few hundred are for those who change the guard."""

FIELDS = {
    "Deprecation": "@1",
    "Sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
    "Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT",
    "X-RateLimit-Limit": "200",
    "X-RateLimit-Remaining": "150",
    "X-RateLimit-Reset": "2026-01-01T00:00:00Z",
    "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
    "ETag": '"e1"',
}
CSV = {
    "Content-Type": "text/csv; charset=windows-1252",
    "Content-Disposition": "attachment; filename*=UTF-8''a%20b.csv",
}


def bank(request: Request) -> Step:
    """Answer whatever is asked, with all that makes a client load something."""
    path = request.target.partition("?")[0]
    if path.endswith("/export"):
        return reply(200, "a;b", {**FIELDS, **CSV})
    if path.endswith("/refused"):
        return reply(422, {"quota_info": {"reset_at": "2026-01-01T00:00:00Z"}}, FIELDS)
    if path.endswith("/gone"):
        return reply(410, {}, {**FIELDS, "Link": '</v3>; rel="successor-version"'})
    if path.endswith("/sync"):
        return reply(200, {"added": [], "has_more": False}, FIELDS)
    if path.endswith("/transactions"):
        return reply(200, {"transactions": [], "total": 0}, FIELDS)
    return reply(200, {"id": "a1", "status": "completed", "amount": "1.5"}, FIELDS, gzip=True)


CALLS = """
import encodings.idna, os, sys, tempfile, threading  # urllib's sockets import the first in mid-call
import tesote_sdk
from tesote_sdk import RateLimiter, RetryPolicy, TesoteError, V2Client

URL, TLS_URL, CA = sys.argv[1:4]
ONCE = RetryPolicy(max_attempts=1)
folder = tempfile.mkdtemp()

def urlopen(request, *, timeout):
    from urllib.request import HTTPHandler, OpenerDirector
    opener = OpenerDirector()  # without https, whose handler reads the CA store under a lock
    opener.add_handler(HTTPHandler())
    return opener.open(request, timeout=timeout)

def exported(client):
    from datetime import date
    found = client.transactions.export("a1", start_date=date(2026, 1, 1))
    return found.text, found.filename, found.save(os.path.join(folder, "a.csv"))

def paid(client):
    from decimal import Decimal
    return client.transaction_orders.create(
        "a1", amount=Decimal("1.5"), currency="VES", description="x", beneficiary={"name": "A"}
    )

def moments(client):
    from datetime import datetime, timezone
    return client.transaction_orders.list("a1", created_after=datetime.now(timezone.utc))

def over_tls(_):
    import ssl
    with V2Client(
        "sk_test_1234", base_url=TLS_URL, ssl_context=ssl.create_default_context(cafile=CA)
    ) as client:
        return client.status()

def at_localhost(_):
    with V2Client("sk_test_1234", base_url=URL.replace("127.0.0.1", "localhost")) as client:
        return client.status()

def through_an_opener(_):
    with V2Client("sk_test_1234", base_url=URL, opener=urlopen) as client:
        return client.status()

def logged(_):
    with V2Client("sk_test_1234", base_url=URL, cache_backend=Broken()) as client:
        return client.accounts.get("a1", cache_ttl=1)

class Broken:
    def get(self, *arguments):
        raise OSError
    set = delete = get

CALLS = {
    "status": lambda client: client.status(),
    "get": lambda client: client.accounts.get("a1"),
    "cached": lambda client: client.accounts.get("a1", cache_ttl=60),
    "pages": lambda client: list(client.transactions.list_for_account("a1")),
    "deltas": lambda client: list(client.transactions.iter_sync("a1")),
    "refused": lambda client: client.request("GET", "/v2/refused"),
    "gone": lambda client: client.request("GET", "/v2/gone"),
    "waits": lambda client: client.transaction_orders.wait("a1", "a1"),
    "public modules": lambda client: (tesote_sdk.money, tesote_sdk.times, tesote_sdk.webhooks),
    "exported": exported,
    "paid": paid,
    "moments": moments,
    "over TLS": over_tls,
    "at localhost": at_localhost,
    "through an opener": through_an_opener,
    "logged": logged,
}

def call(name):
    try:
        CALLS[name](client)
    except TesoteError as error:
        repr(error), error.to_dict()

client = V2Client("sk_test_1234", base_url=URL, retry_policy=ONCE, rate_limiter=RateLimiter())
"""

WATCHED = """
from tesote_sdk import _forks

class Watch:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame.f_code.co_filename != "<string>":  # this program's own imports are its affair
            if "tesote_sdk" in frame.f_code.co_filename and not _forks._loads.around(None):
                print(name, "is imported by", frame.f_code.co_filename, frame.f_lineno)
                break
            frame = frame.f_back

sys.meta_path.insert(0, Watch())
for name in CALLS:
    call(name)
"""

FORKED = """
NAME, CALL = sys.argv[4:6]

class Slow:  # an import that takes its time
    def find_spec(self, name, path=None, target=None):
        if name == NAME and not begun.is_set():
            begun.set()
            forking.wait(5)
            threading.Event().wait(0.05)  # when the fork waits, or has been made

begun, forking, ended = threading.Event(), threading.Event(), threading.Event()
sys.meta_path.insert(0, Slow())

def work():
    call(CALL)
    ended.set()
    begun.set()

thread = threading.Thread(target=work)
thread.start()
begun.wait()
if ended.is_set():
    sys.exit(f"{NAME} is not loaded by {CALL}")
forking.set()
pid = os.fork()
if not pid:
    import signal
    signal.alarm(8)
    call(CALL)
    os._exit(0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

LATE = [
    ("tesote_sdk.transport.connections", "status"),
    ("tesote_sdk.transport.response_cache", "cached"),
    ("tesote_sdk.transport.openers", "through an opener"),
    ("tesote_sdk.v2.export", "exported"),
    ("tesote_sdk.money", "public modules"),
    ("encodings.cp1252", "exported"),
    ("email.utils", "refused"),
    ("logging", "logged"),
]
"""Modules that load with a first use, and the call that loads each of them."""


@pytest.fixture
def servers() -> Any:
    with ScriptedServer(bank) as plain, ScriptedServer(bank, tls=server_context()) as secure:
        yield plain.url, secure.url, str(CA)


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path[:0] = {sys.path!r}"
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", f"{path}\n{code}", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
        env={**os.environ, "no_proxy": "*"},
    )


def test_no_call_imports_anything_without_the_guard(servers: tuple[str, str, str]) -> None:
    done = run(CALLS + WATCHED, *servers)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "DeprecationWarning" in done.stderr


@pytest.mark.parametrize(("module", "call"), LATE, ids=[module for module, _ in LATE])
def test_fork_while_another_thread_is_at_a_first_import(
    module: str, call: str, servers: tuple[str, str, str]
) -> None:
    for _ in range(RUNS):
        done = run(CALLS + FORKED, *servers, module, call)
        assert done.returncode == 0, done.stderr
