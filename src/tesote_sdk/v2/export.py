"""ExportFile: a file that the API sent, as it was sent."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..transport.messages import Response

_NAME = re.compile(r'(?:^|;)\s*filename\s*=\s*("(?:[^"\\]|\\.)*"?|[^;\s]+)', re.IGNORECASE).search
_ENCODED_NAME = re.compile(
    r"""(?:^|;)\s*filename\*\s*=\s*"?(utf-8|iso-8859-1)'[^']*'([^;"\s]+)""", re.IGNORECASE
).search
"""The file's name in a Content-Disposition field (RFC 6266, section 4.1; RFC 8187)."""

_UNSAFE = '<>:"/\\|?*'
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE
).fullmatch
"""Characters and names that a file cannot have on one system or another."""

_SUFFIX = re.compile(r"(?<=.)\.[^.]{1,10}$").search

_MOST_BYTES = 150
"""Of a name; file systems take 255, and whoever renames the file may want to add some."""


class ExportFile:
    """An exported file.

    Attributes:
        content: The file's bytes, untouched.
        content_type: What the server says they are, such as `text/csv`, or None.
        filename: The name that the server proposes, made safe: no folder, no character that a file
            system refuses or that does not print, at most 150 bytes. `export` where it proposes
            none.
        response: The response that brought it.
    """

    __slots__ = ("content", "content_type", "filename", "response")

    def __init__(self, response: Response) -> None:
        self.content = response.content
        self.content_type = response.headers.get("content-type")
        self.filename = _safe_filename(response.headers.get("content-disposition", ""))
        self.response = response

    @property
    def text(self) -> str:
        """The file as text, in the charset that the server names (UTF-8 where it names none).

        Raises:
            InvalidResponseError: The bytes are no text in that charset.
        """
        return self.response.body

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file to disk: whole, or not at all.

        Args:
            path: The file to write, replaced if it is there; or a folder, which gets `filename`.

        Returns:
            The path of the file.

        Raises:
            OSError: It cannot be written; an earlier file of this name is as it was.
        """
        from pathlib import Path

        target = Path(path)
        if target.is_dir() or os.fspath(path).endswith(("/", os.sep)):
            target = target / self.filename
        # Beside the target, for a file can be moved in one step within one file system only.
        temporary = target.with_name(f".tesote-export-{os.urandom(8).hex()}")
        try:
            with temporary.open("xb") as file:
                file.write(self.content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return target

    def __repr__(self) -> str:
        return f"<ExportFile {self.filename}, {len(self.content)} bytes>"


def _safe_filename(disposition: str) -> str:
    """Take the name out of a Content-Disposition field; the encoded form goes before the plain."""
    name = ""
    encoded, plain = _ENCODED_NAME(disposition), _NAME(disposition)
    if encoded:
        from urllib.parse import unquote

        name = unquote(encoded[2], encoding=encoded[1])
    elif plain:
        name = plain[1].strip('"')
    name = name.replace("\\", "/").rpartition("/")[2]
    safe = [letter if letter.isprintable() and letter not in _UNSAFE else "_" for letter in name]
    name = "".join(safe).strip(" .")
    if _RESERVED(name):
        name = f"_{name}"
    name = name or "export"
    found = _SUFFIX(name)
    suffix = found[0] if found else ""
    stem = name[: len(name) - len(suffix)]
    room = _MOST_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix
