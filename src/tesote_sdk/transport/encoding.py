"""How Python values become a path, a query and a JSON body; bad ones are refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidArgumentError

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*").fullmatch
"""The unreserved characters of RFC 3986, section 2.3, which no encoding changes."""

_DOT_SEGMENT = r"(?:\.|%2[eE]){1,2}"
"""RFC 3986, section 5.2.4; an encoded dot is a dot (section 6.2.2.2)."""

_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*").fullmatch
"""A path that may be sent as it is (RFC 3986, section 3.3)."""


def percent_encode(text: str) -> str:
    """Encode a text so that it can stand in one path segment or one query value.

    Raises:
        InvalidArgumentError: The text holds a lone surrogate, which UTF-8 cannot carry.
    """
    if _PLAIN(text):
        return str.__str__(text)  # of a str enumeration's member the value, not the name
    from urllib.parse import quote

    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "a path or query value holds a lone surrogate: pass text that UTF-8 can encode"
        ) from None


def path_segment(name: str, value: object) -> str:
    """Encode an id whole, as one segment of a path.

    Args:
        name: What the caller knows the value as, for the message.
        value: The id.

    Raises:
        InvalidArgumentError: It is no str, or empty, or a dot segment (`.`, `..`), which proxies
            remove from a path (RFC 3986, section 5.2.4): another resource would be reached.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise InvalidArgumentError(f"{name} must be the id of a resource, not {value!r}")
    return percent_encode(value)


def check_path(path: object) -> None:
    """Refuse a path that would not reach the server as it is written.

    Raises:
        InvalidArgumentError: It is no str, does not begin with `/`, holds a character that a path
            cannot hold, or a dot segment.
    """
    if not isinstance(path, str) or not _PATH(path):
        raise InvalidArgumentError(
            'path must begin with "/" and be percent-encoded; parameters belong in query='
        )
    # Hardly any path has a segment that begins like one, or needs the pattern compiled.
    if ("/." in path or "/%2" in path) and any(
        re.fullmatch(_DOT_SEGMENT, segment) for segment in path.split("/")
    ):
        raise InvalidArgumentError('path must not hold the segments "." and ".."')


def encode_query(query: Mapping[str, Any] | None) -> str:
    """Encode parameters as a query string, leaving out those that are None.

    Raises:
        InvalidArgumentError: It is no mapping of names, or a value is none of str, int, bool,
            Decimal, finite float, date.
    """
    if not query:
        return ""
    if not isinstance(query, Mapping) or not all(isinstance(name, str) for name in query):
        raise InvalidArgumentError("query must be a dict of parameters by their names")
    return "&".join(
        [
            f"{percent_encode(name)}={percent_encode(_query_text(name, value))}"
            for name, value in query.items()
            if value is not None
        ]
    )


def encode_json(body: Any) -> bytes:
    """Encode a body as compact UTF-8 JSON; a Decimal and a date become strings.

    Raises:
        InvalidArgumentError: JSON cannot hold it: NaN, infinity, a circular reference, a lone
            surrogate, or an object of another type.
    """
    import json

    # The causes are chained without the encoder's frames, whose local variables are the body.
    try:
        return json.dumps(
            body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_text
        ).encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "the body holds a lone surrogate: pass text that UTF-8 can encode"
        ) from None
    except InvalidArgumentError as error:
        raise error.with_traceback(None) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"the body cannot be written as JSON: {error}"
        ) from error.with_traceback(None)


def plain_decimal(name: str, value: Any) -> str:
    """Write a finite Decimal without an exponent: `Decimal("1E+3")` is `"1000"`.

    Raises:
        InvalidArgumentError: It is NaN or infinite.
    """
    if not value.is_finite():
        raise InvalidArgumentError(f"{name} must be a finite number, not {value}")
    return format(value, "f")


def _query_text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        try:
            return int.__repr__(value)  # of an int enumeration's member the value, not the name
        except ValueError:
            raise InvalidArgumentError(f"{name} has too many digits") from None
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise InvalidArgumentError(f"{name} must be a finite number, not {value}")
        return repr(value)
    text = _extended_text(name, value)
    if text is None:
        raise InvalidArgumentError(f"{name} cannot be a {type(value).__name__}")
    return text


def _json_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    text = _extended_text("an amount in the body", value)
    if text is None:
        raise TypeError(f"a {type(value).__name__} has no JSON form")
    return text


def _extended_text(name: str, value: Any) -> str | None:
    """Write a Decimal or a date; these modules load only when such a value was passed."""
    from datetime import date
    from decimal import Decimal

    if isinstance(value, Decimal):
        return plain_decimal(name, value)
    if isinstance(value, date):
        return value.isoformat()
    return None
