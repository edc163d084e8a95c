# needs: structlog
"""structlog's dict_tracebacks with local variables show no secret of the SDK's frames."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.faults.planted_failures import HIDDEN, failures, leaked
from tests.support.exposure import PACKAGE

_render = ExceptionRenderer(
    ExceptionDictTransformer(show_locals=True, locals_max_string=100_000, max_frames=100)
)


def shown(error: BaseException) -> Iterator[str]:
    """Yield what a log's event holds of the SDK's frames, causes included."""
    event = _render(None, "error", {"exc_info": (type(error), error, error.__traceback__)})
    for stack in event["exception"]:
        for frame in stack["frames"]:
            if frame["filename"].startswith(PACKAGE):
                yield json.dumps(frame)


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
