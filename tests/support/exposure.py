"""What a crash reporter finds in an error, and what a dump finds in an object."""

from __future__ import annotations

import json
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tesote_sdk
from tesote_sdk import TesoteError
from tesote_sdk.transport.redaction import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE = str(Path(tesote_sdk.__file__).parent)

_SENT_BY_THE_SERVER = ("response_body", "envelope")
"""The attributes of an error that hold what the server sent, whatever that is; never the key."""


def chain(error: BaseException) -> list[BaseException]:
    """Return an error and all that led to it, shown by a traceback or not."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        link = pending.pop()
        if link is not None and not any(link is other for other in found):
            found.append(link)
            pending += [link.__cause__, link.__context__]
    return found


def frames_of_the_sdk(error: BaseException) -> Iterator[types.FrameType]:
    """Yield the frames of the package that an error and what led to it have passed."""
    for link in chain(error):
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
                yield trace.tb_frame
            trace = trace.tb_next


def shown_in_frames(error: BaseException) -> Iterator[str]:
    """Yield all texts that the package's frames hold, at any depth, and as `capture_locals` does.

    A reporter that evaluates expressions (`self._listing.filters`) or reads the fields of objects
    finds what the variables lead to, and not their repr alone.
    """
    for frame in frames_of_the_sdk(error):
        yield from texts_within(frame.f_locals.values())
    for link in chain(error):
        captured = traceback.TracebackException.from_exception(link, capture_locals=True)
        for line in captured.stack:
            if line.filename.startswith(PACKAGE):
                yield from (line.locals or {}).values()


def shown_by_error(error: BaseException) -> Iterator[str]:
    """Yield what an error itself shows, but for what a server sent."""
    for link in chain(error):
        yield from (str(link), repr(link))
        yield from traceback.format_exception_only(type(link), link)
        yield from texts_within([_without_servers_words(vars(link))])
        if isinstance(link, TesoteError):
            yield json.dumps(_without_servers_words(link.to_dict()))
        else:
            yield from texts_within(link.args)


def all_shown_by_error(error: BaseException) -> Iterator[str]:
    """Yield what an error itself shows, what a server sent included."""
    for link in chain(error):
        yield from texts_within([vars(link), link.args])
        yield repr(link.args)
        yield "".join(traceback.format_exception(type(link), link, None))


def shown_by_dump(thing: object) -> Iterator[str]:
    """Yield what a look at an object shows: its repr, and those of its attributes."""
    yield repr(thing)
    for fields in (getattr(thing, "__dict__", {}), dict(_slots(thing))):
        yield json.dumps(dict(fields), default=repr)


def texts_within(roots: Iterable[object]) -> Iterator[str]:
    """Yield each text and each text in bytes that objects lead to, and the repr of each object.

    It stops at the one place that has to hold the key.
    """
    pending, seen = list(roots), []
    known: set[int] = set()
    while pending:
        found = pending.pop()
        if id(found) in known or isinstance(found, (types.ModuleType, type)):
            continue
        known.add(id(found))
        seen.append(found)  # or another object might get its id
        if isinstance(found, str):
            yield found
        elif isinstance(found, (bytes, bytearray, memoryview)):
            yield bytes(found).decode("latin-1")
        else:
            yield repr(found)
            if not isinstance(found, ApiKey):
                pending += _parts(found)


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, Mapping):
        yield from (part for item in list(thing.items()) for part in item)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from thing
    elif isinstance(thing, types.MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, types.FunctionType):
        yield from (cell.cell_contents for cell in thing.__closure__ or () if _is_full(cell))
    else:
        yield from getattr(thing, "__dict__", {}).values()
        yield from (value for _, value in _slots(thing))


def _slots(thing: object) -> Iterator[tuple[str, Any]]:
    for kind in type(thing).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _without_servers_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: it for name, it in attributes.items() if name not in _SENT_BY_THE_SERVER}
