"""The libraries that one could call the API with, each used as its documentation shows.

As in `peers`, every function takes what to call and a stack to close its connections with.
"""

from __future__ import annotations

import asyncio
import io
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..support.certificates import CA, client_context
from .targets import HEADERS

if TYPE_CHECKING:
    from contextlib import ExitStack

    from .targets import Call, Target


def urllib3_pool(target: Target, stack: ExitStack) -> Call:
    """urllib3's pool, as it is constructed by default."""
    urllib3: Any = import_module("urllib3")
    context = client_context() if target.scheme == "https" else None
    pool = stack.enter_context(urllib3.PoolManager(headers=HEADERS, ssl_context=context))
    url = target.url
    return lambda: pool.request("GET", url).json()


def requests_session(target: Target, stack: ExitStack) -> Call:
    """A session of requests."""
    return _session("requests", target, stack)


def niquests_session(target: Target, stack: ExitStack) -> Call:
    """A session of niquests."""
    return _session("niquests", target, stack)


def _session(library: str, target: Target, stack: ExitStack) -> Call:
    session = stack.enter_context(import_module(library).Session())
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


def aiohttp_session(target: Target, stack: ExitStack) -> Call:
    """A session of aiohttp on an event loop that runs for one call at a time."""
    aiohttp: Any = import_module("aiohttp")
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)
    context = client_context() if target.scheme == "https" else True
    url = target.url

    async def opened() -> Any:
        return aiohttp.ClientSession(headers=HEADERS)

    session = loop.run_until_complete(opened())
    stack.callback(lambda: loop.run_until_complete(session.close()))

    async def get() -> object:
        async with session.get(url, ssl=context) as response:
            return await response.json()

    return lambda: loop.run_until_complete(get())


def pycurl_handle(target: Target, stack: ExitStack) -> Call:
    """A handle of pycurl, which hands header lines and body over as bytes."""
    pycurl: Any = import_module("pycurl")
    handle = pycurl.Curl()
    stack.callback(handle.close)
    handle.setopt(pycurl.URL, target.url)
    handle.setopt(pycurl.NOPROXY, "*")
    handle.setopt(pycurl.CAINFO, str(CA))
    handle.setopt(pycurl.ACCEPT_ENCODING, "gzip")
    sent = {name: value for name, value in HEADERS.items() if name != "Accept-Encoding"}
    handle.setopt(pycurl.HTTPHEADER, [": ".join(field) for field in sent.items()])

    def call() -> object:
        lines: list[bytes] = []
        body = io.BytesIO()
        handle.setopt(pycurl.HEADERFUNCTION, lines.append)
        handle.setopt(pycurl.WRITEDATA, body)
        handle.perform()
        fields = {}
        for line in lines[1:-1]:
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        if handle.getinfo(pycurl.RESPONSE_CODE) != 200 or "content-type" not in fields:
            raise AssertionError(fields)
        return json.loads(body.getvalue())

    return call


LIBRARIES = {
    "pycurl": pycurl_handle,
    "urllib3": urllib3_pool,
    "aiohttp": aiohttp_session,
    "requests": requests_session,
    "httpx": httpx_client,
    "niquests": niquests_session,
}
"""By the name of the module, which may not be installed."""
