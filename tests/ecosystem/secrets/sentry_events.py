# needs: sentry-sdk[pure-eval]>=2
"""Sentry's events show no secret of the SDK's frames, expressions evaluated, nothing scrubbed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.pure_eval import PureEvalIntegration
from sentry_sdk.scrubber import EventScrubber

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.faults.planted_failures import HIDDEN, failures, leaked
from tests.support.exposure import PACKAGE

_events: list[Any] = []


def keep(event: Any, hint: Any) -> None:
    """Keep an event in place of sending it."""
    _events.append(event)


def shown(error: BaseException) -> Iterator[str]:
    """Yield what Sentry would be sent of the SDK's frames, causes included."""
    _events.clear()
    sentry_sdk.capture_exception(error)
    (event,) = _events
    for value in event["exception"]["values"]:
        for frame in value.get("stacktrace", {}).get("frames", ()):
            if frame["abs_path"].startswith(PACKAGE):
                yield json.dumps(frame)


def main() -> None:
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        before_send=keep,
        default_integrations=False,
        integrations=[PureEvalIntegration()],
        include_local_variables=True,
        send_default_pii=True,
        event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),
        max_request_body_size="always",
        max_value_length=100_000,
    )
    assert any("listing.q" in text and HIDDEN[4] in text for text in shown(leaked()))
    count = 0
    for name, error in failures():
        for text in shown(error):
            assert not any(secret in text for secret in HIDDEN), f"{name}: {text}"
        count += 1
    print(f"held: {count} failures, no secret in a frame of the SDK")


if __name__ == "__main__":
    main()
