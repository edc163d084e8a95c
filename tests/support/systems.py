"""What a test needs that not every system and interpreter has, each with its reason."""

from __future__ import annotations

import sys

import pytest

needs_docstrings = pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO has no docstrings")
needs_unicode_names = pytest.mark.skipif(
    sys.getfilesystemencoding().lower() != "utf-8", reason="file names are not in UTF-8 here"
)
