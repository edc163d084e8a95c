"""What the programs share: how they say what they found, and a sandbox in a process of its own.

A program proves one promise in a function that returns what it proved:

    # needs: gunicorn
    from tests.ecosystem.support import Fault, tell

    def prove() -> str:
        if answer != expected:
            raise Fault(f"the answer was {answer}")
        return "60 answers, each the one asked for"

    if __name__ == "__main__":
        tell(prove)

Nothing but the standard library is imported here, so that a program can choose what comes first.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Callable

ROOT = Path(__file__).resolve().parents[2]


class Fault(Exception):
    """The promise does not hold; the text says what happened in its place."""


class Skipped(Exception):
    """The promise cannot be tried here; the text says why."""


def tell(prove: Callable[[], str]) -> None:
    """Run a proof and end the process, with the verdict as the last line of its output."""
    try:
        verdict, status = f"held: {prove()}", 0
    except Skipped as reason:
        verdict, status = f"skipped: {reason}", 0
    except Fault as fault:
        verdict, status = f"fault: {fault}", 1
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict
        traceback.print_exc()
        verdict, status = f"fault: {type(error).__name__}: {error}", 1
    print(" ".join(verdict.split()), flush=True)
    sys.stderr.flush()
    # A library's threads that never end must not turn a verdict into a time limit.
    os._exit(status)


def check_each(proofs: Mapping[str, Callable[[], object]]) -> str:
    """Run several proofs, and return their names.

    Raises:
        Fault: Some do not hold; the text has them all.
    """
    faults = {name: fault for name, proof in proofs.items() if (fault := _fault_of(proof))}
    if faults:
        raise Fault("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
    return ", ".join(proofs)


def _fault_of(proof: Callable[[], object]) -> Fault | None:
    try:
        proof()
    except Fault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of it
        traceback.print_exc()
        return Fault(f"{type(error).__name__}: {error}")
    return None


class SandboxProcess:
    """A sandbox in a process of its own, which no patch and no fork of the program's reaches.

    While it runs, `TESOTE_SDK_API_KEY` and `TESOTE_SDK_API_URL` are in the environment, so that
    `V2Client()` talks to it, here and in every child process.

    Args:
        settings: The keyword arguments of `tesote_sdk.sandbox.Sandbox`.
    """

    url: str
    api_key: str
    account_ids: list[str]

    def __init__(self, **settings: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ecosystem.sandbox_process", json.dumps(settings)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        vars(self).update(self._answer())
        self.url = self.url.replace("127.0.0.1", "localhost")  # users have a name to look up
        os.environ["TESOTE_SDK_API_KEY"] = self.api_key
        os.environ["TESOTE_SDK_API_URL"] = self.url

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, method: str, **arguments: Any) -> None:
        """Call a method of the sandbox there: `tell("fail", status=503, times=2)`."""
        self._ask([method, arguments])

    def requests(self) -> list[dict[str, Any]]:
        """Return what the sandbox received: `method`, `path`, `headers` and `body` of each."""
        received: list[dict[str, Any]] = self._ask(["requests", None])
        return received

    def _ask(self, question: object) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Fault("the sandbox ended before it answered")
        return json.loads(line)


class Server:
    """A server started as a command, for as long as the `with` lasts.

    Args:
        command: The command; `{port}` in it becomes a free port.
        environment: More environment variables.
    """

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self.port = free_port()
        # A pipe that nobody reads would hold the server up.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        self._process = subprocess.Popen(
            [word.replace("{port}", str(self.port)) for word in command],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )

    def __enter__(self) -> Server:
        for _ in until("the server listens", seconds=30):
            if self._process.poll() is not None:
                raise Fault(f"the server ended at its start: {self.log()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
        raise AssertionError("until() raises")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def log(self) -> str:
        """Return the end of what the server wrote."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")[-2000:]


def run_guide(page: str, *headings: str) -> dict[str, Any]:
    """Run the Python of some sections of a guide, and return the names that it defines.

    Args:
        page: The file in `docs/guides`.
        headings: The sections' headings.

    Raises:
        Fault: There is no such section, or no Python in it.
    """
    path = ROOT / "docs" / "guides" / page
    parts = re.split(r"^##+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2]))
    namespace: dict[str, Any] = {"__name__": path.stem}
    for heading in headings:
        code = re.findall(
            r"^```python.*?\n(.*?)^```$", sections.get(heading, ""), re.MULTILINE | re.DOTALL
        )
        check(bool(code), f"{page} has no Python under {heading!r}")
        compiled = compile("\n".join(code), f"{page}: {heading}", "exec")
        exec(compiled, namespace)  # noqa: S102 - the code is ours
    return namespace


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: str, *, seconds: float) -> Iterator[None]:
    """Yield again and again for some seconds, with pauses; then it is a Fault that names `what`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
    raise Fault(f"in {seconds:g} s it did not come to this: {what}")


def check(promise: bool, otherwise: str) -> None:
    """Raise a Fault with the text, unless the promise holds."""
    if not promise:
        raise Fault(otherwise)
