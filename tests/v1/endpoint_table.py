"""A table of calls, and what the server must have seen of each."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from tesote_sdk._resource import Resource
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.v1.harness import KEY, connected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tesote_sdk._base_client import BaseClient

NO_BODY = object()


class Row(NamedTuple):
    """One call and the request that it is.

    Attributes:
        call: The method, below the client: `accounts.list`.
        arguments: What it is called with, by name.
        request: The request line: method, path and query, exactly.
        body: The JSON that was sent; NO_BODY for no body at all, not even `{}`.
        answer: What the server answers.
        status: And with which status.
    """

    call: str
    arguments: dict[str, Any]
    request: str
    body: object
    answer: Any
    status: int = 200


def method_named(client: object, call: str) -> Callable[..., Any]:
    for name in call.split("."):
        client = getattr(client, name)
    assert callable(client)
    return client


def public_methods(client: BaseClient) -> set[str]:
    """Every public method of the client's resources, and those of the client that are calls."""
    resources = {name: value for name, value in vars(client).items() if isinstance(value, Resource)}
    return {"status", "whoami"} | {
        f"{name}.{method}"
        for name, resource in resources.items()
        for method in dir(resource)
        if not method.startswith("_")
    }


def check(kind: type[BaseClient], row: Row) -> None:
    """Make the call of a row, and compare what the server saw."""
    step = reply(row.status, row.answer)
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([step]) as server,
        connected(kind, f"{server.url}/api", logger=events.append) as client,
    ):
        method_named(client, row.call)(**row.arguments)
        (request,) = server.requests
    assert f"{request.method} {request.target}" == row.request.replace(" /", " /api/", 1)
    assert [event["operation"] for event in events] == [row.call] * 2
    writes = request.method != "GET"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert (request.headers.get("Content-Type") == "application/json") is writes
    assert ("Idempotency-Key" in request.headers) is writes
    if "idempotency_key" in row.arguments:
        assert request.headers["Idempotency-Key"] == row.arguments["idempotency_key"]
    if row.body is NO_BODY:
        assert request.body == b""
    else:
        assert json.loads(request.body) == row.body


def unexercised(kind: type[BaseClient], rows: Iterable[Row]) -> set[str]:
    """Return the methods that no row calls, and the parameters that none passes."""
    passed: dict[str, set[str]] = {}
    for row in rows:
        passed.setdefault(row.call, set()).update(row.arguments)
    missing = set()
    with connected(kind, "http://127.0.0.1:9") as client:
        for name in public_methods(client):
            parameters = inspect.signature(method_named(client, name)).parameters
            if name not in passed:
                missing.add(name)
            missing.update(f"{name}({p})" for p in parameters if p not in passed.get(name, p))
    return missing
