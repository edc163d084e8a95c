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
from .peers import HEADERS, KEY, target
from .rounds import Cost, in_turns, ratios

if TYPE_CHECKING:
    from typing import Callable

    from .servers import Server
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


def measure(server: Server, site: Site, rounds: int) -> None:
    """Print the ratios of starting up with the SDK and with urllib.request."""
    environment = _environment(site)

    def child(measured: str) -> Callable[[], Cost]:
        code = _CHILD.format(measured=measured)

        def run() -> Cost:
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                check=True,
            )
            return Cost(*map(float, done.stdout.split()))

        run()  # so that no round pays for compiling
        return run

    client = _CLIENT.format(key=KEY, base_url=target(server, "status", tls=False).base_url)
    pairs = {
        "import": (child(_IMPORT_SDK), child(_IMPORT_URLLIB)),
        "import, client built": (
            child(f"{_IMPORT_SDK}\n{client}"),
            child(f"{_IMPORT_URLLIB}\n{_OPENER}"),
        ),
    }
    for tls in (False, True):
        called = target(server, "status", tls=tls)
        client = _CLIENT.format(key=KEY, base_url=called.base_url)
        pairs[f"first answer, {'TLS' if tls else 'plain'}"] = (
            child(f"{_IMPORT_SDK}\n{client}\nclient.status()"),
            child(_URLLIB_ANSWER.format(url=called.url, headers=HEADERS)),
        )
    measures = {}
    for name, (ours, theirs) in pairs.items():
        measures[f"{name}/sdk"], measures[f"{name}/urllib"] = ours, theirs
    costs = in_turns(measures, rounds)
    print(f"\n{'startup':26}{'against':22}{'wall':30}{'client CPU':30}")
    for name in pairs:
        compared = ratios(costs[f"{name}/sdk"], costs[f"{name}/urllib"])
        print(f"{name:26}{'urllib.request':22}{compared.wall!s:30}{compared.cpu!s:30}")


def _environment(site: Site) -> dict[str, str]:
    """Return an environment whose default CA store is the system's, and the benchmarks' CA."""
    store = site.directory / "cas.pem"
    system = ssl.get_default_verify_paths().cafile
    store.write_bytes((Path(system).read_bytes() if system else b"") + CA.read_bytes())
    source = Path(tesote_sdk.__file__).parents[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(source), "SSL_CERT_FILE": str(store)}
