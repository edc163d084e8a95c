# needs: eventlet
"""The SDK, then eventlet's patch: no wait holds up the other greenlets."""

from __future__ import annotations

import eventlet

from tesote_sdk import RateLimiter, V2Client  # noqa: F401 - they come first here
from tests.ecosystem.loops import eventlet_hub
from tests.ecosystem.loops.greenlets import check_greenlets
from tests.ecosystem.support import SandboxProcess, tell

eventlet.monkey_patch()


def prove() -> str:
    with SandboxProcess(accounts=9, transactions=1) as api:
        return check_greenlets(api, eventlet_hub)


if __name__ == "__main__":
    tell(prove)
