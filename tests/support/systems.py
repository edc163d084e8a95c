"""What a test needs that not every system and interpreter has, each with its reason."""

from __future__ import annotations

import sys

import pytest

needs_docstrings = pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO has no docstrings")
needs_unicode_names = pytest.mark.skipif(
    sys.getfilesystemencoding().lower() != "utf-8", reason="file names are not in UTF-8 here"
)

PYPY = sys.implementation.name == "pypy"

needs_prompt_collection = pytest.mark.skipif(
    PYPY, reason="PyPy collects later what nobody refers to: what only that would close stays open"
)
needs_sound_traces = pytest.mark.skipif(
    PYPY, reason="PyPy 8.0 crashes where a trace function raises while a lock is taken"
)
