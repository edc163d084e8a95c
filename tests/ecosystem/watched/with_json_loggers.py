# needs: python-json-logger structlog
"""JSON formatters show what the SDK logs as fields, and no key."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import structlog
from pythonjsonlogger.json import JsonFormatter

from tesote_sdk import V2Client
from tests.ecosystem.support import SandboxProcess, check, check_each, tell

PROMISED = {"operation", "status", "attempt", "request_id", "elapsed_ms"}
"""What a record of a response carries besides what logging itself puts there."""


def prove() -> str:
    with SandboxProcess(accounts=3, transactions=1) as api:
        held = check_each(
            {
                "python-json-logger": lambda: _look(api, _through_json_logger(api)),
                "structlog's formatter": lambda: _look(api, _through_structlog(api)),
                "structlog as callback": lambda: _look(api, _through_callback(api), prefix=""),
            }
        )
    return f"fields {', '.join(sorted(PROMISED))}, and no key: {held}"


def _through_json_logger(api: SandboxProcess) -> list[dict[str, Any]]:
    return _logged(api, JsonFormatter())


def _through_structlog(api: SandboxProcess) -> list[dict[str, Any]]:
    return _logged(
        api,
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(),
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        ),
    )


def _through_callback(api: SandboxProcess) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    log = structlog.wrap_logger(structlog.PrintLogger(file=io.StringIO()))

    def callback(event: Any) -> None:
        events.append(dict(event))
        log.info("tesote", **event)

    with V2Client(logger=callback) as client:
        client.accounts.get(api.account_ids[0])
    return events


def _logged(api: SandboxProcess, formatter: logging.Formatter) -> list[dict[str, Any]]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger = logging.getLogger("tesote_sdk")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    with V2Client() as client:
        client.accounts.get(api.account_ids[0])
    logger.handlers = []
    return [json.loads(line) for line in written.getvalue().splitlines()]


def _look(api: SandboxProcess, records: list[dict[str, Any]], prefix: str = "tesote_") -> None:
    promised = {f"{prefix}{name}" for name in PROMISED}
    check(api.api_key not in json.dumps(records, default=str), "the key is in the log")
    shown = max(records, key=lambda record: len(promised & record.keys()))
    missing = sorted(promised - shown.keys())
    check(not missing, f"a record lacks {', '.join(missing)}; it has {', '.join(sorted(shown))}")


if __name__ == "__main__":
    tell(prove)
