# needs: vcrpy
"""vcrpy records calls that go through `opener=`, and plays them back with the server gone."""

from __future__ import annotations

import tempfile
import urllib.request
from pathlib import Path

import vcr

from tesote_sdk import V2Client
from tests.ecosystem.support import SandboxProcess, check, tell


def prove() -> str:
    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder, "accounts.yaml")
        recorder = vcr.VCR(record_mode="once", filter_headers=["authorization"])
        recording = recorder.use_cassette(str(cassette))
        with SandboxProcess(accounts=3, transactions=1) as api, recording:
            recorded = _ask(api.url, api.api_key)
        text = cassette.read_text(encoding="utf-8")
        check(api.api_key not in text, "the key is on the cassette, although it is filtered")
        with recorder.use_cassette(str(cassette)) as played:
            check(_ask(api.url, api.api_key) == recorded, "the answers differ")
            check(played.play_count == 3, f"{played.play_count} of 3 answers were played")
    return "three pages of accounts recorded without the key, and played back without a server"


def _ask(url: str, key: str) -> list[str]:
    with V2Client(key, base_url=url, opener=urllib.request.urlopen) as client:
        return [account["id"] for account in client.accounts.list(per_page=1)]


if __name__ == "__main__":
    tell(prove)
