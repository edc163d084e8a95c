# needs: eventlet
"""A client that was used, then eventlet's patch: gunicorn's --preload does that."""

from __future__ import annotations

import eventlet

from tesote_sdk import V2Client
from tests.ecosystem.loops import eventlet_hub
from tests.ecosystem.loops.greenlets import check_greenlets
from tests.ecosystem.support import SandboxProcess, tell


def prove() -> str:
    with SandboxProcess(accounts=9, transactions=1) as api:
        client = V2Client()
        client.status()
        eventlet.monkey_patch()
        return check_greenlets(api, eventlet_hub, client)


if __name__ == "__main__":
    tell(prove)
