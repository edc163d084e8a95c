"""Count and time calls for Prometheus.

    pip install prometheus-client
    python docs/examples/prometheus_counters.py

It asks a sandbox on this machine, which refuses some of it, and prints what Prometheus would
scrape. What a program of yours takes from here is the three metrics and `measure`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

try:
    from prometheus_client import Counter, Histogram, generate_latest
except ImportError:
    sys.exit("prometheus_counters: the library is not here: pip install prometheus-client")

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# By operation and never by URL, which would make a series for each account.
SECONDS = Histogram("tesote_answer_seconds", "Times to an answer", ["operation", "status"])
RETRIES = Counter("tesote_retries", "Attempts that were made again", ["operation", "error"])
ERRORS = Counter("tesote_errors", "Calls that failed", ["operation", "error"])


def measure(event: Mapping[str, Any]) -> None:
    """Take an event, as `V2Client(logger=...)` passes it."""
    operation = event["operation"] or event["path_template"]
    if event["phase"] == "response":
        SECONDS.labels(operation, event["status"]).observe(event["elapsed_ms"] / 1000)
    elif event["phase"] == "retry":
        RETRIES.labels(operation, event["error_type"]).inc()
    elif event["phase"] == "error":
        ERRORS.labels(operation, event["error_type"]).inc()


def main() -> None:
    with (
        Sandbox(accounts=3) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=measure,
            retry_policy=RetryPolicy(base_delay=0.001),
        ) as client,
    ):
        sandbox.fail(503, times=1)
        for account in client.accounts.list(per_page=1):
            client.accounts.get(account["id"])
        try:
            client.accounts.get("no-such-account")
        except TesoteError as error:
            print(type(error).__name__)
    for line in generate_latest().decode().splitlines():
        if line.startswith("tesote_") and ("_count{" in line or "_total{" in line):
            print(line)


if __name__ == "__main__":
    main()
