"""Names: how the resolver is called, how long it is waited for, and who gets what it finds."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from tesote_sdk import ConfigError, NetworkError, TimeoutError
from tesote_sdk.transport import resolving
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.resolving import forget, resolve
from tesote_sdk.transport.timeouts import Deadline
from tests.support.scripted_server import ScriptedServer

API = Origin("https", "api.example.test", 443)
LONG = 5.0


def entry(host: str, port: int = 443) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))


class Resolver:
    """In the place of `socket.getaddrinfo`: answers when it is told to, and counts its calls."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, *args: Any) -> Any:
        self.calls.append(args)
        self.asked.set()
        assert self.may_answer.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    replaced = Resolver([entry("192.0.2.1")])
    monkeypatch.setattr(socket, "getaddrinfo", replaced)
    return replaced


def look_up(origin: Origin = API, seconds: float = LONG, phase: Any = "connect") -> list[Any]:
    return resolve(origin, Deadline(time.monotonic, seconds, phase))


def give_up(origin: Origin = API) -> None:
    with pytest.raises(TimeoutError):
        look_up(origin, 0.02)


def found(resolver: Resolver) -> None:
    """Let the resolver answer, when nobody waits for it any more."""
    (lookup,) = (lookup for lookup in resolving._lookups.values() if not lookup.done)
    resolver.may_answer.set()
    assert lookup.wait(Deadline(time.monotonic, LONG, "connect"))


# ---- how it is called ----


def old_names(genuine: Callable[..., Any]) -> Callable[..., Any]:
    """The parameters' names before Python 3.2, and in eventlet for long."""

    def lookup(
        host: Any, port: Any, family: int = 0, socktype: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        return genuine(host, port, family, socktype, proto, flags)

    return lookup


def by_position(genuine: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: genuine(*args)


def pinned(genuine: Callable[..., Any]) -> Callable[..., Any]:
    """A table of names, which is asked for a str."""
    table = {"bank-gateway.internal": "127.0.0.1"}

    def lookup(host: str, *args: Any, **options: Any) -> Any:
        return genuine(table.get(host, "192.0.2.1"), *args, **options)

    return lookup


@pytest.mark.parametrize("replace", [old_names, by_position, pinned])
def test_resolvers_that_programs_put_in_its_place(
    replace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", replace(socket.getaddrinfo))
    with ScriptedServer([]) as server:
        host = "bank-gateway.internal" if replace is pinned else "localhost"
        addresses = [found[4] for found in look_up(Origin("http", host, server.address[1]))]
        assert server.address in addresses


@pytest.mark.parametrize("host", ["api.example.test", "192.0.2.1", "2001:db8::1"])
def test_called_as_the_standard_library_calls_it(host: str, resolver: Resolver) -> None:
    look_up(Origin("https", host, 443))
    assert resolver.calls == [(host, 443, 0, socket.SOCK_STREAM)]


def test_an_address_needs_no_thread(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    assert look_up(Origin("https", "192.0.2.1", 443)) == resolver.answer


# ---- what it ends with ----


@pytest.mark.parametrize(
    "failure",
    [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long"), OSError("?")],
)
def test_failure(failure: Exception, resolver: Resolver) -> None:
    resolver.answer = failure
    with pytest.raises(NetworkError, match=r"api\.example\.test cannot be found") as caught:
        look_up()
    assert caught.value.__cause__ is failure


def test_no_address_at_all(resolver: Resolver) -> None:
    resolver.answer = []
    with pytest.raises(NetworkError, match="no address"):
        look_up()


def test_what_a_test_guard_raises_reaches_the_test(resolver: Resolver) -> None:
    """Such as pytest-socket's: no failure of the network, and not to be taken for one."""
    resolver.answer = RuntimeError("A test tried to use socket.getaddrinfo.")
    with pytest.raises(RuntimeError, match="A test tried"):
        look_up()


def test_timeout_names_the_phase_of_the_deadline(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    with pytest.raises(TimeoutError, match=r"looking up api\.example\.test") as caught:
        look_up(seconds=0.02, phase="total")
    assert caught.value.phase == "total"
    resolver.may_answer.set()


def test_localhost_that_leads_elsewhere(resolver: Resolver) -> None:
    resolver.answer = [entry("203.0.113.5"), entry("2001:db8::1")]
    for host in ("localhost", "api.localhost", "localhost."):
        with pytest.raises(ConfigError, match=r"leads to 203\.0\.113\.5"):
            look_up(Origin("http", host, 80))
        # Over TLS the certificate tells.
        assert look_up(Origin("https", host, 443)) == resolver.answer


def test_localhost_that_leads_here_and_elsewhere(resolver: Resolver) -> None:
    here = [entry("::1"), entry("127.0.0.1")]
    resolver.answer = [entry("203.0.113.5"), *here]
    assert look_up(Origin("http", "localhost", 80)) == here


# ---- lookups that are shared ----


def test_the_next_attempt_takes_what_a_slow_resolver_has_found_since(resolver: Resolver) -> None:
    """Where the first of two name servers is silent, each lookup outlasts the connect timeout."""
    resolver.may_answer.clear()
    give_up()
    found(resolver)
    assert look_up() == resolver.answer
    assert len(resolver.calls) == 1


def test_the_next_attempt_joins_a_lookup_under_way(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    give_up()
    give_up()
    with ThreadPoolExecutor(4) as pool:
        joined = [pool.submit(look_up) for _ in range(4)]
        resolver.may_answer.set()
        assert [outcome.result() for outcome in joined] == [resolver.answer] * 4
    assert len(resolver.calls) == 1


def test_hosts_and_ports_have_lookups_of_their_own(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    for origin in (API, API.replace(port=8443), API.replace(host="other.example.test")):
        resolver.asked.clear()
        give_up(origin)
        assert resolver.asked.wait(LONG)
    resolver.may_answer.set()
    assert len(resolver.calls) == 3


def test_an_answer_that_was_waited_for_is_not_kept(resolver: Resolver) -> None:
    look_up()
    resolver.answer = [entry("192.0.2.2")]
    assert look_up() == resolver.answer
    assert len(resolver.calls) == 2


def test_a_found_answer_is_kept_for_a_minute(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(resolving, "time", SimpleNamespace(monotonic=lambda: now))
    resolver.may_answer.clear()
    give_up()
    now += 10
    found(resolver)
    now += 59.9
    look_up()
    look_up()
    assert len(resolver.calls) == 1
    now += 0.1
    look_up()
    assert len(resolver.calls) == 2


def test_who_waits_for_an_answer_never_sees_it_with_the_age_of_its_question(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(resolving, "time", SimpleNamespace(monotonic=lambda: now))
    resolver.may_answer.clear()
    give_up()
    (lookup,) = (lookup for lookup in resolving._lookups.values() if not lookup.done)
    since: list[float] = []
    rung = threading.Event()

    def ring() -> None:
        since.append(lookup._since)
        rung.set()

    monkeypatch.setattr(lookup._end, "ring", ring)
    now += 10
    resolver.may_answer.set()
    assert rung.wait(LONG)
    assert since == [1010.0]


def test_an_answer_whose_addresses_are_dead_is_dropped(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    give_up()
    found(resolver)
    forget(API)
    look_up()
    assert len(resolver.calls) == 2


def test_a_failure_is_not_kept(resolver: Resolver) -> None:
    resolver.answer = socket.gaierror(socket.EAI_AGAIN, "try again")
    resolver.may_answer.clear()
    give_up()
    found(resolver)
    resolver.answer = [entry("192.0.2.1")]
    assert look_up() == resolver.answer


def test_a_lookup_that_is_stuck_for_good_is_not_joined_for_ever(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(resolving, "time", SimpleNamespace(monotonic=lambda: now))
    resolver.may_answer.clear()
    give_up()
    assert resolver.asked.wait(LONG)
    now += 29.9
    give_up()
    assert len(resolver.calls) == 1
    resolver.asked.clear()
    now += 0.1
    give_up()
    assert resolver.asked.wait(LONG)
    assert len(resolver.calls) == 2
    resolver.may_answer.set()


def test_another_resolver_starts_afresh(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver.may_answer.clear()
    give_up()
    second = Resolver([entry("192.0.2.7")])
    monkeypatch.setattr(socket, "getaddrinfo", second)
    assert look_up() == second.answer
    resolver.may_answer.set()


def test_a_forked_child_starts_afresh(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that looks up is its parent's; known by the pid, whoever forked."""
    resolver.may_answer.clear()
    give_up()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    resolver.may_answer.set()
    look_up()
    assert len(resolver.calls) == 2


def test_an_interrupt_before_the_lookup_began_leaves_nothing_to_join(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            look_up()
    assert look_up() == resolver.answer
