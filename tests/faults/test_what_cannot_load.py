"""A running program whose files are gone, or that can open no more of them, and its last moments.

What a call needs is loaded with the first one. What few programs use loads late, and where it
cannot, the call ends in a typed error, or does without.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, delayed, reply, silence
from tests.support.systems import FREE_THREADED, PYPY, needs_limits

if TYPE_CHECKING:
    from tests.support.http_messages import Request

DATE = "Sun, 06 Nov 2094 08:49:37 GMT"


def bank(request: Request) -> Step:
    path = request.target.partition("?")[0].rpartition("/")[2]
    steps: dict[str, Step] = {
        "refused": reply(422, {"error": "No", "error_code": "INVALID_COUNT"}),
        "html": reply(502, "<h1>Bad gateway</h1>"),
        "no_reason": reply(404, {}, reason=""),
        "until": reply(503, {"error": "later"}, {"Retry-After": DATE}),
        "quota": reply(429, {"quota_info": {"reset_at": "2094-01-01T00:00:00Z"}}),
        "limited": reply(200, {"id": "a1"}, {"X-RateLimit-Reset": "2094-01-01T00:00:00Z"}),
        "gone": reply(410, {}, {"Link": '</v3>; rel="successor-version"', "Sunset": DATE}),
        "silent": silence(),
        "hangs_up": delayed(reply(200, {"id": "a1"}, close=True), 0),
        "gzip": reply(200, {"id": "a1"}, gzip=True),
        "transaction_orders": reply(200, {"items": [], "has_more": False}),
        "export": reply(200, "a;b", {"Content-Type": "text/csv; charset=cp1252"}),
    }
    return steps.get(path, reply(200, {"id": "a1", "amount": "1.5"}))


PROGRAM = """
import sys, warnings
from tesote_sdk import InMemoryLRUCache, RateLimiter, RetryPolicy, TesoteError, V2Client
warnings.simplefilter("ignore")

def client(**options):
    return V2Client(
        "sk_test_1234", base_url=sys.argv[1], read_timeout=0.2, total_timeout=5,
        retry_policy=RetryPolicy(max_attempts=2, base_delay=0), **options,
    )

bank = client()
bank.request("GET", "/v2/first")
FORBID

class Amount:  # what a program would have loaded itself
    pass

def get(path, **options):
    return lambda: client(**options).request("GET", f"/v2/{path}").json

def on(call):
    return lambda: call(bank)

CALLS = {
    "again": on(lambda c: c.accounts.get("a1")),
    "retried": on(lambda c: c.request("GET", "/v2/html")),
    "at localhost": lambda: V2Client(
        "sk_test_1234", base_url=sys.argv[1].replace("127.0.0.1", "localhost"), total_timeout=5
    ).accounts.get("a1"),
    "written with a backend": lambda: client(cache_backend=InMemoryLRUCache()).request(
        "POST", "/v2/payment_methods", body={}
    ),
    "cached": on(lambda c: c.accounts.get("a1", cache_ttl=5)),
    "opener": get("x", opener=lambda request, timeout: None),
    "paced": get("limited", rate_limiter=RateLimiter()),
    "logged": get("x", logger=lambda event: None),
    "order": on(lambda c: c.transaction_orders.list("a1", created_after="2026-01-01")),
    "exported": on(lambda c: c.transactions.export("export").text),
    "closed": on(lambda c: c.close()),
}
for path in (
    "refused", "no_reason", "until", "quota", "limited", "gone", "gzip", "hangs_up", "silent"
):
    CALLS[path] = lambda path=path: client().request("GET", f"/v2/{path}")
    CALLS[f"{path}, kept"] = lambda path=path: bank.request("GET", f"/v2/{path}")
CALLS["closed"] = CALLS.pop("closed")
for name, call in CALLS.items():
    try:
        call()
    except TesoteError as error:
        print(name, type(error).__name__, sep=": ")
    else:
        print(name, "ok", sep=": ")
"""

NO_FILES = """
class Gone:
    def find_spec(self, name, path=None, target=None):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Gone())
"""
NO_DESCRIPTORS = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
"""


def outcomes(program: str, *options: str, url: str) -> dict[str, str]:
    """Run a program, and return what it printed of each of its calls."""
    ended = subprocess.run(
        [
            sys.executable,
            *options,
            "-c",
            f"import sys; sys.path[:0] = {sys.path!r}\n{program}",
            url,
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(line.split(": ", 1) for line in ended.stdout.splitlines())


def test_the_files_of_a_running_program_are_gone() -> None:
    with ScriptedServer(bank) as server:
        ended = outcomes(PROGRAM.replace("FORBID", NO_FILES), url=server.url)
    assert ended["again"] == ended["at localhost"] == ended["gzip"] == ended["hangs_up"] == "ok"
    assert ended["limited"] == ended["paced"] == ended["logged"] == "ok"
    assert ended["refused"] == "InvalidCountError"
    assert ended["retried"] == "ServerError"
    assert ended["silent"] == "TimeoutError"
    assert ended["no_reason"] == "NotFoundError"
    assert ended["until"] == "ServiceUnavailableError"
    assert ended["quota"] == "RateLimitExceededError"
    assert ended["gone"] == "EndpointRemovedError"
    assert ended["cached"] == ended["opener"] == ended["written with a backend"] == "ConfigError"


@needs_limits
@pytest.mark.skipif(PYPY, reason="PyPy opens a file for every random number")
def test_no_descriptor_is_left_in_a_running_program() -> None:
    with ScriptedServer(bank) as server:
        ended = outcomes(PROGRAM.replace("FORBID", NO_DESCRIPTORS), url=server.url)
    # The connection that is there goes on; a new one cannot be made.
    assert ended["again"] == ended["gzip, kept"] == "ok"
    assert ended["refused, kept"] == "InvalidCountError"
    assert ended["no_reason, kept"] == "NotFoundError"
    assert ended["until, kept"] == "ServiceUnavailableError"
    assert ended["refused"] == ended["at localhost"] == "NetworkError"


LAST_WORDS = """
from tesote_sdk import TesoteError, V2Client
client = V2Client("sk_test_1234", base_url=sys.argv[1], total_timeout=2)

class Farewell:
    def __init__(self, name):
        self.name = name

    # What is global may be gone when this is called.
    def __del__(self, client=client, TesoteError=TesoteError):
        for more, cache_ttl in (("", None), (", cached", 60)):
            try:
                ended = client.request("GET", "/v2/x", cache_ttl=cache_ttl).json["id"]
            except TesoteError as error:
                ended = type(error).__name__
            print(f"{self.name}{more}: {ended}")

if WARM:
    client.request("GET", "/v2/x")
farewell = Farewell("global")
if AT_EXIT:
    import atexit
    atexit.register(Farewell("at exit").__del__)
"""


@pytest.mark.skipif(PYPY, reason="PyPy calls no finalizers where a program ends")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        pytest.param(
            "localhost",
            # Its lookup is a thread, and that is enough for this order of things.
            marks=pytest.mark.skipif(
                FREE_THREADED,
                reason="once a program has had threads, its modules are emptied before its objects",
            ),
        ),
    ],
)
@pytest.mark.parametrize("warm", [True, False])
def test_a_call_in_the_last_moment_of_a_program(warm: bool, host: str) -> None:
    """It works, or ends in a typed error; at localhost a thread is wanted that cannot be had."""
    with ScriptedServer(bank) as server:
        program = LAST_WORDS.replace("WARM", str(warm))
        url = server.url.replace("127.0.0.1", host)
        ended = outcomes(program.replace("AT_EXIT", "True"), url=url)
        assert ended["at exit"] == ended["at exit, cached"] == "a1"
        assert ended["global"] == "a1"
        ended = outcomes(program.replace("AT_EXIT", "False"), url=url)
        assert ended == {"global": "a1" if warm else "ConfigError", "global, cached": "ConfigError"}


DAEMONS = """
import threading
from tesote_sdk import V2Client
client = V2Client("sk_test_1234", base_url=sys.argv[1])
begun = threading.Semaphore(0)

def ask(path):
    while True:
        client.request("GET", path)
        begun.release()

client.request("GET", "/v2/first")
for n in range(6):
    threading.Thread(target=ask, args=["/v2/x"], daemon=True).start()
    threading.Thread(target=client.request, args=["GET", "/v2/silent"], daemon=True).start()
for n in range(50):
    begun.acquire()
"""


def test_daemon_threads_in_mid_call_say_nothing_when_the_program_ends() -> None:
    with ScriptedServer(bank) as server:
        assert outcomes(DAEMONS, "-X", "dev", url=server.url) == {}
