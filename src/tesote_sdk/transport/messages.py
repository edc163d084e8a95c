"""What is sent and what comes back: Request, Headers and Response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from ..errors import InvalidResponseError

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator
    from typing import Callable, TypeVar

    from .redaction import ApiKey

    T = TypeVar("T")

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing on the server (RFC 9110, section 9.2.1)."""


class Headers(Mapping[str, str]):
    """Header fields by name, in any case (RFC 9110, section 5.1).

    Iterating gives the names in lower case. A field that was sent more than once holds its values
    joined by `", "` (RFC 9110, section 5.3).
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str | T) -> str | T: ...
    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or a default where it is not there."""
        # Mapping's own raises and catches a KeyError for every field that is not there.
        return self._fields.get(name.lower(), default)

    def items(self) -> ItemsView[str, str]:
        """Return the fields with their names in lower case."""
        # Mapping's own looks each of them up.
        return self._fields.items()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self._fields)}>"


class Request:
    """One logical request, made once and sent byte for byte the same on every attempt.

    Its repr shows the method and the path alone, for the headers hold the API key and the body
    may hold account numbers.
    """

    __slots__ = (
        "api_key",
        "body",
        "body_shape",
        "caller_keyed",
        "changes_state",
        "headers",
        "idempotency_key",
        "method",
        "path",
        "query",
        "target",
    )

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
        body_shape: dict[str, Any] | None,
        idempotency_key: str | None,
        caller_keyed: bool,
        changes_state: bool,
        api_key: ApiKey,
    ) -> None:
        self.method = method
        self.path = path
        """Below the base URL, percent-encoded."""
        self.query = query
        """Encoded, without the question mark."""
        self.target = target
        """The request line's path and query, the base URL's own path included."""
        self.headers = headers
        self.body = body
        self.body_shape = body_shape
        """The body's top-level keys and its size, for error messages."""
        self.idempotency_key = idempotency_key
        self.caller_keyed = caller_keyed
        """Whether the caller chose the idempotency key and so can repeat the call with it."""
        self.changes_state = changes_state
        """Whether carrying it out twice could do something twice."""
        self.api_key = api_key

    @property
    def replayable(self) -> bool:
        """Whether the server can tell a repeat, or a repeat does not matter."""
        return not self.changes_state or self.idempotency_key is not None

    def summary(self) -> dict[str, Any]:
        """Return what an error may tell of this request; it holds no secret and no value."""
        redact = self.api_key.redact
        shape = self.body_shape
        return {
            "method": self.method,
            "path": redact(self.path),
            "query": self.shown_query() or None,
            "body_shape": shape and {**shape, "keys": redact(shape["keys"])},
            "authorization": self.api_key.shown,
            "idempotency_key": redact(self.idempotency_key),
        }

    def shown_query(self) -> str:
        """Return the query with the text of a search replaced by its length."""
        if not self.query:
            return ""
        shown = []
        for parameter in self.query.split("&"):
            name, _, value = parameter.partition("=")
            if name == "q":
                from urllib.parse import unquote

                value = f"<{len(unquote(value))} characters>"
            shown.append(f"{name}={value}" if value else name)
        text: str = self.api_key.redact("&".join(shown))
        return text

    def head(self, target: str, extra: str = "") -> bytes:
        """Return the request line and the header fields as bytes (RFC 9112, sections 3 and 5).

        Args:
            target: What the request line asks for: the path, or for a proxy the whole URL.
            extra: A further header line with its line end, or "".
        """
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        return f"{self.method} {target} HTTP/1.1\r\n{fields}{extra}\r\n".encode("latin-1")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.api_key.redact(self.path)}>"


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
        "_request",
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
        attempts: int | None,
        decode: Callable[[str], Any],
        forget: Callable[[], None] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._request = request
        self._attempts = attempts
        self._decode = decode
        self._forget = forget
        self._json: Any = _NOT_READ

    @property
    def request_id(self) -> str | None:
        """The server's id of this exchange: what to quote to support."""
        return self.headers.get("x-request-id")

    @property
    def body(self) -> str:
        """The body as text, in the charset that the server names (UTF-8 where it names none).

        Raises:
            InvalidResponseError: The bytes are no text in that charset.
        """
        # What the server names is in no local variable when something is raised.
        try:
            return self.content.decode(_charset(self.headers))
        except (ValueError, LookupError) as error:
            problem = ValueError(self._request.api_key.redact(str(error)))
        raise self.invalid(
            f"the body is no text in the charset {_charset(self.headers)}"
        ) from problem

    @property
    def json(self) -> Any:
        """The decoded JSON body; the same object each time it is read.

        Raises:
            InvalidResponseError: The body is not JSON in UTF-8 (RFC 8259), or holds NaN or an
                infinite number.
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
            raise self.invalid(
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
        return InvalidResponseError(
            redact(message),
            http_status=self.status,
            request_id=redact(self.request_id),
            response_body=redact(self.content.decode("utf-8", "replace")),
            request_summary=self._request.summary(),
            attempts=self._attempts,
            outcome_unknown=self._request.changes_state,
        )

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.content)} bytes>"


_NOT_READ = object()


def json_decoder(parse_float: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a decoder that keeps integers exact and refuses what JSON has no number for.

    Args:
        parse_float: Makes a number of the text of every number that is not whole.
    """
    import json  # with the first response, like all that speaks HTTP

    def finite(text: str) -> Any:
        try:
            number = parse_float(text)
        except ArithmeticError as error:
            raise ValueError(f"the number {text[:40]} is out of range") from error
        if number in _INFINITIES:
            raise ValueError(f"the number {text[:40]} is too large for a float")
        return number

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not a JSON number")

    return json.JSONDecoder(parse_float=finite, parse_constant=refuse).decode


_INFINITIES = (float("inf"), float("-inf"))


def _charset(headers: Headers) -> str:
    for parameter in headers.get("content-type", "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or "utf-8"
    return "utf-8"
