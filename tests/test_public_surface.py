"""What the package exports, and what importing it and making a client do not do."""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tesote_sdk
from tests.make_api import API, MODULES, describe_api
from tests.support.systems import PYPY

PROMISED = {
    "tesote_sdk": {
        "V1Client",
        "V2Client",
        "Page",
        "ExportFile",
        "RetryPolicy",
        "RateLimiter",
        "InMemoryLRUCache",
        "CacheBackend",
        "__version__",
    },
    "tesote_sdk.transport": {
        "Transport",
        "Response",
        "RetryPolicy",
        "RateLimit",
        "RateLimiter",
        "CacheBackend",
        "InMemoryLRUCache",
        "DEFAULT_BASE_URL",
        "DEFAULT_CONNECT_TIMEOUT",
        "DEFAULT_READ_TIMEOUT",
    },
}


def test_the_public_surface_is_as_it_was_written_down() -> None:
    difference = "\n".join(
        difflib.unified_diff(
            API.read_text(encoding="utf-8").splitlines(),
            describe_api().splitlines(),
            "tests/api.txt",
            "the package",
            lineterm="",
            n=0,
        )
    )
    assert not difference, (
        f"the public surface has changed:\n{difference}\n"
        "If that is meant, tell of it in CHANGELOG.md and run: python -m tests.make_api"
    )


@pytest.mark.parametrize("name", MODULES)
def test_every_exported_name_is_there_and_documented(name: str) -> None:
    module = importlib.import_module(name)
    exported = module.__all__
    assert sorted(exported) == sorted(set(exported))
    for member in exported:
        value = getattr(module, member)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__ or sys.flags.optimize > 1, member
    scope: dict[str, Any] = {}
    exec(f"from {name} import *", scope)  # noqa: S102 - what a user may write
    assert set(exported) <= set(scope)


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_is_exported(name: str) -> None:
    module = importlib.import_module(name)
    assert PROMISED[name] <= set(module.__all__)


def test_all_errors_are_exported_at_the_top() -> None:
    errors = importlib.import_module("tesote_sdk.errors")
    kinds = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert set(errors.__all__) | PROMISED["tesote_sdk"] == set(tesote_sdk.__all__)
    assert kinds | {"classify_api_error"} == set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)
    assert len(tesote_sdk.__all__) == len(set(tesote_sdk.__all__))


def in_a_fresh_process(program: str) -> Any:
    """Run a program that prints JSON, with warnings as errors and nothing imported before it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


IMPORTED = """
import json, sys
before = set(sys.modules)
import tesote_sdk
from tesote_sdk import *
loaded = {name: getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before}
print(json.dumps(loaded))
"""
HEAVY = {
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "datetime",
    "decimal",
    "email",
    "http",
    "inspect",
    "logging",
    "random",
    "socket",
    "ssl",
    "urllib",
    "uuid",
}


def test_importing_loads_nothing_heavy_no_sandbox_and_nobody_elses_module() -> None:
    loaded = in_a_fresh_process(IMPORTED)
    assert "tesote_sdk.v2.transaction_orders" in loaded
    assert not HEAVY & loaded.keys()
    assert not [name for name in loaded if name.startswith("tesote_sdk.sandbox")]
    installed = [name for name, file in loaded.items() if file and "site-packages" in file]
    assert not [name for name in installed if name.partition(".")[0] != "tesote_sdk"]


REACHED = """
import json, sys
import tesote_sdk

def main():
    lazy = ("money", "sandbox", "times", "transport", "types", "webhooks")
    early = [name for name in lazy if f"tesote_sdk.{name}" in sys.modules]
    named = [name for name in lazy if name in dir(tesote_sdk)]
    kinds = [str(type(getattr(tesote_sdk, name)).__name__) for name in lazy]
    reached = [
        str(tesote_sdk.money.from_cents("123450", "USD")),
        tesote_sdk.times.parse("2026-03-02T16:00:00Z").isoformat(),
        tesote_sdk.webhooks.verify.__name__,
        tesote_sdk.types.Account.__name__,
        tesote_sdk.sandbox.Sandbox.__name__,
        tesote_sdk.transport.Transport.__name__,
        tesote_sdk.errors.TesoteError.__name__,
    ]
    print(json.dumps([early, named, kinds, reached]))

if __name__ == "__main__":
    main()
"""


def test_every_public_module_is_reached_through_the_package_alone() -> None:
    early, named, kinds, reached = in_a_fresh_process(REACHED)
    assert early == []
    assert named == ["money", "sandbox", "times", "transport", "types", "webhooks"]
    assert kinds == ["module"] * 6
    assert reached == [
        "1234.50",
        "2026-03-02T16:00:00+00:00",
        "verify",
        "Account",
        "Sandbox",
        "Transport",
        "TesoteError",
    ]


def test_what_is_loaded_late_stands_in_import_statements() -> None:
    """Compilers and packagers read them; a name that is put together at run time they do not."""
    tree = ast.parse(Path(tesote_sdk.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.name.partition(".")[2]
        for statement in ast.walk(tree)
        if isinstance(statement, ast.Import)
        for alias in statement.names
    }
    assert set(tesote_sdk._HOMES.values()) == imported - {""}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tesote_sdk' has no attribute 'mony'"):
        _ = tesote_sdk.mony


CONSTRUCTED = """
import json, sys, threading
from tesote_sdk import InMemoryLRUCache, RateLimiter, RetryPolicy, V1Client, V2Client
seen = []
watching = True

def watch(event, arguments):
    if watching and event.split(".")[0] in (
        "open", "socket", "subprocess", "os", "ctypes", "import", "shutil", "tempfile",
    ):
        seen.append(f"{event} {arguments}")

sys.addaudithook(watch)
threading.Thread.start = lambda thread: seen.append("a thread")
for kind in (V1Client, V2Client):
    with kind("sk_live_abcd", retry_policy=RetryPolicy(5), rate_limiter=RateLimiter()) as client:
        second = client.with_options(read_timeout=3, cache_backend=InMemoryLRUCache())
        repr(second), second.last_rate_limit, second.accounts, second.transport
watching = False
loaded = [name for name in ("ssl", "socket", "http.client", "logging") if name in sys.modules]
print(json.dumps([seen, loaded]))
"""


def test_making_a_client_opens_no_file_or_socket_and_starts_no_thread() -> None:
    assert in_a_fresh_process(CONSTRUCTED) == [[], []]


ANNOTATED = """
import json, sys
compiled = []

def watch(event, arguments):
    # The lambdas are what any NamedTuple makes of its fields.
    text = str(arguments[:2])
    if event == "compile" and "<string>" in text and "lambda _cls" not in text:
        compiled.append(text)

sys.addaudithook(watch)
from tesote_sdk import *
V2Client("sk_live_abcd", base_url="http://localhost")
loaded = [name for name in ("annotationlib", "ast") if name in sys.modules]  # since 3.14
print(json.dumps([compiled, loaded]))
"""
READ = """
import typing
def read(each: "list[int]"): pass
typing.get_type_hints(read)
"""


@pytest.mark.skipif(PYPY, reason="PyPy's audit does not tell of what is compiled")
def test_nobody_waits_for_annotations_to_be_compiled() -> None:
    assert in_a_fresh_process(ANNOTATED) == [[], []]
    compiled, loaded = in_a_fresh_process(ANNOTATED.replace("loaded =", f"{READ}loaded ="))
    assert len(compiled) == 1
    assert bool(loaded) is (sys.version_info >= (3, 14))


def test_the_audit_would_notice() -> None:
    trouble = (
        "open('/dev/null', 'rb').close(); threading.Thread(target=int).start(); watching = False"
    )
    (opened, started), _ = in_a_fresh_process(CONSTRUCTED.replace("watching = False", trouble))
    assert opened.startswith("open ('/dev/null'")
    assert started == "a thread"
