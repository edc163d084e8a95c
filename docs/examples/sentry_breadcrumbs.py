"""Leave a Sentry breadcrumb for each answer, retry and error.

    pip install sentry-sdk
    python docs/examples/sentry_breadcrumbs.py

It asks a sandbox on this machine for an account that is not there, and prints the breadcrumbs of
the report; nothing is sent to Sentry. What a program of yours takes from here is `breadcrumb`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

try:
    import sentry_sdk
except ImportError:
    sys.exit("sentry_breadcrumbs: the library is not here: pip install sentry-sdk")

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LEVELS = {"retry": "warning", "error": "error"}
LEFT_OUT = ("phase", "url", "headers", "error")  # a URL names accounts; so may an error's text


def breadcrumb(event: Mapping[str, Any]) -> None:
    """Take an event, as `V2Client(logger=...)` passes it; what led to a crash is in its report."""
    if event["phase"] == "request":
        return  # its answer or its error tells more
    sentry_sdk.add_breadcrumb(
        type="http",
        category="tesote",
        level=LEVELS.get(event["phase"], "info"),
        message=f"{event['phase']} {event['operation'] or event['path_template']}",
        data={name: event[name] for name in event if name not in LEFT_OUT},
    )


def print_report(report: dict[str, Any], hint: object) -> None:
    """Print in place of sending; Sentry sends nothing where this returns None."""
    for crumb in report["breadcrumbs"]["values"]:
        if crumb["category"] == "tesote":
            print(crumb["level"], crumb["message"], crumb["data"].get("status"))
    print(report["exception"]["values"][-1]["type"])


def main() -> None:
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1", before_send=print_report, default_integrations=False
    )
    with (
        Sandbox(accounts=3) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=breadcrumb,
            retry_policy=RetryPolicy(base_delay=0.001),
        ) as client,
    ):
        sandbox.fail(503, times=1)
        client.status()
        try:
            client.accounts.get("no-such-account")
        except TesoteError as error:
            sentry_sdk.capture_exception(error)


if __name__ == "__main__":
    main()
