"""Make an OpenTelemetry span of each attempt, and send the trace along to the server.

    pip install opentelemetry-sdk
    python docs/examples/opentelemetry_spans.py

It lists the accounts of a sandbox on this machine, one attempt fails, and the spans are printed.
What a program of yours takes from here is `spans_of` and `trace_headers`.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

try:
    from opentelemetry import propagate, trace
except ImportError:
    sys.exit("opentelemetry_spans: the library is not here: pip install opentelemetry-sdk")

from tesote_sdk import RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from opentelemetry.sdk.trace import ReadableSpan


class Mine(threading.local):
    """The span of the attempt that this thread is making."""

    span: trace.Span | None = None


def spans_of(tracer: trace.Tracer) -> Callable[[Mapping[str, Any]], None]:
    """Return what `V2Client(logger=...)` takes: a span an attempt, below the caller's span."""
    mine = Mine()

    def callback(event: Mapping[str, Any]) -> None:
        phase, span = event["phase"], mine.span
        if phase == "request":
            name = event["operation"] or f"{event['method']} {event['path_template']}"
            mine.span = span = tracer.start_span(name, kind=trace.SpanKind.CLIENT)
            span.set_attribute("http.request.method", event["method"])
            span.set_attribute("url.template", event["path_template"])
            span.set_attribute("http.request.resend_count", event["attempt"] - 1)
        elif phase == "response" and span:
            span.set_attribute("http.response.status_code", event["status"])
            span.set_attribute("tesote.request_id", event["request_id"] or "")
            if event["status"] < 300 or event["status"] == 304:
                mine.span = span.end()
        elif phase in ("retry", "error") and span:
            span.set_attribute("error.type", event["error_type"])
            span.set_status(trace.StatusCode.ERROR, event["error_code"])
            mine.span = span.end()
        elif phase == "error":  # of an answer that could not be read: its own span is over
            trace.get_current_span().add_event(phase, {"error.type": event["error_type"]})

    return callback


def trace_headers() -> dict[str, str]:
    """Return what `V2Client(headers=...)` asks once a call: `traceparent`, of the caller's span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def shown(span: ReadableSpan) -> str:
    status = span.attributes.get("http.response.status_code", "")
    error = span.attributes.get("error.type", "")
    return f"{span.name} {status} {error}".rstrip() + "\n"


def main() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=shown)))
    tracer = provider.get_tracer("erp")
    with (
        Sandbox(accounts=3) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=spans_of(tracer),
            headers=trace_headers,
            retry_policy=RetryPolicy(base_delay=0.001),
        ) as client,
        tracer.start_as_current_span("nightly job"),
    ):
        sandbox.fail(503, times=1)
        print(f"{len(list(client.accounts.list()))} accounts")


if __name__ == "__main__":
    main()
