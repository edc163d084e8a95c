"""The Redis backend of the documentation, over a real Redis that this suite starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tesote_sdk
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tests.docs.examples import EXAMPLES, load_example
from tests.docs.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = EXAMPLES / "redis_cache.py"

example = load_example("redis_cache")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=1) as sandbox:
        yield sandbox


class Caller:
    """A client over the example's backend, with its connections closed in the end."""

    def __init__(self, server: RedisServer, sandbox: Sandbox, api_key: str | None = None) -> None:
        self.backend = example.connect(server.url)
        self.client = V2Client(
            api_key=api_key or sandbox.api_key, base_url=sandbox.url, cache_backend=self.backend
        )

    def __enter__(self) -> V2Client:
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.backend._redis.close()


def python(*arguments: str, code: int = 0, before: Path | None = None, **environment: str) -> str:
    """Run another Python, and return what it prints.

    `code` is what it has to exit with; `before` is a folder whose modules hide others.
    """
    source = str(Path(tesote_sdk.__path__[0]).parent)
    paths = os.pathsep.join([*([str(before)] if before else []), source, str(EXAMPLE.parent)])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "TESOTE_SDK_API_KEY": "", "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


_OTHER_PROCESS = """
import sys
from redis_cache import connect
from tesote_sdk import V2Client

with V2Client(cache_backend=connect(sys.argv[1])) as client:
    methods = client.payment_methods.list(cache_ttl=60).data
    print(len(client.accounts.list(cache_ttl=60).data), len(methods))
    if sys.argv[2:] == ["write"]:
        client.payment_methods.update(methods[0]["id"], label="from another process")
"""


def other_process(server: RedisServer, sandbox: Sandbox, *arguments: str) -> str:
    return python(
        "-c",
        _OTHER_PROCESS,
        server.url,
        *arguments,
        TESOTE_SDK_API_KEY=sandbox.api_key,
        TESOTE_SDK_API_URL=sandbox.url,
    )


def test_two_processes_share_what_is_cached_and_see_each_others_writes(
    server: RedisServer, sandbox: Sandbox
) -> None:
    with Caller(server, sandbox) as client:
        accounts = client.accounts.list(cache_ttl=60).data
        methods = client.payment_methods.list(cache_ttl=60).data
        sandbox.clear_requests()
        assert other_process(server, sandbox, "write") == f"{len(accounts)} {len(methods)}\n"
        # It asked for nothing that was cached, and wrote.
        assert [request.method for request in sandbox.requests] == ["PATCH"]
        labels = [method["label"] for method in client.payment_methods.list(cache_ttl=60)]
        assert "from another process" in labels
        client.accounts.list(cache_ttl=60)
        assert [request.method for request in sandbox.requests] == ["PATCH", "GET"]


def test_two_tenants_share_a_server_and_nothing_in_it(
    server: RedisServer, sandbox: Sandbox
) -> None:
    other_key = "sk_live_planted_other_0042"
    sandbox.add_api_key(other_key)
    with Caller(server, sandbox) as one, Caller(server, sandbox, other_key) as other:
        one.accounts.list(cache_ttl=60)
        first = set(server.dump())
        other.accounts.list(cache_ttl=60)
        assert len(sandbox.requests) == 2
        assert len(server.dump()) == 2 * len(first)
        one.accounts.list(cache_ttl=60)
        other.accounts.list(cache_ttl=60)
        assert len(sandbox.requests) == 2
    dump = repr(server.dump())
    for key in (sandbox.api_key, other_key):
        assert key not in dump
        assert key[-12:] not in dump


def test_redis_itself_lets_entries_go(server: RedisServer, sandbox: Sandbox) -> None:
    with Caller(server, sandbox) as client:
        client.accounts.list(cache_ttl=0.2)
        assert len(sandbox.requests) == 1
        entries = [key for key in server.dump() if b":response:" in key]
        (fresh,) = [key for key in entries if not key.endswith(b":etag")]
        (confirmable,) = [key for key in entries if key.endswith(b":etag")]
        assert 0 < server.admin.pttl(fresh) <= 200
        assert 86_000_000 < server.admin.pttl(confirmable) <= 86_400_200
        assert all(server.admin.pttl(key) > 0 for key in server.dump())
        deadline = time.monotonic() + 5
        while server.admin.exists(fresh):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client.accounts.list(cache_ttl=0.2)
        assert len(sandbox.requests) == 2
        assert "If-None-Match" in sandbox.requests[1].headers


def test_a_redis_that_stops_in_mid_run_costs_the_cache_and_never_the_call(
    server: RedisServer, sandbox: Sandbox
) -> None:
    with Caller(server, sandbox) as client:

        def labels() -> list[str | None]:
            return [method["label"] for method in client.payment_methods.list(cache_ttl=60)]

        before = labels()
        assert labels() == before
        assert len(sandbox.requests) == 1
        server.stop()
        began = time.monotonic()
        assert labels() == before
        assert labels() == before
        method = client.payment_methods.list().data[0]
        client.payment_methods.update(method["id"], label="meanwhile")
        assert "meanwhile" in labels()
        assert time.monotonic() - began < 5
        assert len(sandbox.requests) == 6
        server.start()
        assert "meanwhile" in labels()
        assert labels() == labels()
        assert len(sandbox.requests) == 7


@pytest.mark.parametrize(
    "url", ["localhost", "redis://user:planted/pw@localhost", "redis://localhost/0?db=planted"]
)
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    output = python(str(EXAMPLE), url, code=1)
    assert output.splitlines() == [
        "redis_cache: this is no address of a Redis, such as redis://localhost:6379/0"
    ]


def test_without_redis_py_the_script_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "redis.py").write_text("raise ImportError('not installed')", "utf-8")
    output = python(str(EXAMPLE), code=1, before=tmp_path)
    assert output == "redis_cache: redis-py is not here: pip install redis\n"


def test_a_redis_that_does_not_answer_is_told() -> None:
    # A port that was free a moment ago, and that nobody listens on.
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        output = python(str(EXAMPLE), f"redis://127.0.0.1:{reserved.getsockname()[1]}")
    lines = output.splitlines()
    assert [line for line in lines if line.endswith("accounts")] == ["50 accounts"] * 2
    assert "cache_hit" not in lines
    assert lines[-1] == "Both came from the API: no Redis answers at this address."


def test_the_script_asks_once_and_is_served_once(server: RedisServer) -> None:
    assert python(str(EXAMPLE), server.url).splitlines() == [
        "request",
        "response",
        "50 accounts",
        "cache_hit",
        "50 accounts",
    ]
