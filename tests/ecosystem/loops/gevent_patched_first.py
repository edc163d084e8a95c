# needs: gevent
"""gevent's patch, then the SDK: no wait holds up the other greenlets."""

from __future__ import annotations

from tests.ecosystem.loops import gevent_hub
from tests.ecosystem.loops.greenlets import check_greenlets
from tests.ecosystem.support import SandboxProcess, run_guide, tell


def prove() -> str:
    with SandboxProcess(accounts=9, transactions=1) as api:
        run_guide("frameworks.md", "gevent and eventlet")  # it patches, then imports the SDK
        return check_greenlets(api, gevent_hub)


if __name__ == "__main__":
    tell(prove)
