"""A plain HTTP client for these tests: the standard library's, and nothing of the SDK."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tesote_sdk.sandbox import Sandbox


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        code: str | None = self.json.get("error_code")
        return code


class Api:
    """One kept-alive connection to a sandbox."""

    def __init__(self, sandbox: Sandbox, key: str | None = None, timeout: float = 5.0) -> None:
        self._key = sandbox.api_key if key is None else key
        parts = urlsplit(sandbox.url)
        self._base = parts.path
        self.connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=timeout
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        fields = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        content = None
        if method in ("POST", "PUT", "PATCH"):
            fields["Content-Type"] = "application/json"
            content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        fields.update(headers or {})
        target = self._base + path + (f"?{urlencode(query)}" if query else "")
        self.connection.request(method, target, content, fields)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, query=query)

    def get_with(self, headers: Mapping[str, str], path: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def post(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.call("POST", path, body, headers=headers)


def order(**changes: object) -> dict[str, Any]:
    """A good order creation body, with changes; a field changed to None is left out."""
    fields: dict[str, object] = {
        "beneficiary": {"name": "Harinas del Sur C.A.", "account_number": "01990001"},
        "amount": "1530.25",
        "currency": "VES",
        "description": "Flour",
        **changes,
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return {"transaction_order": kept}
