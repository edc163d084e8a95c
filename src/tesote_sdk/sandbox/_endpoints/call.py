"""What a handler reads: a request that was routed, authenticated and parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._state.records import ApiKey


@dataclass(frozen=True)
class Call:
    """One request to a handler.

    Attributes:
        version: `v1` or `v2`.
        ids: The ids in the path by their names in the routing table.
        query: The query parameters.
        body: The JSON object sent; empty where none was.
        api_key: The key that was sent; None where no key is needed and none that is good was sent.
    """

    version: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]
    api_key: ApiKey | None
