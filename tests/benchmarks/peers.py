"""The SDK, and what else one could call the API with: each makes the same call its own way.

Every function takes what to call and a stack to close its connections with, and returns the call.
"""

from __future__ import annotations

import gzip
import http.client
import json
import urllib.request
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from tesote_sdk import V2Client

from ..support.certificates import CA, client_context

if TYPE_CHECKING:
    from contextlib import ExitStack
    from typing import Callable

    from .servers import Server

    Call = Callable[[], object]

KEY = "sk_live_0123456789abcdef0123456789abcdef"

HEADERS = {
    "User-Agent": "tesote-sdk-py/0.1.0 (python/3.13.0)",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Authorization": f"Bearer {KEY}",
}
"""What the SDK sends, but for Host, which everybody sends."""


class Target(NamedTuple):
    """What is called.

    Attributes:
        scheme: http or https.
        port: On 127.0.0.1.
        base: `/api`, or `/gzip` for compressed answers.
        name: `status` or `accounts`.
    """

    scheme: str
    port: int
    base: str
    name: str

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"{self.base}/v2/{self.name}"

    @property
    def base_url(self) -> str:
        """The URL that the SDK is given."""
        return f"{self.scheme}://127.0.0.1:{self.port}{self.base}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}{self.path}"


def target(server: Server, name: str, *, tls: bool, base: str = "/api") -> Target:
    """Return what to call on a server."""
    return Target("https" if tls else "http", server.tls if tls else server.plain, base, name)


def sdk(target: Target, stack: ExitStack, **options: Any) -> Call:
    """The SDK as it is constructed by default."""
    context = client_context() if target.scheme == "https" else None
    client = V2Client(KEY, base_url=target.base_url, ssl_context=context, **options)
    stack.enter_context(client)
    if target.name == "status":
        return client.status
    return lambda: client.accounts.list().data


def sdk_logged(target: Target, stack: ExitStack) -> Call:
    """The SDK with a callback that is told of every request and response."""
    return sdk(target, stack, logger=lambda event: None)


def connection(target: Target, stack: ExitStack) -> http.client.HTTPConnection:
    """Return a connection of http.client."""
    made = (
        http.client.HTTPSConnection("127.0.0.1", target.port, context=client_context())
        if target.scheme == "https"
        else http.client.HTTPConnection("127.0.0.1", target.port)
    )
    stack.enter_context(closing(made))
    return made


def raw(target: Target, stack: ExitStack) -> Call:
    """http.client on a kept-alive connection, and json.loads; gunzips what is compressed."""
    kept_alive = connection(target, stack)
    path = target.path

    def call() -> object:
        kept_alive.request("GET", path, headers=HEADERS)
        response = kept_alive.getresponse()
        content = response.read()
        if response.status != 200:
            raise AssertionError(response.status)
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return json.loads(content)

    return call


def urllib_request(target: Target, stack: ExitStack) -> Call:
    """urllib.request, which opens a connection for every call."""
    context = client_context() if target.scheme == "https" else None
    url = target.url
    handlers = [urllib.request.HTTPSHandler(context=context)] if context else []
    open_url = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers).open

    def call() -> object:
        with open_url(urllib.request.Request(url, headers=HEADERS)) as response:
            content = response.read()
            if response.headers["Content-Encoding"] == "gzip":
                content = gzip.decompress(content)
            return json.loads(content)

    return call


def urllib3_pool(target: Target, stack: ExitStack) -> Call:
    """urllib3's pool, as it is constructed by default."""
    urllib3: Any = import_module("urllib3")
    context = client_context() if target.scheme == "https" else None
    pool = stack.enter_context(urllib3.PoolManager(headers=HEADERS, ssl_context=context))
    url = target.url
    return lambda: pool.request("GET", url).json()


def requests_session(target: Target, stack: ExitStack) -> Call:
    """A session of requests."""
    requests: Any = import_module("requests")
    session = stack.enter_context(requests.Session())
    session.headers.update(HEADERS)
    url = target.url
    # Set on the session, it would yield to REQUESTS_CA_BUNDLE.
    return lambda: session.get(url, verify=str(CA)).json()


def httpx_client(target: Target, stack: ExitStack) -> Call:
    """A client of httpx."""
    httpx: Any = import_module("httpx")
    verify = client_context() if target.scheme == "https" else False
    client = stack.enter_context(httpx.Client(headers=HEADERS, verify=verify))
    url = target.url
    return lambda: client.get(url).json()


PEERS = {
    "http.client": raw,
    "urllib.request": urllib_request,
    "urllib3": urllib3_pool,
    "requests": requests_session,
    "httpx": httpx_client,
}
