# needs: vcrpy
"""vcrpy records calls that go through `opener=`, and plays them back with the server gone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests.ecosystem.support import SandboxProcess, check, run_guide, tell

SECTIONS = ("mocks.md", "Why the sandbox is better", "Cassettes")


def prove() -> str:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with SandboxProcess(accounts=120, transactions=1) as api:
            recorded = run_guide(*SECTIONS)["accounts"]
        cassette = Path("accounts.yaml").read_text(encoding="utf-8")
        check(api.api_key not in cassette, "the key is on the cassette, although it is filtered")
        check(len(recorded) == 120, f"{len(recorded)} accounts were recorded")
        check(run_guide(*SECTIONS)["accounts"] == recorded, "what is played back differs")
        os.chdir("/")
    return "three pages of accounts recorded without the key, and played back without a server"


if __name__ == "__main__":
    tell(prove)
