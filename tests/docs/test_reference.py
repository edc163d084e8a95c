"""The API reference is what the docstrings say now."""

from __future__ import annotations

import subprocess
import sys

import tesote_sdk
import tesote_sdk.money
import tesote_sdk.sandbox
import tesote_sdk.times
import tesote_sdk.transport
import tesote_sdk.types
import tesote_sdk.webhooks

from .markdown import ROOT

_REFERENCE = ROOT / "docs" / "reference"


def test_the_reference_is_current() -> None:
    script = str(_REFERENCE / "make_reference.py")

    check = subprocess.run(
        [sys.executable, "-B", script, "--check"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (check.returncode, check.stderr) == (0, "")


def test_the_reference_has_every_public_name() -> None:
    written = "\n".join(page.read_text(encoding="utf-8") for page in _REFERENCE.glob("*.md"))
    modules = (
        tesote_sdk,
        tesote_sdk.money,
        tesote_sdk.sandbox,
        tesote_sdk.times,
        tesote_sdk.transport,
        tesote_sdk.types,
        tesote_sdk.webhooks,
    )

    headings = {line.lstrip("# ") for line in written.splitlines() if line.startswith("#")}
    missing = {
        name
        for module in modules
        for name in module.__all__
        if name not in headings and f"- `{name}` = " not in written
    }

    assert missing == {"__version__"}
