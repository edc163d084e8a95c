"""Page: one page of a list, and the way to all the others."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import InvalidArgumentError, InvalidResponseError
from .page_styles import Contradiction, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .page_styles import Style
    from .transport import Response, Transport

T = TypeVar("T")


class Listing:
    """What is listed: everything that the pages of one list have in common.

    Its repr shows no filters, which may hold what somebody searched for.

    Args:
        transport: Fetches the pages.
        path: Of the list.
        filters: The parameters that every page is asked for with.
        style: How the server numbers its pages.
        names: The keys under which a reply may hold the items; the first that holds a list counts.
        cache_ttl: As given to the list method, for every page.
    """

    __slots__ = ("_cache_ttl", "_transport", "filters", "names", "path", "style")

    def __init__(
        self,
        transport: Transport,
        path: str,
        filters: dict[str, Any],
        style: Style,
        names: tuple[str, ...],
        cache_ttl: float | None,
    ) -> None:
        self._transport = transport
        self.path = path
        self.filters = filters
        self.style = style
        self.names = names
        self._cache_ttl = cache_ttl

    def fetch(self, position: dict[str, Any]) -> Response:
        """Fetch the page at a position."""
        query = self.style.query(self.filters, position)
        return self._transport.request("GET", self.path, query=query, cache_ttl=self._cache_ttl)

    def __repr__(self) -> str:
        return f"<Listing {self.path}>"


class CursorTrail:
    """The cursors of a walk so far, at eight bytes each; immutable."""

    __slots__ = ("_marks",)

    def __init__(self, marks: array[int] | None = None) -> None:
        self._marks = marks or array("q")

    def leads_to(self, cursor: str) -> bool:
        """Tell whether the walk has been at a cursor."""
        mark = hash(cursor)
        place = bisect_left(self._marks, mark)
        return place < len(self._marks) and self._marks[place] == mark

    def extended(self, cursor: str) -> CursorTrail:
        """Return the trail that goes on to a cursor."""
        marks = self._marks[:]
        insort(marks, hash(cursor))
        return CursorTrail(marks)


class Page(Generic[T]):
    """One page of a list; iterating it goes on through all the pages after it.

    The next page is fetched when the last item of one has been passed, and with all the filters of
    the first call. A failed fetch raises its error out of the loop; `next_params` of the page at
    hand then says where to resume.

    Attributes:
        data: The items of this page.
        total: How many items the server counts in all, or None if it does not say.
        pagination: The server's own pagination object, or None if it sent none.
        response: The response that brought this page.
    """

    __slots__ = (
        "_following",
        "_listing",
        "_position",
        "_trail",
        "data",
        "pagination",
        "response",
        "total",
    )

    data: list[T]

    def __init__(
        self,
        listing: Listing,
        response: Response,
        reply: Any,
        position: dict[str, Any],
        trail: CursorTrail | None = None,
    ) -> None:
        self._listing = listing
        self._position = position
        self._trail = trail or CursorTrail()
        self.response = response
        self.data = _items(response, reply, listing.names)
        style = listing.style
        self.pagination: dict[str, Any] | None = style.pagination(reply)
        counted = (self.pagination or {}).get("total_count")
        self.total: int | None = whole(reply.get("total"), counted)
        wrong = style.mismatch(self.pagination, position)
        if wrong:
            raise response.invalid(f"{listing.path}: {wrong}")
        # Now, for `data` is the caller's to change.
        self._following = style.following(
            reply, self.data, self.pagination, listing.filters, position
        )

    @property
    def next_params(self) -> dict[str, Any] | None:
        """The keyword arguments that resume the list at the next page, or None after the last.

        They hold the place alone: pass the filters again beside them.

        Raises:
            InvalidResponseError: The server says that there is more but not how to get it, or
                sends a cursor that it has sent before. The message names the last good cursor.
        """
        following = self._following
        if following is None:
            return None
        if isinstance(following, Contradiction):
            raise self._stuck(following)
        (cursor,) = following.values()
        if isinstance(cursor, str) and (
            cursor in self._position.values() or self._trail.leads_to(cursor)
        ):
            raise self._stuck("the server sent a cursor that it has sent before")
        return dict(following)

    def has_next_page(self) -> bool:
        """Tell whether there is a page after this one.

        Raises:
            InvalidResponseError: As `next_params`.
        """
        return self.next_params is not None

    def next_page(self) -> Page[T]:
        """Fetch the page after this one.

        Raises:
            InvalidArgumentError: This is the last page; ask `has_next_page` first.
            InvalidResponseError: As `next_params`.
            MutationDuringPaginationError: The data changed while it was walked: begin anew.
            TesoteError: Whatever else the request can end with.
        """
        position = self.next_params
        if position is None:
            raise InvalidArgumentError("this is the last page: ask has_next_page() first")
        return self._at(position)

    def _at(self, position: dict[str, Any]) -> Page[T]:
        trail = self._trail
        for cursor in self._position.values():
            if isinstance(cursor, str):
                trail = trail.extended(cursor)
        response = self._listing.fetch(position)
        try:
            page: Page[T] = Page(self._listing, response, response.json, position, trail)
        except InvalidResponseError as error:
            # Without the frames of the readers, whose local variables are what the server sent.
            raise error.with_traceback(None) from error.__cause__
        if page.data and response.content == self.response.content:
            # A server that knows nothing of the parameter would send this page for ever.
            raise self._stuck("the server sent the same page again")
        return page

    def iter_pages(self) -> Iterator[Page[T]]:
        """Yield this page and every page after it."""
        page = self
        del self  # or the first page would stay in memory for the whole walk
        yield page
        while (position := page.next_params) is not None:
            page = page._at(position)
            yield page

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(page.data for page in self.iter_pages())

    def __repr__(self) -> str:
        return f"<Page of {len(self.data)} at {self._listing.path}>"

    def _stuck(self, reason: str) -> InvalidResponseError:
        good = ", ".join(f"{name}={value!r}" for name, value in self._position.items())
        return self.response.invalid(
            f"{self._listing.path}: {reason}; the list cannot be continued. "
            f"The last good cursor: {good or 'none, this is the first page'}"
        )


_id = itemgetter("id")


def _items(response: Response, reply: Any, names: tuple[str, ...]) -> list[Any]:
    if isinstance(reply, dict):
        for name in names:
            items = reply.get(name)
            if isinstance(items, list):
                try:
                    if all(map(_id, items)):
                        return items
                except (KeyError, TypeError):
                    pass
                raise response.invalid(f'an item of "{name}" is no object with an id')
    raise response.invalid(f'the answer holds no list "{names[0]}"')
