"""Whom a request may be for: this machine, by a name that no foreign page can have.

A web page can let its own host name resolve to 127.0.0.1 and read what is served there (DNS
rebinding). Its browser sends that name in Host, so a Host that names no loopback is refused.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^][:,@/\s]+)(:[0-9]*)?")


@lru_cache(maxsize=64)
def names_this_machine(authority: str, listening: str) -> bool | None:
    """Whether a Host field's value is for a server that listens on a host; None: it is malformed.

    Besides the loopback, that host counts; and any address, for none is looked up by name, where
    the server was told to listen on all of them.
    """
    matched = _AUTHORITY.fullmatch(authority.lower())
    if matched is None:
        return None
    host = matched[1].strip("[]").removesuffix(".")
    # Names below localhost are loopback too (RFC 6761 section 6.3).
    if host in ("localhost", listening.lower()) or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or listening in ("0.0.0.0", "::", "")
