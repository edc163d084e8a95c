"""The application that the guide shows under the heading in `GUIDE_HEADING`."""

from __future__ import annotations

import os

from tests.ecosystem.support import run_guide

app = run_guide("frameworks.md", os.environ["GUIDE_HEADING"])["app"]
