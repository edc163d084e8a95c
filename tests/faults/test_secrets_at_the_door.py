"""What never reaches the server, is interrupted, or is read too late: it shows no secret either."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import (
    ConfigError,
    ExportFile,
    InvalidArgumentError,
    InvalidResponseError,
    TesoteError,
    V1Client,
    V2Client,
    webhooks,
)
from tesote_sdk.transport import Response, Transport
from tests.faults.planted_calls import (
    ACCOUNT,
    CALLS,
    ID,
    KEY,
    OF_CLIENTS,
    ORDER,
    REFUSED_ARGUMENTS,
    REFUSED_OPTIONS,
    SEARCH,
    SECRETS,
    TOKEN,
    V2_CALLS,
    Call,
    assert_hidden,
    check,
    client_at,
)
from tests.support.exposure import frames_of_the_sdk
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply, silence
from tests.support.systems import needs_timer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:POST /v2/transactions/sync:DeprecationWarning")

# --- refused before anything is sent ---


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_arguments_that_are_refused(call: Call) -> None:
    with client_at("http://127.0.0.1:9", call.kind) as client:
        unusable = {} if call.name in OF_CLIENTS else call.unusable()
        unusable = unusable or {"method": "FETCH"}
        check(call, lambda: call.make(client, **unusable), InvalidArgumentError)
        check(f"{call}, misspelled", lambda: call.make(client, ammount=TOKEN), TypeError)
        client.close()
        check(f"{call}, closed", lambda: call.make(client), ConfigError)


@pytest.mark.parametrize(("name", "changes"), REFUSED_ARGUMENTS)
def test_bad_arguments_among_good_ones(name: str, changes: dict[str, Any]) -> None:
    call = Call(V2Client, name, {**V2_CALLS, **OF_CLIENTS}[name])
    with client_at("http://127.0.0.1:9") as client:
        check(name, lambda: call.make(client, **changes), InvalidArgumentError)


@pytest.mark.parametrize("options", REFUSED_OPTIONS, ids=lambda options: ", ".join(options))
def test_options_that_are_refused(options: dict[str, Any]) -> None:
    good = {"headers": {"X-Tenant": TOKEN}}
    for kind in (V1Client, V2Client):
        check(kind, lambda: kind(KEY, **{**good, **options}), ConfigError)  # noqa: B023
    if "base_url" not in options:
        with V2Client(KEY) as client:
            check("with_options", lambda: client.with_options(**options), ConfigError)


def test_constructors_that_are_called_wrongly() -> None:
    kinds: tuple[Any, ...] = (V1Client, V2Client)
    for kind in kinds:
        check(kind, lambda: kind(KEY, hedaers={"X": TOKEN}), TypeError)  # noqa: B023
        check(kind, lambda: kind(KEY, KEY), TypeError)  # noqa: B023
        check(kind, lambda: kind(f"{KEY}\n"), ConfigError)  # noqa: B023
    check("bytes", lambda: V2Client(KEY.encode()), ConfigError)  # type: ignore[arg-type]
    check("transport", lambda: Transport(f"{KEY}\n"), ConfigError)
    check("transport", lambda: Transport(KEY, f"ftp://{TOKEN}"), ConfigError)
    with V2Client(KEY) as client:
        check("with_options", lambda: client.with_options(hedaers=TOKEN), TypeError)  # type: ignore[call-arg]
    check("with_options", lambda: client.with_options(headers={"X": TOKEN}), ConfigError)


# --- errors that are not the SDK's ---


class TimeLimit(BaseException):
    """What a worker raises in the middle of a job that takes too long."""


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_interrupt(call: Call) -> None:
    """It keeps the frames, which tell where the program was, and they are empty."""

    def opener(*_: object, **__: object) -> object:
        raise TimeLimit

    with client_at("http://127.0.0.1:9", call.kind, opener=opener) as client:
        check(call, lambda: call.make(client), TimeLimit)
        with pytest.raises(TimeLimit) as caught:
            call.make(client)
        assert len(list(frames_of_the_sdk(caught.value))) > 3


@needs_timer
def test_an_interrupt_of_a_wait_for_the_server() -> None:
    def interrupt(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ScriptedServer([silence()]) as server, client_at(server.url) as client:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            check("create", lambda: client.transaction_orders.create(**ORDER), TimeLimit)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_a_function_of_the_callers() -> None:
    """His own frames stay as they were: he may want to look into them."""

    def on_poll(order: object) -> None:
        mine = "kept for the debugger"
        raise LookupError(mine)

    order = {"id": "o1", "status": "draft", "to": ACCOUNT}
    with (
        ScriptedServer([reply(200, order)] * 2) as server,
        client_at(server.url) as client,
    ):

        def wait() -> None:
            client.transaction_orders.wait(ID, "o1", on_poll=on_poll)

        check("wait", wait, LookupError)
        with pytest.raises(LookupError) as caught:
            wait()
    assert caught.traceback[-1].locals["mine"] == "kept for the debugger"


# --- what calls return ---


def response_with(content: bytes, content_type: str = "application/json") -> Response:
    step = reply(200, content, {"Content-Type": content_type})
    with ScriptedServer([step]) as server, client_at(server.url) as client:
        answered: Response = client.request("GET", f"/v2/{ID}")
        return answered


def test_responses_that_cannot_be_read() -> None:
    planted = f"{ACCOUNT} {SEARCH} {KEY}".encode()
    for content in (planted, b"\xff" + planted, b'{"a": NaN, "b": "' + planted + b'"}'):
        check("json", lambda: response_with(content).json, InvalidResponseError)  # noqa: B023
    for charset in ("utf-8", "klingon", KEY, "x" * 20 + KEY):
        answered = response_with(b"\xff" + planted, f"text/csv; charset={charset}")
        check("body", lambda: answered.body, InvalidResponseError)  # noqa: B023
        check("text", lambda: ExportFile(answered).text, InvalidResponseError)  # noqa: B023
        assert_hidden([repr(ExportFile(answered)), repr(answered)], SECRETS, "an export")


def test_an_error_keeps_no_more_than_the_beginning_of_a_body() -> None:
    """It would go to logs and queues whole, and the search for the key takes its time."""
    with pytest.raises(InvalidResponseError) as caught:
        _ = response_with(b"[" + b"s" * 3_000_000).json
    assert len(caught.value.response_body or "") == 1024 * 1024


def test_files_that_cannot_be_saved(tmp_path: Path) -> None:
    export = ExportFile(response_with(ACCOUNT.encode(), "text/csv"))
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    check("save", lambda: export.save(""), InvalidArgumentError)
    check("save", lambda: export.save("a\0b"), InvalidArgumentError)
    check("save", lambda: export.save(blocked / "below"), OSError)


def test_pages_that_lead_nowhere() -> None:
    page_of: dict[str, Any] = {"transactions": [{"id": "t1", "note": ACCOUNT}]}
    more = {"pagination": {"has_more": True}}
    with (
        ScriptedServer([reply(200, {**page_of, **more}), reply(200, page_of)]) as server,
        client_at(server.url) as client,
    ):
        stuck = client.transactions.list_for_account(ID, q=SEARCH)
        check("next_params", lambda: stuck.next_params, InvalidResponseError)
        check("has_next_page", lambda: stuck.has_next_page(), InvalidResponseError)
        check("next_page", lambda: stuck.next_page(), InvalidResponseError)
        last = client.transactions.search(SEARCH)
        last._following = None
        check("next_page", lambda: last.next_page(), InvalidArgumentError)


def test_webhooks_that_are_refused() -> None:
    payload = f'{{"data": {{"account_number": "{ACCOUNT}"}}}}'.encode()
    headers = {"X-Tesote-Signature": "0" * 64, "X-Tesote-Timestamp": "1"}
    check("verify", lambda: webhooks.verify(payload, headers, TOKEN), TesoteError)
    check("verify", lambda: webhooks.verify(payload, {}, TOKEN), TesoteError)
    check("verify", lambda: webhooks.verify(payload, headers, f"{TOKEN}\n"), TesoteError)
    check(
        "verify", lambda: webhooks.verify(payload, headers, TOKEN, clock=lambda: 1 / 0), TesoteError
    )
    check("verify", lambda: webhooks.verify(payload, headers, tokens=TOKEN), TypeError)  # type: ignore[call-arg]
