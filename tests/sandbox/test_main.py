"""`python -m tesote_sdk.sandbox`, as a newcomer runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox, __main__

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-m", "tesote_sdk.sandbox", "--accounts", "3"]
    command += ["--transactions", "2", "--api-key", "sk_mine", "--shapes", "openapi"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_it_prints_what_to_paste_and_serves_until_it_is_interrupted(
    served: subprocess.Popen[str],
) -> None:
    assert served.stdout is not None
    assert served.stderr is not None
    comment, url, key = (served.stdout.readline().strip() for _ in range(3))
    assert comment.startswith("# ")
    assert key == "export TESOTE_SDK_API_KEY=sk_mine"
    name, _, value = url.partition("=")
    assert name == "export TESOTE_SDK_API_URL"
    with Sandbox(accounts=0) as local, Api(local, key="sk_mine") as api:
        host, port = value[len("http://") : -len("/api")].split(":")
        api.connection.host, api.connection.port = host, int(port)
        assert len(api.get("/v2/accounts").json["accounts"]) == 3
        assert "workspace_name" in api.get("/v2/whoami").json
    served.send_signal(signal.SIGINT)
    assert served.wait(timeout=10) == 0
    assert served.stderr.read() == ""


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--shapes", "odd"], ["extra"]])
def test_arguments_that_make_no_sense_are_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m tesote_sdk.sandbox" in capsys.readouterr().err
