"""`python -m tesote_sdk.sandbox`, as a newcomer runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox, __main__
from tests.support.systems import needs_kill

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = ["--accounts", "3", "--transactions", "2", "--shapes", "openapi"]


@contextmanager
def run(
    *interpreter: str, api_key: str = "sk_mine", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", *interpreter, *OPTIONS, "--api-key", api_key]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **environment},
    ) as process:
        # Whoever waits for a line that is never printed waits until the process has ended.
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def printed(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(6)]


def asked(url: str) -> list[int]:
    """The statuses of two answers, and how many accounts there are."""
    with Sandbox(accounts=0) as local, Api(local, key="sk_mine") as api:
        host, port = url[len("http://") : -len("/api")].split(":")
        api.connection.host, api.connection.port = host, int(port)
        accounts, identity = api.get("/v2/accounts"), api.get("/v2/whoami")
        assert "workspace_name" in identity.json
        return [accounts.status, identity.status, len(accounts.json["accounts"])]


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ([], {}),
        (["-OO"], {}),
        ([], {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    ],
    ids=["as-it-is", "without-docstrings", "c-locale"],
)
def test_it_prints_what_to_paste_and_serves(
    options: list[str], environment: dict[str, str]
) -> None:
    with run(*options, "-m", "tesote_sdk.sandbox", **environment) as served:
        comment, url, key, other_comment, other_url, other_key = printed(served)
        assert comment.startswith("# ")
        assert other_comment.startswith("# ")
        name, _, value = url.partition("=")
        assert name == "export TESOTE_SDK_API_URL"
        assert key == "export TESOTE_SDK_API_KEY=sk_mine"
        assert other_url == f'$env:TESOTE_SDK_API_URL = "{value}"'
        assert other_key == '$env:TESOTE_SDK_API_KEY = "sk_mine"'
        assert asked(value) == [200, 200, 3]


@needs_kill
def test_ctrl_c_ends_it_quietly() -> None:
    with run("-m", "tesote_sdk.sandbox") as served:
        assert served.stderr is not None
        printed(served)
        served.send_signal(signal.SIGINT)
        assert served.wait(timeout=10) == 0
        assert served.stderr.read() == ""


INTERRUPTED_IN_SLEEP = """if True:
    import sys, threading, time
    from tesote_sdk.sandbox.__main__ import main

    def press_ctrl_c(seconds):
        assert threading.current_thread() is threading.main_thread()
        raise KeyboardInterrupt

    time.sleep = press_ctrl_c
    main(sys.argv[1:])
    print("ended", [thread.name for thread in threading.enumerate()])
"""
"""On Windows the main thread learns of Ctrl-C in a sleep, and in no wait for a lock."""


def test_ctrl_c_ends_it_where_it_cannot_enter_a_wait_for_a_lock() -> None:
    with run("-c", INTERRUPTED_IN_SLEEP) as served:
        out, err = served.communicate(timeout=10)
        assert out.splitlines()[6:] == ["ended ['MainThread']"]
        assert err == ""


def test_what_a_shell_would_read_in_a_key_is_quoted() -> None:
    with run("-c", INTERRUPTED_IN_SLEEP, api_key='a$b"c`d') as served:
        lines = served.communicate(timeout=10)[0].splitlines()
        assert lines[2] == "export TESOTE_SDK_API_KEY='a$b\"c`d'"
        assert lines[5] == '$env:TESOTE_SDK_API_KEY = "a`$b`"c``d"'


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--shapes", "odd"], ["extra"]])
def test_arguments_that_make_no_sense_are_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m tesote_sdk.sandbox" in capsys.readouterr().err
