# needs: opentelemetry-api opentelemetry-sdk
"""The example makes a span of each attempt, in the caller's trace, which goes on in the server."""

import contextlib
import runpy
import threading
from pathlib import Path
from typing import Any, Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tesote_sdk import InvalidResponseError, NetworkError, RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "opentelemetry_spans.py"


def main() -> None:
    example = runpy.run_path(str(EXAMPLE))
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("erp")
    with (
        Sandbox(accounts=5, transactions=1) as sandbox,
        V2Client(
            sandbox.api_key,
            base_url=sandbox.url,
            logger=example["spans_of"](tracer),
            headers=example["trace_headers"],
            retry_policy=RetryPolicy(base_delay=0.001),
        ) as client,
    ):
        answers_and_retries(sandbox, client, example["trace_headers"], tracer, kept)
        failures(sandbox, client, tracer, kept)
        threads(client, tracer, kept)
    print("held: a span an attempt, named by operation, in the caller's trace; traceparent sent")


def answers_and_retries(
    sandbox: Sandbox,
    client: V2Client,
    trace_headers: Callable[[], dict[str, str]],
    tracer: Any,
    kept: InMemorySpanExporter,
) -> None:
    sandbox.fail(503, times=1)
    with tracer.start_as_current_span("job") as job:
        traceparent = trace_headers()["traceparent"]
        assert len(list(client.accounts.list(per_page=3))) == 5
    assert f"{job.get_span_context().trace_id:032x}" in traceparent
    assert f"{job.get_span_context().span_id:016x}" in traceparent
    *attempts, _ = spans = kept.get_finished_spans()
    assert [span.name for span in spans] == ["accounts.list"] * 3 + ["job"]
    assert [span.attributes["http.response.status_code"] for span in attempts] == [503, 200, 200]
    assert [span.attributes["http.request.resend_count"] for span in attempts] == [0, 1, 0]
    assert {span.attributes["url.template"] for span in attempts} == {"/v2/accounts"}
    assert all(span.attributes["tesote.request_id"] for span in attempts)
    assert {span.parent.span_id for span in attempts} == {job.get_span_context().span_id}
    assert [span.status.is_ok for span in attempts] == [False, True, True]
    sent = [request.headers["traceparent"] for request in sandbox.requests]
    assert sent == [traceparent] * 3
    kept.clear()


def failures(sandbox: Sandbox, client: V2Client, tracer: Any, kept: InMemorySpanExporter) -> None:
    once = client.with_options(retry_policy=RetryPolicy(max_attempts=1))
    sandbox.drop(when="before_response", times=None)
    with contextlib.suppress(NetworkError):
        once.accounts.sync(sandbox.account_ids[0])
    sandbox.clear_faults()
    sandbox.fail(200, body={"odd": 1}, times=1)
    with tracer.start_as_current_span("job"), contextlib.suppress(InvalidResponseError):
        once.accounts.get(sandbox.account_ids[0])
    lost, unread, job = kept.get_finished_spans()
    assert lost.attributes["error.type"] == "NetworkError"
    assert lost.attributes["url.template"] == "/v2/accounts/{id}/sync"
    assert not lost.status.is_ok
    assert unread.attributes["http.response.status_code"] == 200
    (event,) = job.events
    assert event.attributes == {"error.type": "InvalidResponseError"}
    shown = "".join(span.to_json() for span in (lost, unread, job))
    assert sandbox.api_key not in shown
    assert sandbox.account_ids[0] not in shown
    kept.clear()


def threads(client: V2Client, tracer: Any, kept: InMemorySpanExporter) -> None:
    def work() -> None:
        with tracer.start_as_current_span("job"):
            for _ in range(20):
                client.status()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spans = kept.get_finished_spans()
    jobs = {span.context.span_id for span in spans if span.name == "job"}
    calls = [span for span in spans if span.name == "status"]
    assert len(jobs) == 4
    assert len(calls) == 80
    assert all(
        sum(call.parent.span_id == job for call in calls) == 20  # none in another thread's trace
        for job in jobs
    )


if __name__ == "__main__":
    main()
