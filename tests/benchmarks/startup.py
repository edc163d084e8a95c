"""Importing, constructing, and the first answer, each in a fresh process."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tesote_sdk

from ..support.certificates import CA
from .rounds import Cost, in_turns
from .targets import HEADERS, KEY, target

if TYPE_CHECKING:
    from typing import Callable

    from .runs import Run
    from .site import Site

_CHILD = """
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
{measured}
print(perf_counter() - wall, process_time() - cpu)
"""

_IMPORT_URLLIB = "import urllib.request"
_IMPORT_SDK = "import tesote_sdk"
_OPENER = "urllib.request.build_opener()"
_CLIENT = "client = tesote_sdk.V2Client({key!r}, base_url={base_url!r})"
_URLLIB_ANSWER = """
import json, urllib.request
request = urllib.request.Request({url!r}, headers={headers!r})
with urllib.request.urlopen(request) as response:
    json.loads(response.read())
"""


def measure(run: Run) -> None:
    """Compare starting up with the SDK and with urllib.request."""
    server = run.server
    environment = _environment(run.site)

    def child(measured: str) -> Callable[[], Cost]:
        code = _CHILD.format(measured=measured)

        def start() -> Cost:
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                timeout=60,
                check=True,
            )
            return Cost(*map(float, done.stdout.split()))

        start()  # so that no round pays for compiling
        return start

    client = _CLIENT.format(key=KEY, base_url=target(server, "status").base_url)
    pairs = {
        "import": (child(_IMPORT_SDK), child(_IMPORT_URLLIB)),
        "import, a client built": (
            child(f"{_IMPORT_SDK}\n{client}"),
            child(f"{_IMPORT_URLLIB}\n{_OPENER}"),
        ),
    }
    for tls in (False, True):
        called = target(server, "status", tls=tls)
        client = _CLIENT.format(key=KEY, base_url=called.base_url)
        pairs["import to first answer, TLS" if tls else "import to first answer"] = (
            child(f"{_IMPORT_SDK}\n{client}\nclient.status()"),
            child(_URLLIB_ANSWER.format(url=called.url, headers=HEADERS)),
        )
    measures = {}
    for name, (ours, theirs) in pairs.items():
        measures[f"{name}/sdk"], measures[f"{name}/urllib"] = ours, theirs
    costs = in_turns(measures, run.rounds)
    for name in pairs:
        run.figures.compare(name, "urllib.request", costs[f"{name}/sdk"], costs[f"{name}/urllib"])


def _environment(site: Site) -> dict[str, str]:
    """Return an environment whose default CA store is the system's, and the benchmarks' CA."""
    store = site.directory / "cas.pem"
    system = ssl.get_default_verify_paths().cafile
    store.write_bytes((Path(system).read_bytes() if system else b"") + CA.read_bytes())
    source = Path(tesote_sdk.__file__).parents[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(source), "SSL_CERT_FILE": str(store)}
