"""The application that the guide shows under the heading in `GUIDE_HEADING`."""

from __future__ import annotations

import os
from typing import Any

from tests.ecosystem.support import guide

app: Any  # the guide's code makes it
exec(guide("frameworks.md", os.environ["GUIDE_HEADING"]))  # noqa: S102 - the code is ours
