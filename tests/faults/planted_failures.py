"""The failures of every call of the SDK, for reporters of crashes to report."""

from __future__ import annotations

import itertools
import linecache
import warnings
from typing import TYPE_CHECKING, Any, Callable

from tesote_sdk import ExportFile, V2Client, webhooks
from tests.faults.planted_calls import (
    ACCOUNT,
    CALLS,
    ECHO,
    ID,
    KEY,
    LISTS,
    OF_CLIENTS,
    REFUSED_ARGUMENTS,
    REFUSED_OPTIONS,
    SEARCH,
    SECRETS,
    TOKEN,
    V2_CALLS,
    Call,
    client_at,
    first_answer,
)
from tests.support.exposure import PACKAGE
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, reply
from tests.v1.endpoint_table import method_named

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN = (*SECRETS, ID)
"""What no reporter may find in a frame of the SDK."""


class TimeLimit(BaseException):
    """What a worker raises in the middle of a job that takes too long."""


def failures() -> Iterator[tuple[str, BaseException]]:
    """Yield each call's error for each way to fail, and what to call it."""
    warnings.simplefilter("ignore", DeprecationWarning)
    yield from _never_sent()
    yield from _refused_or_lost()
    yield from _on_the_second_page()
    yield from _read_too_late()


def leaked() -> BaseException:
    """Return an error whose frame would be the SDK's and holds all: a reporter must find it."""
    source = "def leak(found):\n    listing = found\n    raise LookupError(str(len(listing.q)))\n"
    file = f"{PACKAGE}/leak.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": "tesote_sdk.leak"}
    exec(compile(source, file, "exec"), names)  # noqa: S102

    class Listing:
        q = SEARCH
        __slots__ = ()

    return _error_of(lambda: names["leak"](Listing()))


def _error_of(call: Callable[..., object], *args: Any, **kwargs: Any) -> BaseException:
    try:
        call(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
        return error
    raise AssertionError("no error")


def _never_sent() -> Iterator[tuple[str, BaseException]]:
    def opener(*_: object, **__: object) -> object:
        raise TimeLimit

    for call in CALLS:
        client = client_at("http://127.0.0.1:9", call.kind)
        unusable = {"method": "FETCH"} if call.name in OF_CLIENTS else call.unusable()
        yield f"{call}, refused", _error_of(call.make, client, **unusable)
        yield f"{call}, misspelled", _error_of(call.make, client, ammount=TOKEN)
        limited = client_at("http://127.0.0.1:9", call.kind, opener=opener)
        yield f"{call}, interrupted", _error_of(call.make, limited)
    client = client_at("http://127.0.0.1:9")
    for name, changes in REFUSED_ARGUMENTS:
        call = Call(V2Client, name, {**V2_CALLS, **OF_CLIENTS}[name])
        yield f"{name}, {list(changes)}", _error_of(call.make, client, **changes)
    for options in REFUSED_OPTIONS:
        yield f"V2Client, {list(options)}", _error_of(V2Client, KEY, **options)


def _refused_or_lost() -> Iterator[tuple[str, BaseException]]:
    refusal = reply(400, {"error": "no", "details": ECHO})
    for name, step in (("a refusal", refusal), ("a lost connection", hang_up())):
        with ScriptedServer(itertools.repeat(step)) as server:
            for call in CALLS:
                with client_at(server.url, call.kind) as client:
                    yield f"{call}, {name}", _error_of(call.make, client)


def _on_the_second_page() -> Iterator[tuple[str, BaseException]]:
    for call in LISTS:
        first = reply(200, first_answer(call))
        refusal = reply(409, {"error": "no", "details": ECHO})
        with (
            ScriptedServer([first, refusal, refusal]) as server,
            client_at(server.url, call.kind) as client,
        ):
            page = method_named(client, call.name)(**call.arguments)
            page = page[ID] if isinstance(page, dict) else page
            yield f"{call}, next_page", _error_of(page.next_page)
            yield f"{call}, iteration", _error_of(list, page)


def _read_too_late() -> Iterator[tuple[str, BaseException]]:
    planted = f"{ACCOUNT} {SEARCH}".encode()
    stuck = {"transactions": [{"id": "t1", "note": ACCOUNT}], "pagination": {"has_more": True}}
    with (
        ScriptedServer([reply(200, b"\xff" + planted), reply(200, stuck)]) as server,
        client_at(server.url) as client,
    ):
        response = client.request("GET", f"/v2/{ID}", query={"q": SEARCH})
        page = client.transactions.list_for_account(ID, q=SEARCH)
    yield "Response.json", _error_of(lambda: response.json)
    yield "Response.body", _error_of(lambda: response.body)
    yield "ExportFile.text", _error_of(lambda: ExportFile(response).text)
    yield "ExportFile.save", _error_of(lambda: ExportFile(response).save(f"{__file__}/below"))
    yield "Page.next_params", _error_of(lambda: page.next_params)
    headers = {"X-Tesote-Signature": "0" * 64, "X-Tesote-Timestamp": "1"}
    yield "webhooks.verify", _error_of(lambda: webhooks.verify(planted, headers, TOKEN))
