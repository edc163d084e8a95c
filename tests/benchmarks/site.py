"""What the benchmark servers serve: a directory of bodies made of the sandbox's data."""

from __future__ import annotations

import gzip
import http.client
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = 50
PER_PAGE = 100

_DIFFERENT_PAGES = 8

ORDER: dict[str, Any] = {
    "amount": "1530.25",
    "currency": "VES",
    "description": "Invoice 2026-0117",
    "beneficiary": {
        "name": "Prairie Mills Inc.",
        "bank_code": "0199",
        "account_number": "01990123456789012345",
    },
}
"""The arguments of the payment order that is created; `order.json` is the answer to them."""

HEADERS = {
    "Cache-Control": "max-age=0, private, must-revalidate",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Accept-Encoding, Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-RateLimit-Limit": "1000000",
    "X-RateLimit-Remaining": "999998",
    "X-RateLimit-Reset": "60",
    "X-Request-Id": "d19c66eb-5b5c-42a9-9440-1b2fee6ed4a1",
    "X-Runtime": "0.012345",
}
"""What an API behind a web framework adds to the eight fields that a web server sets itself."""


class Site(NamedTuple):
    """A directory of bodies.

    Attributes:
        directory: Holds status.json, accounts.json, accounts.json.gz, order.json and pages/.
        account_id: The account whose transactions the pages are.
        pages: How many pages there are.
    """

    directory: Path
    account_id: str
    pages: int


def write_site(directory: Path, pages: int) -> Site:
    """Write the bodies; a few pages are served again and again, each time with another cursor."""
    with Sandbox(
        accounts=ACCOUNTS, transactions=PER_PAGE * (_DIFFERENT_PAGES + 1), gzip=False
    ) as sandbox:
        accounts = _fetch(sandbox, "/v2/accounts?per_page=50")
        account_id = json.loads(accounts)["accounts"][0]["id"]
        path = f"/v2/accounts/{account_id}/transactions?per_page={PER_PAGE}"
        bodies = [_fetch(sandbox, path)]
        cursors = [json.loads(bodies[0])["pagination"]["after_id"]]
        for _ in range(1, _DIFFERENT_PAGES):
            bodies.append(_fetch(sandbox, f"{path}&transactions_after_id={cursors[-1]}"))
            cursors.append(json.loads(bodies[-1])["pagination"]["after_id"])
        (directory / "status.json").write_bytes(_fetch(sandbox, "/v2/status"))
        with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
            order = client.transaction_orders.create(account_id, **ORDER)
    (directory / "order.json").write_text(json.dumps(order), "utf-8")
    (directory / "accounts.json").write_bytes(accounts)
    (directory / "accounts.json.gz").write_bytes(gzip.compress(accounts, 6, mtime=0))
    (directory / "pages").mkdir()
    name = "first"
    for number in range(1, pages + 1):
        cursor = cursors[number % _DIFFERENT_PAGES]
        following = f"{cursor[:-12]}{number:012x}"
        body = bodies[number % _DIFFERENT_PAGES].replace(cursor.encode(), following.encode())
        if number == pages:
            body = body.replace(b'"has_more":true', b'"has_more":false')
        (directory / "pages" / f"{name}.json").write_bytes(body)
        name = following
    return Site(directory, account_id, pages)


def _fetch(sandbox: Sandbox, path: str) -> bytes:
    url = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(url.netloc)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    connection.request("GET", url.path + path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200, body
    return body
