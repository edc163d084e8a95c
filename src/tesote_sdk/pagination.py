"""Page: one page of a list, and the way to all the others."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, Generic, Optional, TypeVar

from ._error_base import operation
from .errors import InvalidArgumentError, InvalidResponseError
from .page_styles import Contradiction, Style
from .transport import Response, Transport

T = TypeVar("T")

_MAX_EMPTY_PAGES = 100
"""Empty pages in a row, each with a way to the next, after which a server makes no sense."""


class Listing:
    """What is listed: everything that the pages of one list have in common.

    Its repr shows no filters, which may hold what somebody searched for.

    Args:
        transport: Fetches the pages.
        path: Of the list.
        filters: The parameters that every page is asked for with; those that are None are left out.
        style: How the server numbers its pages.
        names: The keys under which a reply may hold the items; the first that holds a list counts.
        cache_ttl: As given to the list method, for every page.
        operation: What logs call a fetch of a page: the list method, such as `accounts.list`.
    """

    __slots__ = ("_cache_ttl", "_operation", "_style", "_transport", "filters", "names", "path")

    def __init__(
        self,
        transport: Transport,
        path: str,
        filters: Mapping[str, Any],
        style: type[Style],
        names: tuple[str, ...],
        cache_ttl: Optional[float] = None,
        *,
        operation: str,
    ) -> None:
        self._transport = transport
        self._operation = operation
        self.path: str = path
        self.filters: dict[str, Any] = {
            name: value for name, value in filters.items() if value is not None
        }
        self._style = style
        self.names: tuple[str, ...] = names
        self._cache_ttl = cache_ttl

    def page(self, position: Mapping[str, Any], before: Optional[Page[Any]] = None) -> Page[Any]:
        """Fetch the page at a position: the first one, or the one after another.

        Args:
            position: Query parameters; those that are None are left out.
            before: The page that led here.

        Raises:
            TesoteError: Whatever the request can end with.
            InvalidResponseError: It is no page of this list, or not the one that was asked for.
        """
        position = _given(position)
        query = self._style.query(self.filters, position)
        response = self._transport._request(
            "GET", self.path, query=query, cache_ttl=self._cache_ttl, operation=self._operation
        )
        return self.read(response, response._decoded(), position, before)

    def read(
        self,
        response: Response,
        reply: Any,
        position: dict[str, Any],
        before: Optional[Page[Any]] = None,
    ) -> Page[Any]:
        """Make a page of what a server sent.

        Args:
            response: What it came with.
            reply: The part of it that is this page.
            position: Where the page is.
            before: The page that led here.

        Raises:
            InvalidResponseError: As `page`.
        """
        items, ids = _items(response, reply, self.names)
        style = self._style(reply, items, self.filters, position)
        if style.mismatch:
            raise response.stray(f"{self.path}: {style.mismatch}")
        return Page(self, response, items, ids, style, position, before)

    def __repr__(self) -> str:
        return f"<Listing {self.path}>"


class CursorTrail:
    """The cursors of a walk so far, at eight bytes each; immutable."""

    __slots__ = ("_marks",)

    def __init__(self, marks: Optional[array[int]] = None) -> None:
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


_NO_CURSORS = CursorTrail()


class Page(Generic[T]):
    """One page of a list. Iterating over it yields every item of this page and all later ones.

    The next page is fetched when the loop is past the last item of the current one, with all the
    filters of the first call. If a fetch fails, the loop raises; the iterator's `page` then says
    where to resume.

    Attributes:
        data: The items of this page.
        total: How many items the server counts in all, or None if it does not say.
        pagination: The server's own pagination object, or None if it sent none.
        response: The response that brought this page.
    """

    __slots__ = (
        "_empty_run",
        "_following",
        "_ids",
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
        items: list[T],
        ids: list[Any],
        style: Style,
        position: dict[str, Any],
        before: Optional[Page[Any]],
    ) -> None:
        self._listing = listing
        self._position = position
        self.response: Response = response
        self.data = items
        self.pagination: Optional[dict[str, Any]] = style.pagination
        self.total: Optional[int] = style.total
        self._following = style.following
        self._ids = ids
        self._trail = _NO_CURSORS
        self._empty_run = 0 if ids else 1
        if before is not None:
            before._lead_to(self)

    @property
    @operation
    def next_params(self) -> Optional[dict[str, Any]]:
        """The keyword arguments that resume the list at the next page, or None after the last.

        They hold only the position, so pass the same filters again. They belong to this page. A
        loop over the items has moved on; `iter(page).page` is its current page.

        Raises:
            InvalidResponseError: The server says that there is more but not how to get it, or
                sends a cursor that it has sent before. The message names the last good cursor.
        """
        return self._next_position()

    @operation
    def has_next_page(self) -> bool:
        """Tell whether there is a page after this one.

        Raises:
            InvalidResponseError: As `next_params`.
        """
        return self._next_position() is not None

    @operation
    def next_page(self) -> Page[T]:
        """Fetch the page after this one.

        Raises:
            InvalidArgumentError: This is the last page; ask `has_next_page` first.
            InvalidResponseError: As `next_params`.
            MutationDuringPaginationError: The data changed during the walk: start over.
            TesoteError: Whatever else the request can end with.
        """
        position = self._next_position()
        if position is None:
            raise InvalidArgumentError("this is the last page: ask has_next_page() first")
        return self._listing.page(position, self)

    def iter_pages(self) -> PageIterator[T]:
        """Yield this page and every page after it."""
        return PageIterator(self)

    def __iter__(self) -> ItemIterator[T]:
        return ItemIterator(self)

    def __repr__(self) -> str:
        return f"<Page of {len(self.data)} at {self._listing.path}>"

    def _next_position(self) -> Optional[dict[str, Any]]:
        following = self._following
        if following is None:
            return None
        if isinstance(following, Contradiction):
            raise self._stuck(str(following))
        (cursor,) = following.values()
        if isinstance(cursor, str) and (
            cursor in self._position.values() or self._trail.leads_to(cursor)
        ):
            raise self._stuck("the server sent a cursor that it has sent before")
        return dict(following)

    def _lead_to(self, page: Page[Any]) -> None:
        """Hand on what is known of the walk; a page that was here already leads nowhere."""
        if page._ids and page._ids == self._ids:
            # A server that knows nothing of the parameter would send this page forever.
            raise self._stuck("the server sent the same page again")
        page._empty_run = 0 if page._ids else self._empty_run + 1
        if page._empty_run == _MAX_EMPTY_PAGES:
            raise self._stuck(f"the server sent {_MAX_EMPTY_PAGES} empty pages in a row")
        page._trail = self._trail
        for cursor in self._position.values():
            if isinstance(cursor, str):
                page._trail = page._trail.extended(cursor)

    def _stuck(self, reason: str) -> InvalidResponseError:
        good = ", ".join(f"{name}={value!r}" for name, value in self._position.items())
        return self.response.invalid(
            f"{self._listing.path}: {reason}; the list cannot be continued. "
            f"The last good cursor: {good or 'none, this is the first page'}"
        )


class PageIterator(Generic[T]):
    """Yields a page and every page after it.

    Where a fetch fails, its error is raised; asking again repeats that fetch.

    Attributes:
        page: The page that came last; None before the first.
    """

    __slots__ = ("_first", "page")

    def __init__(self, first: Page[T]) -> None:
        self._first: Optional[Page[T]] = first
        self.page: Optional[Page[T]] = None

    def __iter__(self) -> Iterator[Page[T]]:
        return self

    @operation
    def __next__(self) -> Page[T]:
        return self._turned()

    def _turned(self) -> Page[T]:
        """Return the next page, for what is a door itself."""
        page = self._first
        if page is not None:
            self._first = None  # or it would stay in memory for the whole walk
        else:
            last = self.page
            position = None if last is None else last._next_position()
            if last is None or position is None:
                raise StopIteration
            page = last._listing.page(position, last)
        self.page = page
        return page


class ItemIterator(Generic[T]):
    """Yields every item of a page and of the pages after it.

    Where a fetch fails, its error is raised; asking again repeats that fetch.

    Attributes:
        page: The page whose items are being yielded; its `next_params` is where to resume once
            they have been dealt with.
    """

    __slots__ = ("_items", "_pages", "page")

    def __init__(self, first: Page[T]) -> None:
        self._pages = PageIterator(first)
        self.page: Page[T] = next(self._pages)
        self._items = iter(self.page.data)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        # A door costs more than all else that a loop does to an item. So it stands where a page is
        # turned, and what an error passes after it holds nothing by then.
        try:
            return next(self._items)
        except StopIteration:
            turn = [self._turned]
        del self
        return turn.pop()()

    @operation
    def _turned(self) -> T:
        """Return the first item of the pages to come."""
        while True:
            self.page = self._pages._turned()
            self._items = iter(self.page.data)
            for item in self._items:
                return item


_id = itemgetter("id")


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _items(response: Response, reply: Any, names: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    """Return the items of a reply, and their ids."""
    if isinstance(reply, dict):
        for name in names:
            items = reply.get(name)
            if isinstance(items, list):
                try:
                    ids = list(map(_id, items))
                    if all(ids):
                        return items, ids
                except (KeyError, TypeError):
                    pass
                raise response.stray(f'an item of "{name}" is not an object with an id')
    raise response.stray(f'the answer holds no list "{names[0]}"')
