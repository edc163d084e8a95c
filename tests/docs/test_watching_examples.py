"""The examples that watch the SDK: what they show, and what they say where a library is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from .markdown import ROOT

SHOWN = {
    "opentelemetry_spans": """\
accounts.list 503 ServiceUnavailableError
accounts.list 200
3 accounts
nightly job
""",
    "sentry_breadcrumbs": """\
info response status 503
warning retry status 503
info response status 200
info response accounts.get 404
error error accounts.get 404
AccountNotFoundError
""",
    "prometheus_counters": """\
AccountNotFoundError
tesote_answer_seconds_count{operation="accounts.list",status="503"} 1.0
tesote_answer_seconds_count{operation="accounts.list",status="200"} 3.0
tesote_answer_seconds_count{operation="accounts.get",status="200"} 3.0
tesote_answer_seconds_count{operation="accounts.get",status="404"} 1.0
tesote_retries_total{error="ServiceUnavailableError",operation="accounts.list"} 1.0
tesote_errors_total{error="AccountNotFoundError",operation="accounts.get"} 1.0
""",
}
LIBRARIES = {
    "opentelemetry_spans": "opentelemetry",
    "sentry_breadcrumbs": "sentry_sdk",
    "prometheus_counters": "prometheus_client",
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", SHOWN)
def test_it_shows_what_it_makes_of_the_events(name: str) -> None:
    library = LIBRARIES[name]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    done = run(str(ROOT / "docs" / "examples" / f"{name}.py"))
    assert (done.returncode, done.stdout, done.stderr) == (0, SHOWN[name], "")


@pytest.mark.parametrize("name", SHOWN)
def test_without_its_library_it_says_what_to_install(name: str) -> None:
    path = str(ROOT / "docs" / "examples" / f"{name}.py")
    hidden = f"sys.modules[{LIBRARIES[name]!r}] = None; runpy.run_path({path!r})"
    done = run("-c", f"import runpy, sys; {hidden}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: the library is not here: pip install ")
    assert len(done.stderr.splitlines()) == 1
