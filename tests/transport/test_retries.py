"""What is tried again, how often, and how long is waited before."""

from __future__ import annotations

import contextlib
import copy
import email.utils
import itertools
import pickle
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tesote_sdk import errors
from tesote_sdk.errors import ConfigError, TesoteError
from tesote_sdk.transport import RetryPolicy
from tests.support.certificates import SELF_SIGNED, client_context, server_context
from tests.support.dead_addresses import black_hole, refused_port
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import cut, hang_up, on_client_hello, reply, reset, silence
from tests.transport.calls import FakeTime, failure_of, scripted, transport_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.steps import Step

OK = reply(200, {"id": "a1"})
LONG = reply(200, {"id": "a" * 1000})


class Call(NamedTuple):
    """A kind of request, as the rules tell them apart."""

    method: str
    idempotency_key: str | None = None


GET = Call("GET")
AUTOMATIC = Call("POST")
CALLERS = Call("POST", "the caller's")


def fails(
    url: str, call: Call, fake: FakeTime | None = None, **options: Any
) -> tuple[TesoteError, FakeTime]:
    """Make a call that fails, and return its error and the time it took."""
    fake = fake or FakeTime()
    with transport_to(url, fake, **options) as transport:
        error = failure_of(
            lambda: transport.request(call.method, "/v2/x", idempotency_key=call.idempotency_key)
        )
    return error, fake


# ---- the table ----


@contextlib.contextmanager
def nobody_listens() -> Iterator[str]:
    with refused_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nobody_answers() -> Iterator[str]:
    with black_hole() as (host, port):
        yield f"http://{host}:{port}"


@contextlib.contextmanager
def unknown_host() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", not_found)
        yield "https://api.example.test"


def not_found(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@contextlib.contextmanager
def bad_certificate() -> Iterator[str]:
    with ScriptedServer([], tls=server_context(SELF_SIGNED)) as server:
        yield server.url


@contextlib.contextmanager
def no_tls() -> Iterator[str]:
    with ScriptedServer([on_client_hello(hang_up())] * 3, tls=server_context()) as server:
        yield server.url


BEFORE = [
    # what it is, where, the error, the attempts of each kind of call
    ("refused", nobody_listens, errors.NetworkError, 3),
    ("no such host", unknown_host, errors.NetworkError, 3),
    ("connect timeout", nobody_answers, errors.TimeoutError, 3),
    ("handshake lost", no_tls, errors.NetworkError, 3),
    ("certificate", bad_certificate, errors.TlsError, 1),
]


@pytest.mark.parametrize(("what", "where", "kind", "attempts"), BEFORE)
@pytest.mark.parametrize("call", [GET, AUTOMATIC, CALLERS])
def test_what_fails_before_anything_was_sent(
    what: str, where: Any, kind: type[TesoteError], attempts: int, call: Call
) -> None:
    with where() as url:
        seconds = 0.02 if kind is errors.TimeoutError else 10
        error, fake = fails(url, call, connect_timeout=seconds, ssl_context=client_context())
    assert type(error) is kind, what
    assert (error.attempts, len(fake.waits)) == (attempts, attempts - 1)
    assert error.outcome_unknown is False
    assert error.error_code in {"NETWORK_ERROR", "TIMEOUT", "TLS_ERROR"}
    if isinstance(error, errors.TimeoutError):
        assert error.phase == "connect"
    assert error.__cause__ is None or isinstance(error.__cause__, (OSError, ssl.SSLError))


AFTER: list[tuple[Step, type[TesoteError], str, str]] = [
    # what the server does, the error, the attempts, and whether the outcome is unknown:
    # for a GET, a write with an automatic key, and one with the caller's
    (hang_up(), errors.NetworkError, "3 3 3", "no yes yes"),
    (reset(), errors.NetworkError, "3 3 3", "no yes yes"),
    (cut(LONG, 12), errors.NetworkError, "3 3 3", "no yes yes"),
    (cut(LONG, -1), errors.NetworkError, "3 3 3", "no yes yes"),
    (cut(LONG, -500, then=reset()), errors.NetworkError, "3 3 3", "no yes yes"),
    (silence(), errors.TimeoutError, "3 1 3", "no yes yes"),
    (cut(LONG, -1, then=silence()), errors.TimeoutError, "3 1 3", "no yes yes"),
    (reply(429), errors.RateLimitExceededError, "3 3 3", "no no no"),
    (reply(502), errors.ServerError, "3 3 3", "no yes yes"),
    (reply(503), errors.ServiceUnavailableError, "3 3 3", "no yes yes"),
    (reply(504), errors.ServerError, "3 3 3", "no yes yes"),
    (cut(reply(503, b"x" * 99), -9), errors.ServiceUnavailableError, "3 3 3", "no yes yes"),
    (reply(500), errors.InternalError, "1 1 1", "no yes yes"),
    (reply(501), errors.ServerError, "1 1 1", "no yes yes"),
    (reply(505), errors.ServerError, "1 1 1", "no yes yes"),
    (reply(400), errors.BadRequestError, "1 1 1", "no no no"),
    (reply(401), errors.UnauthorizedError, "1 1 1", "no no no"),
    (reply(403), errors.ForbiddenError, "1 1 1", "no no no"),
    (reply(404), errors.NotFoundError, "1 1 1", "no no no"),
    (reply(408), errors.ApiError, "1 1 1", "no no no"),
    (reply(409), errors.ConflictError, "1 1 1", "no no no"),
    (reply(410), errors.EndpointRemovedError, "1 1 1", "no no no"),
    (reply(415), errors.UnprocessableContentError, "1 1 1", "no no no"),
    (reply(422), errors.UnprocessableContentError, "1 1 1", "no no no"),
    (reply(425), errors.ApiError, "1 1 1", "no no no"),
    (reply(302), errors.ApiError, "1 1 1", "no no no"),
    (reply(600), errors.ApiError, "1 1 1", "no yes yes"),
]


@pytest.mark.parametrize(
    ("step", "kind", "attempts", "unknown"), AFTER, ids=lambda value: str(value)
)
def test_what_fails_after_the_request_was_sent(
    step: Step, kind: type[TesoteError], attempts: str, unknown: str
) -> None:
    for call, tries, outcome in zip((GET, AUTOMATIC, CALLERS), attempts.split(), unknown.split()):
        with ScriptedServer(itertools.repeat(step)) as server:
            # Short only where it must pass: a busy machine may take long for an answer.
            seconds = 0.02 if kind is errors.TimeoutError else 10
            error, fake = fails(server.url, call, read_timeout=seconds)
            assert type(error) is kind, call
            assert error.attempts == int(tries), call
            assert error.outcome_unknown is (outcome == "yes"), call
            # Full jitter with its longest draws, and no wait after the last attempt.
            assert fake.waits == [0.25, 0.5][: int(tries) - 1], call
            server.wait_for_requests(int(tries))
        assert len({request.raw for request in server.requests}) == 1


@pytest.mark.parametrize("call", [GET, AUTOMATIC, CALLERS])
def test_an_answer_that_is_no_http_is_not_asked_for_again(call: Call) -> None:
    broken = reply(200, b"not gzip", {"Content-Encoding": "gzip"})
    for step in (broken, reply(200, http="9.9"), reply(200, headers={"Content-Length": "a"})):
        with ScriptedServer([step]) as server:
            error, fake = fails(server.url, call)
        assert type(error) is errors.InvalidResponseError
        assert (error.attempts, fake.waits) == (1, [])
        assert error.outcome_unknown is (call is not GET)


def test_a_read_timeout_of_a_write_names_the_key_to_repeat_it_with() -> None:
    with ScriptedServer([silence()]) as server:
        error, _ = fails(server.url, AUTOMATIC, read_timeout=0.05)
        (request,) = server.wait_for_requests(1)
    key = request.headers["idempotency-key"]
    assert error.request_summary
    assert error.request_summary["idempotency_key"] == key
    assert str(error).endswith(
        f"; the write may have been carried out: repeat it with the same idempotency_key {key}"
    )


@pytest.mark.parametrize(
    ("steps", "call", "kind", "unknown"),
    [
        ([hang_up(), reply(400)], AUTOMATIC, errors.BadRequestError, True),
        ([reply(503), reply(422)], AUTOMATIC, errors.UnprocessableContentError, True),
        ([silence(), reply(409)], CALLERS, errors.ConflictError, True),
        ([hang_up(), reply(429), reply(429)], AUTOMATIC, errors.RateLimitExceededError, True),
        ([reply(429), reply(400)], AUTOMATIC, errors.BadRequestError, False),
        ([hang_up(), reply(503), reply(400)], GET, errors.BadRequestError, False),
    ],
)
def test_an_outcome_stays_unknown_whatever_the_last_attempt_says(
    steps: list[Step], call: Call, kind: type[TesoteError], unknown: bool
) -> None:
    patience = 0.3 if any(step.name == "silence" for step in steps) else 10
    with ScriptedServer(steps) as server:
        error, _ = fails(server.url, call, read_timeout=patience)
    assert type(error) is kind
    assert error.attempts == len(steps)
    assert error.outcome_unknown is unknown


def test_an_outcome_stays_unknown_when_the_server_is_gone() -> None:
    server = ScriptedServer([reset()])
    fake = FakeTime()
    with transport_to(server.url, fake, sleep=lambda _: server.close()) as transport:
        error = failure_of(lambda: transport.request("POST", "/v2/x"))
    assert "refused" in error.message
    assert (error.attempts, error.outcome_unknown) == (3, True)


def test_success_after_failures_is_success() -> None:
    fake = FakeTime()
    with scripted([hang_up(), reply(503), OK], fake) as (transport, server):
        assert transport.request("POST", "/v2/x").json == {"id": "a1"}
    assert (len(server.requests), fake.waits) == (3, [0.25, 0.5])


# ---- how long ----


def test_the_wait_is_drawn_from_zero_to_a_ceiling_that_doubles() -> None:
    fake = FakeTime()
    policy = RetryPolicy(max_attempts=9)
    with ScriptedServer(itertools.repeat(reply(503))) as server:
        error, _ = fails(server.url, GET, fake, retry_policy=policy)
    assert error.attempts == 9
    assert fake.draws == [(0.0, ceiling) for ceiling in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)]
    assert fake.waits == [ceiling for _, ceiling in fake.draws]


def test_the_default_draw_is_uniform_between_its_bounds() -> None:
    waits: list[float] = []
    policy = RetryPolicy(max_attempts=201, base_delay=1.0, max_delay=1.0)
    with scripted(
        itertools.repeat(reply(503)), uniform=None, sleep=waits.append, retry_policy=policy
    ) as (transport, _):
        failure_of(lambda: transport.request("GET", "/v2/x"))
    assert len(waits) == 200
    assert 0.0 <= min(waits) < 0.2 < 0.8 < max(waits) <= 1.0


def test_one_attempt_turns_retries_off() -> None:
    with ScriptedServer([reply(503)]) as server:
        error, fake = fails(server.url, GET, retry_policy=RetryPolicy(max_attempts=1))
    assert (error.attempts, fake.waits) == (1, [])


@pytest.mark.parametrize("attempt", [1, 2, 60, 2000, 10**9])
def test_the_ceiling_never_overflows(attempt: int) -> None:
    policy = RetryPolicy(base_delay=1e300, max_delay=1e300)
    assert policy.delay(attempt, None, lambda _, high: high) == 1e300
    assert RetryPolicy(base_delay=0).delay(attempt, None, lambda _, high: high) == 0.0


# ---- what the server asks for ----


def in_seconds(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


WAITS: list[tuple[Any, dict[str, Any], float]] = [
    # the drawn wait, at its longest, comes after the one that is asked for
    ({"Retry-After": "2"}, {}, 2.25),
    ({"Retry-After": "2"}, {"retry_after": 7}, 7.25),
    ({}, {"retry_after": 3}, 3.25),
    ({}, {"retry_after": "3.5"}, 3.75),
    ({"Retry-After": "60"}, {}, 60.25),
    ([("Retry-After", "9"), ("Retry-After", "2")], {"retry_after": 2}, 9.25),
    ({}, {"quota_info": {"reset_at": "20"}}, 20.25),
    # nothing that can be read: the backoff, drawn at its longest
    ({"Retry-After": "soon"}, {}, 0.25),
    ({"Retry-After": "-5"}, {"retry_after": -5}, 0.25),
    ({"Retry-After": "nan"}, {"retry_after": "nan"}, 0.25),
    ({"Retry-After": "inf"}, {"retry_after": True}, 0.25),
    ({"Retry-After": "1e999"}, {"retry_after": [2]}, 0.25),
    ({"Retry-After": ""}, {"retry_after": None}, 0.25),
    ({"Retry-After": "Wed, 99 Foo 2026 25:61:61 GMT"}, {}, 0.25),
    # no wait at all
    ({"Retry-After": "0"}, {}, 0.25),
    ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, {}, 0.25),
]


@pytest.mark.parametrize(("headers", "body", "wait"), WAITS)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_is_at_least_as_long_as_the_server_asks(
    status: int, headers: Any, body: dict[str, Any], wait: float
) -> None:
    fake = FakeTime()
    with scripted([reply(status, body, headers), OK], fake) as (transport, _):
        transport.request("POST", "/v2/x")
    assert fake.waits == [pytest.approx(wait, abs=0.5 if wait == 20.25 else 0)]


def test_a_date_is_a_wait_too() -> None:
    fake = FakeTime()
    with scripted([reply(503, headers={"Retry-After": in_seconds(20)}), OK], fake) as (
        transport,
        _,
    ):
        transport.request("GET", "/v2/x")
    assert 18.0 < fake.waits[0] <= 20.25


@pytest.mark.parametrize("asked", ["60.5", "3600", "1000000000000", "a date"])
@pytest.mark.parametrize("call", [GET, AUTOMATIC])
def test_a_wait_that_is_too_long_is_raised_at_once(asked: str, call: Call) -> None:
    value = in_seconds(3600) if asked == "a date" else asked
    with ScriptedServer([reply(429, headers={"Retry-After": value})]) as server:
        error, fake = fails(server.url, call)
    assert (error.attempts, fake.waits) == (1, [])
    expected = 3600 if asked == "a date" else float(asked)
    assert error.retry_after == pytest.approx(expected, abs=2)
    shown = re.search(r"retry_after (\S+) s", str(error))
    assert shown
    assert float(shown[1]) == pytest.approx(expected, abs=2)


def test_a_longer_wait_can_be_allowed() -> None:
    fake = FakeTime()
    with scripted(
        [reply(429, headers={"Retry-After": "100"}), OK],
        fake,
        retry_policy=RetryPolicy(max_retry_after=100),
    ) as (transport, _):
        transport.request("GET", "/v2/x")
    assert fake.waits == [100.25]


def test_a_wait_that_outlasts_the_call_is_raised_at_once() -> None:
    with ScriptedServer([reply(503, headers={"Retry-After": "30"})]) as server:
        error, fake = fails(server.url, GET, total_timeout=30.0)
    assert type(error) is errors.ServiceUnavailableError
    assert (error.attempts, error.retry_after, fake.waits) == (1, 30.0, [])


def test_a_call_that_has_no_time_left_raises_its_last_attempts_error() -> None:
    with ScriptedServer(itertools.repeat(reply(503, headers={"Retry-After": "6"}))) as server:
        error, fake = fails(server.url, GET, total_timeout=10.0)
    assert type(error) is errors.ServiceUnavailableError
    assert (error.attempts, fake.waits) == (2, [6.25])
    with ScriptedServer([reply(503)]) as server:
        policy = RetryPolicy(base_delay=20, max_delay=20)
        error, fake = fails(server.url, GET, total_timeout=10.0, retry_policy=policy)
    assert (error.attempts, fake.waits) == (1, [])


# ---- the policy itself ----


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("max_attempts", value) for value in (0, -1, 1.5, 3.0, True, "3", None)],
        *[
            (name, value)
            for name in ("base_delay", "max_delay", "max_retry_after")
            for value in (-0.1, float("nan"), float("inf"), True, "1", None, 10**400)
        ],
    ],
    ids=lambda value: str(value)[:20],
)
def test_nonsense_is_refused(name: str, value: Any) -> None:
    rule = "whole number of at least 1" if name == "max_attempts" else "number of seconds from 0"
    with pytest.raises(ConfigError, match=f"^{name} must be a {rule}, not "):
        RetryPolicy(**{name: value})


def test_the_defaults_are_as_documented() -> None:
    assert repr(RetryPolicy()) == (
        "RetryPolicy(max_attempts=3, base_delay=0.25, max_delay=8.0, max_retry_after=60.0)"
    )


def test_a_policy_is_an_immutable_value() -> None:
    policy = RetryPolicy(max_attempts=5)
    for name in ("max_attempts", "another"):
        with pytest.raises(AttributeError):
            setattr(policy, name, 7)
    for copied in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert copied == policy
        assert type(copied) is RetryPolicy
    assert hash(policy) == hash(RetryPolicy(5))
    assert policy != RetryPolicy()
