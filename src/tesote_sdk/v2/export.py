"""ExportFile: a file that the API sent, as it was sent."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from contextlib import suppress
from typing import Optional, Union

from .._error_base import operation
from .._forks import loading
from .._hints import pathlib
from ..errors import InvalidArgumentError
from ..transport.messages import Response

_NAME = re.compile(r'(?:^|;)\s*filename\s*=\s*("(?:[^"\\]|\\.)*"?|[^; \t]+)', re.IGNORECASE).search
_ENCODED_NAME = re.compile(
    r"""(?:^|;)\s*filename\*\s*=\s*"?(utf-8|iso-8859-1)'[^']*'([^;" \t]+)""", re.IGNORECASE
).search
"""The file's name in a Content-Disposition field (RFC 6266, section 4.1; RFC 8187)."""

_UNSAFE = '<>:"/\\|?*'
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE
).fullmatch
"""Characters and names that a file cannot have on Windows, nor some of them elsewhere."""

_SUFFIX = re.compile(r"(?<=.)\.[^.]{1,10}$").search

_MOST_BYTES = 150
"""Of a name; file systems take 255, and whoever renames the file may want to add some."""


class ExportFile:
    """An exported file.

    Attributes:
        content: The file's bytes, untouched.
        content_type: What the server says they are, such as `text/csv`, or None.
        filename: The name that the server suggests, made safe: no folder, no characters that file
            systems refuse or that do not print, at most 150 bytes. `export` if there is none.
        response: The response that brought it.
    """

    __slots__ = ("content", "content_type", "filename", "response")

    def __init__(self, response: Response) -> None:
        self.content: bytes = response.content
        self.content_type: Optional[str] = response.headers.get("content-type")
        self.filename: str = _safe_filename(response.headers.get("content-disposition", ""))
        self.response: Response = response

    @property
    @operation
    def text(self) -> str:
        """The file as text, in the charset that the server names (UTF-8 if it names none).

        A byte order mark at the start is removed, because it would end up in the name of a CSV's
        first column. It stays in `content` and in what `save` writes: spreadsheets want it.

        Raises:
            InvalidResponseError: The bytes cannot be decoded in that charset.
        """
        return self.response.body.removeprefix("\ufeff")

    @operation
    def save(self, path: Union[str, os.PathLike[str]]) -> pathlib.Path:
        """Write the file to disk: whole, or not at all.

        The file holds bank data, so only its owner may read a new one (mode 0600). If a file is
        replaced, the new one keeps its mode, and its owner and group if the system allows; if the
        group cannot be kept, its permissions are dropped. A symbolic link is followed, and its
        target replaced. On Windows, the folder's permissions decide.

        Pipes, terminals and other devices are written to, and so is `/dev/stdout`, wherever it
        leads. What was written there before an error stays written.

        Args:
            path: The file to write, replaced if it is there; or a folder, which gets `filename`.

        Returns:
            The path of the file.

        Raises:
            InvalidArgumentError: No file can have this name on this system.
            OSError: It cannot be written. The path then has its old content or the whole new
                file.
        """
        with loading():  # few programs save
            from pathlib import Path

        text = _usable(path)
        target = Path(text)
        if target.is_dir() or text.endswith(("/", os.sep)):
            target /= self.filename
            _usable(target)
        try:
            found = target.stat()
        except FileNotFoundError:
            found = None
        stream = None if found is None else _standard_stream(found)
        if stream is not None:
            with open(stream, "wb", closefd=False) as opened:
                opened.write(self.content)
        elif found is not None and not stat.S_ISREG(found.st_mode):
            with target.open("wb") as opened:
                opened.write(self.content)
        else:
            _replace(target.resolve(), self.content, found)
        return target

    def __repr__(self) -> str:
        return f"<ExportFile {self.filename}, {len(self.content)} bytes>"


# --- the name of a file ---------------------------------------------------------------------------


def _safe_filename(disposition: str) -> str:
    """Make a name for any system out of the one in a Content-Disposition field."""
    name = _proposed_name(disposition).replace("\\", "/").rpartition("/")[2]
    safe = [letter if letter.isprintable() and letter not in _UNSAFE else "_" for letter in name]
    name = _cut("".join(safe).strip(" .")) or "export"
    # Only now: cutting may have left a reserved name of a longer one.
    return _cut(f"_{name}") if _RESERVED(name) else name


def _proposed_name(disposition: str) -> str:
    """Take the name out of a Content-Disposition field, as it stands there.

    The encoded form goes before the plain one, unless it is broken (RFC 6266, section 4.3). Bytes
    above ASCII should not be in a field; servers send them all the same, as UTF-8.
    """
    encoded, plain = _ENCODED_NAME(disposition), _NAME(disposition)
    if encoded:
        with loading():  # few servers send one
            from urllib.parse import unquote_to_bytes

        # A field is read as latin-1 (RFC 9110, section 5.5), so this gives back the bytes sent.
        raw = unquote_to_bytes(encoded[2].encode("latin-1", "replace"))
        name = raw.decode(encoded[1], "replace")
        if plain is None or "\ufffd" not in name:
            return name
    if plain is None:
        return ""
    name = plain[1].strip('"')
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


def _cut(name: str) -> str:
    """Shorten a name at the end of its stem, so that it keeps its suffix."""
    found = _SUFFIX(name)
    suffix = found[0] if found else ""
    stem = name[: len(name) - len(suffix)]
    room = _MOST_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix


def _usable(path: object) -> str:
    """Return a path as text.

    Raises:
        InvalidArgumentError: It is no path, or no file can have it.
    """
    try:
        text = os.fspath(path)  # type: ignore[call-overload]
    except TypeError:
        text = None
    if not isinstance(text, str) or not text:
        what = "an empty one" if isinstance(text, str) else type(path).__name__
        raise InvalidArgumentError(f"path must be a str or a Path, not {what}")
    problem = ""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        problem = f"file names are written in {sys.getfilesystemencoding()} here"
    if "\0" in text:
        problem = "it holds a NUL character"
    if sys.platform == "win32" and not _windows_takes(text):
        problem = "Windows has no file of this name"
    if problem:
        raise InvalidArgumentError(f"cannot save a file as {text!a}: {problem}. Pass another path")
    return text


def _windows_takes(path: str) -> bool:
    """Tell whether a path ends in a name that a file can have on Windows.

    A reserved one is a device, whatever its suffix, and what is written there is gone; a full stop
    or a space at the end is dropped, and what follows a colon names a hidden stream.
    """
    with loading():  # of interest to Windows alone
        from pathlib import PureWindowsPath

    name = PureWindowsPath(path).name
    if name in ("", ".."):
        return True
    unsafe = any(letter < " " or letter in _UNSAFE for letter in name)
    return not (unsafe or _RESERVED(name) or name.endswith((" ", ".")))


# --- what is written to ---------------------------------------------------------------------------


def _standard_stream(found: os.stat_result) -> Optional[int]:
    """Return the descriptor of standard output or error, if a path leads there.

    `/dev/stdout` may lead to a file that a shell has opened: what replaced that file would go
    past the shell, and what the file held (`>> log`) would be lost.
    """
    for descriptor in (1, 2):
        with suppress(OSError):  # the program may have closed it
            if os.path.samestat(found, os.fstat(descriptor)):
                return descriptor
    return None


def _replace(target: pathlib.Path, content: bytes, found: Optional[os.stat_result]) -> None:
    """Put a new file in the place of another in one step.

    That works within one file system only, so the new one is written beside the other.
    """
    temporary = target.with_name(f".tesote-export-{os.urandom(8).hex()}")
    try:
        with open(temporary, "xb", opener=_for_the_owner) as file:
            if found is not None and sys.platform != "win32":
                _pass_on(found, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pass_on(found: os.stat_result, descriptor: int) -> None:
    """Give a new file what it takes from the one that it replaces: owner, group and mode."""
    mode = found.st_mode & 0o777
    try:
        os.fchown(descriptor, -1, found.st_gid)
    except PermissionError:
        mode &= ~stat.S_IRWXG  # they were meant for another group
    with suppress(PermissionError):  # only root gives files away: it is this program's, then
        os.fchown(descriptor, found.st_uid, -1)
    # FAT refuses any change, and gives all of its files the same mode.
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


def _sync_folder(folder: pathlib.Path) -> None:
    """Make a file's new name outlast a power cut."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # Not everybody who may write into a folder may read it, Windows opens none, and some file
        # systems have no such request.
        if error.errno not in (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP):
            raise
