"""The server that is measured against, in a process of its own: nginx, or else our small one."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..support.certificates import LOCALHOST
from .site import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .site import Site

_ROOT = Path(__file__).parents[2]
_PATIENCE = 10.0

_NGINX = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  sendfile off;
  output_buffers 1 256k;
  open_file_cache max=4000 inactive=600s;
  types {{ }}
  default_type "application/json; charset=utf-8";
  client_body_temp_path {directory}/tmp1;
  proxy_temp_path {directory}/tmp2;
  fastcgi_temp_path {directory}/tmp3;
  uwsgi_temp_path {directory}/tmp4;
  scgi_temp_path {directory}/tmp5;
  {headers}
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    location = /api/v2/status {{ alias {directory}/status.json; }}
    location = /api/v2/accounts {{ alias {directory}/accounts.json; }}
    location = /gzip/v2/accounts {{ alias {directory}/accounts.json; gzip_static always; }}
    location = /api/v2/accounts/{account_id}/transaction_orders {{ return 201 '{order}'; }}
    location = /api/v2/accounts/{account_id}/transactions {{
      root {directory}/pages;
      try_files /$arg_transactions_after_id.json /first.json =404;
    }}
  }}
}}
"""


class Server(NamedTuple):
    """A running server on 127.0.0.1.

    Attributes:
        name: Which one it is.
        plain: The port for http.
        tls: The port for https.
    """

    name: str
    plain: int
    tls: int


@contextlib.contextmanager
def serve(site: Site, *, nginx: bool = True) -> Iterator[Server]:
    """Serve a site until the block ends.

    Args:
        site: What is served.
        nginx: Use nginx where it is installed.
    """
    plain, tls = _free_ports()
    program = shutil.which("nginx") if nginx else None
    directory = site.directory
    if program:
        configuration = directory / "nginx.conf"
        configuration.write_text(
            _NGINX.format(
                directory=directory,
                headers=" ".join(f'add_header {name} "{HEADERS[name]}";' for name in HEADERS),
                plain=plain,
                tls=tls,
                certificate=LOCALHOST,
                account_id=site.account_id,
                order=(directory / "order.json").read_text("utf-8"),
            )
        )
        command = [program, "-p", str(directory), "-c", str(configuration)]
    else:
        module = f"{__package__}.prebuilt_server"
        command = [sys.executable, "-m", module, str(directory), str(plain), str(tls)]
    with subprocess.Popen(command, cwd=_ROOT) as process:
        try:
            _wait_for(plain, process)
            _wait_for(tls, process)
            yield Server("nginx" if program else "the prebuilt-response server", plain, tls)
        finally:
            process.terminate()


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _PATIENCE
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError("the server does not start")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
