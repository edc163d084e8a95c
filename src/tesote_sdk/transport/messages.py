"""What is sent and what comes back: Request, Headers, Reply and Response."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, Mapping
from typing import Any, Callable, Optional, Protocol, TypeVar, Union, overload

from .._error_base import operation
from ..errors import InvalidResponseError
from .charsets import charset_of, codec_of
from .origin import BaseUrl
from .redaction import ApiKey
from .values import Value

T = TypeVar("T")


class Retirable(Protocol):
    """What a reply came by."""

    def retire(self) -> None:
        """See to it that nothing else is taken for an answer that comes this way."""


MAX_REFUSAL = 1024 * 1024
"""Bytes of a body that an error keeps: one that says more has said enough."""

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing on the server (RFC 9110, section 9.2.1)."""


class Headers(Mapping[str, str]):
    """Header fields by name, in any case (RFC 9110, section 5.1).

    Iterating gives the names in lower case. A field that was sent more than once holds its values
    joined by `", "` (RFC 9110, section 5.3).

    Attributes:
        fields: The fields by their names in lower case.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields: Mapping[str, str] = fields

    def __getitem__(self, name: str) -> str:
        return self.fields[name.lower()]

    @overload
    def get(self, name: str) -> Optional[str]: ...
    @overload
    def get(self, name: str, default: Union[str, T]) -> Union[str, T]: ...
    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or a default where it is not there."""
        # Mapping's own raises and catches a KeyError for every field that is not there.
        return self.fields.get(name.lower(), default)

    def items(self) -> ItemsView[str, str]:
        """Return the fields with their names in lower case."""
        # Mapping's own looks each of them up.
        return self.fields.items()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self.fields)}>"


class Request:
    """One logical request, made once and sent byte for byte the same on every attempt.

    It holds no Authorization: the key is written into the message when it is sent. Its repr shows
    the method and the path alone, for the body may hold account numbers.
    """

    __slots__ = (
        "api_key",
        "base",
        "body",
        "body_shape",
        "caller_keyed",
        "changes_state",
        "headers",
        "idempotency_key",
        "method",
        "operation",
        "path",
        "query",
        "told",
        "varying",
    )

    def __init__(
        self,
        *,
        base: BaseUrl,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        varying: Mapping[str, str],
        body: Optional[bytes],
        body_shape: Optional[dict[str, Any]],
        idempotency_key: Optional[str],
        caller_keyed: bool,
        changes_state: bool,
        api_key: ApiKey,
        operation: Optional[str] = None,
    ) -> None:
        self.base: BaseUrl = base
        self.method: str = method
        self.path: str = path
        """Below the base URL, percent-encoded."""
        self.query: str = query
        """Encoded, without the question mark."""
        self.headers: dict[str, str] = headers
        """All fields but Authorization."""
        self.varying: Mapping[str, str] = varying
        """The fields that this call alone asked for: another answer may belong to others."""
        self.body: Optional[bytes] = body
        self.body_shape: Optional[dict[str, Any]] = body_shape
        """The body's top-level keys and its size, for error messages."""
        self.idempotency_key: Optional[str] = idempotency_key
        self.caller_keyed: bool = caller_keyed
        """Whether the caller chose the idempotency key and so can repeat the call with it."""
        self.changes_state: bool = changes_state
        """Whether carrying it out twice could do something twice."""
        self.api_key: ApiKey = api_key
        self.operation: Optional[str] = operation
        """The method of a client that it is made by, such as `accounts.get`, if it is known."""
        self.told: Optional[dict[str, Any]] = None
        """What each log event of this request tells of it; made with the first."""

    @property
    def target(self) -> str:
        """The request line's path and query, the base URL's own path included."""
        path = self.base.path + self.path
        return f"{path}?{self.query}" if self.query else path

    @property
    def replayable(self) -> bool:
        """Whether the server can tell a repeat, or a repeat does not matter."""
        return not self.changes_state or self.idempotency_key is not None

    def with_field(self, name: str, value: str) -> Request:
        """Return a copy with one more header field."""
        fields = {slot: getattr(self, slot) for slot in self.__slots__ if slot != "told"}
        return Request(**{**fields, "headers": {**self.headers, name: value}})

    def summary(self) -> dict[str, Any]:
        """Return what an error may tell of this request; it holds no secret and no value."""
        redact = self.api_key.redact
        shape = self.body_shape
        return {
            "method": self.method,
            "url": self.shown_url(),
            "path": redact(self.path),
            "query": self._shown_query() or None,
            "body_shape": shape and {**shape, "keys": redact(shape["keys"])},
            "authorization": self.api_key.shown,
            "idempotency_key": redact(self.idempotency_key),
        }

    def shown_url(self) -> str:
        """Return the URL with the text of a search replaced by its length."""
        query = self._shown_query()
        url: str = self.base.url + self.api_key.redact(self.path)
        return f"{url}?{query}" if query else url

    def _shown_query(self) -> str:
        if not self.query:
            return ""
        shown = []
        for parameter in self.query.split("&"):
            name, _, value = parameter.partition("=")
            if name == "q":
                # Of a character that takes several bytes in UTF-8, the first one counts.
                count = len(re.sub("%(..)", _letter, value))
                value = f"<{count} characters>"
            shown.append(f"{name}={value}" if value else name)
        text: str = self.api_key.redact("&".join(shown))
        return text

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.api_key.redact(self.path)}>"


def _letter(escape: re.Match[str]) -> str:
    """Return a letter for a percent-encoded byte, nothing for one that continues a character."""
    return "" if escape[1][0] in "89aAbB" else "x"


class Reply:
    """A whole response as it came, its content encoding undone; its repr shows no content.

    Attributes:
        resent: Whether the request went out before, on a connection that was lost: that first
            copy, too, may have been carried out.
        connection: What it came by, or None if that is an opener's affair.
    """

    __slots__ = ("connection", "content", "headers", "reason", "resent", "status")

    def __init__(self, status: int, reason: str, headers: Headers, content: bytes) -> None:
        self.status: int = status
        self.reason: str = reason
        self.headers: Headers = headers
        self.content: bytes = content
        self.resent: bool = False
        self.connection: Optional[Retirable] = None

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.content)} bytes>"


class LastResponse(Value):
    """What an answer said of itself, without its body; immutable.

    Attributes:
        status: The HTTP status code.
        headers: The header fields, by name in any case.
        attempts: How many times the request was sent.
        elapsed_ms: Milliseconds that the last attempt took.
    """

    __slots__ = ("status", "headers", "attempts", "elapsed_ms")  # noqa: RUF023

    status: int
    headers: Headers
    attempts: int
    elapsed_ms: float

    def __init__(self, status: int, headers: Headers, attempts: int, elapsed_ms: float) -> None:
        self._set(status=status, headers=headers, attempts=attempts, elapsed_ms=elapsed_ms)

    @property
    def request_id(self) -> Optional[str]:
        """The server's id of this exchange: what to quote to support."""
        return self.headers.get("x-request-id")


class Response:
    """An answer of the server, and what can be read out of it.

    Attributes:
        status: The HTTP status code.
        headers: The header fields, by name in any case.
        content: The body's bytes, with gzip undone.
        request_id: The server's `X-Request-Id`, or None.
    """

    __slots__ = (
        "_attempts",
        "_decode",
        "_forget",
        "_json",
        "_report",
        "_request",
        "connection",
        "content",
        "headers",
        "status",
    )

    def __init__(
        self,
        *,
        status: int,
        headers: Headers,
        content: bytes,
        request: Request,
        attempts: Optional[int],
        decode: Callable[[str], Any],
        report: Optional[Callable[..., None]] = None,
        connection: Optional[Retirable] = None,
        forget: Optional[Callable[[], None]] = None,
    ) -> None:
        self.status: int = status
        self.headers: Headers = headers
        self.content: bytes = content
        self._request = request
        self._attempts = attempts
        self._decode = decode
        self._report = report
        self.connection: Optional[Retirable] = connection
        self._forget = forget
        self._json: Any = _NOT_READ

    @property
    def request_id(self) -> Optional[str]:
        """The server's id of this exchange: what to quote to support."""
        return self.headers.get("x-request-id")

    @property
    @operation
    def body(self) -> str:
        """The body as text, in the charset that the server names (UTF-8 where it names none).

        UTF-8, UTF-16, ASCII, ISO-8859-1 and Windows-1252 are read.

        Raises:
            InvalidResponseError: The charset is another, or the bytes are no text in it.
        """
        charset = charset_of(self.headers.get("content-type", ""))
        codec = codec_of(charset)
        if codec is None:
            shown = self._request.api_key.redact(charset)[:40]
            raise self.invalid(f"the SDK does not read the charset of the body, {shown}")
        try:
            return self.content.decode(codec)
        except ValueError as error:
            # Made anew: the decoder's own exception carries the whole content.
            problem = ValueError(str(error))
        raise self.invalid(f"the body cannot be decoded as {charset}") from problem

    @property
    @operation
    def json(self) -> Any:
        """The decoded JSON body; the same object each time it is read.

        Raises:
            InvalidResponseError: The body is not JSON in UTF-8 (RFC 8259), or holds NaN or an
                infinite number.
        """
        # It may be read late, when others have the connection.
        return self._decoded(self.invalid)

    def _decoded(self, refusal: Optional[Callable[[str], InvalidResponseError]] = None) -> Any:
        """Return `json`, for the client's own methods, which are doors themselves.

        Args:
            refusal: Makes the error; None is `stray`.
        """
        if self._json is _NOT_READ:
            # A byte order mark may be ignored (RFC 8259, section 8.1). The causes are made anew:
            # the decoder's own exceptions carry the whole text.
            try:
                self._json = self._decode(self.content.decode().removeprefix("\ufeff"))
            except UnicodeDecodeError as error:
                problem = ValueError(str(error))
            except RecursionError:
                problem = ValueError("it is nested too deeply")
            except ValueError as error:
                problem = ValueError(str(error))
            else:
                return self._json
            raise (refusal or self.stray)(
                f"the answer is not JSON ({self.headers.get('content-type', 'no content type')}, "
                f"{len(self.content)} bytes): check that base_url is the API's and that no proxy "
                "or login page answers in its place"
            ) from problem
        return self._json

    def invalid(self, message: str) -> InvalidResponseError:
        """Return the error for an answer that is not what the API promises.

        A write whose answer cannot be read has most likely been carried out, hence its
        `outcome_unknown`. A cache does not keep such an answer.
        """
        if self._forget is not None:
            self._forget()
        redact = self._request.api_key.redact
        error = InvalidResponseError(
            redact(message),
            http_status=self.status,
            request_id=redact(self.request_id),
            response_body=redact(self.content[:MAX_REFUSAL].decode("utf-8", "replace")),
            request_summary=self._request.summary(),
            attempts=self._attempts,
            outcome_unknown=self._request.changes_state,
        )
        if self._report is not None:
            # It was told as a response like any other.
            self._report("error", self._request, None, error, attempt=self._attempts)
        return error

    def stray(self, message: str) -> InvalidResponseError:
        """Return the error for an answer that belongs to another request, or may do so.

        What names another object does, and what is no such object may. The connection may be one
        answer behind from here on: it is not used again.
        """
        if self.connection is not None:
            self.connection.retire()
        return self.invalid(message)

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.content)} bytes>"


_NOT_READ = object()
