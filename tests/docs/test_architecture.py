"""The tables of the architecture pages say what the code does."""

from __future__ import annotations

import inspect
import re
import urllib.error
import urllib.parse
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import NetworkError, RetryPolicy, V1Client, V2Client, errors
from tesote_sdk._resource import Resource

from .markdown import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk._base_client import BaseClient

_RESOURCES = ROOT / "docs" / "architecture" / "resources.md"
_ERRORS = ROOT / "docs" / "architecture" / "errors.md"

_NO_ENDPOINT = {
    *("close", "find_by_idempotency_key", "iter_sync", "pay", "request", "wait", "with_options")
}
"""Methods that make no call of their own."""

_ORDER = {
    "amount": "1",
    "currency": "USD",
    "description": "Flour",
    "beneficiary": {"name": "Harinas del Sur C.A."},
}
_NEEDED: dict[str, dict[str, Any]] = {
    "transactions.bulk": {"account_ids": ["{account_id}"]},
    "transaction_orders.create": {"account_id": "{account_id}", **_ORDER},
    "batches.create": {"account_id": "{account_id}", "orders": [_ORDER]},
    "payment_methods.create": {"method_type": "wire", "currency": "USD"},
    "payment_methods.update": {"payment_method_id": "{payment_method_id}", "label": "Flour"},
}
"""Arguments of the methods for which the names of their parameters in braces will not do."""


def test_the_resources_page_has_each_endpoint_that_the_clients_call() -> None:
    v1, v2 = _RESOURCES.read_text(encoding="utf-8").split("## V2Client")

    assert _rows(v1) == sorted(_endpoints(V1Client))
    assert _rows(v2) == sorted(_endpoints(V2Client))
    assert len(_rows(v1) + _rows(v2)) == 35


def test_the_errors_page_has_the_whole_tree() -> None:
    (tree, *_) = blocks(_ERRORS)
    above: list[str] = []
    written = set()
    for line in tree.code.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        above = [*above[:depth], line.strip()]
        written.add(tuple(above[-2:]))

    classes = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]
    assert written == {("TesoteError",)} | {
        (cls.__bases__[0].__name__, cls.__name__)
        for cls in classes
        if cls is not errors.TesoteError
    }


@pytest.mark.parametrize("heading", ["The codes", "Statuses without a known code"])
def test_the_errors_page_tells_which_class_is_chosen(heading: str) -> None:
    section = _ERRORS.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in section.splitlines()]
    told = {
        (row[0] if heading == "The codes" else None, int(status)): row[-2 if len(row) == 4 else -1]
        for row in rows
        for status in re.findall(r"\b[1-5]\d\d\b", " ".join(row[:2]))
    }

    assert len(told) == (34 if heading == "The codes" else 11)
    assert told == {
        (code, status): errors.classify_api_error(code, status).__name__ for code, status in told
    }


def _rows(page: str) -> list[tuple[str, ...]]:
    cells = [re.findall(r"\| `?([^|`]+)`? (?=\|)", line) for line in page.splitlines()]
    return sorted(tuple(row) for row in cells if len(row) == 4 and row[0] not in ("Method", "---"))


def _endpoints(kind: type[BaseClient]) -> Iterator[tuple[str, ...]]:
    """Call every method of a client, and tell what it asks for."""
    sent: list[tuple[str, str]] = []

    def opener(request: Any, timeout: float) -> Any:
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.full_url).path)
        sent.append((request.get_method(), path))
        raise urllib.error.URLError("nobody listens")

    client = kind(
        "key", base_url="http://localhost", opener=opener, retry_policy=RetryPolicy(max_attempts=1)
    )
    resources = {
        f"{name}.": value for name, value in vars(client).items() if isinstance(value, Resource)
    }
    for prefix, holder in {"": client, **resources}.items():
        for name, method in inspect.getmembers(holder, inspect.ismethod):
            if name.startswith("_") or name in _NO_ENDPOINT:
                continue
            signature = inspect.signature(method)
            arguments = _NEEDED.get(
                f"{prefix}{name}",
                {
                    parameter.name: f"{{{parameter.name}}}"
                    for parameter in signature.parameters.values()
                    if parameter.default is parameter.empty
                },
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                with pytest.raises(NetworkError):
                    method(**arguments)
            returned = re.sub(r"\b(types|files)\.", "", str(signature.return_annotation))
            yield (f"{prefix}{name}", *sent[-1], returned)
