"""What every resource shares: making a call, listing, and reading results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar

from .page_styles import Style
from .pagination import Listing, Page
from .transport import Response, Transport

T = TypeVar("T")


class Resource:
    """A part of the API, bound to the transport that its calls go through."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        operation: str,
        **arguments: Any,
    ) -> T:
        """Make a call, and return its result.

        Args:
            method: The HTTP method.
            path: Below the base URL.
            read: Turns the response into the result.
            operation: What logs call it: the public method, such as `accounts.get`.
            arguments: Further keyword arguments of `Transport.request`.
        """
        return read(self._transport._request(method, path, operation=operation, **arguments))

    def _list(
        self,
        path: str,
        names: tuple[str, ...],
        style: type[Style],
        *,
        operation: str,
        position: Mapping[str, Any],
        filters: Mapping[str, Any],
        cache_ttl: Optional[float],
    ) -> Page[Any]:
        """Fetch the first page of a list; `Listing` describes the arguments."""
        listing = Listing(
            self._transport, path, filters, style, names, cache_ttl, operation=operation
        )
        return listing.page(position)


def unwrapped(
    name: str, *aliases: str, asked: object = None, key: Optional[str] = None
) -> Callable[[Response], T]:
    """Return a reader of an object that is sent bare, or wrapped as `{name: object}`.

    An object that has an id itself is the object, whatever else it holds: an account has a member
    `data`, which is also what a wrapper is called. An object without an id is none, and one with
    another id than the one asked for is the answer to another request.

    Args:
        name: What the wrapper calls the object.
        aliases: Keys that may stand in for `id`, which the object then gets as well.
        asked: The id of the object that was asked for; None for one that is new.
        key: The idempotency key that the object was made with, if the caller chose it; a server
            may repeat it.
    """
    ids = ("id", *aliases)

    def read(response: Response) -> Any:
        sent = response._decoded()
        wrapped = (sent, sent.get(name), sent.get("data")) if isinstance(sent, dict) else ()
        for found in wrapped:
            if isinstance(found, dict):
                named = [found[alias] for alias in ids if found.get(alias)]
                if named:
                    found["id"] = named[0]
                    check_same(response, f"{name} id", named[0], asked)
                    check_same(response, "idempotency_key", found.get("idempotency_key"), key)
                    return found
        raise response.stray(f"the answer holds no {name} with an id")

    return read


def check_same(response: Response, what: str, came: object, asked: object) -> None:
    """Refuse an answer that names another object than the one asked for.

    Args:
        response: The answer.
        what: What names the object, for the message.
        came: What the answer says, or None if it says nothing.
        asked: What was asked for, or None if that was nothing.

    Raises:
        InvalidResponseError: They differ; upper and lower case do not count.
    """
    if came is None or asked is None or came == asked:
        return
    if _folded(came) != _folded(asked):
        raise response.stray(f"the answer belongs to another request: it has another {what}")


def _folded(name: object) -> str:
    # The text of a str enumeration's member is its value, and not what str() shows.
    return name.lower() if isinstance(name, str) else str(name).lower()


def json_object(*required: str, **named: object) -> Callable[[Response], T]:
    """Return a reader of an object that is sent bare.

    Args:
        required: Keys that it must have; without any, any object will do.
        named: What was asked for, by the key under which the answer may name it.
    """
    needed = frozenset(required)

    def read(response: Response) -> Any:
        sent = response._decoded()
        if isinstance(sent, dict) and sent and needed <= sent.keys():
            for key, asked in named.items():
                check_same(response, key, sent.get(key), asked)
            return sent
        promised = f"object with {', '.join(required)}" if required else "object"
        raise response.stray(f"the answer is not the expected {promised}")

    return read
