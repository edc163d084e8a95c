"""Preparing a call: its arguments become the one request that every attempt sends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from ..errors import InvalidArgumentError
from .encoding import check_path, checked_fields, encode_query, is_field_value
from .json_bodies import encode_json
from .messages import SAFE_METHODS, Request
from .options import Options
from .origin import BaseUrl
from .redaction import ApiKey

_METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Preparer:
    """Makes the requests of one client, which differ in what their calls are given.

    Args:
        base: Where they go.
        api_key: What they are authorized by.
        options: For the User-Agent and further header fields.
    """

    def __init__(self, base: BaseUrl, api_key: ApiKey, options: Options) -> None:
        self._base = base
        self._api_key = api_key
        self._more_fields = options.headers
        self._fields = {
            "Host": base.host_header,
            "User-Agent": options.user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    def prepare(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]],
        body: Any,
        idempotency_key: Optional[str],
        extra_headers: Optional[Mapping[str, str]],
        key_in_body: Optional[str],
        changes_state: Optional[bool],
        operation: Optional[str],
    ) -> Request:
        """Return the request of a call; `Transport.request` describes the arguments.

        Raises:
            InvalidArgumentError: An argument cannot be sent.
        """
        if not (isinstance(method, str) and method in _METHODS):
            raise InvalidArgumentError(f"method must be one of {', '.join(sorted(_METHODS))}")
        check_path(path)
        headers = self._common_fields()
        key = _key_of(method, idempotency_key)
        if key is not None:
            headers["Content-Type"] = "application/json"
            headers["Idempotency-Key"] = key
        content: Optional[bytes] = None
        shape: Optional[dict[str, Any]] = None
        if method in _METHODS_WITH_BODY:
            if key_in_body is not None:
                body = {**body, key_in_body: {**body[key_in_body], "idempotency_key": key}}
            content = encode_json({} if body is None else body)
            shape = {"keys": list(body) if isinstance(body, dict) else [], "bytes": len(content)}
            headers["Content-Length"] = str(len(content))
        elif body is not None:
            raise InvalidArgumentError(f"a {method} request has no body: pass parameters as query=")
        if extra_headers:
            _add(headers, checked_fields("extra_headers", extra_headers))
        return Request(
            base=self._base,
            method=method,
            path=path,
            query=encode_query(query),
            headers=headers,
            varying=extra_headers or {},
            body=content,
            body_shape=shape,
            idempotency_key=key,
            caller_keyed=idempotency_key is not None,
            changes_state=method not in SAFE_METHODS if changes_state is None else changes_state,
            api_key=self._api_key,
            operation=operation,
        )

    def _common_fields(self) -> dict[str, str]:
        """Return the fields that every request has; the user's function is asked once a call."""
        fields = dict(self._fields)
        more = self._more_fields
        if callable(more):
            try:
                more = more()
            except Exception as error:
                raise InvalidArgumentError(
                    f"the function passed as headers= failed with {type(error).__name__}; nothing "
                    "was sent"
                ) from error
            more = checked_fields("what the headers= function returns", more)
        if more:
            _add(fields, more)
        return fields


def _key_of(method: str, key: object) -> Optional[str]:
    """Return the key that names a write, the caller's or a new one; None for what is none.

    Raises:
        InvalidArgumentError: It cannot be sent, or the request writes nothing.
    """
    if method in SAFE_METHODS:
        if key is not None:
            raise InvalidArgumentError(f"a {method} request takes no idempotency_key")
        return None
    if key is None:
        return _new_key()
    if not (isinstance(key, str) and is_field_value(key)):
        raise InvalidArgumentError("idempotency_key must be a non-empty str of latin-1 characters")
    return key


def _new_key() -> str:
    """Return a UUIDv4 (RFC 9562, section 5.4)."""
    # The module uuid does the same, and takes a tenth of the time to the first answer to load.
    drawn = bytearray(os.urandom(16))
    drawn[6] = drawn[6] & 0x0F | 0x40
    drawn[8] = drawn[8] & 0x3F | 0x80
    digits = drawn.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _add(fields: dict[str, str], more: Mapping[str, str]) -> None:
    """Add fields, in place of the transport's own where it lets itself be overruled."""
    # The cache and the reading of a 304 look for If-None-Match by this spelling.
    present = {name.lower(): name for name in (*fields, "If-None-Match")}
    for name, value in more.items():
        fields[present.get(name.lower(), name)] = value
