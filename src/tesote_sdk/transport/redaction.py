"""The API key, and the only forms of it that may be shown."""

from __future__ import annotations

import re
from typing import Any, Callable, Optional

from .._forks import loading
from ..errors import ConfigError

_PARTIAL = 9
"""Characters of the key's beginning, or of its end, that are not shown; `sk_live_` has eight."""


class ApiKey:
    """A bearer key that shows no more of itself than its last four characters.

    Wrapping never fails, so that a constructor can put the wrapped key in place of the plain one
    before anything can raise: a crash reporter that records local variables then finds no key.
    """

    __slots__ = ("_digest", "_spellings", "_value", "shown")

    def __init__(self, value: object) -> None:
        self._value = value
        self._spellings: Optional[re.Pattern[str]] = None
        self._digest: Optional[Callable[[bytes, bytes, str], bytes]] = None
        last4 = value[-4:] if isinstance(value, str) and len(value) > 4 and value.isascii() else ""
        self.shown: str = f"Bearer {last4 or '****'}"
        """What logs and errors may hold: `Bearer <last4>`, or `Bearer ****` for a short key."""

    def check(self) -> None:
        """Refuse what cannot be an API key.

        Raises:
            ConfigError: The key is missing or empty, is no string, or holds a character that an
                HTTP header cannot carry (RFC 9110, section 5.5). The message names the character's
                kind and place, never the key.
        """
        if self._value is None or (isinstance(self._value, str) and not self._value):
            raise ConfigError(
                "no API key: pass api_key= or set the environment variable TESOTE_SDK_API_KEY",
                error_code="CONFIG_MISSING_API_KEY",
            )
        if not isinstance(self._value, str):
            raise ConfigError(f"api_key must be a str, not {type(self._value).__name__}")
        for place, character in enumerate(self._value, start=1):
            code = ord(character)
            if character.isspace():
                kind = {"\n": "a newline", "\r": "a carriage return", "\t": "a tab"}.get(
                    character, "white space"
                )
            elif code < 0x20 or 0x7F <= code < 0xA0:
                kind = "a control character"
            elif code > 0xFF:
                kind = "a character outside latin-1"
            else:
                continue
            raise ConfigError(
                f"api_key holds {kind} at position {place}: copy the key again, without quotes, "
                "spaces or line breaks"
            )

    def bearer(self) -> str:
        """Return the value of the Authorization header (RFC 6750, section 2.1).

        It belongs into the message that is sent, in the expression that makes it, and into no
        variable: a crash reporter records those.
        """
        return f"Bearer {self._value}"

    def seal(self, message: bytes) -> bytes:
        """Return what only a holder of the key can make of a message (HMAC, RFC 2104)."""
        if self._digest is None:
            with loading():  # few programs use a cache
                import hmac
            self._digest = hmac.digest
        return self._digest(str(self._value).encode(), message, "sha256")

    def redact(self, value: Any) -> Any:
        """Return a copy of decoded JSON, or of a text, in which the key is replaced.

        A server may echo the key in an answer, and may write it as JSON or a URL does, or leave its
        end or its beginning out. The walk
        keeps its own stack, because a decoded document can be nested more deeply than Python
        functions may call each other.
        """
        if isinstance(value, str):  # as nearly always: a log event holds some twenty
            return self._redacted(value)
        result = [value]
        pending: list[tuple[Any, Any]] = [(result, 0)]
        while pending:
            holder, place = pending.pop()
            found = holder[place]
            if isinstance(found, str):
                holder[place] = self._redacted(found)
            elif isinstance(found, list):
                holder[place] = found = list(found)
                pending.extend((found, index) for index in range(len(found)))
            elif isinstance(found, dict):
                holder[place] = found = {
                    (self._redacted(name) if isinstance(name, str) else name): member
                    for name, member in found.items()
                }
                pending.extend((found, name) for name in found)
        return result[0]

    def _redacted(self, text: str) -> str:
        if text.isascii() and "\\" not in text and "%" not in text:
            # As it is itself, then, for every other spelling has one of these.
            text = text.replace(str(self._value), self.shown)
        else:
            if self._spellings is None:
                self._spellings = re.compile("".join(map(_spellings, str(self._value))))
            text = self._spellings.sub(self._show, text)
        # The key itself is in no variable, here and below.
        if str(self._value)[:_PARTIAL] in text or str(self._value)[-_PARTIAL:] in text:
            return self._without_parts(text)
        return text

    def _without_parts(self, text: str) -> str:
        """Replace a key that a server shows but for its end, or but for its beginning.

        What goes on with characters of the key is taken for more of it.
        """
        if len(str(self._value)) <= _PARTIAL:
            return text
        before, *after = text.split(str(self._value)[:_PARTIAL])
        text = self.shown.join([before, *[part.lstrip(str(self._value)) for part in after]])
        *before_it, rest = text.split(str(self._value)[-_PARTIAL:])
        return self.shown.join([*[part.rstrip(str(self._value)) for part in before_it], rest])

    def _show(self, _: object) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"<ApiKey {self.shown}>"

    def __reduce__(self) -> str:
        raise TypeError("an API key cannot be pickled: make a new client where it is needed")


def _spellings(character: str) -> str:
    """Return a pattern of what plain text, JSON and URLs write for a character.

    JSON may escape any character (RFC 8259, section 7), a URL encodes its UTF-8 bytes (RFC 3986,
    section 2.1), and header fields are read as latin-1 (RFC 9110, section 5.5).
    """
    utf8 = character.encode()
    spellings = {re.escape(character), re.escape(utf8.decode("latin-1"))}
    if not character.isalnum():
        spellings.add(re.escape(f"\\{character}"))
    for escape in (rf"\\u{ord(character):04x}", "".join([f"%{byte:02x}" for byte in utf8])):
        # Hexadecimal digits may be of either case; the "u" of JSON is lower.
        spellings.add(re.sub("[a-f]", lambda digit: f"[{digit[0]}{digit[0].upper()}]", escape))
    return f"(?:{'|'.join(sorted(spellings))})"
