"""The bank accounts of a workspace, in version 1 of the API."""

from __future__ import annotations

from typing import Optional

from .._arguments import whole_number
from .._error_base import operation
from .._hints import types
from .._resource import Resource, unwrapped
from ..page_styles import PageNumbers
from ..pagination import Page
from ..transport.encoding import path_segment


class Accounts(Resource):
    """The bank accounts that the key may see."""

    @operation
    def list(
        self,
        *,
        page: Optional[int] = None,
        per_page: Optional[int] = None,
        include: Optional[str] = None,
        sort: Optional[str] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.Account]:
        """List the accounts, page by page; iterating the result walks to the last one.

        Args:
            page: The page to begin with, from 1. Default: 1.
            per_page: Accounts per page, 1 to 100. Default: 50.
            include: Passed on to the server, which documents no values.
            sort: Passed on to the server, which documents no values.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: `page` or `per_page` is outside its limits; nothing was sent.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._list(
            "/v1/accounts",
            ("accounts", "items", "data"),
            PageNumbers,
            position={"page": whole_number("page", page, 1)},
            cache_ttl=cache_ttl,
            filters={
                "per_page": whole_number("per_page", per_page, 1, 100),
                "include": include,
                "sort": sort,
            },
            operation="accounts.list",
        )

    @operation
    def get(self, account_id: types.Id, *, cache_ttl: Optional[float] = None) -> types.Account:
        """Get one account.

        Args:
            account_id: Its id.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: The id is empty or not a str; nothing was sent.
            AccountNotFoundError: No such account, or the key may not see it.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        path = f"/v1/accounts/{path_segment('account_id', account_id)}"
        return self._call(
            "GET",
            path,
            unwrapped("account", asked=account_id),
            cache_ttl=cache_ttl,
            operation="accounts.get",
        )
