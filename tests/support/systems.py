"""What a test needs that not every system and interpreter has, each with its reason."""

from __future__ import annotations

import sys

import pytest

needs_docstrings = pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO has no docstrings")
