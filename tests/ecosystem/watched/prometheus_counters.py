# needs: prometheus-client
"""The example counts and times calls, in as many series as there are operations."""

import contextlib
import runpy
from pathlib import Path
from typing import Optional

from prometheus_client import REGISTRY

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tesote_sdk.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "prometheus_counters.py"


def sample(name: str, **labels: str) -> Optional[float]:
    value: Optional[float] = REGISTRY.get_sample_value(name, labels)
    return value


def main() -> None:
    example = runpy.run_path(str(EXAMPLE))
    with (
        Sandbox(accounts=50, transactions=1) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=example["measure"],
            retry_policy=RetryPolicy(base_delay=0.001),
        ) as client,
    ):
        sandbox.fail(503, times=2)
        for account in client.accounts.list(per_page=10):
            client.accounts.get(account["id"])
            client.request("GET", f"/v2/accounts/{account['id']}")
        for missing in ("acme", "bakery"):
            with contextlib.suppress(TesoteError):
                client.accounts.get(missing)
    counted = "tesote_answer_seconds_count"
    assert sample(counted, operation="accounts.list", status="200") == 5
    assert sample(counted, operation="accounts.list", status="503") == 2
    assert sample(counted, operation="accounts.get", status="200") == 50
    assert sample(counted, operation="/v2/accounts/{id}", status="200") == 50
    retries = {"operation": "accounts.list", "error": "ServiceUnavailableError"}
    assert sample("tesote_retries_total", **retries) == 2
    errors = {"operation": "accounts.get", "error": "AccountNotFoundError"}
    assert sample("tesote_errors_total", **errors) == 2
    taken = sample("tesote_answer_seconds_sum", operation="accounts.get", status="200") or 0.0
    assert 0 < taken < 50
    series = [
        each
        for metric in REGISTRY.collect()
        if metric.name == "tesote_answer_seconds"
        for each in metric.samples
        if each.name == counted
    ]
    assert len(series) == 5
    print("held: attempts timed, retries and errors counted, 5 series for 50 accounts")


if __name__ == "__main__":
    main()
