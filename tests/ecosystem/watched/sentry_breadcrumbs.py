# needs: sentry-sdk
"""The example leaves breadcrumbs that a report of Sentry's holds, and in them no key and no id."""

import json
import runpy
from pathlib import Path
from typing import Any

import sentry_sdk

from tesote_sdk import NetworkError, RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "sentry_breadcrumbs.py"


def main() -> None:
    example = runpy.run_path(str(EXAMPLE))
    reports: list[dict[str, Any]] = []

    def keep(report: Any, hint: Any) -> None:
        reports.append(json.loads(json.dumps(report, default=str)))

    sentry_sdk.init(dsn="https://public@sentry.invalid/1", before_send=keep)
    with (
        Sandbox(accounts=1, transactions=1) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=example["breadcrumb"],
            retry_policy=RetryPolicy(max_attempts=2, base_delay=0.001),
        ) as client,
    ):
        client.accounts.get(sandbox.account_ids[0])
        sandbox.drop(when="mid_body", times=None)
        try:
            client.accounts.sync(sandbox.account_ids[0])
        except NetworkError as error:
            sentry_sdk.capture_exception(error)
    (report,) = reports
    crumbs = [crumb for crumb in report["breadcrumbs"]["values"] if crumb["category"] == "tesote"]
    assert [(crumb["level"], crumb["message"]) for crumb in crumbs] == [
        ("info", "response accounts.get"),
        ("warning", "retry accounts.sync"),
        ("error", "error accounts.sync"),
    ], crumbs
    assert crumbs[0]["data"]["status"] == 200
    assert crumbs[0]["data"]["request_id"]
    assert crumbs[1]["data"]["error_code"] == "NETWORK_ERROR"
    assert crumbs[2]["data"]["attempt"] == 2
    for secret in (sandbox.api_key, sandbox.account_ids[0]):
        assert secret not in json.dumps(crumbs)
    assert sandbox.api_key not in json.dumps(report)
    print("held: a breadcrumb for each answer, retry and error in the report; no key, no id")


if __name__ == "__main__":
    main()
