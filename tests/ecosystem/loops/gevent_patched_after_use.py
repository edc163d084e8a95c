# needs: gevent
"""A client that was used, then gevent's patch: gunicorn's --preload does that."""

from __future__ import annotations

from gevent import monkey

from tesote_sdk import V2Client
from tests.ecosystem.loops import gevent_hub
from tests.ecosystem.loops.greenlets import check_greenlets
from tests.ecosystem.support import SandboxProcess, tell


def prove() -> str:
    with SandboxProcess(accounts=9, transactions=1) as api:
        client = V2Client()
        client.status()
        monkey.patch_all()
        return check_greenlets(api, gevent_hub, client)


if __name__ == "__main__":
    tell(prove)
