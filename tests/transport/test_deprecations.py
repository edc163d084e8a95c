from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tesote_sdk import ApiError, EndpointRemovedError, V2Client
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply

KEY = "sk_test_deprecations_4242"


def test_a_deprecated_endpoint_warns_once_and_names_its_end() -> None:
    fields = {"Deprecation": "@1767225600", "Sunset": "Fri, 01 Jan 2027 00:00:00 GMT"}
    with ScriptedServer(
        [reply(200, {"id": "a1"}, fields), reply(200, {"id": "b2"}, fields)]
    ) as api:
        client = V2Client(KEY, base_url=api.url)
        with pytest.warns(DeprecationWarning, match="deprecated") as caught:
            client.accounts.get("a1")
        assert str(caught[0].message) == (
            "the API's endpoint GET /v2/accounts/{id} is deprecated and will be gone after "
            "Fri, 01 Jan 2027 00:00:00 GMT"
        )
        # Under "error", a second warning would be raised.
        assert client.accounts.get("b2")["id"] == "b2"
        client.close()


def test_a_key_that_is_repeated_where_a_field_is_cut_is_not_shown_in_part() -> None:
    fields = {"Sunset": "x" * 190 + KEY, "Link": "y" * 181 + KEY}
    with (
        ScriptedServer([reply(200, {"status": "ok"}, fields)]) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="x{180}") as caught,
    ):
        client.status()
    assert KEY[:8] not in str(caught[0].message)


def test_a_warning_made_an_error_takes_the_place_of_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = {"Deprecation": "true"}
    answers = [reply(201, {"id": "o1"}, fields), reply(200, {"status": "ok"}, fields)]
    with (
        ScriptedServer(answers) as api,
        V2Client(KEY, base_url=api.url) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        written = client.request("POST", "/v2/accounts/a1/transaction_orders")
        assert client.status() == {"status": "ok"}
    assert written.json == {"id": "o1"}
    of_the_write, of_the_read = caplog.records
    assert (of_the_write.name, of_the_write.levelname) == ("tesote_sdk", "WARNING")
    assert "POST /v2/accounts/{id}/transaction_orders is deprecated" in of_the_write.getMessage()
    assert "GET /v2/status is deprecated" in of_the_read.getMessage()


class OddError(Exception):
    pass


@pytest.mark.parametrize(
    "raised", [ZeroDivisionError(), OddError(), DeprecationWarning("x"), OSError()]
)
def test_a_hook_for_warnings_that_fails_costs_nothing(
    raised: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def showwarning(*_: object, **__: object) -> None:
        raise raised

    with (
        ScriptedServer([reply(201, {"id": "o1"}, {"Sunset": "soon"})]) as api,
        V2Client(KEY, base_url=api.url) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", showwarning)
        assert client.request("POST", "/v2/payment_methods").json == {"id": "o1"}
    assert "is deprecated and will be gone after soon" in caplog.text


def test_a_field_that_is_long_or_forged_is_one_short_line() -> None:
    fields = {"Deprecation": "", "Link": "\x1b[31mred\x85CRITICAL forged" + "x" * 5000}
    with (
        ScriptedServer([reply(200, {"status": "ok"}, fields)]) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="deprecated") as caught,
    ):
        client.status()
    text = str(caught[0].message)
    assert text.startswith(
        "the API's endpoint GET /v2/status is deprecated; see [31mred CRITICAL forged"
    )
    assert text.endswith("...")
    assert text.isprintable()
    assert len(text) < 300


def test_the_endpoint_is_named_without_what_it_is_asked_about() -> None:
    fields = {"Deprecation": "true"}
    path = "/v2/accounts/3F2a-77/transactions/TX_1%2F2/export"
    with (
        ScriptedServer([reply(200, {}, fields)]) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="deprecated") as caught,
    ):
        client.request("GET", path)
    assert "GET /v2/accounts/{id}/transactions/{id}/export is" in str(caught[0].message)


def test_the_warning_points_at_the_code_that_called_the_sdk() -> None:
    with (
        ScriptedServer([reply(200, {"status": "ok"}, {"Deprecation": "true"})]) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="deprecated") as caught,
    ):
        client.status()
    assert Path(caught[0].filename) == Path(__file__)


def test_each_endpoint_has_a_warning_of_its_own() -> None:
    fields = {"Sunset": "Fri, 01 Jan 2027 00:00:00 GMT", "Link": "<https://x.test>; rel=sunset"}
    with (
        ScriptedServer(
            [reply(200, {"status": "ok"}, fields), reply(200, {"client": {}}, fields)]
        ) as api,
        V2Client(KEY, base_url=api.url) as client,
    ):
        with pytest.warns(DeprecationWarning, match="GET /v2/status .*see <https://x.test>"):
            client.status()
        with pytest.warns(DeprecationWarning, match="GET /v2/whoami"):
            client.whoami()


def test_a_warning_holds_no_key_that_the_server_echoes() -> None:
    with (
        ScriptedServer([reply(200, {"status": "ok"}, {"Sunset": f"soon, {KEY}"})]) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="deprecated") as caught,
    ):
        client.status()
    assert KEY not in str(caught[0].message)


def test_a_warning_is_one_short_line_whatever_the_server_sends() -> None:
    odd = "Vi\u00c3\u00a9rnes\x1b[31m " + "x" * 20_000
    with (
        ScriptedServer(
            [reply(200, {"status": "ok"}, {"Deprecation": odd, "Sunset": odd, "Link": odd})]
        ) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="gone after Viérnes .31m xxx") as caught,
    ):
        client.status()
    assert str(caught[0].message).isprintable()
    assert len(str(caught[0].message)) < 600


def test_no_field_no_warning() -> None:
    with (
        warnings.catch_warnings(),
        ScriptedServer([reply(200, {"status": "ok"})]) as api,
        V2Client(KEY, base_url=api.url) as client,
    ):
        warnings.simplefilter("error")
        client.status()


def test_a_removed_endpoint_names_its_replacement() -> None:
    gone = {"error": "Use GET /v3/accounts", "replacement": "GET /v3/accounts"}
    with ScriptedServer([reply(410, gone)]) as api, V2Client(KEY, base_url=api.url) as client:
        with pytest.raises(EndpointRemovedError, match="GET /v3/accounts") as caught:
            client.accounts.list()
        assert not isinstance(caught.value, ApiError)
        assert caught.value.http_status == 410


def test_an_endpoint_is_told_of_once_whatever_the_filters_are() -> None:
    fields = {"Deprecation": "true", "Link": "l" * 200}
    with (
        ScriptedServer([reply(200, {"status": "ok"}, fields)] * 2) as api,
        V2Client(KEY, base_url=api.url) as client,
        pytest.warns(DeprecationWarning, match="see l{200}$") as caught,
    ):
        assert [client.status() for _ in range(2)]
    assert len(caught) == 1
