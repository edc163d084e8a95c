# needs: rich
"""rich's tracebacks with local variables show no secret of the SDK's frames, whatever failed."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.traceback import Traceback

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.faults.planted_failures import HIDDEN, failures, leaked
from tests.support.exposure import PACKAGE


def shown(error: BaseException) -> Iterator[str]:
    """Yield what rich shows of the SDK's frames, causes included, and cuts nothing short."""
    trace = Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=None,
        locals_max_string=None,
        locals_hide_dunder=False,
    )
    for stack in trace.stacks:
        for frame in stack.frames:
            if frame.filename.startswith(PACKAGE):
                for name, node in (frame.locals or {}).items():
                    yield f"{name} = {node}"


def main() -> None:
    assert any("Listing" in text for text in shown(leaked()))
    count = 0
    for name, error in failures():
        for text in shown(error):
            assert not any(secret in text for secret in HIDDEN), f"{name}: {text}"
        count += 1
    print(f"held: {count} failures, no secret in a frame of the SDK")


if __name__ == "__main__":
    main()
