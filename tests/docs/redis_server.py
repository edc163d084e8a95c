"""A real Redis that tests start; those that need one are skipped where there is none."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = shutil.which("redis-server")
if _PROGRAM is None or not hasattr(socket, "AF_UNIX"):
    pytest.skip("there is no redis-server on this machine", allow_module_level=True)
redis = pytest.importorskip("redis", reason="redis-py is not installed: pip install redis")


class RedisServer:
    """A Redis of our own, on a Unix socket, that writes nothing to disk."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        path = str(Path(directory) / "redis.sock")
        self.url = f"unix://{path}"
        self.admin = redis.Redis(unix_socket_path=path)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self.url[len("unix://") :]
        assert _PROGRAM is not None
        options = f"--port 0 --unixsocket {path} --dir {self._directory} --appendonly no --save"
        self._process = subprocess.Popen(
            [_PROGRAM, *options.split(" "), ""], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except redis.exceptions.RedisError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.admin.connection_pool.disconnect()

    def dump(self) -> dict[bytes, bytes]:
        return {key: self.admin.get(key) for key in self.admin.scan_iter()}


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A Redis that has started, until the block ends."""
    # The path of a Unix socket is short: pytest's own directories may be too deep.
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()
            server.admin.close()
