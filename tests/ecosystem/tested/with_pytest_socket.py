# needs: pytest pytest-socket
"""pytest-socket's allow-list holds: the sandbox is reached, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.ecosystem.support import check, tell

TESTS = """
import pytest
from tesote_sdk import RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox

ONCE = RetryPolicy(max_attempts=1)


def test_a_host_on_the_list_is_reached():
    with Sandbox(accounts=1, transactions=1) as sandbox:
        for url in (sandbox.url, sandbox.url.replace("127.0.0.1", "localhost")):
            with V2Client(sandbox.api_key, base_url=url) as client:
                assert client.status()["status"] == "ok"


def test_any_other_is_not():
    with V2Client("key", base_url="http://127.0.0.2:9/api", retry_policy=ONCE) as client:
        with pytest.raises(Exception, match="127.0.0.2") as caught:
            client.status()
    errors = []
    error = caught.value
    while error is not None:
        errors.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    assert "SocketConnectBlockedError" in errors
"""


def prove() -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_allowed.py")
        file.write_text(TESTS, encoding="utf-8")
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)),
                *("--disable-socket", "--allow-hosts=127.0.0.1,localhost"),
            ],
            timeout=1800,
            capture_output=True,
            encoding="utf-8",
        )
    lines = [line for line in run.stdout.splitlines() if line.startswith(("E  ", "FAILED"))]
    check(run.returncode == 0, "; ".join(lines[:4]) or run.stdout[-300:])
    return "the sandbox by address and by name, and a refusal of any other host"


if __name__ == "__main__":
    tell(prove)
