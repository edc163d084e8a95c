"""JSON, as it is sent and as it is believed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Callable

from ..errors import InvalidArgumentError
from .encoding import extended_text

_MAX_NUMBER = 400
"""Characters of a number that is not whole, and its exponent either way, that are believed."""

_MAX_DIGITS = 4300
"""Digits of a whole number, as Python itself has it (`sys.get_int_max_str_digits`)."""

_WHITE_SPACE = " \t\n\r"
"""RFC 8259, section 2."""

_INFINITIES = (float("inf"), float("-inf"))


def encode_json(body: Any) -> bytes:
    """Encode a body as compact UTF-8 JSON; a Decimal, a date and a UUID become strings.

    Raises:
        InvalidArgumentError: JSON cannot hold it: NaN, infinity, a circular reference, a lone
            surrogate, or an object of another type.
    """
    try:
        return _encoder.encode(body).encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "the body holds a lone surrogate: pass text that UTF-8 can encode"
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"the body cannot be written as JSON: {error}") from error


def _json_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    text = extended_text("an amount in the body", value)
    if text is None:
        raise TypeError(f"a {type(value).__name__} has no JSON form")
    return text


_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_text
)


def json_decoder(parse_float: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a decoder that keeps integers exact and refuses what JSON has no number for.

    Args:
        parse_float: Makes a number of the text of every number that is not whole. One that is
            longer than any amount of money, or of an exponent with which arithmetic may never end
            (`Decimal` takes `1e999999999`), is refused whatever it would make of it.
    """

    def finite(text: str) -> Any:
        if len(text) > _MAX_NUMBER or not _has_plain_exponent(text):
            raise ValueError(f"the number {text[:40]} is out of range")
        try:
            number = parse_float(text)
        except ArithmeticError as error:
            raise ValueError(f"the number {text[:40]} is out of range") from error
        if number in _INFINITIES:
            raise ValueError(f"the number {text[:40]} is too large for a float")
        return number

    def whole(digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            raise ValueError(f"the number {digits[:40]} is out of range")
        return int(digits)

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not a JSON number")

    # Python's own limit costs nothing. Where it is older or the limit is off, a million digits
    # would take half a minute, and no timeout would end it.
    limited = getattr(sys, "get_int_max_str_digits", int)() > 0
    parse_int = None if limited else whole
    decoder = json.JSONDecoder(parse_float=finite, parse_int=parse_int, parse_constant=refuse)

    def decode(text: str) -> Any:
        try:
            value, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            return decoder.decode(text)  # which skips white space, and says what is wrong
        if end < len(text) and text[end:].strip(_WHITE_SPACE):
            raise ValueError(f"Extra data: {len(text) - end} characters after the document")
        return value

    return decode


def _has_plain_exponent(number: str) -> bool:
    _, marked, exponent = number.replace("E", "e").partition("e")
    return not marked or abs(int(exponent)) <= _MAX_NUMBER
