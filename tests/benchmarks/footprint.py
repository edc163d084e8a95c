"""How much a reader has to read: what one call touches, and the longest file and function.

    python -m tests.benchmarks.footprint

Counts, not times: they are the same on every machine. Another commit is measured by putting its
`src` first in PYTHONPATH.
"""

from __future__ import annotations

import ast
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import tesote_sdk

from .peers import sdk
from .servers import serve
from .site import write_site
from .targets import target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Callable

PACKAGE = Path(tesote_sdk.__file__).parent

_MEASURING = (__file__, sdk.__code__.co_filename)


class Footprint(NamedTuple):
    """The Python functions that a call runs, and the modules that they are in."""

    calls: int
    functions: int
    modules: int

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.functions} functions in {self.modules} modules"


class Longest(NamedTuple):
    """The longest of something, in lines."""

    name: str
    lines: int


def footprints(call: Callable[[], object]) -> tuple[Footprint, Footprint]:
    """Return what a call runs of the package, and of the standard library.

    Comprehensions are no functions of their own: from Python 3.12 on they have no frame.
    """
    ran: list[CodeType] = []

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call" and not frame.f_code.co_name.endswith("comp>"):
            ran.append(frame.f_code)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    ours = [code for code in ran if code.co_filename.startswith(str(PACKAGE))]
    # What starts the call is this module's.
    others = [code for code in ran if code not in ours and code.co_filename not in _MEASURING]
    return _counted(ours), _counted(others)


def _counted(ran: list[CodeType]) -> Footprint:
    return Footprint(len(ran), len(set(ran)), len({code.co_filename for code in ran}))


def longest_file() -> Longest:
    """Return the longest file."""
    return max(
        (
            Longest(_name(file), len(file.read_text(encoding="utf-8").splitlines()))
            for file in PACKAGE.rglob("*.py")
        ),
        key=lambda longest: longest.lines,
    )


def longest_function() -> Longest:
    """Return the longest function, signature included and docstring not."""
    return max(_functions(), key=lambda longest: longest.lines)


def _functions() -> Iterator[Longest]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                first = node.body[0]
                if ast.get_docstring(node) is not None:
                    lines -= (first.end_lineno or 0) - first.lineno + 1
                yield Longest(f"{_name(file)}: {node.name}", lines)


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def main() -> None:
    """Print the figures of the package that is imported."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        site = write_site(Path(directory), pages=1)
        server = stack.enter_context(serve(site, nginx=False))
        call = sdk(target(server, "accounts", tls=False), stack)
        call()  # what loads with the first call has loaded
        ours, standard = footprints(call)
    print(f"tesote_sdk {tesote_sdk.__version__}, Python {platform.python_version()}")
    print(f"one warm accounts.list(): {ours}")
    print(f"and of the standard library: {standard}")
    for what, (name, lines) in {"file": longest_file(), "function": longest_function()}.items():
        print(f"longest {what}: {name}, {lines} lines")


if __name__ == "__main__":
    main()
