"""Paths without their ids: what notices and metrics know an endpoint by."""

from __future__ import annotations

_ACTIONS = frozenset({"", "bulk", "export", "search", "sync"})
"""What stands in a path where an id could: `/v2/transactions/search`, and the end of `/v2/x/`."""


def path_template(path: str) -> str:
    """Return a path with `{id}` for each id, so that it is the same for all accounts.

    In the API's paths an id, or one of a few actions, follows the name of a collection. An id may
    look like a name, so its place tells it.

    Args:
        path: Below the base URL, percent-encoded.
    """
    shown = []
    in_collection = False
    for segment in path.split("/"):
        if in_collection:
            literal, in_collection = segment in _ACTIONS, False
        else:
            in_collection = segment.islower() and segment.replace("_", "").isalpha()
            is_version = segment[:1] == "v" and segment[1:].isdigit()
            literal = in_collection or is_version or not segment
        shown.append(segment if literal else "{id}")
    return "/".join(shown)
