"""How Python values become a path, a query and header fields; bad ones are refused here."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Optional

from .._forks import loading
from ..errors import InvalidArgumentError

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*").fullmatch
"""The unreserved characters of RFC 3986, section 2.3, which no encoding changes."""

_PLAIN_PARAMETER = re.compile(r"[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]*").fullmatch
"""A name and a value of them: one look at both, for most parameters are such."""

_BYTES = [chr(byte) if _PLAIN(chr(byte)) and byte < 128 else f"%{byte:02X}" for byte in range(256)]
"""What each byte is written as (RFC 3986, section 2.1)."""

_DOT_SEGMENT = r"(?:\.|%2[eE]){1,2}"
"""RFC 3986, section 5.2.4; an encoded dot is a dot (section 6.2.2.2)."""

_PATH = re.compile(
    "/{0}(?:%[0-9A-Fa-f]{{2}}{0})*".format(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
).fullmatch
"""A path that may be sent as it is (RFC 3986, section 3.3)."""

# Compiled at first use: most programs pass no header and no key of their own.
_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD_VALUE = r"[!-~\xa1-\xff]([ \t!-~\xa0-\xff]*[!-~\xa1-\xff])?"
"""RFC 9110, sections 5.6.2 and 5.5."""

MAX_DIGITS = 400
"""Digits of a number that is sent. More are no money: `Decimal("1e999999999")` is a gigabyte."""

_OWN_FIELDS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "transfer-encoding",
    }
)
"""Header fields that the transport alone may set."""


def percent_encode(text: str) -> str:
    """Encode a text so that it can stand in one path segment or one query value.

    Raises:
        InvalidArgumentError: The text holds a lone surrogate, which UTF-8 cannot carry.
    """
    if _PLAIN(text):
        return str.__str__(text)  # of a str enumeration's member the value, not the name
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "a path or query value holds a lone surrogate: pass text that UTF-8 can encode"
        ) from None
    return "".join([_BYTES[byte] for byte in encoded])


def path_segment(name: str, value: object) -> str:
    """Encode an id whole, as one segment of a path.

    Args:
        name: What the caller knows the value as, for the message.
        value: The id: a str, or a `uuid.UUID`.

    Raises:
        InvalidArgumentError: It is no str, or empty, or a dot segment (`.`, `..`), which proxies
            remove from a path (RFC 3986, section 5.2.4): another resource would be reached. So it
            would be where a proxy decodes a slash, which is encoded here, and then finds one; such
            an id is refused, too.
    """
    text = id_text(name, value)
    if _PLAIN(text) and text not in ("", ".", ".."):
        return str.__str__(text)  # of a str enumeration's member the value, not the name
    segments = text.replace("\\", "/").split("/")
    if not text or not {".", ".."}.isdisjoint(segments):
        raise InvalidArgumentError(
            f"{name} must be the id of a resource, as the API sent it, not {text!r}"
        )
    return percent_encode(text)


def id_text(name: str, value: object) -> str:
    """Return an id as text.

    Args:
        name: What the caller knows the value as, for the message.
        value: The id: a str, or a `uuid.UUID`.

    Raises:
        InvalidArgumentError: It is neither.
    """
    if isinstance(value, str):
        return value
    if _is_uuid(value):
        return str(value)
    raise InvalidArgumentError(f"{name} must be a str or a UUID, not {type(value).__name__}")


def _is_uuid(value: object) -> bool:
    # Whoever passes a UUID has loaded the module; nobody else pays for it.
    module = sys.modules.get("uuid")
    return module is not None and isinstance(value, module.UUID)


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


def encode_query(query: Optional[Mapping[str, Any]]) -> str:
    """Encode parameters as a query string, leaving out those that are None.

    Raises:
        InvalidArgumentError: It is no mapping of names, or a value is none of str, int, bool,
            Decimal, finite float, date, UUID.
    """
    if not query:
        return ""
    if not isinstance(query, (dict, Mapping)):  # of a dict, Mapping is slow to tell
        raise InvalidArgumentError("query must be a dict of parameters by their names")
    parameters = []
    for name, value in query.items():
        if not isinstance(name, str):
            raise InvalidArgumentError("query must be a dict of parameters by their names")
        if value is not None:
            text = _query_text(name, value)
            parameter = f"{name}={text}"
            if not _PLAIN_PARAMETER(parameter) or type(name) is not str or type(text) is not str:
                parameter = f"{percent_encode(name)}={percent_encode(text)}"
            parameters.append(parameter)
    return "&".join(parameters)


def is_field_value(value: object) -> bool:
    """Tell whether a value can be sent as a header field: one line of latin-1, not empty."""
    return isinstance(value, str) and re.fullmatch(_FIELD_VALUE, value) is not None


def checked_fields(argument: str, fields: object) -> dict[str, str]:
    """Return a copy of header fields that may be sent beside the transport's own.

    Args:
        argument: What the caller knows them as, for the message.
        fields: Values by name.

    Raises:
        InvalidArgumentError: They are no mapping of names to texts, a field cannot be sent, or it
            is one that the transport sets. The message holds no value.
    """
    if not isinstance(fields, Mapping):
        raise InvalidArgumentError(f"{argument} must be a dict of header fields by their names")
    for name, value in fields.items():
        if not isinstance(name, str) or not re.fullmatch(_FIELD_NAME, name):
            raise InvalidArgumentError(f"{argument}: a name must be an HTTP token")
        if name.lower() in _OWN_FIELDS:
            raise InvalidArgumentError(f"{argument}: {name} is set by the SDK")
        if not is_field_value(value):
            raise InvalidArgumentError(
                f"{argument}: the value of {name} must be one line of latin-1 characters"
            )
    return dict(fields)


def plain_decimal(name: str, value: Any) -> str:
    """Write a finite Decimal without an exponent: `Decimal("1E+3")` is `"1000"`.

    Raises:
        InvalidArgumentError: It is NaN or infinite, or has too many digits.
    """
    if not value.is_finite():
        raise InvalidArgumentError(f"{name} must be a finite number, not {value}")
    _, digits, exponent = value.as_tuple()
    if max(len(digits) + exponent, len(digits), -exponent) > MAX_DIGITS:
        raise InvalidArgumentError(f"{name} has more than {MAX_DIGITS} digits")
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
    text = extended_text(name, value)
    if text is None:
        raise InvalidArgumentError(f"{name} cannot be a {type(value).__name__}")
    return text


def extended_text(name: str, value: Any) -> Optional[str]:
    """Write a Decimal, a date or a UUID, and return None for anything else.

    Raises:
        InvalidArgumentError: It is NaN or infinite, or has too many digits.
    """
    if _is_uuid(value):
        return str(value)
    with loading():  # few programs pass such a value
        from datetime import date
        from decimal import Decimal

    if isinstance(value, Decimal):
        return plain_decimal(name, value)
    if isinstance(value, date):
        return value.isoformat()
    return None
