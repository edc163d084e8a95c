"""What every resource shares: declaring a call, making it, and reading its result.

A resource method only says what to call. The `operation` decorator makes the call after the
method has returned, so that the arguments (account numbers, amounts) are in no local variable of
the stack that an error travels through.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import InvalidResponseError
from .pagination import Listing, Page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

    from typing_extensions import Concatenate, ParamSpec

    from .page_styles import Style
    from .transport import Response, Transport

    P = ParamSpec("P")
    HasTransport = TypeVar("HasTransport", bound="Resource")

T = TypeVar("T")


class Call(Generic[T]):
    """One call of the API, and how its response becomes the method's result.

    Attributes:
        method: The HTTP method.
        path: Below the base URL.
        read: Turns the response into the result.
        arguments: Further keyword arguments of `Transport.request`.
    """

    __slots__ = ("arguments", "method", "path", "read")

    def __init__(
        self, method: str, path: str, read: Callable[[Response], T], **arguments: Any
    ) -> None:
        self.method = method
        self.path = path
        self.read = read
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"<Call {self.method} {self.path}>"


class Resource:
    """A part of the API, bound to the transport that its calls go through."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _list(
        self,
        path: str,
        names: tuple[str, ...],
        style: Style,
        *,
        position: Mapping[str, Any],
        filters: Mapping[str, Any],
        cache_ttl: float | None,
    ) -> Call[Page[Any]]:
        """Declare a list call; `position` and `filters` are query parameters, None left out."""
        listing = Listing(
            self._transport,
            path,
            {name: value for name, value in filters.items() if value is not None},
            style,
            names,
            cache_ttl,
        )
        start = {name: value for name, value in position.items() if value is not None}
        query = style.query(listing.filters, start)
        return Call(
            "GET",
            path,
            lambda response: Page(listing, response, response.json, start),
            query=query,
            cache_ttl=cache_ttl,
        )


def operation(
    declare: Callable[Concatenate[HasTransport, P], Call[T]],
) -> Callable[Concatenate[HasTransport, P], T]:
    """Make a method that declares a call into one that makes it and returns its result."""

    def call(self: HasTransport, /, *args: P.args, **kwargs: P.kwargs) -> T:
        declared = declare(self, *args, **kwargs)
        del args, kwargs
        response = self._transport.request(declared.method, declared.path, **declared.arguments)
        try:
            return declared.read(response)
        except InvalidResponseError as error:
            # Without the frames of the readers, whose local variables are what the server sent.
            raise error.with_traceback(None) from error.__cause__

    # What help() and editors show is what the caller gets.
    returned = declare.__annotations__["return"]
    declare.__annotations__["return"] = returned[len("Call[") : -1]
    update_wrapper(call, declare)
    return call


def unwrapped(name: str, *aliases: str) -> Callable[[Response], Any]:
    """Return a reader of an object that is sent bare, or wrapped as `{name: object}`.

    An object that has an id itself is the object, whatever else it holds: an account has a member
    `data`, which is also what a wrapper is called. An object without an id is none.

    Args:
        name: What the wrapper calls the object.
        aliases: Keys that may stand in for `id`, which the object then gets as well.
    """
    ids = ("id", *aliases)

    def read(response: Response) -> Any:
        sent = response.json
        if isinstance(sent, dict):
            for candidate in (sent, sent.get(name), sent.get("data")):
                if isinstance(candidate, dict):
                    found = [candidate[key] for key in ids if candidate.get(key)]
                    if found:
                        candidate["id"] = found[0]
                        return candidate
        raise response.invalid(f"the answer holds no {name} with an id")

    return read


def json_object(*required: str) -> Callable[[Response], Any]:
    """Return a reader of an object that is sent bare and must have some keys, or any at all."""

    def read(response: Response) -> Any:
        sent = response.json
        if isinstance(sent, dict) and sent and all(key in sent for key in required):
            return sent
        promised = f"object with {', '.join(required)}" if required else "object"
        raise response.invalid(f"the answer is not the promised {promised}")

    return read
