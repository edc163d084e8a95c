"""A run as if on another system lacks what that system lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.systems import needs_fork

AS_WINDOWS = """
import os, select, socket, subprocess, sys, time
from tests import likeness

likeness.take_on()
assert sys.platform == "win32"
assert not [name for name in ("fork", "fchmod") if hasattr(os, name)]
assert not hasattr(select, "poll")
assert time.monotonic() % (1 / 64) == 0
with open("text", "w") as text:
    text.write("\\n")
    try:
        os.remove("text")
        raise AssertionError("an open file was removed")
    except PermissionError:
        pass
assert open("text", "rb").read() == b"\\r\\n"
try:
    open("a:b", "w")
    raise AssertionError("a name was taken that no file has")
except OSError:
    pass
with socket.socket() as holder, socket.socket() as caller:
    holder.bind(("127.0.0.1", 0))
    caller.setblocking(False)
    caller.connect_ex(holder.getsockname())
    assert select.select([], [caller], [caller], 5) == ([], [], [caller])
echo = "print(chr(241))"
written = "\\xf1\\n".encode("utf-8" if sys.flags.utf8_mode else "cp1252")
assert subprocess.check_output([sys.executable, "-c", echo]) == written
assert subprocess.check_output([sys.executable, "-c", echo], text=True) == "\\xf1\\n"
"""

AS_MACOS = """
import os, select, socket, sys
from tests import likeness

likeness.take_on()
assert sys.platform == "darwin"
assert hasattr(os, "fork")
assert not hasattr(select, "epoll")
try:
    socket.create_server(("127.0.0.2", 0))
    raise AssertionError("an address was bound that is none of the machine")
except OSError:
    pass
"""


@needs_fork  # a likeness is of a system that has less
@pytest.mark.parametrize(("like", "program"), [("windows", AS_WINDOWS), ("macos", AS_MACOS)])
def test_it_lacks_what_the_other_lacks(like: str, program: str, tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={
            **os.environ,
            "TESOTE_TEST_LIKE": like,
            "PYTHONPATH": os.pathsep.join([root, *sys.path]),
        },
        check=True,
        timeout=60,
    )
