"""Virtual environments that outlive a run: made once for a set of requirements and a Python.

Each is a folder in `TESOTE_SDK_ECOSYSTEM_CACHE`, or else in the user's cache, named by a hash of
what is in it. The SDK alone is installed anew each time: it is what changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Environment:
    """A virtual environment with the SDK and some libraries in it.

    Args:
        name: The folder of programs that it is for.
        base: The Python to make it of.
        needs: The requirements.
    """

    def __init__(self, name: str, base: Path, needs: Iterable[str]) -> None:
        self.name = name
        self.needs = sorted(set(needs))
        self.refused: dict[str, str] = {}
        """The requirements that cannot be installed with this Python, and pip's reason."""
        self._base = base
        self._root = _cache() / f"{name}-{_digest(base, self.needs)}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self._root / "bin" / "python"

    @contextlib.contextmanager
    def prepared(self, wheel: Path, *, fresh: bool = False) -> Iterator[Environment]:
        """Have it made and the SDK's wheel installed in it, and keep other runs out of it."""
        self._root.parent.mkdir(parents=True, exist_ok=True)
        import fcntl  # not on Windows, where the rest of this module is tested

        with self._root.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if fresh:
                shutil.rmtree(self._root, ignore_errors=True)
            self._make()
            _pip(self.python, "install", "-q", "--no-deps", "--force-reinstall", str(wheel))
            yield self

    def versions(self) -> dict[str, str]:
        """Return the version of each library that is installed, by its normalized name."""
        listed = _pip(self.python, "list", "--format=json")
        return {normalized(each["name"]): each["version"] for each in json.loads(listed)}

    def _make(self) -> None:
        # The list of what was refused is written last: without it the making was cut short.
        finished = self._root / "refused.json"
        if not finished.exists():
            shutil.rmtree(self._root, ignore_errors=True)
            subprocess.run(
                [str(self._base), "-m", "venv", str(self._root)], timeout=1800, check=True
            )
            self._install()
            finished.write_text(json.dumps(self.refused), encoding="utf-8")
        self.refused = json.loads(finished.read_text(encoding="utf-8"))

    def _install(self) -> None:
        """Install all at once, so that they fit together; or else each that can be."""
        if not self.needs:
            return
        try:
            _pip(self.python, "install", *self.needs)
        except subprocess.CalledProcessError:
            for need in self.needs:
                self._install_alone(need)

    def _install_alone(self, need: str) -> None:
        try:
            _pip(self.python, "install", need)
        except subprocess.CalledProcessError as error:
            self.refused[need] = _reason(error.stderr)


def build_wheel(python: Path, directory: Path) -> Path:
    """Build the checkout's wheel into a directory, and return its path."""
    subprocess.run([str(python), "-m", "venv", str(directory / "build")], timeout=1800, check=True)
    builder = directory / "build" / "bin" / "python"
    _pip(builder, "wheel", "--no-deps", "--wheel-dir", str(directory), str(ROOT))
    (wheel,) = directory.glob("*.whl")
    return wheel


def normalized(requirement: str) -> str:
    """Return the name in a requirement as package indexes compare it (PEP 503)."""
    name = re.split(r"[\[<>=!~;@ ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def _pip(python: Path, verb: str, *arguments: str) -> str:
    command = [str(python), "-m", "pip", verb, "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command, timeout=1800, check=True, capture_output=True, encoding="utf-8", errors="replace"
    )
    return done.stdout


def _reason(errors: str) -> str:
    lines = [line for line in errors.splitlines() if "ERROR" in line or "error:" in line]
    return lines[-1].strip() if lines else "pip failed"


def _cache() -> Path:
    chosen = os.environ.get("TESOTE_SDK_ECOSYSTEM_CACHE")
    if chosen:
        return Path(chosen)
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "tesote-sdk-ecosystem"


def _digest(base: Path, needs: list[str]) -> str:
    version = subprocess.run(
        [str(base), "-VV"], timeout=60, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    told = json.dumps([str(base), version, needs])
    return hashlib.sha256(told.encode()).hexdigest()[:12]
