"""The webhook receiver of the documentation, run as a script."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import tesote_sdk
from tests.support.systems import needs_kill

from .examples import EXAMPLES
from .test_webhook_receiver import SECRET, deliver


def script(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / "webhook_receiver.py"), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent),
            "TESOTE_WEBHOOK_SECRET": "",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@needs_kill
def test_the_script_serves_until_it_is_told_to_stop() -> None:
    with script("0", TESOTE_WEBHOOK_SECRET=SECRET) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().rpartition(":")[2])
            assert deliver(port, "d-1") == (202, "accepted")
            assert deliver(port, "d-2", secret="another")[0] == 400
            process.send_signal(signal.SIGTERM)
            output = process.stdout.read()
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert "sync a-1 after accounts.updated" in output
    assert "refused a delivery: signature mismatch" in output
    assert "Traceback" not in output
    assert SECRET not in output


def test_the_script_wants_a_secret() -> None:
    code, output = said("0")
    assert code == 1
    assert output.startswith("set TESOTE_WEBHOOK_SECRET")


def said(*arguments: str, **environment: str) -> tuple[int, str]:
    with script(*arguments, **environment) as process:
        output, _ = process.communicate(timeout=30)
    assert "Traceback" not in output
    return process.returncode, output


def test_without_a_secret_and_a_port_the_script_shows_what_it_does() -> None:
    code, output = said()
    assert code == 0
    assert output.splitlines()[0].startswith("no secret, no port: a demonstration")
    assert output.count("after sync.updates_available") == 2
    assert output.count("refused a delivery: signature mismatch") == 1


def test_the_script_says_what_is_wrong_with_its_secret_and_its_port() -> None:
    code, output = said("0", TESOTE_WEBHOOK_SECRET=f"{SECRET}\n")
    assert (code, output[:45]) == (1, "webhook_receiver: secret ends with a newline:")
    assert SECRET not in output
    for port in ("http", "70000", "-1"):
        assert said(port, TESOTE_WEBHOOK_SECRET=SECRET) == (
            1,
            f"{port!r} is no port such as 8080\n",
        )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, output = said(str(taken.getsockname()[1]), TESOTE_WEBHOOK_SECRET=SECRET)
    assert (code, output[:18]) == (1, "webhook_receiver: ")
    assert "in use" in output or "10048" in output  # as Windows numbers it
