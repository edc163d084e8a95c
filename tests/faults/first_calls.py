"""The first call of a process, made in a forked one for each line that something happens at."""

from __future__ import annotations

import os
import subprocess
import sys

_FORKS = """
import os, signal, sys, traceback

def forked(at):
    pid = os.fork()
    if not pid:
        signal.alarm(60)
        status = 1
        try:
            lines = attempt(at).lines
            if not at:
                os.write(told, str(lines).encode())
            status = 0
        except BaseException:  # whatever it is, for os._exit would not tell it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0, at

asks, told = os.pipe()
forked(0)
lines = int(os.read(asks, 100))
struck = range(1, lines + 1, 1 if sys.argv[2] else lines // 20)
for at in struck:
    forked(at)
print(len(struck))
"""


def at_every_line_of_a_first_call(program: str, url: str, *, every: bool) -> None:
    """Run a program that makes no call itself, and forks for each attempt.

    Args:
        program: Defines `attempt(at)`, which makes a first call, has something happen at its line
            `at` (at 0 nothing), and returns an object that knows the call's `lines`.
        url: The server's, which the program finds as its first argument.
        every: Whether to try every line, and not some twenty.
    """
    ended = subprocess.run(
        [sys.executable, "-c", program + _FORKS, url, "1" if every else ""],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= 20
