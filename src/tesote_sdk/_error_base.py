"""TesoteError: what every error carries, how it is shown, how it travels, and how it leaves."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Callable, Optional, TypedDict, TypeVar

if TYPE_CHECKING:
    from types import FrameType

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

    class ErrorAttributes(TypedDict, total=False):
        """The keyword arguments of every error."""

        error_code: str | None
        http_status: int | None
        request_id: str | None
        error_id: str | None
        retry_after: float | None
        response_body: str | None
        request_summary: dict[str, Any] | None
        attempts: int | None
        outcome_unknown: bool
        envelope: dict[str, Any] | None


R = TypeVar("R")


_PACKAGE = __name__.partition(".")[0]

_MAX_MESSAGE = 500
_MAX_DETAIL = 200
"""Characters of a message, and of each detail behind it, that `str(error)` shows."""

_MAX_DEPTH = 64
"""Levels of nesting kept; `copy`, `pickle` and `json` fail some hundred levels deep."""

_MAX_BITS = 2000
"""Python may refuse to write integers of more than 640 digits in decimal."""


class TesoteError(Exception):
    """The base of every error of the SDK. Attributes that do not apply are None.

    Attributes:
        message: What went wrong, for people.
        error_code: The API's code, such as `ACCOUNT_NOT_FOUND`; for a failure on the client's side
            `NETWORK_ERROR`, `TIMEOUT`, `TLS_ERROR`, `CONFIG` or `ENDPOINT_REMOVED`.
        http_status: The status of the response.
        request_id: The server's `X-Request-Id`: quote it to support.
        error_id: The server's id of this error: quote it too.
        retry_after: How many seconds the server asks to wait before another try.
        response_body: The response's text, as it came.
        request_summary: The request: method, url, path, query, body_shape, authorization and
            idempotency_key; it holds no secret and no value of the body.
        attempts: How many times the request was sent.
        outcome_unknown: True if the call failed but a write may have been carried out.
        envelope: The whole JSON object that the server refused with.
    """

    __module__ = "tesote_sdk.errors"  # where users import it from, and where pickles look

    _client_side_code = ""

    def __init__(
        self,
        message: str,
        known: Optional[dict[str, Any]] = None,
        /,
        *,
        error_code: Optional[str] = None,
        http_status: Optional[int] = None,
        request_id: Optional[str] = None,
        error_id: Optional[str] = None,
        retry_after: Optional[float] = None,
        response_body: Optional[str] = None,
        request_summary: Optional[dict[str, Any]] = None,
        attempts: Optional[int] = None,
        outcome_unknown: bool = False,
        envelope: Optional[dict[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.error_code: Optional[str] = error_code or self._client_side_code or None
        self.http_status: Optional[int] = http_status
        self.request_id: Optional[str] = request_id
        self.error_id: Optional[str] = error_id
        self.retry_after: Optional[float] = retry_after
        self.response_body: Optional[str] = response_body
        self.request_summary: Optional[dict[str, Any]] = request_summary
        self.attempts: Optional[int] = attempts
        self.outcome_unknown: bool = outcome_unknown
        self.envelope: Optional[dict[str, Any]] = envelope
        vars(self).update(known or {})

    @property
    def args(self) -> tuple[Any, ...]:
        """The message, and all that is known besides, JSON-ready.

        They are enough to make the error again: Celery's JSON results keep nothing else of it.
        """
        known = {
            name: value
            for name, value in vars(self).items()
            if name != "message" and value is not None and value is not False
        }
        return (self.message, json_ready(known)) if known else (self.message,)

    @args.setter
    def args(self, values: Iterable[Any]) -> None:
        # Code that puts a prefix before what any exception has sets all of them.
        texts = [value for value in values if not isinstance(value, dict)]
        self.message = ": ".join(map(str, texts))

    def __str__(self) -> str:
        """Return one line: what happened, what to search the logs for, and what to do."""
        request = self.request_summary or {}
        details = [
            self.error_code,
            self.http_status and f"HTTP {self.http_status}",
            request and f"{request.get('method')} {_place(request)}",
            self.request_id and f"request_id {self.request_id}",
            self.error_id and f"error_id {self.error_id}",
            (self.attempts or 0) > 1 and f"{self.attempts} attempts",
            self.retry_after is not None and f"retry_after {self.retry_after:.10g} s",
        ]
        shown = ", ".join([one_line(detail, _MAX_DETAIL) for detail in details if detail])
        line = one_line(self.message, _MAX_MESSAGE)
        if shown:
            line = f"{line} ({shown})"
        if self.outcome_unknown:
            key = request.get("idempotency_key")
            advice = (
                f"repeat it with the same idempotency_key {one_line(key, _MAX_MESSAGE)}"
                if key
                else "look before repeating it"
            )
            line = f"{line}; the write may have been carried out: {advice}"
        return line

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are unpickled by calling the class with `args`, which knows no keywords.
        return _without_init, (type(self),), dict(vars(self))

    def to_dict(self) -> dict[str, Any]:
        """Return every attribute by its name, and `type`, the class's name, as JSON-ready data.

        What JSON has no form for becomes its text; NaN and the infinities become None.
        """
        attributes = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        attributes["type"] = type(self).__name__
        ready: dict[str, Any] = json_ready(attributes)
        return ready


def json_ready(value: Any, _within: tuple[int, ...] = ()) -> Any:
    """Return a copy of some data that any JSON writer takes and that can be pickled and copied.

    NaN and the infinities become None (RFC 8259, section 6), lone surrogates "?" and other types
    their text. What is nested more deeply than 64 levels, or in itself, becomes "...".
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_BITS else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, (dict, list, tuple)):
        return _text(value)
    if id(value) in _within or len(_within) == _MAX_DEPTH:
        return "..."
    within = (*_within, id(value))
    if isinstance(value, dict):
        return {_text(key): json_ready(item, within) for key, item in value.items()}
    return [json_ready(item, within) for item in value]


def _text(value: object) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # it holds an integer of more digits than Python writes
        return f"<{type(value).__name__}>"
    return text.encode("utf-8", "replace").decode()


def _place(request: dict[str, Any]) -> object:
    """Return the URL without the scheme and the query: the host tells staging from production."""
    url = request.get("url")
    if not isinstance(url, str):
        return request.get("path")
    return url.partition("://")[2].partition("?")[0]


def one_line(value: object, limit: int) -> str:
    """Return the text of a value without control characters and line ends, cut to a length.

    A server's text must not forge a second line in a log, nor send escapes to a terminal.
    """
    text = str(value)
    printable = [character if character.isprintable() else " " for character in text[: 2 * limit]]
    line = " ".join("".join(printable).split())
    return line if len(line) <= limit and len(text) <= 2 * limit else line[: limit - 3] + "..."


def operation(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method the door that its errors leave through.

    A crash reporter records the local variables of every frame that an error has passed, and its
    causes, too. The SDK's frames hold account numbers, tokens and what servers send: a TesoteError
    leaves without them. What else may pass (Ctrl-C, a worker's time limit, an error of the caller's
    own function, a misspelled argument) keeps the frames, for they tell where, but not what was in
    them. This is the only place in the package that knows of it.
    """

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except TesoteError as error:
            failure = error
        except BaseException as error:
            _empty_frames(error)
            raise
        finally:
            del args, kwargs
        try:
            raise _without_frames(failure, sys.exc_info()[1])
        finally:
            del failure  # or the traceback and this frame would keep each other alive

    return update_wrapper(call, method)


def _without_frames(error: TesoteError, handled: Optional[BaseException]) -> TesoteError:
    """Take the frames off an error and off all that led to it.

    What it was raised in place of (`from None`) is taken off as well: nobody is shown it, and it
    may hold what could not be written, such as the whole body.

    Args:
        error: What leaves.
        handled: What the caller was handling when he called; its frames are his.
    """
    for link in _chain(error, handled):
        link.__traceback__ = None
        if link.__suppress_context__:
            link.__context__ = None
    return error


def _empty_frames(error: BaseException) -> None:
    """Empty the SDK's frames of an error that is not the SDK's, and of all that led to it.

    The frames of the caller's functions, of which one may have been called in between, are his.
    """
    for link in _chain(error, None):
        trace = link.__traceback__
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
                _empty(trace.tb_frame)
            trace = trace.tb_next


def _empty(frame: FrameType) -> None:
    try:
        frame.clear()
    except RuntimeError:
        return  # it is still running: a door, which holds nothing


def _chain(error: BaseException, handled: Optional[BaseException]) -> Iterator[BaseException]:
    """Yield an error and all that led to it, but for what was being handled before."""
    seen = {id(None), id(handled)}
    pending: list[Optional[BaseException]] = [error]
    while pending:
        link = pending.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            pending += [link.__cause__, link.__context__]
            yield link


def _without_init(cls: type[_Error]) -> _Error:
    return cls.__new__(cls)


_Error = TypeVar("_Error", bound=TesoteError)
