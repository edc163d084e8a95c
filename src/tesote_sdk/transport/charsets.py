"""The charsets that bodies and header fields are read in."""

from __future__ import annotations

import codecs
import contextlib
from typing import Optional

from .._error_base import one_line
from .._forks import loading

_CODECS = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **{name: name for name in ("utf-16", "utf-16le", "utf-16be")},
    **dict.fromkeys(("us-ascii", "ascii"), "ascii"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin-1", "latin1"), "latin-1"),
    **dict.fromkeys(("windows-1252", "cp1252"), "cp1252"),
}
"""Those that banks and spreadsheets use; others can cost minutes for a body of a few KiB."""


def charset_of(content_type: str) -> str:
    """Return the charset that a Content-Type names (RFC 9110, section 8.3.2), or `utf-8`."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.partition(",")[0].strip().strip('"') or "utf-8"
    return "utf-8"


def codec_of(charset: str) -> Optional[str]:
    """Return Python's name for a charset, or None for one that is not read."""
    codec = _CODECS.get(charset.lower())
    if codec is not None:
        try:
            with loading():  # the codec may be a module, which loads with its first use
                codecs.lookup(codec)
        except LookupError:  # so Python says where the module cannot be loaded
            return None
    return codec


def shown_field(text: str, limit: int) -> str:
    """Return a header field, or a reason phrase, as a message can hold it: one short line.

    Header fields are read as latin-1 (RFC 9110, section 5.5), and servers send UTF-8 all the same.

    Args:
        text: As it was read.
        limit: Characters that are shown.
    """
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode()
    return one_line(text, limit)
