"""What a test needs that not every system and interpreter has, each with its reason."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

needs_docstrings = pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO has no docstrings")
needs_unicode_names = pytest.mark.skipif(
    sys.getfilesystemencoding().lower() != "utf-8", reason="file names are not in UTF-8 here"
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
needs_timer = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="there is no timer that sends a signal here"
)
needs_kill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="a process can be sent no signal here"
)
needs_limits = pytest.mark.skipif(
    sys.platform == "win32", reason="a process's files cannot be limited here"
)
needs_links = pytest.mark.skipif(
    sys.platform == "win32", reason="not everybody may make symbolic links here"
)
needs_modes = pytest.mark.skipif(
    not hasattr(os, "fchmod"), reason="files have no owner, group and mode here"
)
needs_folder_sync = pytest.mark.skipif(
    sys.platform == "win32", reason="a folder cannot be opened here, nor flushed"
)
needs_named_pipes = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="no file is a pipe or a device here"
)
needs_time_zones = pytest.mark.skipif(
    not hasattr(time, "tzset"), reason="a process cannot change its time zone here"
)

EARLY = 1 / 64 if sys.platform == "win32" else 0.0
"""Seconds by which a wait may end too soon: on Windows it ends with a step of the clock."""


def open_descriptors() -> int:
    """Return how many descriptors are open; where the system does not show, how many sockets."""
    shown = Path("/dev/fd")
    if sys.platform != "win32" and shown.is_dir():
        return len(list(shown.iterdir()))
    sockets = [each for each in gc.get_objects() if issubclass(type(each), socket.socket)]
    return sum(each.fileno() != -1 for each in sockets)


PYPY = sys.implementation.name == "pypy"

FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether threads run Python at the same time, without the GIL."""

needs_prompt_collection = pytest.mark.skipif(
    PYPY, reason="PyPy collects later what nobody refers to: what only that would close stays open"
)
needs_sound_traces = pytest.mark.skipif(
    PYPY, reason="PyPy 8.0 crashes where a trace function raises while a lock is taken"
)
