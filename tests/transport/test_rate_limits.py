"""The snapshot of the server's rate limit."""

from __future__ import annotations

import time

import pytest

from tesote_sdk import V2Client
from tesote_sdk.transport import RateLimit
from tesote_sdk.transport.rate_limits import read_rate_limit
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "reset", "resets_at"),
    [
        ("60", 60, NOW + 60),
        (" 60 ", 60, NOW + 60),
        ("0", 0, NOW),
        ("1.5", 1.5, NOW + 1.5),
        ("1700000060", 1700000060, 1700000060.0),
        ("1700000060.25", 1700000060.25, 1700000060.25),
        ("1700000060250", 1700000060250, 1700000060.25),
        ("2023-11-14T22:14:20Z", None, 1700000060.0),
        ("2023-11-14T22:14:20.250Z", None, 1700000060.25),
        ("2023-11-14T18:14:20-04:00", None, 1700000060.0),
        ("soon", None, None),
        ("-1", None, None),
        ("NaN", None, None),
        ("1e999", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_every_form_of_the_reset_comes_to_one_meaning_and_its_text_is_kept(
    text: str | None, reset: float | None, resets_at: float | None
) -> None:
    fields = {"x-ratelimit-limit": "200"}
    if text is not None:
        fields["x-ratelimit-reset"] = text
    read = read_rate_limit(fields, NOW)
    assert read == RateLimit(200, None, reset, resets_at, text)
    assert type(read.reset) is type(reset)


@pytest.mark.parametrize(
    ("text", "number"), [("200", 200), ("0", 0), ("2.5", None), ("-3", None), ("many", None)]
)
def test_a_limit_that_cannot_be_read_is_none_and_spoils_nothing_else(
    text: str, number: int | None
) -> None:
    assert read_rate_limit({"x-ratelimit-remaining": text, "x-ratelimit-reset": "7"}, NOW) == (
        RateLimit(None, number, 7, NOW + 7, "7")
    )
    assert read_rate_limit({"x-ratelimit-limit": text}, NOW) == RateLimit(number, None, None)


def test_a_response_with_none_of_the_three_fields_changes_nothing() -> None:
    script = [
        reply(200, {"status": "ok"}, {"X-RateLimit-Limit": "9", "X-RateLimit-Reset": "soon"}),
        reply(200, {"status": "ok"}),
        reply(404, {"error": "gone"}, {"X-RateLimit-Remaining": "3"}),
    ]
    seen: list[RateLimit | None] = []
    with ScriptedServer(script) as server, V2Client(api_key="k" * 8, base_url=server.url) as client:
        seen.append(client.last_rate_limit)
        client.status()
        seen.append(client.last_rate_limit)
        client.status()
        seen.append(client.last_rate_limit)
        with pytest.raises(Exception, match="gone"):
            client.status()
        seen.append(client.last_rate_limit)
    first = RateLimit(9, None, None, None, "soon")
    assert seen == [None, first, first, RateLimit(None, 3, None)]


def test_the_seconds_until_the_reset_are_never_negative_and_none_where_unknown() -> None:
    limit = RateLimit(200, 7, 60, NOW + 60)
    assert limit.seconds_until_reset(NOW + 20) == 40
    assert limit.seconds_until_reset(NOW + 99) == 0
    assert limit.seconds_until_reset() == 0
    in_a_minute = RateLimit(200, 7, 60, time.time() + 60).seconds_until_reset()
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert RateLimit(200, 7, None).seconds_until_reset() is None


def test_of_what_is_sent_twice_the_smaller_count_and_the_later_reset_hold() -> None:
    """An application and the gateway before it may each have a limit of its own."""
    fields = {
        "x-ratelimit-limit": "200, 100",
        "x-ratelimit-remaining": "3, 5",
        "x-ratelimit-reset": "60, 70",
    }
    assert read_rate_limit(fields, NOW) == RateLimit(100, 3, 70, NOW + 70, "60, 70")
