# needs: eventlet
"""eventlet's patch, then the SDK: no wait holds up the other greenlets."""

from __future__ import annotations

import eventlet

from tests.ecosystem.loops import eventlet_hub
from tests.ecosystem.loops.greenlets import check_greenlets
from tests.ecosystem.support import SandboxProcess, tell


def prove() -> str:
    with SandboxProcess(accounts=9, transactions=1) as api:
        eventlet.monkey_patch()
        return check_greenlets(api, eventlet_hub)


if __name__ == "__main__":
    tell(prove)
