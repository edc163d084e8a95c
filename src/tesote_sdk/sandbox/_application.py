"""From a request to the bytes of its answer: quota, scripted trouble, key, route, headers."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import math
import uuid
from collections import deque
from dataclasses import replace
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._endpoints.call import Call
from ._endpoints.routes import find_route
from ._wire.errors import Refusal
from ._wire.http import accepts_gzip, format_head, wants_keep_alive
from ._wire.locks import HomeLock
from ._wire.messages import Answer, Headers, RecordedRequest, Reply

if TYPE_CHECKING:
    from ._faults import FaultControls
    from ._state.records import ApiKey
    from ._state.store import Store
    from ._wire.rate_limits import Quota

_GZIP_FROM_BYTES = 1024
_MAX_RECORDED = 10_000
_MAX_DEPTH = 100
_OPEN_PATHS = ("/status", "/v1/status", "/v2/status")
_WITH_BODY = ("POST", "PUT", "PATCH")
_SAFE = ("GET", "HEAD")
_BODILESS = (204, 304)


class Application:
    """Answers requests out of a store."""

    def __init__(self, store: Store, faults: FaultControls) -> None:
        self._store = store
        self._faults = faults
        self._settings = store.settings
        self._home = HomeLock()
        self._requests: deque[RecordedRequest] = deque(maxlen=_MAX_RECORDED)
        # Request ids differ in their end only: a new random one for each would cost what an
        # answer may cost.
        self._request_id = str(uuid.uuid4())[:24] + "{:012x}"
        self._numbers = itertools.count(1)

    def recorded(self) -> list[RecordedRequest]:
        """The newest requests, in the order they came in."""
        with self._home.lock:
            return list(self._requests)

    def clear_recorded(self) -> None:
        """Forgets the requests recorded so far."""
        with self._home.lock:
            self._requests.clear()

    def respond(self, request: RecordedRequest) -> Answer:
        """Answers a request."""
        key = self._known_key(request)
        self._record(request, trusted=key is not None and not key.revoked)
        plan = self._faults.plan(request)
        if plan.drop == "before_response":
            return Answer(b"", plan.delay, close=True)
        reply = plan.failure or self._handle(request, key)
        if plan.drop == "after_processing":
            return Answer(b"", plan.delay, close=True)
        status, headers, body = self._finish(request, reply, plan.quota)
        head = format_head(status, headers)
        if plan.drop == "mid_body":
            # Without a body the status line is cut: a head that just ends may pass for a whole one.
            cut = head + body[: len(body) // 2] if body else head[: len("HTTP/1.")]
            return Answer(cut, plan.delay, close=True)
        close = Headers(headers.items()).get("Connection", "").lower() == "close"
        return Answer(head + body, plan.delay, close)

    def reject(self, status: int, message: str) -> Answer:
        """Answers bytes that are no request that can be served."""
        reply = Refusal(message, status=status).reply(self._settings.errors)
        body = reply.body()
        headers = {**self._common_headers(reply, body), "Connection": "close"}
        return Answer(format_head(status, headers) + body, 0.0, close=True)

    def _record(self, request: RecordedRequest, *, trusted: bool) -> None:
        # What strangers send is not kept: anybody on this machine can reach the port.
        if request.body and not trusted:
            request = replace(request, body=b"")
        with self._home.lock:
            self._requests.append(request)

    def _handle(self, request: RecordedRequest, key: ApiKey | None) -> Reply:
        try:
            if not request.below_base:
                raise Refusal("No such path", status=404)
            handler, ids = find_route(request.method, request.path)
            api_key = _authenticate(request, key)
            body = _json_object(request) if request.method in _WITH_BODY else {}
            version = "v2" if request.path.startswith("/v2/") else "v1"
            call = Call(version, ids, request.query, body, api_key)
            store = self._store
            with store.lock:
                idempotency_key = request.headers.get("Idempotency-Key")
                if not idempotency_key or request.method in _SAFE:
                    return handler(store, call)
                identity = [request.method, request.path, request.query_items, body]
                return store.idempotency.run(
                    ("header", idempotency_key), identity, lambda: handler(store, call)
                )
        except Refusal as refusal:
            return refusal.reply(self._settings.errors)

    def _known_key(self, request: RecordedRequest) -> ApiKey | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        with self._store.lock:
            return self._store.api_keys.get(key.strip())

    def _finish(
        self, request: RecordedRequest, reply: Reply, quota: Quota
    ) -> tuple[int, dict[str, str], bytes]:
        status, body = reply.status, reply.body()
        headers = self._common_headers(reply, body)
        headers.update(quota.headers(self._settings.rate_limit_reset))
        if request.method in _SAFE and status == 200:
            etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
            headers["ETag"] = etag
            if _names_etag(request.headers.get("If-None-Match", ""), etag):
                status = 304
        if status in _BODILESS:
            body = b""
            for name in ("Content-Type", "Content-Length"):
                del headers[name]
        elif self._settings.gzip:
            headers["Vary"] = "Accept-Encoding"
            if len(body) >= _GZIP_FROM_BYTES and accepts_gzip(request.headers):
                body = _compressed(body)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(body))
        if not wants_keep_alive(request):
            headers["Connection"] = "close"
        if request.method == "HEAD":
            body = b""
        return status, _override(headers, reply.headers) if reply.headers else headers, body

    def _common_headers(self, reply: Reply, body: bytes) -> dict[str, str]:
        return {
            "Date": _http_date(int(self._settings.clock())),
            "Content-Type": reply.content_type,
            "Content-Length": str(len(body)),
            "X-Request-Id": self._request_id.format(next(self._numbers)),
        }


def _authenticate(request: RecordedRequest, key: ApiKey | None) -> ApiKey | None:
    if key is not None and not key.revoked:
        return key
    if request.path in _OPEN_PATHS:
        return None
    challenge = {"WWW-Authenticate": "Bearer"}
    if key is not None:
        raise Refusal("The API key was revoked", "API_KEY_REVOKED", headers=challenge)
    raise Refusal("API key is not valid", "UNAUTHORIZED", headers=challenge)


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=8)
def _compressed(body: bytes) -> bytes:
    # A poll asks for the same again and again.
    return gzip.compress(body, compresslevel=1, mtime=0)


def _override(headers: dict[str, str], more: Any) -> dict[str, str]:
    names = {name.lower() for name in more}
    return {**{name: headers[name] for name in headers if name.lower() not in names}, **more}


def _names_etag(if_none_match: str, etag: str) -> bool:
    # If-None-Match compares weakly: the W/ does not count (RFC 9110 section 13.1.2).
    listed = {item.strip().replace("W/", "", 1) for item in if_none_match.split(",")}
    return "*" in listed or etag[2:] in listed


def _json_object(request: RecordedRequest) -> dict[str, Any]:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal("Send application/json", "UNPROCESSABLE_CONTENT", status=415)
    if not request.body.strip():
        return {}
    try:
        value = json.loads(request.body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refusal("The body is not a JSON object", status=400)
    if _is_deeper(value, _MAX_DEPTH):
        raise Refusal("The body is nested too deeply", status=400)
    return value


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    # Infinity could come in as 1e999, and not go out again: JSON has no name for it.
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number
